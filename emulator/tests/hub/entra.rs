//! Callers with Entra tokens, and `:generateToken`.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{Response, Settings};

use crate::world::{JSON, ORIGIN, World, body, header};

const GENERATE: &str = "/api/hubs/Chat/:generateToken";

fn trusting() -> World {
    World::with(Settings { allow_unvalidated_entra_tokens: true, ..Settings::default() })
}

fn generate(world: &mut World, query: &str) -> Response {
    let token = world.entra_token(json!({}));
    world.rest_as(&token, "POST", &format!("{GENERATE}{query}"), None, b"")
}

fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_generated_token_opens_a_connection() {
    let mut world = trusting();
    let response = generate(
        &mut world,
        "?api-version=2024-12-01&userId=a%20b&role=webpubsub.joinLeaveGroup.g&role=webpubsub.sendToGroup&group=g&group=h%201&minutesToExpire=5",
    );
    assert_eq!((response.status, header(&response, "content-type")), (200, Some("application/json; charset=utf-8")));
    let body = body(&response);
    let token = body["token"].as_str().unwrap();
    assert_eq!(body, json!({ "token": token }));
    let now = world.now / 1000;
    assert_eq!(
        claims(token),
        json!({
            "role": ["webpubsub.joinLeaveGroup.g", "webpubsub.sendToGroup"],
            "webpubsub.group": ["g", "h 1"],
            "iat": now,
            "exp": now + 300,
            "aud": format!("{ORIGIN}/client/hubs/Chat"),
            "sub": "a b"
        })
    );
    let socket = world.upgrade(&format!("/client/hubs/chat?access_token={token}"), JSON).unwrap();
    assert_eq!(world.frames(socket)[0]["userId"], "a b");
    assert_eq!(world.rest("HEAD", "/api/hubs/chat/groups/h%201").status, 200);
}

#[test]
fn a_token_is_good_for_an_hour_and_any_kind_of_client() {
    let mut world = trusting();
    for (query, path) in [
        ("", "/client/hubs/Chat"),
        ("?clientType=Default&userId=", "/client/hubs/Chat"),
        ("?clientType=default", "/client/hubs/Chat"),
        ("?clientType=mqtt", "/clients/mqtt/hubs/Chat"),
        ("?clientType=MQTT", "/clients/mqtt/hubs/Chat"),
    ] {
        let response = generate(&mut world, query);
        let claims = claims(body(&response)["token"].as_str().unwrap());
        let now = world.now / 1000;
        assert_eq!(claims, json!({ "iat": now, "exp": now + 3600, "aud": format!("{ORIGIN}{path}") }), "{query}");
    }
}

#[test]
fn a_bad_request_for_a_token_says_what_is_wrong() {
    let mut world = trusting();
    for (query, message, content_type) in [
        ("?clientType=socketio", "The value 'socketio' is not valid.", "application/json; charset=utf-8"),
        ("?clientType=", "The value '' is not valid.", "application/json; charset=utf-8"),
        ("?minutesToExpire=0", "minutesToExpire must be", "application/problem+json; charset=utf-8"),
        ("?minutesToExpire=-1", "minutesToExpire must be", "application/problem+json; charset=utf-8"),
        ("?minutesToExpire=soon", "minutesToExpire must be", "application/problem+json; charset=utf-8"),
        ("?minutesToExpire=71582789", "from 1 to 71582788", "application/problem+json; charset=utf-8"),
        ("?group=%20", "Invalid group name.", "application/json; charset=utf-8"),
        ("?role=", "role", "application/json; charset=utf-8"),
    ] {
        let response = generate(&mut world, query);
        assert_eq!((response.status, header(&response, "content-type")), (400, Some(content_type)), "{query}");
        let body = body(&response);
        assert!(body["message"].as_str().unwrap().contains(message), "{query}: {body}");
    }
}

#[test]
fn who_has_the_key_signs_tokens_himself() {
    for mut world in [World::new(), trusting()] {
        let response = world.rest("POST", GENERATE);
        assert_eq!((response.status, response.body.len()), (401, 0));
        assert!(header(&response, "x-emulator-reason").unwrap().contains("Entra"));
    }
}

#[test]
fn an_entra_token_opens_every_operation_only_where_it_is_allowed() {
    for (method, path, status) in [
        ("POST", "/api/hubs/chat/:send", 202),
        ("HEAD", "/api/hubs/chat/users/nobody", 404),
        ("DELETE", "/api/hubs/chat/connections/c/groups", 204),
        ("GET", "/api/hubs/chat/groups/g/connections?api-version=2024-12-01", 200),
        ("POST", "/api/hubs/chat/:generateToken", 200),
    ] {
        for (mut world, expected) in [(trusting(), status), (World::new(), 401)] {
            let token = world.entra_token(json!({}));
            assert_eq!(
                world.rest_as(&token, method, path, Some("text/plain"), b"x").status,
                expected,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn an_entra_token_must_be_for_the_service_and_current() {
    let mut world = trusting();
    let now = world.now / 1000;
    for (claims, status) in [
        (json!({ "exp": now - 299 }), 202),
        (json!({ "exp": now - 300 }), 401),
        (json!({ "exp": null }), 401),
        (json!({ "exp": "soon" }), 401),
        (json!({ "aud": "https://management.azure.com" }), 401),
        (json!({ "aud": ["https://webpubsub.azure.com"] }), 202),
    ] {
        let token = world.entra_token(claims.clone());
        let response = world.rest_as(&token, "POST", "/api/hubs/chat/:send", Some("text/plain"), b"x");
        assert_eq!(response.status, status, "{claims}");
        assert_eq!(header(&response, "x-emulator-reason").is_some(), status == 401);
    }
    let token = world.entra_token(json!({}));
    let refused = world.upgrade(&format!("/client/hubs/chat?access_token={token}"), JSON);
    assert_eq!(refused.expect_err("it is for servers only").status, 401);
}
