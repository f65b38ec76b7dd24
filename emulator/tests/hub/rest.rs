//! What a server may ask over REST, and how it is answered.

use serde_json::json;
use webpubsub_edge_emulator::{Request, SocketId};

use crate::world::{Event, JSON, ORIGIN, World, body, header};

fn connect(world: &mut World, user: &str) -> (SocketId, String) {
    let socket = world.connect(JSON, json!({ "sub": user }));
    let id = world.connection_id(socket);
    (socket, id)
}

#[test]
fn the_four_sends_reach_whom_they_name() {
    let mut world = World::new();
    let (ann, ann_id) = connect(&mut world, "ann");
    let (bob, bob_id) = connect(&mut world, "b ob");
    assert_eq!(world.rest("PUT", &format!("/api/hubs/chat/groups/g%201/connections/{bob_id}")).status, 200);
    for (path, to_ann, to_bob, from) in [
        ("/api/hubs/chat/:send".to_owned(), true, true, "server"),
        (format!("/api/hubs/chat/:send?excluded=x&excluded={ann_id}"), false, true, "server"),
        ("/api/hubs/chat/users/b%20ob/:send".to_owned(), false, true, "server"),
        ("/api/hubs/chat/users/nobody/:send".to_owned(), false, false, "server"),
        (format!("/api/hubs/chat/connections/{ann_id}/:send"), true, false, "server"),
        ("/api/hubs/chat/groups/g%201/:send".to_owned(), false, true, "group"),
        (format!("/api/hubs/chat/groups/g%201/:send?excluded={bob_id}"), false, false, "group"),
    ] {
        let response = world.post(&path, "application/json; charset=utf-8", br#" {"a": 1} "#);
        assert_eq!(response.status, 202, "{path}");
        assert_eq!(header(&response, "content-length"), Some("0"));
        for (socket, expected) in [(ann, to_ann), (bob, to_bob)] {
            let frames = world.frames(socket);
            assert_eq!(frames.len(), usize::from(expected), "{path}");
            assert!(frames.iter().all(|frame| frame["from"] == from && frame["data"] == json!({ "a": 1 })));
        }
    }
}

#[test]
fn nobody_is_excluded_from_what_is_for_them_alone() {
    let mut world = World::new();
    let (ann, id) = connect(&mut world, "ann");
    for path in ["users/ann", &format!("connections/{id}")] {
        let response = world.post(&format!("/api/hubs/chat/{path}/:send?excluded={id}"), "text/plain", b"hi");
        assert_eq!((response.status, world.frames(ann).len()), (202, 1), "{path}");
    }
}

#[test]
fn a_payload_keeps_its_type() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, "ann");
    let simple = world.connect("", json!({}));
    world.seen(simple);
    for (content_type, sent, frame, bare) in [
        ("text/plain", "h\"i", r#""dataType":"text","data":"h\"i"}"#, Event::Text("h\"i".to_owned())),
        ("application/json", r#""hi""#, r#""dataType":"json","data":"hi"}"#, Event::Text(r#""hi""#.to_owned())),
        (
            "application/json",
            "{\"a\" : 1.0}",
            r#""dataType":"json","data":{"a" : 1.0}}"#,
            Event::Text("{\"a\" : 1.0}".to_owned()),
        ),
        ("application/octet-stream", "\u{1}\u{2}", r#""dataType":"binary","data":"AQI="}"#, Event::Binary(vec![1, 2])),
    ] {
        world.post("/api/hubs/chat/:send", content_type, sent.as_bytes());
        let expected = format!(r#"{{"type":"message","from":"server",{frame}"#);
        assert_eq!(world.seen(ann), [Event::Text(expected)]);
        assert_eq!(world.seen(simple), [bare]);
    }
}

#[test]
fn existence_is_asked_with_head() {
    let mut world = World::new();
    let (ann, id) = connect(&mut world, "ann");
    for path in [format!("connections/{id}"), "users/ann".to_owned()] {
        assert_eq!(world.rest("HEAD", &format!("/api/hubs/chat/{path}")).status, 200);
    }
    for (path, code) in [
        ("connections/x", "Warning.Connection.NotExisted"),
        ("users/Ann", "Warning.User.NotExisted"),
        ("groups/g", "Warning.Group.NotExisted"),
    ] {
        let response = world.rest("HEAD", &format!("/api/hubs/chat/{path}"));
        assert_eq!((response.status, response.body.len()), (404, 0), "{path}");
        assert_eq!(header(&response, "x-ms-error-code"), Some(code));
    }
    world.rest("PUT", "/api/hubs/chat/users/ann/groups/g");
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/groups/g").status, 200);
    world.close(ann, 1000);
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/groups/g").status, 404);
}

#[test]
fn membership_comes_and_goes() {
    let mut world = World::new();
    let (_, id) = connect(&mut world, "ann");
    let group_exists = |world: &mut World| world.rest("HEAD", "/api/hubs/chat/groups/g").status == 200;
    let ways = [
        ("users/ann/groups/g".to_owned(), "users/ann/groups/g".to_owned()),
        ("users/ann/groups/g".to_owned(), "users/ann/groups".to_owned()),
        (format!("groups/g/connections/{id}"), format!("groups/g/connections/{id}")),
        (format!("groups/g/connections/{id}"), format!("connections/{id}/groups")),
    ];
    for (put, delete) in ways {
        assert_eq!(world.rest("PUT", &format!("/api/hubs/chat/{put}")).status, 200);
        assert!(group_exists(&mut world));
        for _ in 0..2 {
            let response = world.rest("DELETE", &format!("/api/hubs/chat/{delete}"));
            assert_eq!((response.status, header(&response, "content-length")), (204, None));
        }
        assert!(!group_exists(&mut world));
    }
}

#[test]
fn closing_tells_the_reason() {
    let mut world = World::new();
    let (ann, _) = connect(&mut world, "ann");
    let (bob, bob_id) = connect(&mut world, "bob");
    let simple = world.connect("", json!({ "sub": "sim", "webpubsub.group": "g" }));
    world.seen(simple);

    let disconnected = |reason: &str| {
        let frame = format!(r#"{{"type":"system","event":"disconnected","message":"{reason}"}}"#);
        vec![Event::Text(frame), Event::Closed(1000, reason.to_owned())]
    };
    world.rest("POST", "/api/hubs/chat/groups/g/:closeConnections?reason=a%20b");
    assert_eq!(world.seen(simple), [Event::Closed(1000, "a b".to_owned())]);
    world.rest("POST", &format!("/api/hubs/chat/:closeConnections?excluded={bob_id}"));
    assert_eq!(world.seen(ann), disconnected("Closed by REST API."));
    assert!(world.seen(bob).is_empty());
    assert_eq!(world.rest("POST", "/api/hubs/chat/users/bob/:closeConnections?reason=bye").status, 204);
    assert_eq!(world.seen(bob), disconnected("bye"));
    let (carl, id) = connect(&mut world, "carl");
    assert_eq!(world.rest("DELETE", &format!("/api/hubs/chat/connections/{id}?reason=out")).status, 204);
    assert_eq!(world.seen(carl), disconnected("out"));
    assert!(world.service.is_idle());
}

#[test]
fn bad_requests_get_their_status() {
    let mut world = World::new();
    let large = vec![b'x'; 1024 * 1024 + 1];
    let send = "/api/hubs/chat/:send";
    for (method, path, content_type, content, status) in [
        ("POST", "/api/hubs/chat/:nothing", "text/plain", &b"x"[..], 404),
        ("GET", "/api/hubs/chat/:send", "text/plain", b"", 405),
        ("GET", "/api/health", "text/plain", b"", 405),
        ("POST", send, "text/plain", &large, 413),
        ("POST", send, "text/html", b"x", 415),
        ("POST", send, "application/x-protobuf", b"x", 400),
        ("POST", send, "", b"x", 415),
        ("POST", send, "application/json", b"", 400),
        ("POST", send, "application/json", b"{", 400),
        ("POST", send, "application/json", b"1 2", 400),
        ("POST", send, "application/json", b"\"\xff\"", 400),
        ("POST", send, "text/plain", b"\xff", 400),
        ("POST", "/api/hubs/chat/:send?messageTtlSeconds=301", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/:send?messageTtlSeconds=-1", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/:send?messageTtlSeconds=", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/:send?filter=userId%20eq", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/users/u/:send?filter=userId", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/:send?api-version=2020-10-01", "text/plain", b"x", 400),
        ("POST", "/api/hubs/9chat/:send", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/groups/%20/:send", "text/plain", b"x", 400),
        ("POST", "/api/hubs/chat/users/%ff/:send", "text/plain", b"x", 400),
        ("PUT", "/api/hubs/chat/groups/%09/connections/c", "", b"", 400),
    ] {
        let response = world.rest_with(method, path, Some(content_type), content);
        assert_eq!(response.status, status, "{method} {path} {content_type}");
        let body = body(&response);
        assert!(body["code"].as_str().unwrap().starts_with("Error."), "{body}");
        assert_eq!(header(&response, "x-ms-error-code"), body["code"].as_str());
    }
    assert_eq!(world.post(send, "text/plain", &large[1..]).status, 202, "1 MiB is not too large");
}

#[test]
fn a_token_must_be_for_the_request() {
    let mut world = World::new();
    let path = "/api/hubs/chat/:send?api-version=2024-12-01";
    let good = world.token(&format!("{ORIGIN}/api/hubs/chat/:send"), json!({}));
    let expired = json!({ "exp": world.now / 1000 - 301 });
    for (token, status) in [
        (Some(good), 202),
        (Some(world.token(&format!("{ORIGIN}/api/hubs/other/:send"), json!({}))), 401),
        (Some(world.token(&format!("{ORIGIN}{path}"), expired)), 401),
        (Some("x.y.z".to_owned()), 401),
        (None, 401),
    ] {
        let mut headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        let url = format!("{ORIGIN}{path}");
        let response = world.request(Request { method: "POST".to_owned(), url, headers, body: b"x".to_vec() });
        assert_eq!(response.status, status);
        assert!(response.body.is_empty());
    }
}

#[test]
fn health_needs_no_token() {
    let mut world = World::new();
    let url = format!("{ORIGIN}/api/health");
    let response = world.request(Request { method: "HEAD".to_owned(), url, ..Request::default() });
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "api-supported-versions"), None);
}
