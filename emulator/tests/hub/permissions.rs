//! Permissions of a connection, as roles give them and REST changes them.

use serde_json::{Value, json};
use webpubsub_edge_emulator::SocketId;

use crate::world::{JSON, World, body, header};

/// Whether a client is let into a group and may send to it.
fn allowed(world: &mut World, socket: SocketId, group: &str) -> (bool, bool) {
    world.frames(socket);
    world.now += 1;
    let ack_id = world.now;
    world.send(socket, json!({ "type": "joinGroup", "group": group, "ackId": ack_id }));
    world
        .send(socket, json!({ "type": "sendToGroup", "group": group, "noEcho": true, "data": 1, "ackId": ack_id + 1 }));
    world.now += 1;
    let acks: Vec<Value> = world.frames(socket);
    assert_eq!(acks.len(), 2, "{acks:?}");
    (acks[0]["success"] == true, acks[1]["success"] == true)
}

fn permission(kind: &str, id: &str, group: &str) -> String {
    format!("/api/hubs/chat/permissions/{kind}/connections/{id}?targetName={group}")
}

#[test]
fn a_grant_allows_one_group_and_a_revocation_takes_it_back() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    let id = world.connection_id(ann);
    assert_eq!(allowed(&mut world, ann, "a.b c"), (false, false));
    for (kind, expected) in [("joinLeaveGroup", (true, false)), ("sendToGroup", (true, true))] {
        let path = permission(kind, &id, "a.b%20c");
        let response = world.rest("HEAD", &path);
        assert_eq!((response.status, header(&response, "x-ms-error-code")), (404, Some("Info.Permission.NotExisted")));
        let response = world.rest("PUT", &path);
        assert_eq!((response.status, header(&response, "content-length")), (200, Some("0")));
        assert_eq!(world.rest("HEAD", &path).status, 200);
        assert_eq!(allowed(&mut world, ann, "a.b c"), expected);
    }
    assert_eq!(allowed(&mut world, ann, "a"), (false, false));
    for (kind, expected) in [("joinLeaveGroup", (false, true)), ("SENDTOGROUP", (false, false))] {
        let path = permission(kind, &id, "a.b%20c");
        for _ in 0..2 {
            assert_eq!(world.rest("DELETE", &path).status, 204);
        }
        assert_eq!(world.rest("HEAD", &path).status, 404);
        assert_eq!(allowed(&mut world, ann, "a.b c"), expected);
    }
    world.frames(ann);
    world.post("/api/hubs/chat/groups/a.b%20c/:send", "text/plain", b"still a member");
    assert_eq!(world.frames(ann).len(), 1, "who may not leave stays");
}

#[test]
fn a_revoked_group_is_denied_even_where_all_are_allowed() {
    let mut world = World::new();
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroups.room.*"];
    let ann = world.connect(JSON, json!({ "role": roles }));
    let id = world.connection_id(ann);
    assert_eq!(allowed(&mut world, ann, "room.1"), (true, true));
    assert_eq!(allowed(&mut world, ann, "room.1.2"), (true, false));
    for kind in ["joinLeaveGroup", "sendToGroup"] {
        assert_eq!(world.rest("HEAD", &permission(kind, &id, "room.1")).status, 200);
        assert_eq!(world.rest("DELETE", &permission(kind, &id, "room.1")).status, 204);
        assert_eq!(world.rest("HEAD", &permission(kind, &id, "room.1")).status, 404);
    }
    assert_eq!(allowed(&mut world, ann, "room.1"), (false, false));
    assert_eq!(allowed(&mut world, ann, "room.2"), (true, true));
    for kind in ["joinLeaveGroup", "sendToGroup"] {
        assert_eq!(world.rest("PUT", &permission(kind, &id, "room.1")).status, 200);
    }
    assert_eq!(allowed(&mut world, ann, "room.1"), (true, true));
    assert_eq!(world.rest("PUT", &permission("sendToGroup", &id, "*")).status, 200);
    assert_eq!(allowed(&mut world, ann, "x"), (true, false), "an asterisk is a name here");
}

#[test]
fn the_thousand_and_first_name_is_a_conflict() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    let id = world.connection_id(ann);
    for number in 0..1000 {
        assert_eq!(world.rest("PUT", &permission("sendToGroup", &id, &format!("g{number}"))).status, 200);
    }
    let response = world.rest("PUT", &permission("sendToGroup", &id, "more"));
    assert_eq!((response.status, &body(&response)["code"]), (409, &json!("Error.Conflict")));
    assert_eq!(world.rest("PUT", &permission("sendToGroup", &id, "g7")).status, 200);
    assert_eq!(world.rest("PUT", &permission("joinLeaveGroup", &id, "more")).status, 200);
}

#[test]
fn who_is_not_there_has_no_permissions() {
    let mut world = World::new();
    let path = permission("sendToGroup", "nobody", "g");
    assert_eq!(world.rest("DELETE", &path).status, 204);
    for method in ["PUT", "HEAD"] {
        let response = world.rest(method, &path);
        assert_eq!((response.status, header(&response, "x-ms-error-code")), (404, Some("Info.Connection.NotExisted")));
        assert_eq!(response.body.is_empty(), method == "HEAD");
    }
}

#[test]
fn a_permission_needs_a_kind_and_a_group() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    let id = world.connection_id(ann);
    for (kind, query, message) in [
        ("sendToGroup", "", "Invalid group name."),
        ("sendToGroup", "?targetName=", "Invalid group name."),
        ("joinLeaveGroup", "?targetName=%20", "Invalid group name."),
        ("sendToEverybody", "?targetName=g", "The value 'sendToEverybody' is not valid."),
    ] {
        for method in ["PUT", "DELETE", "HEAD"] {
            let response = world.rest(method, &format!("/api/hubs/chat/permissions/{kind}/connections/{id}{query}"));
            assert_eq!(response.status, 400, "{method} {kind}{query}");
            assert_eq!(header(&response, "x-ms-error-code"), Some("Error.BadRequest"));
            if method != "HEAD" {
                assert!(body(&response)["message"].as_str().unwrap().starts_with(message), "{method} {kind}{query}");
            }
        }
    }
}

#[test]
fn roles_beyond_the_limits_are_refused() {
    let mut world = World::new();
    let patterns = |count: usize| vec!["webpubsub.sendToGroups.a*"; count];
    assert!(world.connect_with(JSON, json!({ "role": patterns(9) }), "").is_ok());
    for roles in [json!(patterns(10)), json!("webpubsub.sendToGroups.a*b*c*d*e*f*")] {
        let refusal = world.connect_with(JSON, json!({ "role": roles }), "").expect_err("it is refused");
        assert_eq!(refusal.status, 400);
        assert!(body(&refusal)["message"].as_str().unwrap().contains("roles are beyond a limit"));
    }
}
