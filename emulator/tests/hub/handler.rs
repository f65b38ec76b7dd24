//! Events and invocations that the host answers.

use serde_json::{Value, json};
use webpubsub_edge::protocol::{Downstream, Upstream};
use webpubsub_edge_emulator::{EventReply, Payload, SocketId};

use crate::world::{Event, JSON, PROTOBUF, RELIABLE, World};

fn world() -> World {
    let mut world = World::without_pings();
    world.service.answer_events("Chat", true);
    world
}

fn connect(world: &mut World) -> SocketId {
    let socket = world.connect(RELIABLE, json!({ "sub": "ann" }));
    world.seen(socket);
    socket
}

fn text(text: &str) -> EventReply {
    EventReply::Done(Some(Payload::Text(text.to_owned().into())))
}

fn event(ack_id: u64) -> Value {
    json!({ "type": "event", "event": "save", "ackId": ack_id, "data": { "a": 1 }, "metadata": { "k": "v" } })
}

#[test]
fn an_event_is_asked_answered_and_then_acknowledged() {
    let mut world = world();
    let socket = connect(&mut world);
    world.send(socket, event(4));
    assert_eq!(world.frames(socket), Vec::<Value>::new(), "the ack waits for the handler");
    let asked = world.events[0].clone();
    assert_eq!((asked.hub.as_str(), asked.name.as_str(), asked.is_invocation), ("chat", "save", false));
    assert_eq!((asked.user_id.as_deref(), asked.payload), (Some("ann"), Payload::Json(r#"{"a":1}"#.into())));
    assert_eq!(asked.metadata, [("k".to_owned(), "v".to_owned())]);
    world.answer(text("done"));
    let frames = world.frames(socket);
    assert_eq!((&frames[0]["from"], &frames[0]["data"]), (&json!("server"), &json!("done")));
    assert_eq!(frames[1], json!({ "type": "ack", "ackId": 4, "success": true }));
    world.send(socket, event(4));
    assert_eq!(world.frames(socket)[0]["error"]["name"], "Duplicate");
    assert_eq!(world.events.len(), 1);
}

#[test]
fn an_event_that_is_repeated_while_it_is_asked_is_asked_once() {
    let mut world = world();
    let socket = connect(&mut world);
    world.send(socket, event(4));
    world.send(socket, event(4));
    world.answer(EventReply::Done(None));
    assert_eq!(world.events.len(), 1);
    assert_eq!(world.frames(socket), [json!({ "type": "ack", "ackId": 4, "success": true })]);
}

#[test]
fn a_failure_is_an_ack_that_may_be_tried_again() {
    let mut world = world();
    let socket = connect(&mut world);
    for reply in [EventReply::Failed("no".to_owned()), EventReply::Done(Some(Payload::Json("{".into())))] {
        world.send(socket, event(4));
        world.answer(reply);
        assert_eq!(world.frames(socket)[0]["error"]["name"], "InternalServerError");
    }
    assert_eq!(world.events.len(), 2);
}

#[test]
fn a_handler_that_says_nothing_has_failed_after_a_hundred_seconds() {
    let mut world = world();
    let socket = connect(&mut world);
    world.send(socket, event(4));
    assert_eq!(world.service.wake_at(), Some(world.now + 100_000));
    world.pass(100_000);
    assert_eq!(world.frames(socket)[0]["error"]["name"], "InternalServerError");
    world.answer(text("late"));
    assert_eq!(world.frames(socket), Vec::<Value>::new());
    assert_eq!(world.service.wake_at(), None);
}

#[test]
fn an_invocation_is_answered() {
    let mut world = world();
    let socket = connect(&mut world);
    let invoke =
        |id: &str| json!({ "type": "invoke", "invocationId": id, "target": "event", "event": "add", "data": "x" });
    let response = |world: &mut World, reply| {
        world.answer(reply);
        world.frames(socket).remove(0)
    };
    world.send(socket, invoke("1"));
    assert!(world.events[0].is_invocation);
    let answered =
        json!({ "type": "invokeResponse", "invocationId": "1", "success": true, "dataType": "json", "data": [1] });
    assert_eq!(response(&mut world, EventReply::Done(Some(Payload::Json("[1]".into())))), answered);
    world.send(socket, invoke("1"));
    let empty = json!({ "type": "invokeResponse", "invocationId": "1", "success": true });
    assert_eq!(response(&mut world, EventReply::Done(None)), empty);
    world.send(socket, invoke("2"));
    world.send(socket, invoke("2"));
    assert_eq!(world.frames(socket)[0]["error"]["name"], "BadRequest");
    let failed = response(&mut world, EventReply::Failed("why".to_owned()));
    let error = json!({ "name": "InternalServerError", "message": "why" });
    assert_eq!(failed, json!({ "type": "invokeResponse", "invocationId": "2", "success": false, "error": error }));
    world.send(socket, invoke("3"));
    world.send(socket, json!({ "type": "cancelInvocation", "invocationId": "3" }));
    world.answer(text("nobody waits"));
    assert_eq!(world.frames(socket), Vec::<Value>::new());
}

#[test]
fn the_handler_is_told_when_nobody_waits_any_more() {
    let mut world = world();
    let socket = connect(&mut world);
    world.send(socket, json!({ "type": "invoke", "invocationId": "1", "target": "event", "event": "e", "data": 0 }));
    world.send(socket, json!({ "type": "cancelInvocation", "invocationId": "1" }));
    assert_eq!(world.events_over, [1], "it was cancelled");
    world.send(socket, event(1));
    world.pass(100_000);
    assert_eq!(world.events_over, [1, 2], "time ran out");
    world.send(socket, event(2));
    world.answer(EventReply::Done(None));
    world.send(socket, event(3));
    world.close(socket, 1006);
    assert_eq!(world.events_over, [1, 2], "the client may come back");
    world.pass(30_000);
    assert_eq!(world.events_over, [1, 2, 4], "it has not, and the hub is forgotten");
}

#[test]
fn a_late_answer_is_no_answer_to_another_event() {
    let mut world = world();
    let first = connect(&mut world);
    world.send(first, event(1));
    world.close(first, 1000);
    // The hub was empty, and is there again.
    let second = connect(&mut world);
    world.send(second, event(1));
    let ids: Vec<u64> = world.events.iter().map(|event| event.id).collect();
    assert_eq!(ids, [1, 2]);
    world.answer_to(1, EventReply::Done(None));
    assert_eq!(world.frames(second), Vec::<Value>::new());
}

#[test]
fn without_a_handler_both_fail_at_once() {
    let mut world = World::without_pings();
    let socket = connect(&mut world);
    world.send(socket, event(1));
    world.send(socket, json!({ "type": "invoke", "invocationId": "1", "target": "event", "event": "e", "data": 0 }));
    let frames = world.frames(socket);
    assert!(frames.iter().all(|frame| frame["error"]["name"] == "InternalServerError"), "{frames:?}");
    assert_eq!((frames.len(), world.events.len()), (2, 0));
}

#[test]
fn a_simple_client_is_answered_or_closed() {
    let mut world = world();
    let socket = world.connect("", json!({}));
    world.binary(socket, &[1]);
    world.answer(text("yes"));
    assert_eq!(world.seen(socket)[1..], [Event::Text("yes".to_owned())]);
    world.text(socket, "again");
    assert_eq!((world.events[1].name.as_str(), &world.events[1].payload), ("message", &Payload::Text("again".into())));
    world.answer(EventReply::Failed("no".to_owned()));
    assert_eq!(world.seen(socket), [Event::Closed(1011, "no".to_owned())]);
}

#[test]
fn protobuf_clients_are_answered_too() {
    let mut world = world();
    let socket = world.connect(PROTOBUF, json!({}));
    world.seen(socket);
    let payload = Payload::Binary(vec![7].into());
    let (invocation_id, event) = ("1".into(), "e".into());
    let invoke = Upstream::Invoke { invocation_id, event, payload: payload.clone(), metadata: vec![] };
    world.binary(socket, &invoke.to_protobuf());
    assert_eq!(world.events[0].payload, payload);
    world.answer(text("yes"));
    let [Event::Binary(bytes)] = &world.seen(socket)[..] else { panic!() };
    let result = Ok(Some(Payload::Text("yes".into())));
    let response = Downstream::InvokeResponse { invocation_id: "1".into(), result };
    assert_eq!(Downstream::from_protobuf(bytes), Ok(Some(response)));
}

#[test]
fn frames_that_are_wrong_close_the_connection() {
    for frame in [
        json!({ "type": "invoke", "invocationId": "1", "target": "upstream", "event": "e", "data": 1 }),
        json!({ "type": "invoke", "target": "event", "event": "e", "data": 1 }),
        json!({ "type": "invoke", "invocationId": "", "target": "event", "event": "e", "data": 1 }),
        json!({ "type": "invoke", "invocationId": "1", "target": "event", "event": "e" }),
        json!({ "type": "cancelInvocation" }),
    ] {
        let mut world = world();
        let socket = world.connect(JSON, json!({}));
        world.send(socket, frame.clone());
        assert!(matches!(world.seen(socket)[..], [.., Event::Closed(1007, _)]), "{frame}");
    }
}
