//! Which hosts, pages and callers may use the emulator.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{ACCESS_KEY, Request, Response, Settings};

use crate::world::{JSON, ORIGIN, World, body, header};

const PUBLIC: &str = "https://emulator.example";

/// A service behind a proxy.
fn exposed() -> World {
    World::with(Settings {
        is_exposed: true,
        public_url: Some(PUBLIC.to_owned()),
        allow_unvalidated_entra_tokens: true,
        ..Settings::default()
    })
}

fn ask(world: &mut World, method: &str, url: &str, headers: &[(&str, &str)], content: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (method, body) = (method.to_owned(), content.as_bytes().to_vec());
    world.request(Request { method, url: url.to_owned(), headers, body })
}

#[test]
fn a_page_of_another_local_port_may_connect_and_call_rest_but_not_control() {
    let mut world = World::new();
    let token = world.token(&format!("{ORIGIN}/api/hubs/chat/:send"), json!({}));
    let bearer = format!("Bearer {token}");
    for origin in ["http://localhost:5173", "https://127.0.0.1:5173", "http://[::1]:3000", "http://app.localhost"] {
        let page = [("origin", origin), ("access-control-request-method", "POST")];
        let preflight = ask(&mut world, "OPTIONS", &format!("{ORIGIN}/api/hubs/chat/:send"), &page, "");
        assert_eq!((preflight.status, header(&preflight, "access-control-allow-origin")), (204, Some(origin)));

        let send = [("origin", origin), ("authorization", bearer.as_str()), ("content-type", "text/plain")];
        let sent = ask(&mut world, "POST", &format!("{ORIGIN}/api/hubs/chat/:send"), &send, "hello");
        assert_eq!((sent.status, header(&sent, "access-control-allow-origin")), (202, Some(origin)));

        let url = world.token(&format!("{ORIGIN}/client/hubs/chat"), json!({}));
        let headers = vec![("origin".to_owned(), origin.to_owned())];
        let url = format!("{ORIGIN}/client/hubs/chat?access_token={url}");
        let request = Request { method: "GET".to_owned(), url, headers, body: vec![] };
        assert!(world.upgrade_with(request).is_ok(), "{origin}");

        for (method, path, content) in [
            ("GET", "/_emulator?hub=chat", ""),
            ("POST", "/_emulator/faults?hub=chat", r#"{"type":"cut"}"#),
            ("DELETE", "/_emulator/faults?hub=chat", ""),
        ] {
            let headers = [("origin", origin), ("content-type", "application/json")];
            let refused = ask(&mut world, method, &format!("{ORIGIN}{path}"), &headers, content);
            assert_eq!(refused.status, 403, "{method} {path}");
            // The page can read what to do.
            assert_eq!(header(&refused, "access-control-allow-origin"), Some(origin));
            assert!(body(&refused)["message"].as_str().unwrap().contains(&format!("--allow-origin {origin} ")));
        }
    }
    let null = ask(&mut world, "GET", &format!("{ORIGIN}/client/hubs/chat"), &[("origin", "null")], "");
    assert!(body(&null)["message"].as_str().unwrap().contains("jsdom"));
}

#[test]
fn an_exposed_service_needs_the_key_for_control_from_every_host() {
    let mut world = exposed();
    let right = format!("Bearer {ACCESS_KEY}");
    let wrong = format!("Bearer {ACCESS_KEY}x");
    for base in [ORIGIN, "http://emulator:9770", "http://192.168.1.2:9770", PUBLIC] {
        for path in ["/_emulator", "/_emulator?hub=chat", "/_emulator/faults", "/_emulator/nothing"] {
            let mut status =
                |headers: &[(&str, &str)]| ask(&mut world, "GET", &format!("{base}{path}"), headers, "").status;
            assert_eq!(status(&[]), 401, "{base}{path}");
            assert_eq!(status(&[("authorization", &wrong)]), 401, "{base}{path}");
            let expected = if path == "/_emulator/nothing" { 404 } else { 200 };
            assert_eq!(status(&[("authorization", &right)]), expected, "{base}{path}");
            let page = [("authorization", right.as_str()), ("origin", "http://localhost:5173")];
            assert_eq!(status(&page), expected, "{base}{path}");
            assert_eq!(status(&[("authorization", &right), ("origin", "https://evil.example")]), 403, "{base}{path}");
        }
        let fault = [("content-type", "application/json")];
        assert_eq!(
            ask(&mut world, "POST", &format!("{base}/_emulator/faults"), &fault, r#"{"type":"cut"}"#).status,
            401
        );
    }
}

#[test]
fn tokens_for_the_public_url_and_for_the_requested_host_are_accepted() {
    let mut world = exposed();
    let mut send = |base: &str, audience: &str| {
        let token = world.token(&format!("{audience}/api/hubs/chat/:send"), json!({}));
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "text/plain")];
        ask(&mut world, "POST", &format!("{base}/api/hubs/chat/:send"), &headers, "hello").status
    };
    let inside = "http://10.0.0.1:9770";
    assert_eq!(send(inside, PUBLIC), 202);
    assert_eq!(send(inside, inside), 202);
    assert_eq!(send(inside, "http://emulator.example"), 401);
    assert_eq!(send(inside, "http://10.0.0.2:9770"), 401);
    let token = world.token(&format!("{PUBLIC}/client/hubs/chat"), json!({}));
    assert!(world.upgrade(&format!("/client/hubs/chat?access_token={token}"), JSON).is_ok());
}

#[test]
fn links_and_generated_tokens_are_for_the_public_url() {
    let mut world = exposed();
    for user in ["ann", "ben"] {
        world.connect(JSON, json!({ "sub": user, "webpubsub.group": ["g"] }));
    }
    let path = "/api/hubs/chat/groups/g/connections";
    let page = body(&world.rest("GET", &format!("{path}?maxpagesize=1")));
    let link = page["nextLink"].as_str().unwrap();
    assert!(link.starts_with(&format!("{PUBLIC}{path}?")), "{link}");
    let next = body(&world.rest("GET", link.strip_prefix(PUBLIC).unwrap()));
    assert_eq!(next["value"].as_array().unwrap().len(), 1);

    let entra = world.entra_token(json!({}));
    let generated = world.rest_as(&entra, "POST", "/api/hubs/chat/:generateToken?userId=ann", None, b"");
    let token = body(&generated)["token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], format!("{PUBLIC}/client/hubs/chat"));
    assert!(world.upgrade(&format!("/client/hubs/chat?access_token={token}"), JSON).is_ok());
}

fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
