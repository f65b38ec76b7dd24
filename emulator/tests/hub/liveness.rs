//! Clients that do not answer, and clients that do not read.

use serde_json::json;
use webpubsub_edge_emulator::{AnonymousConnectPolicy, HubSettings, Settings, limits};

use crate::world::{Event, JSON, RELIABLE, World};

#[test]
fn a_client_that_answers_no_ping_is_dropped() {
    let mut world = World::new();
    let [alive, dead, lost] = [JSON, JSON, RELIABLE].map(|protocol| world.connect(protocol, json!({})));
    for socket in [alive, dead, lost] {
        world.seen(socket);
    }
    assert_eq!(world.service.wake_at(), Some(world.now + 20_000));
    world.mute.extend([dead, lost]);
    world.pass(20_000);
    assert!(world.seen(dead).is_empty(), "it was pinged, and has until the next ping to answer");
    world.pass(19_999);
    assert!(world.seen(dead).is_empty());
    world.pass(1);
    assert_eq!((world.seen(dead), world.seen(lost)), (vec![Event::Aborted], vec![Event::Aborted]));
    assert!(world.seen(alive).is_empty());
    // The reliable one can come back for as long as any other that lost its socket.
    assert_eq!(world.service.wake_at(), Some(world.now + 20_000));
    world.close(alive, 1000);
    assert_eq!(world.service.wake_at(), Some(world.now + 30_000));
}

#[test]
fn any_frame_is_a_sign_of_life() {
    let mut world = World::new();
    let socket = world.connect(JSON, json!({}));
    world.mute.insert(socket);
    for _ in 0..4 {
        world.send(socket, json!({ "type": "ping" }));
        world.pass(20_000);
    }
    assert!(world.seen(socket).iter().all(|event| *event != Event::Aborted));
}

#[test]
fn a_hub_may_ping_more_often() {
    let hub = HubSettings { web_socket_keep_alive_interval_in_seconds: 3, ..HubSettings::default() };
    let mut world = World::with(Settings { hubs: [("CHAT".to_owned(), hub)].into(), ..Settings::default() });
    let socket = world.connect(JSON, json!({}));
    assert_eq!(world.service.wake_at(), Some(world.now + 3000));
    world.mute.insert(socket);
    world.pass(3000);
    world.pass(3000);
    assert_eq!(world.seen(socket).last(), Some(&Event::Aborted));
    assert!(world.service.is_idle() && world.service.wake_at().is_none());
}

#[test]
fn a_client_that_does_not_read_is_closed_for_good() {
    let mut world = World::new();
    let [slow, late] = [RELIABLE, JSON].map(|protocol| world.connect(protocol, json!({})));
    world.seen(slow);
    world.seen(late);
    world.backlog(slow, limits::MAX_BACKLOG_MESSAGES, limits::MAX_BACKLOG_BYTES);
    assert!(world.seen(slow).is_empty(), "as much as may wait");
    let closed = [Event::Closed(1008, "The client reads too slowly.".to_owned())];
    world.backlog(slow, 0, limits::MAX_BACKLOG_BYTES + 1);
    assert_eq!(world.seen(slow), closed);
    world.backlog(late, limits::MAX_BACKLOG_MESSAGES + 1, 0);
    assert_eq!(world.seen(late), closed);
    assert!(world.service.is_idle());
}

#[test]
fn a_hub_may_let_in_who_has_no_token() {
    let hub = HubSettings { anonymous_connect_policy: AnonymousConnectPolicy::Allow, ..HubSettings::default() };
    let mut world = World::with(Settings { hubs: [("chat".to_owned(), hub)].into(), ..Settings::default() });
    let socket = world.upgrade("/client/hubs/Chat", JSON).unwrap();
    assert_eq!(world.frames(socket)[0]["userId"], json!(null));
    world.send(socket, json!({ "type": "joinGroup", "group": "g", "ackId": 1 }));
    assert_eq!(world.frames(socket)[0]["error"]["name"], "Forbidden");
    let status = |answer: Result<_, webpubsub_edge_emulator::Response>| answer.err().map(|refusal| refusal.status);
    assert_eq!(status(world.upgrade("/client/hubs/chat?access_token=x", JSON)), Some(401));
    assert_eq!(status(world.upgrade("/client/hubs/other", JSON)), Some(401));
}
