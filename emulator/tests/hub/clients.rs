//! What clients say to each other through a hub.

use serde_json::json;

use crate::world::{Event, JSON, RELIABLE, World};

#[test]
fn a_client_is_told_who_it_is() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "sub": "ann" }));
    let seen = world.seen(ann);
    assert_eq!(seen[0], Event::Accepted(Some(JSON.to_owned())));
    let id = "fffffffffffffffe0000000000000000";
    let connected = format!(r#"{{"type":"system","event":"connected","userId":"ann","connectionId":"{id}"}}"#);
    assert_eq!(seen[1..], [Event::Text(connected)]);
}

#[test]
fn a_message_to_a_group_reaches_its_members() {
    let mut world = World::new();
    let ann =
        world.connect(JSON, json!({ "sub": "ann", "role": ["webpubsub.joinLeaveGroup.g", "webpubsub.sendToGroup.g"] }));
    let bob = world.connect(RELIABLE, json!({ "role": "webpubsub.joinLeaveGroup" }));
    let eve = world.connect(JSON, json!({}));
    for socket in [ann, bob, eve] {
        world.seen(socket);
    }

    world.send(ann, json!({ "type": "joinGroup", "group": "g", "ackId": 0 }));
    world.send(bob, json!({ "type": "joinGroup", "group": "g" }));
    assert_eq!(world.frames(ann), [json!({ "type": "ack", "ackId": 0, "success": true })]);
    assert!(world.seen(bob).is_empty());

    world.send(ann, json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": "hi", "ackId": 1 }));
    let message = json!({ "type": "message", "from": "group", "group": "g", "fromUserId": "ann", "dataType": "text", "data": "hi" });
    let mut numbered = message.clone();
    numbered["sequenceId"] = json!(1);
    assert_eq!(world.frames(ann), [message, json!({ "type": "ack", "ackId": 1, "success": true })]);
    assert_eq!(world.frames(bob), [numbered]);

    world.send(ann, json!({ "type": "sendToGroup", "group": "g", "data": [1], "noEcho": true }));
    assert!(world.seen(ann).is_empty());
    assert_eq!(world.frames(bob)[0]["data"], json!([1]));
    assert!(world.seen(eve).is_empty());

    world.send(bob, json!({ "type": "leaveGroup", "group": "g" }));
    world.send(ann, json!({ "type": "sendToGroup", "group": "g", "data": 2 }));
    assert_eq!(world.frames(ann).len(), 1);
    assert!(world.seen(bob).is_empty());
}

#[test]
fn what_no_role_allows_is_forbidden() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "role": "webpubsub.sendToGroup.g", "webpubsub.group": ["h"] }));
    world.seen(ann);
    for (frame, message) in [
        (json!({ "type": "joinGroup", "group": "g", "ackId": 1 }), "join group 'g'"),
        (json!({ "type": "leaveGroup", "group": "h", "ackId": 1 }), "leave group 'h'"),
        (json!({ "type": "sendToGroup", "group": "h", "data": 1, "ackId": 1 }), "send messages to group 'h'"),
    ] {
        world.send(ann, frame);
        let message = format!("The client does not have permission to {message}.");
        let error = json!({ "name": "Forbidden", "message": message });
        assert_eq!(world.frames(ann), [json!({ "type": "ack", "ackId": 1, "success": false, "error": error })]);
    }
    // Without an ack id it is silent.
    world.send(ann, json!({ "type": "joinGroup", "group": "g" }));
    assert!(world.seen(ann).is_empty());
}

#[test]
fn a_repeated_ack_id_is_not_carried_out_twice() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" }));
    world.seen(ann);
    let frame = json!({ "type": "sendToGroup", "group": "g", "data": 1, "ackId": 7 });
    world.send(ann, frame.clone());
    assert_eq!(world.frames(ann).len(), 2);
    world.send(ann, frame);
    let error = json!({ "name": "Duplicate", "message": "Message with ack-id: 7 has been processed" });
    assert_eq!(world.frames(ann), [json!({ "type": "ack", "ackId": 7, "success": false, "error": error })]);
}

#[test]
fn an_event_has_no_handler() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    world.seen(ann);
    // A failed request is not remembered: the same id may be tried again.
    for _ in 0..2 {
        world.send(ann, json!({ "type": "event", "event": "save", "data": {}, "ackId": 1 }));
        let frames = world.frames(ann);
        assert_eq!(frames[0]["error"]["name"], "InternalServerError");
    }
    world.send(ann, json!({ "type": "event", "event": "save", "data": {} }));
    world.send(ann, json!({ "type": "ping" }));
    assert_eq!(world.frames(ann), [json!({ "type": "pong" })]);
}

#[test]
fn a_simple_client_publishes_every_frame_to_its_group() {
    let mut world = World::new();
    let claims = json!({ "role": "webpubsub.sendToGroup.g", "webpubsub.group": "g" });
    let query = "&webpubsub_mode=sendToGroup&group=g&noEcho=true";
    let simple = world.connect_with("", claims, query).unwrap();
    let ann = world.connect(JSON, json!({ "webpubsub.group": "g" }));
    let other = world.connect("", json!({ "webpubsub.group": "g" }));
    world.seen(ann);
    assert_eq!(world.seen(simple), [Event::Accepted(None)]);
    world.seen(other);

    world.text(simple, "hi");
    world.binary(simple, &[1, 2]);
    let frames = world.frames(ann);
    assert_eq!((&frames[0]["data"], &frames[1]["data"]), (&json!("hi"), &json!("AQI=")));
    assert_eq!(frames[0]["fromUserId"], json!(null));
    assert_eq!(world.seen(other), [Event::Text("hi".to_owned()), Event::Binary(vec![1, 2])]);
    assert!(world.seen(simple).is_empty());
}

#[test]
fn a_simple_client_that_cannot_be_served_is_closed() {
    let mut world = World::new();
    let event = world.connect("", json!({}));
    world.text(event, "hi");
    let reason = "The hub has no event handler for the event 'message'. \
                  Add one with emulator.onEvent(\"chat\", handler).";
    assert_eq!(world.seen(event)[1..], [Event::Closed(1011, reason.to_owned())]);

    let publisher = world.connect_with("", json!({}), "&webpubsub_mode=sendToGroup&group=g").unwrap();
    world.text(publisher, "hi");
    assert!(matches!(world.seen(publisher)[1..], [Event::Closed(1008, _)]));
    assert!(world.service.is_idle());
}

#[test]
fn either_form_of_the_url_goes_with_a_token_for_either() {
    let mut world = World::new();
    for audience in ["/client/hubs/chat", "/client/?hub=chat"] {
        let token = world.token(&format!("http://localhost:8080{audience}"), json!({}));
        for path in ["/client/hubs/chat?", "/client/?hub=chat&"] {
            assert!(world.upgrade(&format!("{path}access_token={token}"), JSON).is_ok(), "{audience} {path}");
        }
        for path in ["/client/hubs/other?", "/client/?hub=other&"] {
            let refused = world.upgrade(&format!("{path}access_token={token}"), JSON).err();
            assert_eq!(refused.map(|response| response.status), Some(401), "{audience} {path}");
        }
    }
}

#[test]
fn the_clock_of_who_signs_may_be_off_by_five_minutes() {
    let mut world = World::new();
    let now = world.now / 1000;
    for (claims, is_taken) in [
        (json!({ "exp": now - 299 }), true),
        (json!({ "exp": now - 300 }), false),
        (json!({ "nbf": now + 300 }), true),
        (json!({ "nbf": now + 301 }), false),
    ] {
        assert_eq!(world.connect_with(JSON, claims.clone(), "").is_ok(), is_taken, "{claims}");
    }
}

#[test]
fn hubs_are_apart_and_their_names_have_no_case() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    let token = world.token("http://127.0.0.1:8080/client/hubs/other", json!({}));
    let bob = world.upgrade(&format!("/client/?hub=other&access_token={token}"), JSON).unwrap();
    world.seen(ann);
    world.seen(bob);
    assert_eq!(world.post("/api/hubs/CHAT/:send", "text/plain", b"hi").status, 202);
    assert_eq!(world.frames(ann).len(), 1);
    assert!(world.seen(bob).is_empty());
}
