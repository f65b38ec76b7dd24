//! The list of a group's members.

use serde_json::{Value, json};
use webpubsub_edge_emulator::limits;

use crate::world::{JSON, ORIGIN, RELIABLE, World, body, header};

const LIST: &str = "/api/hubs/chat/groups/g%201/connections";

/// A world with so many members of the group, every second one anonymous; and their ids in order.
fn with_members(count: usize) -> (World, Vec<String>) {
    let mut world = World::new();
    let claims = |number: usize| match number % 2 {
        0 => json!({ "webpubsub.group": "g 1", "sub": format!("user{number}") }),
        _ => json!({ "webpubsub.group": "g 1" }),
    };
    let mut ids: Vec<String> = (0..count)
        .map(|number| {
            let socket = world.connect(JSON, claims(number));
            world.connection_id(socket)
        })
        .collect();
    ids.sort();
    (world, ids)
}

fn ids(page: &Value) -> Vec<&str> {
    page["value"].as_array().unwrap().iter().map(|member| member["connectionId"].as_str().unwrap()).collect()
}

#[test]
fn members_are_listed_in_order() {
    let (mut world, expected) = with_members(3);
    let response = world.rest("GET", LIST);
    assert_eq!(header(&response, "content-type"), Some("application/json; charset=utf-8"));
    let page = body(&response);
    assert_eq!(ids(&page), expected);
    let users: Vec<&Value> = page["value"].as_array().unwrap().iter().map(|member| &member["userId"]).collect();
    assert_eq!(users, [&json!("user2"), &json!(null), &json!("user0")]);
    assert_eq!(page.as_object().unwrap().len(), 1, "the last page has no nextLink");
    assert_eq!(body(&world.rest("GET", "/api/hubs/chat/groups/none/connections")), json!({ "value": [] }));
}

#[test]
fn a_lost_connection_is_still_a_member() {
    let mut world = World::new();
    let socket = world.connect(RELIABLE, json!({ "webpubsub.group": "g 1" }));
    world.close(socket, 1006);
    assert_eq!(ids(&body(&world.rest("GET", LIST))).len(), 1);
    world.pass(30_000);
    assert_eq!(ids(&body(&world.rest("GET", LIST))).len(), 0);
}

#[test]
fn links_lead_from_page_to_page() {
    let (mut world, expected) = with_members(5);
    for (query, sizes, tops) in [
        ("maxpagesize=2", &[2, 2, 1][..], &[None, None][..]),
        ("maxpagesize=2&top=5", &[2, 2, 1], &[Some("3"), Some("1")]),
        ("maxpagesize=2&top=4", &[2, 2], &[Some("2")]),
        ("maxpagesize=5", &[5], &[]),
        ("top=3", &[3], &[]),
        ("top=2147483647&maxpagesize=200", &[5], &[]),
        ("MaxPageSize=4", &[4, 1], &[None]),
    ] {
        let mut path = format!("{LIST}?{query}&api-version=2024-12-01");
        let (mut seen, mut sizes_seen, mut tops_seen) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let response = world.rest("GET", &path);
            assert_eq!(response.status, 200, "{path}");
            let page = body(&response);
            sizes_seen.push(ids(&page).len());
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(link) = page["nextLink"].as_str() else { break };
            path = link.strip_prefix(ORIGIN).expect("the link is absolute").to_owned();
            let parameters: Vec<(&str, &str)> =
                path.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
            let parameter = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            assert_eq!(parameter("api-version"), Some("2024-12-01"));
            assert_eq!(parameter("maxpagesize"), Some(sizes[0].to_string().as_str()));
            tops_seen.push(parameter("top").map(str::to_owned));
        }
        assert_eq!(sizes_seen, sizes, "{query}");
        assert_eq!(seen, expected[..seen.len()], "{query}");
        assert_eq!(tops_seen.iter().map(Option::as_deref).collect::<Vec<_>>(), tops, "{query}");
    }
}

#[test]
fn a_page_holds_two_hundred_when_nothing_is_said() {
    let (mut world, expected) = with_members(201);
    let page = body(&world.rest("GET", LIST));
    assert_eq!(ids(&page), expected[..200]);
    let link = page["nextLink"].as_str().unwrap();
    assert!(!link.contains("maxpagesize") && !link.contains("top="), "{link}");
    assert_eq!(ids(&body(&world.rest("GET", link.strip_prefix(ORIGIN).unwrap()))), expected[200..]);
}

#[test]
fn a_token_goes_on_where_it_was_given_whoever_left() {
    let (mut world, expected) = with_members(4);
    let page = body(&world.rest("GET", &format!("{LIST}?maxpagesize=2")));
    let link = page["nextLink"].as_str().unwrap().to_owned();
    let token = link.split_once("continuationToken=").unwrap().1;
    for gone in &expected[..3] {
        world.rest("DELETE", &format!("/api/hubs/chat/connections/{gone}"));
    }
    let whole_link: String = link.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for token in [token, whole_link.as_str()] {
        let page = body(&world.rest("GET", &format!("{LIST}?continuationToken={token}")));
        assert_eq!(ids(&page), expected[3..]);
    }
}

#[test]
fn bad_parameters_of_a_list_are_refused() {
    let (mut world, expected) = with_members(1);
    let id = &expected[0];
    let foreign = format!("{ORIGIN}/api/hubs/chat/groups/other/connections?continuationToken={id}");
    let foreign: String = foreign.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (query, target) in [
        ("maxpagesize=0", "maxpagesize"),
        ("maxpagesize=201", "maxpagesize"),
        ("maxpagesize=-1", "maxpagesize"),
        ("maxpagesize=1.5", "maxpagesize"),
        ("maxpagesize=", "maxpagesize"),
        ("maxpagesize=1&MAXPAGESIZE=1", "maxpagesize"),
        ("top=0", "top"),
        ("top=2147483648", "top"),
        ("top=%20", "top"),
        ("top=1&top=2", "top"),
        ("continuationToken=", "continuationToken"),
        ("continuationToken=x", "continuationToken"),
        ("continuationToken=ABCDEF00ABCDEF00ABCDEF00ABCDEF00", "continuationToken"),
        ("continuationToken=http://localhost:8080", "continuationToken"),
        (&format!("continuationToken={foreign}"), "continuationToken"),
        (&format!("continuationToken={id}&continuationToken={id}"), "continuationToken"),
    ] {
        let response = world.rest("GET", &format!("{LIST}?{query}"));
        assert_eq!(response.status, 400, "{query}");
        let body = body(&response);
        assert_eq!(body["target"], target, "{query}");
        assert_eq!(body["errors"][target][0], body["message"], "{query}");
    }
    assert_eq!(world.rest("GET", "/api/hubs/chat/groups/%20/connections").status, 400);
}

#[test]
fn a_connection_can_be_in_so_many_groups_and_no_more() {
    let mut world = World::new();
    let socket = world.connect(JSON, json!({ "sub": "ann", "role": "webpubsub.joinLeaveGroup" }));
    let id = world.connection_id(socket);
    for n in 0..limits::MAX_GROUPS_PER_CONNECTION {
        world.send(socket, json!({ "type": "joinGroup", "group": n.to_string() }));
    }
    world.send(socket, json!({ "type": "joinGroup", "group": "one too many", "ackId": 1 }));
    assert_eq!(world.frames(socket)[0]["error"]["name"], "BadRequest");
    for path in [format!("/groups/more/connections/{id}"), "/users/ann/groups/more".to_owned()] {
        assert_eq!(world.rest("PUT", &format!("/api/hubs/chat{path}")).status, 409, "{path}");
    }
    let body = json!({ "groups": ["more"] }).to_string();
    let many = world.post("/api/hubs/chat/:addToGroups", "application/json", body.as_bytes());
    assert_eq!(many.status, 409);
    // A group that it is in already is no other one.
    world.send(socket, json!({ "type": "joinGroup", "group": "0", "ackId": 2 }));
    assert_eq!(world.frames(socket)[0]["success"], json!(true));
    let groups: Vec<String> = (0..=limits::MAX_GROUPS_PER_CONNECTION).map(|n| n.to_string()).collect();
    let refused = world.connect_with(JSON, json!({ "webpubsub.group": groups }), "");
    assert_eq!(refused.err().map(|answer| answer.status), Some(400));
}
