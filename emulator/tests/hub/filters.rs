//! Filters on sends and on bulk changes of groups.

use serde_json::json;

use crate::world::{Event, JSON, RELIABLE, World, body, header};

/// Sends to a hub with three clients and says which of them got it.
fn receivers(path: &str) -> (u16, [bool; 3]) {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "sub": "ann", "webpubsub.group": ["g", "h"] }));
    let bob = world.connect(RELIABLE, json!({ "sub": "bob", "webpubsub.group": ["g"] }));
    let nobody = world.connect("", json!({}));
    for socket in [ann, bob, nobody] {
        world.seen(socket);
    }
    let status = world.post(path, "text/plain", b"hi").status;
    (status, [ann, bob, nobody].map(|socket| !world.seen(socket).is_empty()))
}

#[test]
fn a_filter_chooses_the_receivers() {
    for (path, expected) in [
        ("/api/hubs/chat/:send?filter=userId%20eq%20null", [false, false, true]),
        ("/api/hubs/chat/:send?filter=userId+ne+'ann'", [false, true, true]),
        ("/api/hubs/chat/:send?filter=protocol%20eq%20null", [false, false, true]),
        ("/api/hubs/chat/:send?filter=protocol%20eq%20%27json.webpubsub.azure.v1%27", [true, false, false]),
        ("/api/hubs/chat/:send?filter=%27g%27%20in%20groups%20and%20length(groups)%20lt%202", [false, true, false]),
        ("/api/hubs/chat/:send?filter=false&filter=true", [true, true, true]),
        ("/api/hubs/chat/:send?filter=", [true, true, true]),
        ("/api/hubs/chat/groups/g/:send?filter=userId%20in%20(%27bob%27,null)", [false, true, false]),
        ("/api/hubs/chat/users/ann/:send?filter=not%20(%27h%27%20in%20groups)", [false, false, false]),
        ("/api/hubs/chat/users/ann/:send?filter=%27h%27%20in%20groups", [true, false, false]),
    ] {
        assert_eq!(receivers(path), (202, expected), "{path}");
    }
}

#[test]
fn one_connection_is_not_filtered() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({}));
    let id = world.connection_id(ann);
    let path = format!("/api/hubs/chat/connections/{id}/:send?filter=this%20is%20not%20read");
    assert_eq!(world.post(&path, "text/plain", b"hi").status, 202);
    assert_eq!(world.frames(ann).len(), 1);
}

#[test]
fn a_bad_filter_is_a_problem_before_the_body_is_read() {
    let mut world = World::new();
    let path = "/api/hubs/chat/groups/%20/:send?messageTtlSeconds=x&filter=not%20length(userId)%20gt%205";
    let response = world.post(path, "image/png", &vec![0; 2 * 1024 * 1024]);
    let message = "Invalid syntax for 'not length(userId)': Type 'null', expect 'bool'. (Parameter 'filter')";
    assert_eq!(response.status, 400);
    assert_eq!(header(&response, "content-type"), Some("application/problem+json; charset=utf-8"));
    assert_eq!(header(&response, "api-supported-versions"), None);
    assert_eq!(
        body(&response),
        json!({
            "code": "Error.BadRequest",
            "message": message,
            "target": "filter",
            "errors": { "filter": [message] },
            "type": null,
            "title": "One or more validation errors occurred.",
            "status": 400,
            "detail": null,
            "instance": null,
            "extensions": {}
        })
    );
}

#[test]
fn a_bulk_change_meets_whom_its_filter_chooses() {
    for (filter, expected) in [
        (json!("userId eq 'ann'"), [true, false]),
        // The choice is made before the first change.
        (json!("length(groups) eq 0"), [true, true]),
        (json!("false"), [false, false]),
        (json!(null), [true, true]),
        (json!(""), [true, true]),
    ] {
        let mut world = World::new();
        let sockets = ["ann", "bob"].map(|user| world.connect(JSON, json!({ "sub": user })));
        for socket in sockets {
            world.seen(socket);
        }
        let change = json!({ "groups": ["g 1", "h", "g 1"], "filter": filter }).to_string();
        let content_type = "application/json; charset=utf-8";
        let response = world.post("/api/hubs/chat/:addToGroups", content_type, change.as_bytes());
        assert_eq!((response.status, header(&response, "content-length")), (200, Some("0")), "{filter}");
        for group in ["g%201", "h"] {
            world.post(&format!("/api/hubs/chat/groups/{group}/:send"), "text/plain", b"x");
            assert_eq!(sockets.map(|socket| world.frames(socket).len() == 1), expected, "{filter}");
        }
        let change = json!({ "filter": "'h' in groups", "groups": ["h", "g 1"], "more": 1 }).to_string();
        assert_eq!(world.post("/api/hubs/chat/:removeFromGroups", content_type, change.as_bytes()).status, 200);
        for group in ["g%201", "h"] {
            world.post(&format!("/api/hubs/chat/groups/{group}/:send"), "text/plain", b"x");
            assert_eq!(sockets.map(|socket| world.frames(socket).len()), [0, 0], "{filter}");
        }
    }
}

#[test]
fn without_a_filter_all_are_changed() {
    let mut world = World::new();
    let ann = world.connect("", json!({}));
    world.seen(ann);
    assert_eq!(world.post("/api/hubs/chat/:addToGroups", "application/json", br#"{"Groups":["g"]}"#).status, 200);
    world.post("/api/hubs/chat/groups/g/:send", "text/plain", b"x");
    assert_eq!(world.seen(ann), [Event::Text("x".to_owned())]);
}

#[test]
fn a_bad_bulk_change_says_what_is_wrong() {
    let mut world = World::new();
    let long = json!({ "groups": ["x".repeat(1025)] }).to_string();
    let large = json!({ "groups": ["x".repeat(1024 * 1024)] }).to_string();
    for (content_type, content, status, target) in [
        ("text/plain", r#"{"groups":["g"]}"#, 415, "Request"),
        ("", "", 415, "Request"),
        ("application/json", "", 400, "Request"),
        ("application/json", "{", 400, "Request"),
        ("application/json", r#"["g"]"#, 400, "Request"),
        ("application/json", "null", 400, "Request"),
        ("application/json", large.as_str(), 413, "Request"),
        ("application/json", "{}", 400, "Groups"),
        ("application/json", r#"{"groups":null}"#, 400, "Groups"),
        ("application/json", r#"{"groups":[]}"#, 400, "Groups"),
        ("application/json", r#"{"groups":"g"}"#, 400, "Groups"),
        ("application/json", r#"{"groups":["g",7]}"#, 400, "Groups"),
        ("application/json", r#"{"groups":["g"," "]}"#, 400, "Groups"),
        ("application/json", long.as_str(), 400, "Groups"),
        ("application/json", r#"{"groups":["g"],"filter":7}"#, 400, "Filter"),
        ("application/json", r#"{"groups":["g"],"filter":" "}"#, 400, "Filter"),
        ("application/json", r#"{"groups":["g"],"filter":"nobody eq 1"}"#, 400, "Filter"),
    ] {
        for operation in [":addToGroups", ":removeFromGroups"] {
            let response = world.post(&format!("/api/hubs/chat/{operation}"), content_type, content.as_bytes());
            let body = body(&response);
            let shown = &content[..content.len().min(60)];
            assert_eq!((response.status, body["target"].as_str()), (status, Some(target)), "{shown}");
            let is_problem = header(&response, "content-type") == Some("application/problem+json; charset=utf-8");
            assert_eq!(is_problem, target != "Request", "{shown}");
        }
    }
}

#[test]
fn a_filter_that_is_too_long_or_too_costly_is_refused() {
    let mut world = World::new();
    let ann = "a".repeat(1000);
    let sockets: Vec<_> = (0..20).map(|_| world.connect(JSON, json!({ "sub": ann }))).collect();
    let sockets_seen = |world: &mut World| sockets.iter().map(|socket| world.seen(*socket).len()).sum::<usize>();
    sockets_seen(&mut world);
    let add = |world: &mut World, filter: &str| {
        let content = json!({ "groups": ["g"], "filter": filter }).to_string();
        let response = world.post("/api/hubs/chat/:addToGroups", "application/json", content.as_bytes());
        (response.status, response)
    };
    let (status, response) = add(&mut world, &format!("{:16385}", "true"));
    assert_eq!(status, 400);
    assert_eq!(body(&response)["message"], "The filter has 16385 bytes. It may have 16384.");

    let nested = (0..90).fold("userId".to_owned(), |inner, _| format!("concat({inner},userId)"));
    let costly = format!("{nested} ne ''");
    assert_eq!(add(&mut world, &costly).0, 400);
    let costly = costly.replace(' ', "%20");
    let response = world.post(&format!("/api/hubs/chat/:send?filter={costly}"), "text/plain", b"hi");
    assert_eq!(response.status, 400);
    let message = body(&response)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("It takes more than 5000000 steps for the connections of the hub"), "{message}");
    assert_eq!(sockets_seen(&mut world), 0, "nobody gets it");
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/groups/g").status, 404);
    assert_eq!(add(&mut world, "userId ne ''").0, 200);
}
