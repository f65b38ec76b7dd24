//! The state that connections set in a group.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{SocketId, limits};

use crate::world::{JSON, RELIABLE, World};

const ROLES: [&str; 2] = ["webpubsub.setGroupState", "webpubsub.getGroupState.g"];

fn connect(world: &mut World, protocol: &str, user: &str) -> (SocketId, Value) {
    let socket = world.connect(protocol, json!({ "sub": user, "role": ROLES }));
    (socket, world.frames(socket).remove(0))
}

fn set(world: &mut World, socket: SocketId, state: Value) {
    world.send(socket, json!({ "type": "setGroupState", "group": "g", "state": state }));
}

fn subscribe(world: &mut World, socket: SocketId) -> Vec<Value> {
    world.send(socket, json!({ "type": "subscribeGroupState", "group": "g", "ackId": 1 }));
    world.frames(socket)
}

#[test]
fn a_subscriber_gets_a_snapshot_and_then_what_changes() {
    let mut world = World::without_pings();
    let (ann, connected) = connect(&mut world, JSON, "ann");
    let (bob, _) = connect(&mut world, JSON, "bob");
    set(&mut world, ann, json!({ "activity": "typing" }));
    let frames = subscribe(&mut world, bob);
    let mut item = json!({ "connectionId": connected["connectionId"], "userId": "ann", "updatedAt": world.now });
    item["state"] = json!({ "activity": "typing" });
    assert_eq!(
        frames,
        [
            json!({ "type": "ack", "ackId": 1, "success": true }),
            json!({ "type": "groupStateSnapshot", "group": "g", "items": [item] })
        ]
    );
    // Of changes at the same time the later one is newer, also than one that cleared it.
    set(&mut world, ann, Value::Null);
    set(&mut world, bob, json!({}));
    set(&mut world, ann, json!({ "activity": "back" }));
    let updates = world.frames(bob);
    let newer = |of: usize| updates[of]["items"][0]["updatedAt"].as_u64();
    assert!(newer(2) > newer(0));
    let cleared = &updates[0]["items"][0];
    assert_eq!((&updates[0]["type"], &cleared["state"]), (&json!("groupStateUpdate"), &Value::Null));
    assert_eq!(cleared["updatedAt"], world.now + 1);
    assert_eq!(updates[1]["items"][0]["state"], json!({}), "its own too");
    world.send(bob, json!({ "type": "unsubscribeGroupState", "group": "g", "ackId": 2 }));
    set(&mut world, ann, json!({ "a": "b" }));
    assert_eq!(world.frames(bob), [json!({ "type": "ack", "ackId": 2, "success": true })]);
}

#[test]
fn there_are_states_in_so_many_groups_and_no_more() {
    let mut world = World::without_pings();
    let roles = ["webpubsub.setGroupState", "webpubsub.getGroupState"];
    let ann = world.connect(JSON, json!({ "sub": "ann", "role": roles }));
    let mut ask = |kind: &str, group: usize| {
        let state = if kind == "setGroupState" { json!({ "a": "b" }) } else { Value::Null };
        world.seen(ann);
        world
            .send(ann, json!({ "type": kind, "group": group.to_string(), "state": state, "ackId": 1_000_000 + group }));
        world.frames(ann).iter().find_map(|frame| frame["success"].as_bool()).unwrap()
    };
    let half = limits::MAX_GROUPS_PER_CONNECTION / 2;
    assert!((0..half).all(|n| ask("setGroupState", n)));
    assert!((half..2 * half).all(|n| ask("subscribeGroupState", n)));
    assert!(ask("subscribeGroupState", 0), "one that it has already");
    assert!(!ask("setGroupState", 2 * half) && !ask("subscribeGroupState", 2 * half + 1));
    assert!(ask("unsubscribeGroupState", half));
    assert!(ask("setGroupState", 2 * half + 2), "there is room again");
    world.close(ann, 1000);
    assert!(world.service.is_idle());
}

#[test]
fn a_state_ends_with_its_connection() {
    let mut world = World::without_pings();
    let (ann, _) = connect(&mut world, JSON, "ann");
    let (bob, _) = connect(&mut world, RELIABLE, "bob");
    subscribe(&mut world, bob);
    set(&mut world, ann, json!({ "a": "b" }));
    world.seen(bob);
    world.close(ann, 1006);
    let gone = world.frames(bob).remove(0);
    assert_eq!((&gone["items"][0]["userId"], &gone["items"][0]["state"]), (&json!("ann"), &Value::Null));
    world.close(bob, 1000);
    assert!(world.service.is_idle());
}

#[test]
fn who_comes_back_gets_a_snapshot_for_what_was_missed() {
    let mut world = World::without_pings();
    let (ann, _) = connect(&mut world, JSON, "ann");
    let (bob, connected) = connect(&mut world, RELIABLE, "bob");
    subscribe(&mut world, bob);
    world.close(bob, 1006);
    set(&mut world, ann, json!({ "a": "b" }));
    let text = |name: &str| connected[name].as_str().unwrap().to_owned();
    let query =
        format!("awps_connection_id={}&awps_reconnection_token={}", text("connectionId"), text("reconnectionToken"));
    let bob = world.upgrade(&format!("/client/hubs/chat?{query}"), RELIABLE).unwrap();
    let frames = world.frames(bob);
    assert_eq!((frames.len(), &frames[0]["type"]), (1, &json!("groupStateSnapshot")));
    assert_eq!(frames[0]["items"][0]["state"], json!({ "a": "b" }));
}

#[test]
fn both_need_their_role_and_states_are_small() {
    let mut world = World::without_pings();
    let socket = world.connect(JSON, json!({ "role": "webpubsub.setGroupState.g" }));
    world.seen(socket);
    let outcome = |world: &mut World, frame: Value| {
        world.send(socket, frame);
        world.frames(socket).remove(0)["error"]["name"].clone()
    };
    let state = json!({ "type": "setGroupState", "group": "g", "ackId": 3, "state": { "a": "b" } });
    for (frame, error) in [
        (json!({ "type": "subscribeGroupState", "group": "g", "ackId": 1 }), json!("Forbidden")),
        (json!({ "type": "setGroupState", "group": "other", "ackId": 2, "state": {} }), json!("Forbidden")),
        (state, Value::Null),
        (
            json!({ "type": "setGroupState", "group": "g", "ackId": 4, "state": { "a": "x".repeat(8192) } }),
            json!("BadRequest"),
        ),
    ] {
        assert_eq!(outcome(&mut world, frame), error);
    }
}
