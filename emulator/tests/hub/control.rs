//! `/_emulator`, and who may reach the emulator at all.

use serde_json::json;
use webpubsub_edge_emulator::{ACCESS_KEY, Injection, Request, Service, Settings};

use crate::world::{Event, JSON, ORIGIN, RELIABLE, World, body};

fn fault(world: &mut World, content_type: &str, content: &str) -> (u16, serde_json::Value) {
    let response = world.post("/_emulator/faults?hub=CHAT", content_type, content.as_bytes());
    (response.status, body(&response))
}

#[test]
fn the_snapshot_shows_a_hub() {
    let mut world = World::new();
    let claims = json!({ "sub": "ann", "webpubsub.group": ["g", "h"] });
    let ann = world.connect(RELIABLE, claims);
    let id = world.connection_id(ann);
    world.connect("", json!({ "webpubsub.group": "g" }));
    world.close(ann, 1006);
    let response = world.rest("GET", "/_emulator?hub=chat");
    let snapshot = body(&response);
    assert_eq!(snapshot["hub"], "chat");
    let expected =
        json!({ "connectionId": id, "userId": "ann", "protocol": RELIABLE, "open": false, "groups": ["g", "h"] });
    assert_eq!(snapshot["connections"][0], expected);
    assert_eq!(snapshot["connections"][1]["protocol"], "simple");
    assert_eq!(snapshot["groups"], json!([{ "group": "g", "connections": 2 }, { "group": "h", "connections": 1 }]));
    let empty = json!({ "hub": "demo", "connections": [], "groups": [] });
    assert_eq!(body(&world.rest("GET", "/_emulator?hub=demo")), empty);
}

#[test]
fn without_a_hub_all_hubs_are_listed() {
    let mut world = World::new();
    assert_eq!(body(&world.rest("GET", "/_emulator")), json!({ "hubs": [] }));
    world.connect(JSON, json!({ "webpubsub.group": ["g", "h"] }));
    world.connect(JSON, json!({}));
    let token = world.token(&format!("{ORIGIN}/client/hubs/Another"), json!({}));
    world.upgrade(&format!("/client/hubs/Another?access_token={token}"), JSON).unwrap();
    let hub = |name: &str, connections: usize, groups: usize| json!({ "hub": name, "connections": connections, "groups": groups });
    let expected = json!({ "hubs": [hub("another", 1, 0), hub("chat", 2, 2)] });
    assert_eq!(body(&world.rest("GET", "/_emulator/")), expected);
}

#[test]
fn the_clock_is_read_and_set_forward_over_http() {
    let mut world = World::without_pings();
    let lost = world.connect(RELIABLE, json!({}));
    world.close(lost, 1006);
    let start = world.now;
    assert_eq!(body(&world.rest("GET", "/_emulator/clock")), json!({ "now": start }));
    let post = |world: &mut World, content: &str| {
        let response = world.post("/_emulator/clock", "application/json", content.as_bytes());
        (response.status, body(&response))
    };
    assert_eq!(post(&mut world, r#"{"advanceMs":29999}"#), (200, json!({ "now": start + 29_999 })));
    assert!(!world.service.is_idle(), "the connection can still be recovered");
    assert_eq!(post(&mut world, r#"{"advanceMs":1}"#), (200, json!({ "now": start + 30_000 })));
    assert!(world.service.is_idle());
    for content in ["", "{}", "1", r#"{"advanceMs":-1}"#, r#"{"advanceMs":1.5}"#, r#"{"advanceMs":1,"hub":"a"}"#] {
        let (status, refusal) = post(&mut world, content);
        let message = refusal["message"].as_str().unwrap();
        assert_eq!(status, 400, "{content}");
        assert!(message.starts_with(r#"The body must be a JSON object such as {"advanceMs": 31000}: "#), "{message}");
    }
    let (status, refusal) = post(&mut world, r#"{"advanceMs":86400001}"#);
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], "advanceMs must be a whole number from 0 to 86400000.");
    assert_eq!(world.post("/_emulator/clock", "text/plain", b"{}").status, 415);
    assert_eq!(world.rest("DELETE", "/_emulator/clock").status, 405);
    assert_eq!(world.now, start + 30_000, "what is refused changes nothing");
}

#[test]
fn a_cut_meets_whom_it_names() {
    let mut world = World::new();
    let ann = world.connect(JSON, json!({ "sub": "ann" }));
    let bob = world.connect(RELIABLE, json!({ "sub": "bob" }));
    world.seen(ann);
    let id = world.connection_id(bob);
    let json = "application/json; charset=utf-8";
    assert_eq!(fault(&mut world, json, r#"{"type":"cut","userId":"nobody"}"#), (200, json!({ "cut": 0 })));
    assert_eq!(fault(&mut world, json, r#"{"type":"cut","userId":"ann"}"#), (200, json!({ "cut": 1 })));
    assert_eq!(world.seen(ann), [Event::Aborted]);
    assert!(world.seen(bob).is_empty());
    let by_id = format!(r#"{{"type":"cut","connectionId":"{id}"}}"#);
    assert_eq!(fault(&mut world, json, &by_id), (200, json!({ "cut": 1 })));
    assert_eq!(fault(&mut world, json, r#"{"type":"cut"}"#), (200, json!({ "cut": 0 })), "the socket is cut already");
}

#[test]
fn a_fault_that_is_none_is_refused() {
    let mut world = World::new();
    assert_eq!(fault(&mut world, "text/plain", r#"{"type":"cut"}"#).0, 415);
    for content in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"type":"melt"}"#,
        r#"{"type":"cut","user":"ann"}"#,
        r#"{"type":"cut","userId":1}"#,
        r#"{"type":"cut","userId":"a","connectionId":"b"}"#,
    ] {
        assert_eq!(fault(&mut world, "application/json", content).0, 400, "{content}");
    }
    assert_eq!(world.rest("PUT", "/_emulator/faults").status, 405);
    assert_eq!(world.rest("DELETE", "/_emulator").status, 405);
    assert_eq!(world.rest("GET", "/_emulator/other").status, 404);
}

#[test]
fn strangers_are_kept_out_everywhere() {
    let mut world = World::new();
    for path in ["/api/health", "/api/hubs/chat/:send", "/client/hubs/chat", "/_emulator", "/nothing"] {
        for stranger in [("Host", "example.com:8080"), ("Origin", "https://example.com"), ("origin", "null")] {
            let headers = vec![(stranger.0.to_owned(), stranger.1.to_owned())];
            let request = Request { method: "GET".to_owned(), url: format!("{ORIGIN}{path}"), headers, body: vec![] };
            assert_eq!(world.request(request).status, 403, "{path} {stranger:?}");
        }
    }
    let url = "http://192.168.1.2:8080/api/health".to_owned();
    assert_eq!(world.request(Request { method: "HEAD".to_owned(), url, ..Request::default() }).status, 403);
}

#[test]
fn only_a_person_or_a_program_may_look() {
    let mut world = World::new();
    let mut ask = |method: &str, path: &str, site: &str| {
        let headers =
            [("Sec-Fetch-Site", site), ("Content-Type", "application/json")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let url = format!("{ORIGIN}{path}");
        let body = br#"{"type":"cut"}"#.to_vec();
        world.request(Request { method: method.to_owned(), url, headers: headers.to_vec(), body }).status
    };
    for site in ["cross-site", "same-site", "same-origin"] {
        assert_eq!(ask("GET", "/_emulator?hub=chat", site), 403, "{site}");
    }
    assert_eq!(ask("GET", "/_emulator?hub=chat", "none"), 200);
    // A page that changes something has an origin, and that decides.
    assert_eq!(ask("POST", "/_emulator/faults?hub=chat", "same-origin"), 200);
}

#[test]
fn a_listed_page_may_ask_first_and_read_answers() {
    let listed = "http://localhost:5173";
    let mut world = World::with(Settings { allowed_origins: vec![listed.to_owned()], ..Settings::default() });
    let mut ask = |method: &str, path: &str, origin: &str| {
        let mut headers = vec![("origin".to_owned(), origin.to_owned())];
        headers.push(("sec-fetch-site".to_owned(), "cross-site".to_owned()));
        headers.push(("access-control-request-method".to_owned(), "POST".to_owned()));
        let response =
            world.request(Request { method: method.to_owned(), url: format!("{ORIGIN}{path}"), headers, body: vec![] });
        let allowed = response.headers.iter().find(|(name, _)| *name == "access-control-allow-origin");
        (response.status, allowed.map(|(_, origin)| origin.clone()))
    };
    let yes = Some(listed.to_owned());
    for (method, path, status) in [
        ("OPTIONS", "/api/hubs/chat/:send", 204),
        ("OPTIONS", "/_emulator/faults?hub=chat", 204),
        ("GET", "/_emulator?hub=chat", 200),
        ("GET", "/_emulator/faults?hub=chat", 200),
        ("POST", "/api/hubs/chat/:send", 401),
        ("GET", "/nothing", 404),
    ] {
        assert_eq!(ask(method, path, listed), (status, yes.clone()), "{method} {path}");
        for other in ["http://192.168.1.2:5173", "https://example.com", "http://localhost:5173.evil.example", "null"] {
            assert_eq!(ask(method, path, other), (403, None), "{method} {path} {other}");
        }
    }
}

#[test]
fn the_root_tells_what_this_is_and_no_key() {
    let mut world = World::new();
    let response = world.rest("GET", "/");
    let text = String::from_utf8(response.body).unwrap();
    assert_eq!(response.status, 200);
    assert!(text.contains("emulator") && !text.contains(ACCESS_KEY), "{text}");
}

#[test]
fn a_fault_in_a_hub_that_cannot_be_is_refused() {
    let mut world = World::new();
    let cut: Injection = serde_json::from_value(json!({ "type": "cut" })).unwrap();
    assert!(world.service.inject(world.now, Some("1-no"), cut.clone()).is_err());
    assert!(world.service.inject(world.now, Some("Chat"), cut).is_ok());
}

#[test]
fn a_page_elsewhere_is_let_in_when_it_is_listed() {
    let listed = "http://localhost:5173";
    let settings = Settings { allowed_origins: vec![listed.to_owned()], ..Settings::default() };
    let mut world = World::new();
    world.service = Service::new(settings);
    for (origin, status) in [(listed, 200), ("HTTP://LOCALHOST:5173", 200), ("http://localhost:5174", 403), ("", 403)] {
        let headers = vec![("origin".to_owned(), origin.to_owned())];
        let url = format!("{ORIGIN}/_emulator");
        let request = Request { method: "GET".to_owned(), url, headers, body: vec![] };
        assert_eq!(world.request(request).status, status, "{origin}");
    }
}
