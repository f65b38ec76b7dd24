//! Reliable clients that lose their socket.

use serde_json::json;
use webpubsub_edge_emulator::SocketId;

use crate::world::{Event, JSON, RELIABLE, World};

struct Lost {
    connection_id: String,
    token: String,
}

impl Lost {
    fn recover(&self, world: &mut World, subprotocol: &str) -> SocketId {
        let Lost { connection_id, token } = self;
        let query = format!("awps_connection_id={connection_id}&awps_reconnection_token={token}");
        world.upgrade(&format!("/client/hubs/chat?{query}"), subprotocol).unwrap()
    }
}

fn connect(world: &mut World) -> (SocketId, Lost) {
    let claims = json!({ "sub": "ann", "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
    let socket = world.connect(RELIABLE, claims);
    let connected = world.frames(socket).remove(0);
    let text = |name: &str| connected[name].as_str().unwrap().to_owned();
    (socket, Lost { connection_id: text("connectionId"), token: text("reconnectionToken") })
}

fn broadcast(world: &mut World, data: &str) {
    assert_eq!(world.post("/api/hubs/chat/groups/g/:send", "text/plain", data.as_bytes()).status, 202);
}

fn received(world: &mut World, socket: SocketId) -> Vec<(u64, String)> {
    let numbered =
        |frame: &serde_json::Value| Some((frame["sequenceId"].as_u64()?, frame["data"].as_str()?.to_owned()));
    world.frames(socket).iter().filter_map(numbered).collect()
}

#[test]
fn a_cut_client_comes_back_and_misses_nothing() {
    let mut world = World::without_pings();
    let (first, lost) = connect(&mut world);
    for data in ["1", "2", "3"] {
        broadcast(&mut world, data);
    }
    world.send(first, json!({ "type": "sendToGroup", "group": "g", "data": "x", "noEcho": true, "ackId": 1 }));
    world.send(first, json!({ "type": "sequenceAck", "sequenceId": 2 }));
    world.seen(first);

    let fault = format!(r#"{{"type":"cut","connectionId":"{}"}}"#, lost.connection_id);
    assert_eq!(world.post("/_emulator/faults?hub=chat", "application/json", fault.as_bytes()).status, 200);
    assert_eq!(world.seen(first), [Event::Aborted]);
    broadcast(&mut world, "4");
    world.pass(29_999);
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/users/ann").status, 200);

    let second = lost.recover(&mut world, RELIABLE);
    assert_eq!(received(&mut world, second), [(3, "3".to_owned()), (4, "4".to_owned())]);
    broadcast(&mut world, "5");
    assert_eq!(received(&mut world, second), [(5, "5".to_owned())]);
    // The ack ids, the roles and the groups outlived the socket.
    world.send(second, json!({ "type": "sendToGroup", "group": "g", "data": "x", "ackId": 1 }));
    assert_eq!(world.frames(second)[0]["error"]["name"], "Duplicate");
    assert_eq!(world.service.wake_at(), None);
}

#[test]
fn the_window_closes_after_thirty_seconds() {
    let mut world = World::without_pings();
    let (first, lost) = connect(&mut world);
    world.close(first, 1006);
    assert_eq!(world.service.wake_at(), Some(world.now + 30_000));
    world.pass(30_000);
    assert!(world.service.is_idle());
    let second = lost.recover(&mut world, RELIABLE);
    assert_eq!(
        world.seen(second),
        [
            Event::Accepted(Some(RELIABLE.to_owned())),
            Event::Closed(1008, "The connection cannot be recovered.".to_owned())
        ]
    );
}

#[test]
fn the_window_closes_without_a_tick_too() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    world.close(first, 1006);
    world.now += 30_000;
    let second = lost.recover(&mut world, RELIABLE);
    assert!(matches!(world.seen(second)[1..], [Event::Closed(1008, _)]));
}

#[test]
fn the_service_wakes_for_the_connection_that_is_given_up_next() {
    let mut world = World::without_pings();
    let [(_, zoe), (bob_socket, _), (ann_socket, ann)] = [(); 3].map(|()| connect(&mut world));
    world.close(ann_socket, 1006);
    let ann_until = world.now + 30_000;
    world.pass(10);
    world.close(bob_socket, 1006);
    world.pass(10);
    let fault = format!(r#"{{"type":"cut","connectionId":"{}"}}"#, zoe.connection_id);
    world.post("/_emulator/faults?hub=chat", "application/json", fault.as_bytes());
    assert_eq!(world.service.wake_at(), Some(ann_until));

    ann.recover(&mut world, RELIABLE);
    assert_eq!(world.service.wake_at(), Some(ann_until + 10));
    world.pass(30_000 - 10);
    assert_eq!(world.service.wake_at(), Some(ann_until + 20));
    world.rest("DELETE", &format!("/api/hubs/chat/connections/{}", zoe.connection_id));
    assert_eq!(world.service.wake_at(), None);
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/users/ann").status, 200, "one is back");
}

#[test]
fn every_end_but_a_clean_close_can_be_recovered() {
    let mut world = World::new();
    for code in [1001, 1002, 1005, 1006, 1011, 1012, 3000, 4000] {
        let (first, lost) = connect(&mut world);
        world.close(first, code);
        let second = lost.recover(&mut world, RELIABLE);
        assert_eq!(world.seen(second), [Event::Accepted(Some(RELIABLE.to_owned()))], "{code}");
    }
}

#[test]
fn only_the_right_client_may_recover() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    world.close(first, 1005);
    let plain = world.connect(JSON, json!({}));
    let plain_id = world.connection_id(plain);
    // A token that a client without recovery is never told; here it can be known, for nothing is random.
    let untold = |socket: SocketId| format!("{socket:032x}");
    assert_eq!(lost.token, untold(first));
    let token = lost.token.clone();
    for wrong in [
        Lost { connection_id: lost.connection_id.clone(), token: "wrong".to_owned() },
        Lost { connection_id: lost.connection_id.clone(), token: String::new() },
        Lost { connection_id: "wrong".to_owned(), token: token.clone() },
        Lost { connection_id: plain_id.clone(), token },
        Lost { connection_id: plain_id, token: untold(plain) },
    ] {
        let socket = wrong.recover(&mut world, RELIABLE);
        assert!(matches!(world.seen(socket)[1..], [Event::Closed(1008, _)]));
    }
    let socket = lost.recover(&mut world, RELIABLE);
    assert_eq!(world.seen(socket).len(), 1, "the right one may");
}

#[test]
fn a_clean_close_ends_the_session() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    world.close(first, 1000);
    assert!(world.service.is_idle());
    let second = lost.recover(&mut world, RELIABLE);
    assert!(matches!(world.seen(second)[1..], [Event::Closed(1008, _)]));
}

#[test]
fn a_new_socket_replaces_one_that_still_seems_open() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    broadcast(&mut world, "1");
    world.seen(first);
    // Offering another subprotocol changes nothing about the session.
    let second = lost.recover(&mut world, "");
    assert_eq!(world.seen(first), [Event::Aborted]);
    assert_eq!(received(&mut world, second), [(1, "1".to_owned())]);
    // The late end of the old socket does not touch the new one.
    world.close(first, 1000);
    broadcast(&mut world, "2");
    assert_eq!(received(&mut world, second), [(2, "2".to_owned())]);
}

#[test]
fn a_message_past_its_time_to_live_is_not_replayed() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    world.close(first, 1006);
    for (path, data) in [("?messageTtlSeconds=5", "short"), ("?messageTtlSeconds=20", "long"), ("", "for ever")] {
        world.post(&format!("/api/hubs/chat/:send{path}"), "text/plain", data.as_bytes());
    }
    world.pass(5_000);
    let second = lost.recover(&mut world, RELIABLE);
    assert_eq!(received(&mut world, second), [(2, "long".to_owned()), (3, "for ever".to_owned())]);
}

#[test]
fn a_client_that_acknowledges_nothing_is_closed_for_good() {
    let mut world = World::new();
    let (socket, lost) = connect(&mut world);
    for _ in 0..1000 {
        broadcast(&mut world, "x");
    }
    assert_eq!(received(&mut world, socket).len(), 1000);
    broadcast(&mut world, "one too many");
    let seen = world.seen(socket);
    assert!(
        matches!(&seen[..], [Event::Text(_), Event::Closed(1008, reason)] if reason == "The reliable message buffer is full.")
    );
    let second = lost.recover(&mut world, RELIABLE);
    assert!(matches!(world.seen(second)[1..], [Event::Closed(1008, _)]));
}

#[test]
fn a_close_by_rest_reaches_a_lost_session() {
    let mut world = World::new();
    let (first, lost) = connect(&mut world);
    world.close(first, 1006);
    assert_eq!(world.rest("DELETE", &format!("/api/hubs/chat/connections/{}", lost.connection_id)).status, 204);
    assert!(world.service.is_idle());
}
