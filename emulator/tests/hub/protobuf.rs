//! Clients that speak protobuf, and what they and the others hear of each other.

use serde_json::{Value, json};
use webpubsub_edge::protocol::{DataMessage, Downstream, Payload, Sender, Upstream};
use webpubsub_edge_emulator::SocketId;

use crate::world::{Event, JSON, PROTOBUF, PROTOBUF_RELIABLE, World};

const ALL_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/// An encoded `Any` of the type `t` with one byte.
const ANY: [u8; 6] = [0x0a, 1, b't', 0x12, 1, 7];

fn send(world: &mut World, socket: SocketId, message: &Upstream<'_>) {
    world.binary(socket, &message.to_protobuf());
}

fn publish<'a>(group: &'a str, payload: Payload<'a>, ack_id: Option<u64>) -> Upstream<'a> {
    let (group, no_echo, ttl_seconds, metadata) = (group.into(), false, None, vec![]);
    Upstream::SendToGroup { group, ack_id, payload, no_echo, ttl_seconds, metadata }
}

/// The frames that a socket saw, where only binary ones are expected.
fn frames(world: &mut World, socket: SocketId) -> Vec<Vec<u8>> {
    let frame = |event| match event {
        Event::Binary(bytes) => Some(bytes),
        Event::Accepted(_) => None,
        other => panic!("{other:?}"),
    };
    world.seen(socket).into_iter().filter_map(frame).collect()
}

fn decoded(frames: &[Vec<u8>]) -> Vec<Downstream<'_>> {
    frames.iter().map(|frame| Downstream::from_protobuf(frame).unwrap().unwrap()).collect()
}

fn message<'a>(group: Option<&'a str>, payload: Payload<'a>, sequence_id: Option<u64>) -> Downstream<'a> {
    let from = group.map_or(Sender::Server, |group| Sender::Group { group: group.into(), user_id: None });
    Downstream::Message(DataMessage { from, payload, metadata: vec![], stream: None, sequence_id })
}

#[test]
fn a_client_is_told_who_it_is() {
    let mut world = World::new();
    for (protocol, user, is_reliable) in [(PROTOBUF, "", false), (PROTOBUF_RELIABLE, "ann", true)] {
        let socket = world.connect(protocol, json!({ "sub": user }));
        let seen = frames(&mut world, socket);
        let decoded = decoded(&seen);
        let [Downstream::Connected { connection_id, user_id, reconnection_token }] = &decoded[..] else {
            panic!("{decoded:?}")
        };
        assert_eq!(connection_id.as_ref().map(|id| id.len()), Some(32));
        assert_eq!(user_id.as_deref().unwrap_or_default(), user);
        assert_eq!(reconnection_token.is_some(), is_reliable, "{protocol}");
    }
}

#[test]
fn every_command_works() {
    let mut world = World::new();
    let socket = world.connect(PROTOBUF, json!({ "sub": "ann", "role": ALL_ROLES }));
    world.seen(socket);
    let done = |ack_id| Downstream::Ack { ack_id, result: Ok(()) };
    send(&mut world, socket, &Upstream::JoinGroup { group: "g".into(), ack_id: Some(0) });
    send(&mut world, socket, &publish("g", Payload::Text("".into()), Some(u64::MAX)));
    send(&mut world, socket, &Upstream::LeaveGroup { group: "g".into(), ack_id: Some(2) });
    send(&mut world, socket, &publish("g", Payload::Text("nobody is there".into()), None));
    send(&mut world, socket, &Upstream::Ping);
    let seen = frames(&mut world, socket);
    let echo = message(Some("g"), Payload::Text("".into()), None);
    assert_eq!(decoded(&seen), [done(0), echo, done(u64::MAX), done(2), Downstream::Pong]);

    send(&mut world, socket, &Upstream::JoinGroup { group: "g".into(), ack_id: Some(2) });
    let (ack_id, payload) = (Some(3), Payload::Json("1".into()));
    let event = Upstream::Event { event: "save".into(), ack_id, payload, metadata: vec![] };
    send(&mut world, socket, &event);
    let seen = frames(&mut world, socket);
    let names: Vec<_> = decoded(&seen)
        .into_iter()
        .map(|frame| match frame {
            Downstream::Ack { result: Err(error), .. } => error.name,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["Duplicate", "InternalServerError"]);
}

#[test]
fn what_no_role_allows_is_forbidden() {
    let mut world = World::new();
    let socket = world.connect(PROTOBUF, json!({}));
    world.seen(socket);
    send(&mut world, socket, &publish("g", Payload::Text("x".into()), Some(1)));
    let seen = frames(&mut world, socket);
    let Downstream::Ack { ack_id: 1, result: Err(error) } = decoded(&seen).remove(0) else { panic!() };
    let message = "The client does not have permission to send messages to group 'g'.";
    assert_eq!((error.name.as_ref(), error.message.as_ref()), ("Forbidden", message));
}

#[test]
fn every_kind_of_data_reaches_every_kind_of_client() {
    let mut world = World::new();
    let claims = json!({ "role": ALL_ROLES, "webpubsub.group": "g" });
    let [json_client, protobuf_client, simple] =
        [JSON, PROTOBUF, ""].map(|protocol| world.connect(protocol, claims.clone()));
    for (payload, in_json, bare) in [
        (Payload::Text("hé".into()), json!(["text", "hé"]), Event::Text("hé".to_owned())),
        (Payload::Json(r#"{"a": 1}"#.into()), json!(["json", { "a": 1 }]), Event::Text(r#"{"a": 1}"#.to_owned())),
        (Payload::Binary((&[1, 2]).into()), json!(["binary", "AQI="]), Event::Binary(vec![1, 2])),
        (Payload::Protobuf((&ANY).into()), json!(["protobuf", "CgF0EgEH"]), Event::Binary(ANY.to_vec())),
    ] {
        for socket in [json_client, protobuf_client, simple] {
            world.seen(socket);
        }
        send(&mut world, protobuf_client, &publish("g", payload.clone(), None));
        let frame = world.frames(json_client).remove(0);
        assert_eq!(json!([frame["dataType"], frame["data"]]), in_json);
        assert_eq!(frame["fromUserId"], Value::Null);
        assert_eq!(world.seen(simple), std::slice::from_ref(&bare));
        let echo = frames(&mut world, protobuf_client);

        // The same from a JSON client.
        world.send(
            json_client,
            json!({ "type": "sendToGroup", "group": "g", "dataType": in_json[0], "data": in_json[1] }),
        );
        let again = frames(&mut world, protobuf_client);
        let compact = Payload::Json(r#"{"a":1}"#.into());
        let expected = if matches!(payload, Payload::Json(_)) { compact } else { payload.clone() };
        assert_eq!(decoded(&again), [message(Some("g"), expected, None)]);
        assert_eq!(decoded(&echo), [message(Some("g"), payload, None)]);
    }
}

#[test]
fn rest_sends_any_too() {
    let mut world = World::new();
    let socket = world.connect(PROTOBUF, json!({}));
    let json_client = world.connect(JSON, json!({}));
    world.seen(socket);
    world.seen(json_client);
    assert_eq!(world.post("/api/hubs/chat/:send", "application/x-protobuf", &ANY).status, 202);
    let seen = frames(&mut world, socket);
    assert_eq!(decoded(&seen), [message(None, Payload::Protobuf((&ANY).into()), None)]);
    assert_eq!(world.frames(json_client)[0]["dataType"], "protobuf");
    assert_eq!(world.post("/api/hubs/chat/:send", "application/x-protobuf", b"x").status, 400);
}

#[test]
fn a_reliable_client_comes_back_and_misses_nothing() {
    let mut world = World::new();
    let claims = json!({ "role": ALL_ROLES, "webpubsub.group": "g" });
    let first = world.connect(PROTOBUF_RELIABLE, claims);
    let seen = frames(&mut world, first);
    let Downstream::Connected { connection_id: Some(connection_id), reconnection_token: Some(token), .. } =
        decoded(&seen).remove(0)
    else {
        panic!()
    };
    for data in ["1", "2", "3"] {
        world.post("/api/hubs/chat/groups/g/:send", "text/plain", data.as_bytes());
    }
    let seen = frames(&mut world, first);
    let numbered = |data: &'static str, id| message(Some("g"), Payload::Text(data.into()), Some(id));
    assert_eq!(decoded(&seen), [numbered("1", 1), numbered("2", 2), numbered("3", 3)]);
    send(&mut world, first, &Upstream::SequenceAck { sequence_id: 2 });
    world.close(first, 1006);
    world.post("/api/hubs/chat/groups/g/:send", "text/plain", b"4");

    let query = format!("awps_connection_id={connection_id}&awps_reconnection_token={token}");
    let second = world.upgrade(&format!("/client/hubs/chat?{query}"), PROTOBUF_RELIABLE).unwrap();
    let seen = frames(&mut world, second);
    assert_eq!(decoded(&seen), [numbered("3", 3), numbered("4", 4)]);
}

#[test]
fn clients_that_came_together_share_one_frame() {
    let mut world = World::new();
    let claims = json!({ "webpubsub.group": "g" });
    for _ in 0..50 {
        world.connect(PROTOBUF_RELIABLE, claims.clone());
    }
    world.post("/api/hubs/chat/groups/g/:send", "text/plain", b"x");
    assert_eq!(world.sends, 1, "one action for them all");
    world.connect(PROTOBUF_RELIABLE, claims);
    world.post("/api/hubs/chat/groups/g/:send", "text/plain", b"x");
    assert_eq!(world.sends, 2, "the new one counts from one");
}

#[test]
fn a_wrong_frame_ends_the_connection() {
    let mut world = World::new();
    let any = [0x0a, 4, 0x1a, 2, 0x1a, 0];
    let not_json = publish("g", Payload::Json("{".into()), None).to_protobuf();
    let no_group = publish(" ", Payload::Text("x".into()), None).to_protobuf();
    let no_data = [0x0a, 3, 0x0a, 1, b'g'];
    let long_ttl = Upstream::SendToGroup {
        group: "g".into(),
        ack_id: None,
        payload: Payload::Text("x".into()),
        no_echo: false,
        ttl_seconds: Some(301),
        metadata: vec![],
    };
    let unnumbered = [0x6a, 8, 0x0a, 1, b's', 0x1a, 3, 0x0a, 1, b'x'];
    for (frame, code) in [
        (&[][..], 1007),
        (&[0xff], 1007),
        (&[0x62, 0], 1007),
        (&any, 1007),
        (&not_json, 1007),
        (&no_group, 1007),
        (&no_data, 1007),
        (&long_ttl.to_protobuf(), 1007),
        (&unnumbered, 1007),
        (&vec![0; 1024 * 1024 + 1], 1009),
    ] {
        let socket = world.connect(PROTOBUF, json!({ "role": ALL_ROLES }));
        world.seen(socket);
        world.binary(socket, frame);
        assert_ended(&mut world, socket, code);
    }
    let socket = world.connect(PROTOBUF, json!({}));
    world.seen(socket);
    world.text(socket, r#"{"type":"ping"}"#);
    assert_ended(&mut world, socket, 1003);
}

fn assert_ended(world: &mut World, socket: SocketId, code: u16) {
    let seen = world.seen(socket);
    let [Event::Binary(frame), Event::Closed(closed, reason)] = &seen[..] else { panic!("{seen:?}") };
    assert!(
        matches!(Downstream::from_protobuf(frame), Ok(Some(Downstream::Disconnected { message })) if message == *reason)
    );
    assert_eq!(*closed, code, "{reason}");
}
