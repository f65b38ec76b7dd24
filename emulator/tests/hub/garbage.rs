//! Ten thousand frames and requests that were good once: each bad one is answered as documented, and the hub goes on.

use serde_json::{Value, json};
use webpubsub_edge::protocol::Downstream;
use webpubsub_edge_emulator::{Response, SocketId};

use crate::random::Random;
use crate::soak::frames::{damaged, upstream};
use crate::world::{Event, JSON, PROTOBUF, PROTOBUF_RELIABLE, RELIABLE, World, body, header};

const ALL_ROLES: [&str; 4] =
    ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup", "webpubsub.setGroupState", "webpubsub.getGroupState"];

fn connect(world: &mut World, protocol: &str) -> SocketId {
    let socket = world.connect(protocol, json!({ "role": ALL_ROLES, "webpubsub.group": "g" }));
    world.seen(socket);
    socket
}

/// Sends frames until this many were bad. A hub that has to do with garbage still serves `witness`.
fn disturb(
    bad: usize,
    protocols: [&str; 2],
    mut send: impl FnMut(&mut World, &mut Random, SocketId),
    told: fn(&Event) -> Option<String>,
) {
    let mut random = Random::new(0xbad);
    let mut world = World::new();
    let witness = connect(&mut world, JSON);
    let (mut refused, mut taken) = (0, 0);
    let mut socket = connect(&mut world, protocols[0]);
    while refused < bad {
        assert!(taken < 20 * bad, "{taken} of {bad} were good");
        send(&mut world, &mut random, socket);
        let seen = world.seen(socket);
        if let Some(Event::Closed(code, reason)) = seen.last() {
            assert!([1007, 1009].contains(code), "{code} {reason}");
            assert!(!reason.is_empty() && reason.len() <= 123);
            let told = told(&seen[seen.len() - 2]).expect("it is told why");
            assert!(told.starts_with(reason.as_str()) && told.len() < 400, "{told}");
            refused += 1;
            socket = connect(&mut world, protocols[refused % 2]);
        } else {
            taken += 1;
        }
        if (refused + taken) % 500 == 0 {
            world.seen(witness);
            world.send(witness, json!({ "type": "ping" }));
            assert_eq!(world.frames(witness), [json!({ "type": "pong" })]);
        }
        // Messages that were good wait for reliable clients to acknowledge them.
        if taken % 100 == 0 {
            world.close(socket, 1000);
            socket = connect(&mut world, protocols[taken % 2]);
        }
    }
    world.close(socket, 1000);
    world.close(witness, 1000);
    world.pass(30_000);
    assert!(world.service.is_idle(), "everything was forgotten");
}

#[test]
fn bad_json_frames_end_their_connection_only() {
    let frames = [
        r#"{"type":"joinGroup","group":"g","ackId":1}"#,
        r#"{"type":"leaveGroup","group":"h","ackId":2}"#,
        r#"{"type":"sendToGroup","group":"g","ackId":3,"noEcho":true,"dataType":"text","data":"hi","ttlSeconds":30}"#,
        r#"{"type":"sendToGroup","group":"g","data":{"a":[1,2.5e3,null,"\u00e9"]},"metadata":{"k":"v"}}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"binary","data":"AQI="}"#,
        r#"{"type":"event","event":"save","ackId":4,"dataType":"json","data":1}"#,
        r#"{"type":"sequenceAck","sequenceId":7}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"invoke","invocationId":"1","target":"event","event":"add","dataType":"text","data":"x"}"#,
        r#"{"type":"sendToGroup","group":"g","noEcho":false,"stream":{"streamId":"S","idleTimeoutMs":9}}"#,
        r#"{"type":"streamData","streamId":"S","streamSequenceId":1,"dataType":"text","data":"x"}"#,
        r#"{"type":"streamEnd","streamId":"S","error":{"message":"m","userErrorCode":"c"}}"#,
        r#"{"type":"setGroupState","group":"g","ackId":5,"state":{"a":"b"}}"#,
        r#"{"type":"subscribeGroupState","group":"g","ackId":6}"#,
    ];
    let send = |world: &mut World, random: &mut Random, socket| {
        let frame = random.pick(&frames);
        // A host refuses what is not UTF-8 before anybody sees it.
        if let Ok(text) = String::from_utf8(damaged(random, frame.as_bytes().to_vec())) {
            world.text(socket, &text);
        }
    };
    disturb(4000, [JSON, RELIABLE], send, |event| {
        let Event::Text(text) = event else { return None };
        let frame: Value = serde_json::from_str(text).unwrap();
        (frame["event"] == "disconnected").then(|| frame["message"].as_str().unwrap().to_owned())
    });
}

#[test]
fn bad_protobuf_frames_end_their_connection_only() {
    let send = |world: &mut World, random: &mut Random, socket| {
        let texts: Vec<String> = (0..3).map(|_| random.text() + "g").collect();
        let good = upstream(random, &texts).to_protobuf();
        let frame = if random.one_in(2) { damaged(random, good) } else { good };
        world.binary(socket, &frame);
    };
    disturb(4000, [PROTOBUF, PROTOBUF_RELIABLE], send, |event| match event {
        Event::Binary(bytes) => match Downstream::from_protobuf(bytes) {
            Ok(Some(Downstream::Disconnected { message })) => Some(message.into_owned()),
            _ => None,
        },
        _ => None,
    });
}

#[test]
fn bad_requests_get_a_documented_error() {
    let mut random = Random::new(0xbad);
    let mut world = World::new();
    let witness = connect(&mut world, JSON);
    let id = world.service.inspect("chat").connections[0].connection_id.clone();
    let paths = [
        "/api/hubs/chat/:send?api-version=2024-12-01&excluded=a&messageTtlSeconds=9".to_owned(),
        "/api/hubs/chat/:send?filter=userId%20eq%20'ann'%20and%20not%20('g'%20in%20groups)".to_owned(),
        "/api/hubs/chat/groups/g/:send".to_owned(),
        "/api/hubs/chat/users/ann/groups/g".to_owned(),
        format!("/api/hubs/chat/groups/g/connections/{id}"),
        "/api/hubs/chat/groups/g/connections?maxpagesize=2&top=3".to_owned(),
        format!("/api/hubs/chat/permissions/sendToGroup/connections/{id}?targetName=g"),
        "/api/hubs/chat/:addToGroups".to_owned(),
        "/_emulator/faults?hub=other".to_owned(),
        "/client/hubs/chat?access_token=x".to_owned(),
    ];
    let bodies = [
        r#"{"groups":["g"],"filter":"userId eq 'ann'"}"#,
        r#"{"type":"delay","ms":5,"share":0.5}"#,
        r#"{"a":1}"#,
        "text",
        "",
    ];
    let types =
        ["application/json", "text/plain", "application/octet-stream", "application/x-protobuf", "text/html", ""];
    let mut refused = 0;
    while refused < 4000 {
        let path = paths[random.below(paths.len())].clone().into_bytes();
        let path = damaged(&mut random, path);
        let Ok(path) = String::from_utf8(path) else { continue };
        let method = random.pick(&["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]);
        let body = random.pick(&bodies);
        let body = damaged(&mut random, body.as_bytes().to_vec());
        let answer = world.rest_with(method, &path, Some(random.pick(&types)), &body);
        if answer.status >= 400 {
            assert_documented(&answer, method, &path);
            refused += 1;
        }
        if !world.service.faults(world.now, None).is_empty() {
            world.service.clear_faults(world.now, None);
        }
    }
    assert_eq!(world.post("/api/hubs/chat/:send", "text/plain", b"still here").status, 202);
    let seen = world.seen(witness);
    assert!(matches!(seen.last(), Some(Event::Text(text)) if text.contains("still here")));
}

fn assert_documented(answer: &Response, method: &str, path: &str) {
    let what = format!("{} for {method} {path}", answer.status);
    assert!([400, 401, 403, 404, 405, 409, 413, 415].contains(&answer.status), "{what}");
    if answer.status == 401 {
        assert!(answer.body.is_empty() && header(answer, "x-emulator-reason").is_some(), "{what}");
        return;
    }
    let code = header(answer, "x-ms-error-code").expect(&what);
    if !answer.body.is_empty() {
        let body = body(answer);
        assert_eq!(body["code"], code, "{what}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty() && message.len() < 3000), "{what}");
        assert!(body["target"].is_string(), "{what}");
    } else {
        assert_eq!(method, "HEAD", "{what}");
    }
}
