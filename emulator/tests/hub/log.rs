//! The lines for the host's log.

use serde_json::json;
use webpubsub_edge_emulator::{Settings, StartedBy};

use crate::world::{JSON, RELIABLE, World};

fn world() -> World {
    World::with(Settings { log: true, can_ping: false, ..Settings::default() })
}

fn lines(world: &mut World) -> Vec<String> {
    std::mem::take(&mut world.log)
}

#[test]
fn a_connection_is_logged_with_its_id_and_user() {
    let mut world = world();
    let ann = world.connect(RELIABLE, json!({ "sub": "ann" }));
    let connected = world.frames(ann).remove(0);
    let id = connected["connectionId"].as_str().unwrap();
    let token = connected["reconnectionToken"].as_str().unwrap();
    world.close(ann, 1006);
    let query = format!("awps_connection_id={id}&awps_reconnection_token={token}");
    let again = world.upgrade(&format!("/client/hubs/chat?{query}"), RELIABLE).unwrap();
    world.rest("DELETE", &format!("/api/hubs/chat/connections/{id}?reason=over"));
    assert_eq!(
        lines(&mut world),
        [
            format!("client {id} (user ann) connected to the hub chat ({RELIABLE})"),
            format!("client {id} (user ann) is gone (1006)"),
            format!("client {id} (user ann) came back to the hub chat"),
            format!("closeConnection chat, connection {id}: 1 connection"),
            format!("client {id} (user ann) was closed: 1000 over"),
        ]
    );
    world.close(again, 1000);

    let nobody = world.connect("", json!({}));
    world.break_it(json!({ "type": "cut" }));
    let lines = lines(&mut world);
    assert!(lines[0].contains(" (anonymous) connected to the hub chat (no subprotocol)"), "{lines:?}");
    assert!(lines[1].ends_with(" (anonymous) was cut off"), "{lines:?}");
    world.close(nobody, 1006);
    assert_eq!(world.log, [""; 0]);
}

#[test]
fn an_accepted_operation_is_logged_with_the_number_of_its_receivers() {
    let mut world = world();
    let ann = world.connect(JSON, json!({ "sub": "ann", "webpubsub.group": "g" }));
    world.connect(JSON, json!({}));
    let id = world.connection_id(ann);
    lines(&mut world);
    for path in [
        "/:send",
        "/groups/g/:send",
        "/users/bob/:send",
        &format!("/connections/{id}/:send"),
        "/:send?filter=userId%20eq%20%27ann%27",
        "/groups/a%0Ab/:send",
    ] {
        assert_eq!(world.post(&format!("/api/hubs/Chat{path}"), "text/plain", b"secret").status, 202);
    }
    world.post("/api/hubs/chat/:addToGroups", "application/json", br#"{"groups":["h"]}"#);
    world.rest("PUT", &format!("/api/hubs/chat/groups/g/connections/{id}"));
    world.rest("DELETE", "/api/hubs/chat/users/ann/groups");
    world.rest("HEAD", "/api/hubs/chat/users/ann");
    world.rest("GET", "/api/hubs/chat/groups/g/connections");
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/users/nobody").status, 404);
    assert_eq!(world.post("/api/hubs/chat/:send", "text/html", b"secret").status, 415);
    assert_eq!(
        lines(&mut world),
        [
            "sendToAll chat: 2 connections",
            "sendToGroup chat, group g: 1 connection",
            "sendToUser chat, user bob: 0 connections",
            &format!("sendToConnection chat, connection {id}: 1 connection"),
            "sendToAll chat: 1 connection",
            "sendToGroup chat, group a\\u{a}b: 0 connections",
            "addConnectionsToGroups chat: 2 connections",
            &format!("group.addConnection chat, group g, connection {id}: 1 connection"),
            "removeUserFromAllGroups chat, user ann: 1 connection",
            "userExists chat, user ann",
            "group.listConnections chat, group g",
        ]
    );
}

#[test]
fn a_line_holds_no_control_characters_of_clients() {
    let mut world = world();
    world.connect(JSON, json!({ "sub": "a\u{1b}[2J\nb" }));
    let line = lines(&mut world).remove(0);
    assert!(line.contains("(user a\\u{1b}[2J\\u{a}b)"), "{line}");
}

#[test]
fn without_a_log_there_are_no_lines() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "sub": "ann" }));
    world.post("/api/hubs/chat/:send", "text/plain", b"x");
    world.close(ann, 1006);
    assert_eq!(world.log, [""; 0]);
}

#[test]
fn an_event_without_a_handler_says_what_helps_where_the_emulator_was_started() {
    for (started_by, advice) in [
        (StartedBy::Program, "Add one with emulator.onEvent(\"chat\", handler)."),
        (StartedBy::Command, "The command `webpubsub-edge emulator` does not answer events."),
        (StartedBy::WranglerDev, "The emulator under `wrangler dev` does not answer events."),
    ] {
        let mut world = World::with(Settings { log: true, started_by, ..Settings::default() });
        let ann = world.connect(JSON, json!({ "sub": "ann" }));
        world.seen(ann);
        world.send(ann, json!({ "type": "event", "event": "save", "ackId": 1, "data": "secret" }));
        let frames = world.frames(ann);
        let message = frames[0]["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("The hub has no event handler for the event 'save'. "), "{message}");
        assert!(message.contains(advice), "{message}");
        let line = world.log.last().unwrap();
        assert!(line.contains(" (user ann): the hub chat has no event handler for the event 'save'. "), "{line}");
        assert!(line.contains(advice) && !line.contains("secret"), "{line}");
    }
}
