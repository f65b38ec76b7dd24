//! Clients that speak protobuf, and what they and the others hear of each other.

use serde_json::{Value, json};
use webpubsub_edge::protocol::protobuf::{Data, DataMessage, Downstream, Upstream};
use webpubsub_edge_emulator::SocketId;

use crate::world::{Event, JSON, PROTOBUF, PROTOBUF_RELIABLE, World};

const ALL_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/// An encoded `Any` of the type `t` with one byte.
const ANY: [u8; 6] = [0x0a, 1, b't', 0x12, 1, 7];

fn send(world: &mut World, socket: SocketId, message: &Upstream<'_>) {
    world.binary(socket, &message.encode());
}

fn publish<'a>(group: &'a str, data: Data<'a>, ack_id: Option<u64>) -> Upstream<'a> {
    let (no_echo, ttl_seconds, metadata, stream) = (false, None, vec![], None);
    Upstream::SendToGroup { group, ack_id, data: Some(data), no_echo, ttl_seconds, metadata, stream }
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
    frames.iter().map(|frame| Downstream::decode(frame).unwrap().unwrap()).collect()
}

fn message<'a>(from: &'a str, group: Option<&'a str>, data: Data<'a>) -> DataMessage<'a> {
    DataMessage { from, group, data: Some(data), metadata: vec![], stream: None }
}

#[test]
fn a_client_is_told_who_it_is() {
    let mut world = World::new();
    for (protocol, user, token) in [(PROTOBUF, "", None), (PROTOBUF_RELIABLE, "ann", Some("reconnection token"))] {
        let socket = world.connect(protocol, json!({ "sub": user }));
        let seen = frames(&mut world, socket);
        let [Downstream::Connected { connection_id, user_id, reconnection_token }] = decoded(&seen)[..] else {
            panic!("{:?}", decoded(&seen))
        };
        assert_eq!((connection_id.len(), user_id), (32, user));
        assert_eq!(reconnection_token.is_some(), token.is_some(), "{protocol}");
    }
}

#[test]
fn every_command_works() {
    let mut world = World::new();
    let socket = world.connect(PROTOBUF, json!({ "sub": "ann", "role": ALL_ROLES }));
    world.seen(socket);
    let done = |ack_id| Downstream::Ack { ack_id, success: true, error: None };
    send(&mut world, socket, &Upstream::JoinGroup { group: "g", ack_id: Some(0) });
    send(&mut world, socket, &publish("g", Data::Text(""), Some(u64::MAX)));
    send(&mut world, socket, &Upstream::LeaveGroup { group: "g", ack_id: Some(2) });
    send(&mut world, socket, &publish("g", Data::Text("nobody is there"), None));
    send(&mut world, socket, &Upstream::Ping);
    let seen = frames(&mut world, socket);
    let echo = Downstream::Data(message("group", Some("g"), Data::Text("")), None);
    assert_eq!(decoded(&seen), [done(0), echo, done(u64::MAX), done(2), Downstream::Pong]);

    send(&mut world, socket, &Upstream::JoinGroup { group: "g", ack_id: Some(2) });
    let event =
        Upstream::Event { event: "save", data: Some(Data::Json("1")), ack_id: Some(3), metadata: vec![], stream: None };
    send(&mut world, socket, &event);
    let seen = frames(&mut world, socket);
    let names: Vec<&str> = decoded(&seen)
        .iter()
        .map(|frame| match frame {
            Downstream::Ack { success: false, error: Some(error), .. } => error.name,
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
    send(&mut world, socket, &publish("g", Data::Text("x"), Some(1)));
    let seen = frames(&mut world, socket);
    let Downstream::Ack { ack_id: 1, success: false, error: Some(error) } = decoded(&seen)[0] else { panic!() };
    let message = "The client does not have permission to send messages to group 'g'.";
    assert_eq!((error.name, error.message), ("Forbidden", message));
}

#[test]
fn every_kind_of_data_reaches_every_kind_of_client() {
    let mut world = World::new();
    let claims = json!({ "role": ALL_ROLES, "webpubsub.group": "g" });
    let [json_client, protobuf_client, simple] =
        [JSON, PROTOBUF, ""].map(|protocol| world.connect(protocol, claims.clone()));
    for (data, in_json, bare) in [
        (Data::Text("hé"), json!(["text", "hé"]), Event::Text("hé".to_owned())),
        (Data::Json(r#"{"a": 1}"#), json!(["json", { "a": 1 }]), Event::Text(r#"{"a": 1}"#.to_owned())),
        (Data::Binary(&[1, 2]), json!(["binary", "AQI="]), Event::Binary(vec![1, 2])),
        (Data::Any(&ANY), json!(["protobuf", "CgF0EgEH"]), Event::Binary(ANY.to_vec())),
    ] {
        for socket in [json_client, protobuf_client, simple] {
            world.seen(socket);
        }
        send(&mut world, protobuf_client, &publish("g", data, None));
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
        let compact = Data::Json(r#"{"a":1}"#);
        let expected = if matches!(data, Data::Json(_)) { compact } else { data };
        assert_eq!(decoded(&again), [Downstream::Data(message("group", Some("g"), expected), None)]);
        assert_eq!(decoded(&echo), [Downstream::Data(message("group", Some("g"), data), None)]);
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
    assert_eq!(decoded(&seen), [Downstream::Data(message("server", None, Data::Any(&ANY)), None)]);
    assert_eq!(world.frames(json_client)[0]["dataType"], "protobuf");
    assert_eq!(world.post("/api/hubs/chat/:send", "application/x-protobuf", b"x").status, 400);
}

#[test]
fn a_reliable_client_comes_back_and_misses_nothing() {
    let mut world = World::new();
    let claims = json!({ "role": ALL_ROLES, "webpubsub.group": "g" });
    let first = world.connect(PROTOBUF_RELIABLE, claims);
    let seen = frames(&mut world, first);
    let [Downstream::Connected { connection_id, reconnection_token: Some(token), .. }] = decoded(&seen)[..] else {
        panic!()
    };
    for data in ["1", "2", "3"] {
        world.post("/api/hubs/chat/groups/g/:send", "text/plain", data.as_bytes());
    }
    let seen = frames(&mut world, first);
    let numbered = |data, id| Downstream::Data(message("group", Some("g"), Data::Text(data)), Some(id));
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
    let not_json = publish("g", Data::Json("{"), None).encode();
    let no_group = publish(" ", Data::Text("x"), None).encode();
    let no_data = Upstream::SendToGroup {
        group: "g",
        ack_id: None,
        data: None,
        no_echo: false,
        ttl_seconds: None,
        metadata: vec![],
        stream: None,
    };
    let long_ttl = Upstream::SendToGroup {
        group: "g",
        ack_id: None,
        data: Some(Data::Text("x")),
        no_echo: false,
        ttl_seconds: Some(301),
        metadata: vec![],
        stream: None,
    };
    let data = Some(Data::Text("x"));
    let unnumbered = Upstream::StreamData { stream_id: "s", stream_sequence_id: None, data };
    for (frame, code) in [
        (&[][..], 1007),
        (&[0xff], 1007),
        (&[0x62, 0], 1007),
        (&any, 1007),
        (&not_json, 1007),
        (&no_group, 1007),
        (&no_data.encode(), 1007),
        (&long_ttl.encode(), 1007),
        (&unnumbered.encode(), 1007),
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
    assert!(matches!(Downstream::decode(frame), Ok(Some(Downstream::Disconnected { reason: told })) if told == reason));
    assert_eq!(*closed, code, "{reason}");
}
