//! Streams to a group: client-spec section 3.6.

use serde_json::{Value, json};
use webpubsub_edge::protocol::{Downstream, Payload, Upstream};
use webpubsub_edge_emulator::SocketId;

use crate::world::{Event, JSON, PROTOBUF, RELIABLE, World};

/// A publisher, and a reader that is in the group.
fn world() -> (World, SocketId, SocketId) {
    let mut world = World::without_pings();
    let publisher = world.connect(RELIABLE, json!({ "sub": "ann", "role": "webpubsub.sendToGroup.g" }));
    let reader = world.connect(JSON, json!({ "webpubsub.group": "g" }));
    world.seen(publisher);
    world.seen(reader);
    (world, publisher, reader)
}

fn start(world: &mut World, publisher: SocketId) {
    let stream = json!({ "streamId": "S", "idleTimeoutMs": 1000 });
    world.send(publisher, json!({ "type": "sendToGroup", "group": "g", "noEcho": false, "stream": stream }));
}

fn part(world: &mut World, publisher: SocketId, sequence_id: u64, data: &str) {
    let frame = json!({
        "type": "streamData", "streamId": "S", "streamSequenceId": sequence_id, "dataType": "text", "data": data,
    });
    world.send(publisher, frame);
}

fn acked(expected: u64) -> Value {
    json!({ "type": "streamAck", "streamId": "S", "expectedSequenceId": expected })
}

#[test]
fn parts_are_published_in_order_and_acknowledged() {
    let (mut world, publisher, reader) = world();
    start(&mut world, publisher);
    part(&mut world, publisher, 1, "a");
    part(&mut world, publisher, 3, "c");
    part(&mut world, publisher, 1, "a");
    part(&mut world, publisher, 2, "b");
    let mut frames = world.frames(publisher);
    let nack = frames.remove(2);
    assert_eq!((&nack["type"], &nack["name"]), (&json!("streamNack"), &json!("InvalidSequenceId")));
    assert_eq!(nack["expectedSequenceId"], 2);
    assert_eq!(frames, [acked(1), acked(2), acked(2), acked(3)]);
    world.send(publisher, json!({ "type": "streamEnd", "streamId": "S" }));
    assert_eq!(world.frames(publisher), [json!({ "type": "streamClosed", "streamId": "S" })]);
    let message = |data: &str, stream| {
        json!({
            "type": "message", "from": "group", "group": "g", "fromUserId": "ann",
            "dataType": "text", "data": data, "stream": stream,
        })
    };
    let numbered = |nth| json!({ "streamId": "S", "streamSequenceId": nth });
    let end = json!({ "streamId": "S", "streamSequenceId": 3, "endOfStream": true });
    assert_eq!(world.frames(reader), [message("a", numbered(1)), message("b", numbered(2)), message("", end)]);
    // The id is free again.
    start(&mut world, publisher);
    assert_eq!(world.frames(publisher), [acked(1)]);
}

#[test]
fn an_end_may_tell_an_error() {
    let (mut world, publisher, reader) = world();
    start(&mut world, publisher);
    world.send(
        publisher,
        json!({ "type": "streamEnd", "streamId": "S", "error": { "message": "m", "userErrorCode": "E1" } }),
    );
    let error = json!({ "name": "UserError", "message": "m", "userErrorCode": "E1" });
    assert_eq!(world.frames(reader)[0]["stream"]["error"], error);
    assert_eq!(world.frames(publisher)[1], json!({ "type": "streamClosed", "streamId": "S" }));
}

#[test]
fn a_stream_that_is_idle_is_closed_for_both_sides() {
    let (mut world, publisher, reader) = world();
    start(&mut world, publisher);
    world.pass(999);
    world.send(publisher, json!({ "type": "streamData", "streamId": "S" }));
    world.pass(999);
    world.seen(publisher);
    assert_eq!(world.service.wake_at(), Some(world.now + 1));
    world.pass(1);
    assert_eq!(world.frames(publisher)[0]["error"]["name"], "IdleTimeout");
    let end = &world.frames(reader)[0]["stream"];
    assert_eq!((&end["error"]["name"], &end["endOfStream"]), (&json!("IdleTimeout"), &json!(true)));
    part(&mut world, publisher, 1, "late");
    assert_eq!(world.frames(publisher)[0]["error"]["name"], "StreamNotFound");
    assert_eq!(world.service.wake_at(), None);
}

#[test]
fn a_stream_outlives_its_socket_but_not_its_connection() {
    let (mut world, _, reader) = world();
    let publisher = world.connect(RELIABLE, json!({ "role": "webpubsub.sendToGroup" }));
    let connected = world.frames(publisher).remove(0);
    start(&mut world, publisher);
    part(&mut world, publisher, 1, "a");
    world.close(publisher, 1006);
    let text = |name: &str| connected[name].as_str().unwrap().to_owned();
    let query =
        format!("awps_connection_id={}&awps_reconnection_token={}", text("connectionId"), text("reconnectionToken"));
    let publisher = world.upgrade(&format!("/client/hubs/chat?{query}"), RELIABLE).unwrap();
    world.seen(publisher);
    // What was not acknowledged comes again, the start too.
    start(&mut world, publisher);
    part(&mut world, publisher, 1, "a");
    part(&mut world, publisher, 2, "b");
    assert_eq!(world.frames(publisher), [acked(2), acked(2), acked(3)]);
    let data: Vec<Value> = world.frames(reader).iter().map(|frame| frame["data"].clone()).collect();
    assert_eq!(data, ["a", "b"]);
    world.close(publisher, 1000);
    let end = &world.frames(reader)[0]["stream"];
    assert_eq!((&end["streamSequenceId"], &end["error"]["name"]), (&json!(3), &json!("Cancelled")));
    assert_eq!(world.service.wake_at(), None);
}

#[test]
fn readers_are_told_when_the_publisher_is_cut() {
    for fault in [json!({ "type": "cut", "userId": "zoe" }), json!({ "type": "cutOnFrame", "userId": "zoe" })] {
        let (mut world, _, reader) = world();
        let publisher = world.connect(JSON, json!({ "sub": "zoe", "role": "webpubsub.sendToGroup" }));
        start(&mut world, publisher);
        world.break_it(fault);
        world.send(publisher, json!({ "type": "ping" }));
        let frames = world.frames(reader);
        assert_eq!((frames.len(), &frames[0]["stream"]["error"]["name"]), (1, &json!("Cancelled")));
    }
}

#[test]
fn a_stream_needs_the_role_and_an_id() {
    let (mut world, publisher, reader) = world();
    let begin = |group: &str, stream: Value| json!({ "type": "sendToGroup", "group": group, "stream": stream });
    for (frame, name) in [
        (begin("other", json!({ "streamId": "S" })), "Forbidden"),
        (begin("g", json!({ "streamId": "" })), "BadRequest"),
        (begin("g", json!({ "streamId": "S", "idleTimeoutMs": 0 })), "BadRequest"),
        (json!({ "type": "streamEnd", "streamId": "S" }), "StreamNotFound"),
        (json!({ "type": "streamData", "streamId": "S" }), "StreamNotFound"),
    ] {
        world.send(publisher, frame.clone());
        assert_eq!(world.frames(publisher)[0]["error"]["name"], name, "{frame}");
    }
    for nth in 0..101 {
        world.send(publisher, begin("g", json!({ "streamId": nth.to_string() })));
    }
    assert_eq!(world.frames(publisher)[100]["error"]["name"], "BadRequest");
    assert_eq!(world.seen(reader), []);
    for frame in [
        json!({ "type": "streamData", "streamId": "S", "dataType": "text", "data": "x" }),
        json!({ "type": "streamEnd" }),
        json!({ "type": "sendToGroup", "group": "g", "stream": { "streamId": "S" }, "data": 1 }),
        json!({ "type": "sendToGroup", "group": "g", "stream": { "streamId": "S" }, "ackId": 1 }),
        json!({ "type": "event", "event": "e", "data": 1, "stream": { "streamId": "S" } }),
    ] {
        let socket = world.connect(JSON, json!({}));
        world.send(socket, frame.clone());
        assert!(matches!(world.seen(socket)[..], [.., Event::Closed(1007, _)]), "{frame}");
    }
}

#[test]
fn no_echo_and_protobuf() {
    let mut world = World::without_pings();
    let claims = json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
    let [publisher, reader] = [(); 2].map(|()| world.connect(PROTOBUF, claims.clone()));
    let simple = world.connect("", json!({ "webpubsub.group": "g" }));
    for socket in [publisher, reader, simple] {
        world.seen(socket);
    }
    for frame in [
        Upstream::OpenStream { group: "g".into(), no_echo: true, stream_id: "S".into(), idle_timeout_ms: None },
        Upstream::StreamData { stream_id: "S".into(), sequence_id: 1, payload: Payload::Text("x".into()) },
        Upstream::EndStream { stream_id: "S".into(), error: None },
    ] {
        world.binary(publisher, &frame.to_protobuf());
    }
    let decoded = |events: Vec<Event>| {
        let kind = |event: &Event| match event {
            Event::Binary(bytes) => match Downstream::from_protobuf(bytes).unwrap().unwrap() {
                Downstream::StreamAck { expected_sequence_id, .. } => format!("ack {expected_sequence_id}"),
                Downstream::StreamClosed { error: None, .. } => "closed".to_owned(),
                Downstream::Message(message) => {
                    let stream = message.stream.unwrap();
                    format!("part {} {}", stream.sequence_id, stream.is_end)
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        events.iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(decoded(world.seen(publisher)), ["ack 1", "ack 2", "closed"]);
    assert_eq!(decoded(world.seen(reader)), ["part 1 false", "part 2 true"]);
    assert_eq!(world.seen(simple), [Event::Text("x".to_owned())], "a simple client is told no end");
}
