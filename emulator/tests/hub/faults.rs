//! What breaks on purpose, whom it meets, and when it is over.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{Request, SocketId};

use crate::world::{Event, JSON, ORIGIN, RELIABLE, World, body, header};

/// A client that may do everything, is in the group `g`, and has seen that it is connected.
fn connect(world: &mut World, protocol: &str, user: &str) -> (SocketId, Value) {
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
    let socket = world.connect(protocol, json!({ "sub": user, "role": roles, "webpubsub.group": "g" }));
    let connected = world.frames(socket).remove(0);
    (socket, connected)
}

fn recover(world: &mut World, connected: &Value) -> SocketId {
    let text = |name: &str| connected[name].as_str().unwrap();
    let query =
        format!("awps_connection_id={}&awps_reconnection_token={}", text("connectionId"), text("reconnectionToken"));
    world.upgrade(&format!("/client/hubs/chat?{query}"), RELIABLE).unwrap()
}

fn publish(world: &mut World, socket: SocketId, data: &str, ack_id: u64) {
    world.send(socket, json!({ "type": "sendToGroup", "group": "g", "data": data, "noEcho": true, "ackId": ack_id }));
}

fn broadcast(world: &mut World, data: &str) {
    assert_eq!(world.post("/api/hubs/chat/:send", "text/plain", data.as_bytes()).status, 202);
}

fn acks(world: &mut World, socket: SocketId) -> Vec<u64> {
    world.frames(socket).iter().filter_map(|frame| frame["ackId"].as_u64()).collect()
}

fn data(world: &mut World, socket: SocketId) -> Vec<String> {
    world.frames(socket).iter().filter_map(|frame| Some(frame["data"].as_str()?.to_owned())).collect()
}

#[test]
fn a_share_of_the_sockets_is_cut() {
    let mut world = World::new();
    let sockets: Vec<SocketId> = (0..200).map(|_| connect(&mut world, JSON, "").0).collect();
    world.break_it(json!({ "type": "cut", "share": 0.25, "seed": 1 }));
    let cut = sockets.iter().filter(|socket| world.seen(**socket) == [Event::Aborted]).count();
    assert!((30..70).contains(&cut), "{cut}");
}

#[test]
fn a_frame_cuts_its_socket_instead_of_arriving() {
    let mut world = World::new();
    let [(ann, ann_id), (bob, _)] = ["ann", "bob"].map(|user| connect(&mut world, RELIABLE, user));
    world.break_it(json!({ "type": "cutOnFrame", "userId": "ann", "count": 2 }));
    publish(&mut world, ann, "lost", 1);
    assert_eq!(world.seen(ann), [Event::Aborted]);
    assert!(world.seen(bob).is_empty(), "it had not arrived");
    let back = recover(&mut world, &ann_id);
    broadcast(&mut world, "1");
    assert_eq!(world.seen(back).last(), Some(&Event::Aborted), "a frame to the client cuts it too");
    assert_eq!(data(&mut world, bob), ["1"]);
    let back = recover(&mut world, &ann_id);
    assert_eq!(data(&mut world, back), ["1"], "nothing was lost, and the fault has acted twice");
    assert!(world.service.faults(world.now, None).is_empty());
}

#[test]
fn over_a_half_open_socket_nothing_comes_and_nobody_is_told() {
    let mut world = World::new();
    let [(ann, connected), (bob, _)] = ["ann", "bob"].map(|user| connect(&mut world, RELIABLE, user));
    let id = world.break_it(json!({ "type": "halfOpen", "userId": "ann", "count": 1 }));
    broadcast(&mut world, "1");
    publish(&mut world, ann, "swallowed", 1);
    world.close(bob, 1000);
    assert!(world.seen(ann).is_empty());
    // Its pongs do not come either, so the hub gives it up, of which the client hears nothing.
    world.pass(20_000);
    world.pass(20_000);
    assert!(world.seen(ann).is_empty());
    assert!(!world.service.inspect("chat").connections[0].open);
    // The client notices by itself and comes back over another socket, which is none of the fault's business.
    let back = recover(&mut world, &connected);
    assert_eq!(data(&mut world, back), ["1"]);
    assert_eq!(world.service.faults(world.now, None).len(), 1, "it lasts for the sake of the dead socket");
    world.mend(id);
    assert_eq!(world.seen(ann), [Event::Aborted], "the dead socket ends with the fault");
    broadcast(&mut world, "2");
    assert_eq!(data(&mut world, back), ["2"]);
}

#[test]
fn a_fault_that_has_acted_for_the_last_time_ends_with_what_it_met() {
    for (fault, count) in [("halfOpen", 1), ("slowClient", 1), ("pauseAcks", 1), ("pauseAcks", 2)] {
        let mut world = World::new();
        let (ann, _) = connect(&mut world, RELIABLE, "ann");
        world.break_it(json!({ "type": fault, "userId": "ann", "count": count, "durationMs": 60_000 }));
        let in_force = |world: &World| world.service.faults(world.now, None).len();
        publish(&mut world, ann, "1", 1);
        assert_eq!(in_force(&world), 1, "{fault} waits for its end");
        world.close(ann, 1006);
        // One that may act once more is still to come.
        assert_eq!(in_force(&world), usize::from(count == 2), "{fault} has nothing more to do");
    }
}

#[test]
fn a_socket_may_be_deaf_in_one_direction() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, JSON, "ann");
    let up = world.break_it(json!({ "type": "halfOpen", "direction": "fromClient" }));
    world.send(ann, json!({ "type": "ping" }));
    broadcast(&mut world, "1");
    assert_eq!(data(&mut world, ann), ["1"], "no pong, but a message");
    world.mend(up);
    assert_eq!(world.seen(ann), [Event::Aborted]);
    assert!(world.service.is_idle());

    let [(ann, _), (bob, _)] = ["ann", "bob"].map(|user| connect(&mut world, JSON, user));
    let down = world.break_it(json!({ "type": "halfOpen", "direction": "toClient", "userId": "ann", "durationMs": 5 }));
    publish(&mut world, ann, "heard", 1);
    assert_eq!(data(&mut world, bob), ["heard"]);
    assert!(world.seen(ann).is_empty(), "not even an ack");
    assert!(down.is_some() && world.service.wake_at() == Some(world.now + 5));
    world.pass(5);
    assert_eq!(world.seen(ann), [Event::Aborted]);
}

#[test]
fn late_frames_keep_their_order() {
    let mut world = World::new();
    let [(ann, _), (bob, _)] = ["ann", "bob"].map(|user| connect(&mut world, JSON, user));
    let delay = json!({ "type": "delay", "ms": 100, "direction": "toClient", "userId": "bob" });
    let id = world.break_it(delay);
    publish(&mut world, ann, "1", 1);
    world.pass(50);
    publish(&mut world, ann, "2", 2);
    world.mend(id);
    // It meets no more frames, but none overtakes one that is on its way.
    publish(&mut world, ann, "3", 3);
    assert_eq!(acks(&mut world, ann), [1, 2, 3]);
    assert!(world.seen(bob).is_empty());
    assert_eq!(world.service.wake_at(), Some(world.now + 50));
    world.pass(50);
    assert_eq!(data(&mut world, bob), ["1"]);
    world.pass(50);
    assert_eq!(data(&mut world, bob), ["2", "3"]);
}

#[test]
fn frames_of_a_client_may_be_late() {
    let mut world = World::new();
    let [(ann, _), (bob, _)] = ["ann", "bob"].map(|user| connect(&mut world, JSON, user));
    world.break_it(json!({ "type": "delay", "ms": 100, "direction": "fromClient", "count": 1 }));
    publish(&mut world, ann, "1", 1);
    publish(&mut world, ann, "2", 2);
    assert!(world.seen(bob).is_empty());
    world.pass(100);
    assert_eq!((data(&mut world, bob), acks(&mut world, ann)), (vec!["1".to_owned(), "2".to_owned()], vec![1, 2]));
    // What is on its way when the socket breaks is lost.
    world.break_it(json!({ "type": "delay", "ms": 100 }));
    publish(&mut world, ann, "3", 3);
    world.close(ann, 1006);
    world.pass(100);
    assert!(world.seen(bob).is_empty());
}

#[test]
fn a_late_message_may_be_too_late() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, JSON, "ann");
    world.break_it(json!({ "type": "delay", "ms": 2000 }));
    world.post("/api/hubs/chat/:send?messageTtlSeconds=1", "text/plain", b"short");
    world.post("/api/hubs/chat/:send?messageTtlSeconds=3", "text/plain", b"long");
    world.pass(2000);
    assert_eq!(data(&mut world, ann), ["long"]);
}

#[test]
fn a_close_waits_behind_late_frames() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, JSON, "ann");
    world.break_it(json!({ "type": "delay", "ms": 10, "direction": "toClient" }));
    broadcast(&mut world, "1");
    world.rest("POST", "/api/hubs/chat/:closeConnections?reason=over");
    assert!(world.seen(ann).is_empty());
    world.pass(10);
    let seen = world.seen(ann);
    assert!(matches!(&seen[..], [Event::Text(_), Event::Text(_), Event::Closed(1000, reason)] if reason == "over"));
    world.break_it(json!({ "type": "cut" }));
    assert!(world.seen(ann).is_empty(), "nobody is there any more");
}

#[test]
fn acks_are_late_doubled_swapped_and_held() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, JSON, "ann");
    world.break_it(json!({ "type": "delayAcks", "ms": 10, "count": 1 }));
    publish(&mut world, ann, "x", 1);
    publish(&mut world, ann, "x", 2);
    assert_eq!(acks(&mut world, ann), [2], "the second one overtakes the first");
    world.pass(10);
    assert_eq!(acks(&mut world, ann), [1]);

    world.break_it(json!({ "type": "duplicateAcks", "count": 1 }));
    publish(&mut world, ann, "x", 3);
    assert_eq!(acks(&mut world, ann), [3, 3]);

    let swap = world.break_it(json!({ "type": "reorderAcks", "window": 3, "ms": 50 }));
    for ack_id in [4, 5, 6, 7] {
        publish(&mut world, ann, "x", ack_id);
    }
    assert_eq!(acks(&mut world, ann), [6, 5, 4]);
    world.pass(50);
    assert_eq!(acks(&mut world, ann), [7], "it has waited long enough for the others");
    world.mend(swap);

    let pause = world.break_it(json!({ "type": "pauseAcks", "count": 2 }));
    for ack_id in [8, 9, 10] {
        publish(&mut world, ann, "x", ack_id);
    }
    broadcast(&mut world, "messages are no acks");
    let frames = world.frames(ann);
    assert_eq!((&frames[0]["ackId"], &frames[1]["type"]), (&json!(10), &json!("message")));
    world.pass(60_000);
    assert!(world.seen(ann).is_empty());
    world.mend(pause);
    assert_eq!(acks(&mut world, ann), [8, 9]);
    assert_eq!(world.service.wake_at(), Some(world.now + 20_000), "only the next ping is left");
}

#[test]
fn a_slow_client_is_borne_up_to_a_limit() {
    let mut world = World::new();
    let [(ann, _), (bob, bob_id)] = [(JSON, "ann"), (RELIABLE, "bob")].map(|(p, user)| connect(&mut world, p, user));
    let id = world.break_it(json!({ "type": "slowClient", "userId": "ann" }));
    for n in 0..1000 {
        world.post("/api/hubs/chat/users/ann/:send", "text/plain", n.to_string().as_bytes());
    }
    assert!(world.seen(ann).is_empty());
    world.mend(id);
    assert_eq!(data(&mut world, ann).len(), 1000, "what had piled up arrives");

    world.break_it(json!({ "type": "slowClient", "count": 1 }));
    for _ in 0..17 {
        let big = vec![b'x'; 1024 * 1024];
        world.post("/api/hubs/chat/users/bob/:send", "text/plain", &big);
        world.send(bob, json!({ "type": "sequenceAck", "sequenceId": u64::MAX }));
    }
    assert_eq!(world.seen(bob), [Event::Closed(1008, "The client reads too slowly.".to_owned())]);
    let back = recover(&mut world, &bob_id);
    assert!(matches!(world.seen(back)[1..], [Event::Closed(1008, _)]), "for good");
}

#[test]
fn recoveries_and_upgrades_are_refused() {
    let mut world = World::new();
    let (ann, connected) = connect(&mut world, RELIABLE, "ann");
    world.close(ann, 1006);
    world.break_it(json!({ "type": "refuseRecovery", "userId": "ann", "count": 1 }));
    let refused = recover(&mut world, &connected);
    assert!(matches!(world.seen(refused)[1..], [Event::Closed(1008, _)]));
    world.break_it(json!({ "type": "refuseConnection", "retryAfterSeconds": 2, "count": 2 }));
    let path = format!("/client/hubs/chat?awps_connection_id={}", connected["connectionId"].as_str().unwrap());
    let refusal = world.upgrade(&path, RELIABLE).unwrap_err();
    assert_eq!((refusal.status, header(&refusal, "retry-after")), (503, Some("2")));
    assert_eq!(world.connect_with(JSON, json!({}), "").unwrap_err().status, 503);
    assert!(world.connect_with(JSON, json!({}), "").is_ok());
    let back = recover(&mut world, &connected);
    assert_eq!(world.seen(back).len(), 1, "it was only the faults");
}

#[test]
fn rest_is_answered_with_what_was_asked_for() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, JSON, "ann");
    world.break_it(json!({ "type": "answer", "status": 429, "retryAfterSeconds": 3, "count": 1 }));
    let throttled = world.post("/api/hubs/CHAT/:send", "text/plain", b"1");
    assert_eq!((throttled.status, header(&throttled, "retry-after")), (429, Some("3")));
    assert_eq!(body(&throttled)["code"], "Error.InjectedFault");
    world.break_it(json!({ "type": "answer", "status": 500, "carriedOut": true, "count": 1 }));
    assert_eq!(world.post("/api/hubs/chat/:send", "text/plain", b"2").status, 500);
    assert_eq!(world.post("/api/hubs/chat/:send", "text/plain", b"3").status, 202);
    assert_eq!(data(&mut world, ann), ["2", "3"]);
    world.break_it(json!({ "type": "answer", "status": 503 }));
    assert_eq!(world.rest("HEAD", "/api/hubs/other/users/ann").status, 404, "another hub");
    assert_eq!(world.rest("HEAD", "/api/health").status, 200);
}

#[test]
fn rest_may_be_answered_late() {
    let mut world = World::new();
    let id = world.break_it(json!({ "type": "delayAnswer", "ms": 100 }));
    let url = format!("{ORIGIN}/api/hubs/chat/users/ann");
    let token = world.token(&url, json!({}));
    let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
    let request = Request { method: "HEAD".to_owned(), url, headers, body: vec![] };
    assert_eq!(world.try_request(1000, &request), None);
    world.mend(id);
    assert_eq!(world.service.wake_at(), Some(world.now + 100));
    world.pass(100);
    assert_eq!(world.late.pop().map(|answer| answer.status), Some(404));
    world.break_it(json!({ "type": "delayAnswer", "ms": 100, "count": 1 }));
    assert_eq!(world.try_request(1001, &request), None);
    let fault = serde_json::from_value(json!({ "type": "restart" })).unwrap();
    let (injected, actions) = world.service.inject(world.now, None, fault).unwrap();
    assert_eq!((injected.cut, actions.len()), (0, 1), "whoever waits for the old service is told");
    assert!(world.service.is_idle());
}

#[test]
fn a_restart_keeps_the_state_or_loses_it() {
    let mut world = World::new();
    let [(ann, ann_id), (bob, _)] = [(RELIABLE, "ann"), (JSON, "bob")].map(|(p, user)| connect(&mut world, p, user));
    world.break_it(json!({ "type": "restart" }));
    assert_eq!((world.seen(ann), world.seen(bob)), (vec![Event::Aborted], vec![Event::Aborted]));
    broadcast(&mut world, "1");
    let back = recover(&mut world, &ann_id);
    assert_eq!(data(&mut world, back), ["1"]);
    world.break_it(json!({ "type": "restart", "keepState": false }));
    assert_eq!(world.seen(back), [Event::Aborted]);
    assert!(world.service.is_idle());
    let refused = recover(&mut world, &ann_id);
    assert!(matches!(world.seen(refused)[1..], [Event::Closed(1008, _)]));
}

#[test]
fn faults_are_listed_and_removed_over_http() {
    let mut world = World::new();
    let inject = |world: &mut World, hub: &str, fault: Value| {
        let path = format!("/_emulator/faults?hub={hub}");
        body(&world.post(&path, "application/json", fault.to_string().as_bytes()))
    };
    let pause = json!({ "type": "pauseAcks", "userId": "ann", "durationMs": 500 });
    assert_eq!(inject(&mut world, "Chat", pause), json!({ "id": 1, "cut": 0 }));
    assert_eq!(inject(&mut world, "other", json!({ "type": "slowClient" })), json!({ "id": 2, "cut": 0 }));
    world.pass(100);
    let list = |world: &mut World, hub: &str| body(&world.rest("GET", &format!("/_emulator/faults?hub={hub}")));
    let listed = json!({
        "id": 1, "hub": "chat", "type": "pauseAcks", "userId": "ann", "durationMs": 500, "acted": 0, "remainingMs": 400
    });
    assert_eq!(list(&mut world, "chat"), json!({ "faults": [listed] }));
    assert_eq!(world.rest("DELETE", "/_emulator/faults/1?hub=chat").status, 204);
    assert_eq!(world.rest("DELETE", "/_emulator/faults/1?hub=chat").status, 404);
    assert_eq!(world.rest("DELETE", "/_emulator/faults/x").status, 404);
    assert_eq!(world.rest("POST", "/_emulator/faults/2").status, 405);
    assert_eq!(world.rest("DELETE", "/_emulator/faults?hub=chat").status, 204, "those of this hub");
    assert_eq!(list(&mut world, "other")["faults"][0]["id"], 2);
    assert_eq!(world.rest("DELETE", "/_emulator/faults?hub=other").status, 204);
    assert!(world.service.is_idle());
    let wrong = inject(&mut world, "chat", json!({ "type": "delay" }));
    assert_eq!(wrong["message"], r#"A fault of type "delay" needs ms."#);
}
