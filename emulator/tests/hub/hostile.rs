//! Nothing that arrives from outside may panic or stop the hub.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{Request, SocketId};

use crate::random::{Random, soak};
use crate::soak::frames::{damaged, upstream};
use crate::world::{Event, JSON, ORIGIN, PROTOBUF, PROTOBUF_RELIABLE, RELIABLE, World, header};

const ALL_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

fn connect(world: &mut World) -> SocketId {
    let socket = world.connect(RELIABLE, json!({ "role": ALL_ROLES }));
    world.seen(socket);
    socket
}

/// The socket was told why, and closed with this code.
fn assert_closed(world: &mut World, socket: SocketId, code: u16, what: &str) {
    let seen = world.seen(socket);
    let [Event::Text(frame), Event::Closed(closed, reason)] = &seen[..] else { panic!("{what}: {seen:?}") };
    let frame: Value = serde_json::from_str(frame).unwrap();
    assert_eq!((&frame["type"], &frame["event"]), (&json!("system"), &json!("disconnected")), "{what}");
    assert_eq!(*closed, code, "{what}: {reason}");
    assert!(!reason.is_empty() && reason.len() <= 123, "{what}: {reason}");
    let message = frame["message"].as_str().unwrap();
    assert!(message.starts_with(reason.as_str()) && message.len() < 400, "{what}: {message}");
}

fn assert_serves(world: &mut World) {
    let socket = connect(world);
    world.send(socket, json!({ "type": "ping" }));
    assert_eq!(world.frames(socket), [json!({ "type": "pong" })]);
    world.close(socket, 1000);
}

#[test]
fn a_malformed_frame_closes_with_1007() {
    let deep = format!(r#"{{"type":{}"#, "[".repeat(100_000));
    let deep_data = format!(r#"{{"type":"sendToGroup","group":"g","data":{}"#, "[".repeat(100_000));
    let long_type = format!(r#"{{"type":"{}"}}"#, "x".repeat(1000));
    let long_number = format!(r#"{{"type":"ping","ackId":"{}"}}"#, "9".repeat(100_000));
    let long_group = format!(r#"{{"type":"joinGroup","group":"{}"}}"#, "g".repeat(1025));
    let long_event = format!(r#"{{"type":"event","event":"{}","data":1}}"#, "e".repeat(129));
    let frames = [
        "",
        " ",
        "x",
        "null",
        "[]",
        r#"["ping"]"#,
        r#""ping""#,
        "{",
        "{}",
        r#"{"type":"ping"} x"#,
        r#"{"type":"ping",}"#,
        "\u{feff}{\"type\":\"ping\"}",
        r#"{'type':'ping'}"#,
        r#"{"type":1}"#,
        r#"{"type":null}"#,
        r#"{"type":"what"}"#,
        r#"{"type":"ping","type":"ping"}"#,
        r#"{"type":"joinGroup"}"#,
        r#"{"type":"joinGroup","group":""}"#,
        r#"{"type":"joinGroup","group":" "}"#,
        r#"{"type":"joinGroup","group":7}"#,
        r#"{"type":"joinGroup","group":"\ud800"}"#,
        r#"{"type":"joinGroup","group":"g","ackId":"1"}"#,
        r#"{"type":"joinGroup","group":"g","ackId":-1}"#,
        r#"{"type":"joinGroup","group":"g","ackId":1.5}"#,
        r#"{"type":"joinGroup","group":"g","ackId":true}"#,
        r#"{"type":"joinGroup","group":"g","ackId":18446744073709551616}"#,
        r#"{"type":"joinGroup","group":"g","group":"h"}"#,
        r#"{"type":"leaveGroup","group":null}"#,
        r#"{"type":"sendToGroup","group":"g"}"#,
        r#"{"type":"sendToGroup","group":"g","data":null}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"xml","data":"x"}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":1}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":"\ud800"}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"binary","data":"!"}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"AQI"}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"noEcho":"yes"}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":-1}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"AQI="}"#,
        r#"{"type":"sendToGroup","group":"g","metadata":{}}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"metadata":{"a":1}}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"metadata":{"a b":"c"}}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"metadata":[]}"#,
        r#"{"type":"event","event":"e","data":1,"metadata":{"a":"1","A":"2"}}"#,
        r#"{"type":"sendToGroup","group":"g","stream":{}}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":-1}"#,
        r#"{"type":"event","data":1}"#,
        r#"{"type":"event","event":"","data":1}"#,
        r#"{"type":"event","event":"9a","data":1}"#,
        r#"{"type":"event","event":"e"}"#,
        r#"{"type":"sequenceAck"}"#,
        r#"{"type":"sequenceAck","sequenceId":"1"}"#,
        r#"{"type":"invoke","invocationId":"1"}"#,
        r#"{"type":"setGroupState","group":"g","state":{"a":1}}"#,
        &deep,
        &deep_data,
        &long_type,
        &long_number,
        &long_group,
        &long_event,
    ];
    let mut world = World::new();
    for frame in frames {
        let socket = connect(&mut world);
        world.text(socket, frame);
        assert_closed(&mut world, socket, 1007, &frame[..frame.len().min(80)]);
        // What still arrives on a closed socket is nobody's.
        world.text(socket, r#"{"type":"ping"}"#);
        assert!(world.seen(socket).is_empty());
    }
    assert!(world.service.is_idle());
    assert_serves(&mut world);
}

#[test]
fn a_binary_frame_closes_with_1003() {
    let mut world = World::new();
    let socket = connect(&mut world);
    world.binary(socket, br#"{"type":"ping"}"#);
    assert_closed(&mut world, socket, 1003, "binary");
}

#[test]
fn a_frame_over_a_mebibyte_closes_with_1009() {
    let mut world = World::new();
    let frame = |length: usize| {
        let start = r#"{"type":"sendToGroup","group":"g","data":""#;
        format!(r#"{start}{}"}}"#, "x".repeat(length - start.len() - 2))
    };
    let socket = connect(&mut world);
    world.text(socket, &frame(1024 * 1024));
    assert!(world.seen(socket).is_empty(), "1 MiB is taken");
    world.text(socket, &frame(1024 * 1024 + 1));
    assert_closed(&mut world, socket, 1009, "large text");
    let simple = world.connect("", json!({}));
    world.binary(simple, &vec![0; 1024 * 1024 + 1]);
    assert!(matches!(world.seen(simple)[1..], [Event::Closed(1009, _)]));
    assert_serves(&mut world);
}

#[test]
fn deeply_nested_data_passes_through() {
    let mut world = World::new();
    let socket = connect(&mut world);
    world.send(socket, json!({ "type": "joinGroup", "group": "g" }));
    let data = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    world.text(socket, &format!(r#"{{"type":"sendToGroup","group":"g","data":{data}}}"#));
    let seen = world.seen(socket);
    assert!(matches!(&seen[..], [Event::Text(text)] if text.contains(&data)));
}

#[test]
fn a_bad_upgrade_is_refused() {
    let mut world = World::new();
    let audience = format!("{ORIGIN}/client/hubs/chat");
    let token = world.token(&audience, json!({}));
    let (head, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for (token, status) in [
        (String::new(), 401),
        ("x".to_owned(), 401),
        ("..".to_owned(), 401),
        (format!("{head}.{payload}."), 401),
        (format!("{head}.{payload}"), 401),
        (format!("{head}.{payload}.{signature}.{signature}"), 401),
        (format!("{head}.{signature}.{payload}"), 401),
        (format!("{none}.{payload}."), 401),
        (format!("{none}.{payload}.{signature}"), 401),
        (token.to_uppercase(), 401),
        (world.token("http://localhost:8080/client/hubs/other", json!({})), 401),
        (world.token("http://example.com/client/hubs/chat", json!({})), 401),
        (world.token(&audience, json!({ "exp": 1 })), 401),
        (world.token(&audience, json!({ "exp": "soon" })), 401),
        (world.token(&audience, json!({ "exp": null })), 401),
        (world.token(&audience, json!({ "nbf": world.now / 1000 + 301 })), 401),
        (world.token(&audience, json!({ "aud": [] })), 401),
        (world.token(&audience, json!({ "aud": 7 })), 401),
        (world.token(&audience, json!({ "role": 7 })), 400),
        (world.token(&audience, json!({ "webpubsub.group": ["g", ""] })), 400),
    ] {
        let refused = world.upgrade(&format!("/client/hubs/chat?access_token={token}"), JSON);
        let response = refused.expect_err("it is refused");
        assert_eq!(response.status, status, "{token}");
        assert_eq!(response.body.is_empty(), status == 401);
        assert_eq!(header(&response, "x-emulator-reason").is_some(), status == 401);
    }
    for (path, status) in [
        ("/client/hubs/chat", 401),
        ("/client/hubs/", 400),
        ("/client/hubs/a%2Fb", 400),
        ("/client/hubs/%ff", 400),
        ("/client/hubs/chat/x", 404),
        ("/client/", 400),
        ("/client?hub=9", 400),
        ("/clients/mqtt/hubs/chat", 404),
        ("/api/hubs/chat/:send", 404),
        ("/", 404),
    ] {
        assert_eq!(world.upgrade(path, JSON).expect_err(path).status, status, "{path}");
    }
    assert!(world.service.is_idle());
    assert_serves(&mut world);
}

#[test]
fn a_bad_request_is_answered() {
    let mut world = World::new();
    for (method, url, status) in [
        ("GET", "", 400),
        ("GET", "/", 400),
        ("GET", "http://", 400),
        ("GET", "http://localhost:8080", 200),
        ("POST", "http://localhost:8080", 404),
        ("GET", "http://localhost:8080//", 200),
        ("GET", "http://localhost:8080/api/hubs/chat/:send/", 404),
        ("", "http://localhost:8080/api/hubs/chat/:send", 405),
        ("post", "http://localhost:8080/api/hubs/chat/:send", 405),
        ("POST", "http://localhost:8080/api/hubs/chat/:send?%ff=%ff", 400),
        ("POST", "http://localhost:8080/api/hubs/chat/:send", 401),
        ("GET", "http://localhost:8080/client/hubs/chat", 400),
        ("GET", "http://user@localhost:8080/", 403),
        ("GET", "http://localhost:99999/", 403),
    ] {
        let request = Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() };
        assert_eq!(world.request(request).status, status, "{method} {url}");
    }
    assert_serves(&mut world);
}

/// Frames, requests and upgrades put together at random from pieces that mean something.
#[test]
fn random_garbage_never_stops_the_hub() {
    soak("hostile clients and requests", |random| {
        let mut world = World::new();
        let mut sockets: Vec<SocketId> = Vec::new();
        for _ in 0..300 {
            if sockets.len() < 8 {
                let subprotocol = random.pick(&[JSON, RELIABLE, PROTOBUF, PROTOBUF_RELIABLE, ""]);
                // A fault may refuse it.
                let claims = json!({ "role": ALL_ROLES, "sub": "u", "webpubsub.group": "g" });
                sockets.extend(world.connect_with(subprotocol, claims, ""));
                if sockets.is_empty() {
                    world.clear_faults();
                    continue;
                }
            }
            disturb(&mut world, &mut sockets, random);
            world.pass(random.below(200) as u64);
            // Whoever was closed by the hub is gone.
            sockets.retain(|socket| {
                !world.seen(*socket).iter().any(|event| matches!(event, Event::Closed(..) | Event::Aborted))
            });
        }
        world.clear_faults();
        assert_serves(&mut world);
        for socket in sockets {
            world.close(socket, 1000);
        }
        world.pass(30_000);
        assert!(world.service.is_idle(), "everything was forgotten");
    });
}

fn disturb(world: &mut World, sockets: &mut Vec<SocketId>, random: &mut Random) {
    let at = random.below(sockets.len());
    let garbage = random.joined(7, &FRAME_PIECES);
    match random.below(9) {
        6 => {
            let texts = ["g".to_owned(), garbage];
            let frame = upstream(random, &texts).to_protobuf();
            world.binary(sockets[at], &if random.one_in(2) { damaged(random, frame) } else { frame });
        }
        7 => break_something(world, random),
        8 if random.one_in(4) => world.clear_faults(),
        0 => world.binary(sockets[at], garbage.as_bytes()),
        1 => world.close(sockets.swap_remove(at), [1000, 1005, 1006][random.below(3)]),
        2 => {
            let path = garbage_path(random);
            let method = random.pick(&["GET", "HEAD", "POST", "PUT", "DELETE"]);
            let content_type = random.pick(&["application/json", "text/plain", "application/octet-stream", ""]);
            let status = world.rest_with(method, &path, Some(content_type), &random.bytes(&garbage)).status;
            assert!((200..600).contains(&status), "{method} {path}");
        }
        3 => {
            if let Ok(socket) = world.upgrade(&garbage_path(random), &garbage) {
                sockets.push(socket);
            }
        }
        _ => world.text(sockets[at], &garbage),
    }
}

fn break_something(world: &mut World, random: &mut Random) {
    let ms = random.below(300);
    let mut fault = match random.below(14) {
        0 => json!({ "type": "cut" }),
        1 => json!({ "type": "restart", "keepState": random.one_in(2) }),
        2 => json!({ "type": "cutOnFrame" }),
        3 => json!({ "type": "halfOpen", "direction": random.pick(&["fromClient", "toClient", "both"]) }),
        4 => json!({ "type": "delay", "ms": ms, "direction": random.pick(&["fromClient", "toClient", "both"]) }),
        5 => json!({ "type": "delayAcks", "ms": ms }),
        6 => json!({ "type": "duplicateAcks" }),
        7 => json!({ "type": "reorderAcks", "ms": ms, "window": 2 + random.below(3) }),
        8 => json!({ "type": "pauseAcks" }),
        9 => json!({ "type": "slowClient" }),
        10 => json!({ "type": "refuseRecovery" }),
        11 => json!({ "type": "refuseConnection" }),
        12 => json!({ "type": "answer", "status": 503, "carriedOut": true }),
        _ => json!({ "type": "cut", "userId": "u" }),
    };
    if fault["type"] != "restart" {
        fault["share"] = json!(0.3);
        fault["seed"] = json!(random.next() >> 11);
        if fault["type"] != "cut" && random.one_in(2) {
            fault["durationMs"] = json!(ms);
        }
    }
    world.break_it(fault);
}

/// Continuation tokens put together at random: a page or a refusal, whatever the token.
#[test]
fn random_tokens_never_stop_a_list() {
    let mut random = Random::new(0x70c3);
    let mut world = World::new();
    for _ in 0..3 {
        world.connect(JSON, json!({ "webpubsub.group": "g" }));
    }
    let list = "/api/hubs/chat/groups/g/connections";
    let pieces = [
        "0123456789abcdef",
        "00000000000000010000000000000000",
        "f",
        "g",
        "http://localhost:8080",
        "://",
        list,
        "?",
        "continuationToken=",
        "&",
        "%",
        "%ff",
        "#",
        "é",
        " ",
    ];
    let good_link = format!("{ORIGIN}{list}?top=1&continuationToken=00000000000000020000000000000000");
    let (mut pages, mut refusals) = (0, 0);
    for _ in 0..20_000 {
        let start = ["", "00000000000000010000000000000000", good_link.as_str()][random.below(3)];
        let token = format!("{start}{}", random.joined(7, &pieces));
        let escaped: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        match world.rest("GET", &format!("{list}?continuationToken={escaped}")).status {
            200 => pages += 1,
            400 => refusals += 1,
            other => panic!("{token}: {other}"),
        }
    }
    assert!(pages > 500 && refusals > 5000, "{pages} pages, {refusals} refusals");
}

const FRAME_PIECES: [&str; 31] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551615",
    "\\ud800",
    "\u{0}",
    "é",
    "{\"type\":\"",
    "ping\"}",
    "joinGroup\",\"group\":\"g\"",
    "sendToGroup\",\"group\":\"g\",\"data\":",
    "leaveGroup\",\"group\":\"g\"",
    "sequenceAck\",\"sequenceId\":",
    "event\",\"event\":\"e\",\"data\":",
    ",\"ackId\":",
    "1",
    "}",
    "\"dataType\":\"binary\"",
    "{\"type\":\"cut\"}",
    "{\"groups\":[\"g\"",
    ",\"filter\":\"",
    "not ('g' in groups)\"",
    " ",
];

const PATH_PIECES: [&str; 38] = [
    "/api",
    "/hubs",
    "/chat",
    "/:send",
    "/groups",
    "/g",
    "/users",
    "/u",
    "/connections",
    "/c",
    "/:closeConnections",
    "/client",
    "/_emulator",
    "/faults",
    "/%ff",
    "/%2F",
    "/..",
    "?hub=chat",
    "?",
    "&excluded=",
    "&messageTtlSeconds=9",
    "&awps_connection_id=x",
    "%",
    "/api/hubs/chat/:send",
    "/:addToGroups",
    "/:removeFromGroups",
    "/:generateToken",
    "/permissions",
    "/sendToGroup",
    "?targetName=g",
    "?filter=",
    "userId%20",
    "eq%20null",
    "&maxpagesize=1",
    "&top=2",
    "&continuationToken=",
    "0123456789abcdef",
    "&clientType=",
];

fn garbage_path(random: &mut Random) -> String {
    let start = random.pick(&["/api/hubs/chat", "/client/hubs/chat", ""]);
    format!("{start}/{}", random.joined(7, &PATH_PIECES))
}
