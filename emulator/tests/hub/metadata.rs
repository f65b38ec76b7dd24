//! Metadata and time to live, from each kind of sender to each kind of client.

use serde_json::json;
use webpubsub_edge::protocol::{Downstream, Metadata, Payload, Upstream};
use webpubsub_edge_emulator::Request;

use crate::world::{Event, JSON, ORIGIN, PROTOBUF, World};

#[test]
fn a_client_sends_it_with_a_message() {
    let mut world = World::new();
    let claims = json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
    let [json_client, protobuf_client, simple] =
        [JSON, PROTOBUF, ""].map(|protocol| world.connect(protocol, claims.clone()));
    for socket in [json_client, protobuf_client, simple] {
        world.seen(socket);
    }
    let metadata = json!({ "trace": "1", "Kind": "" });
    let frame = json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": "x", "metadata": metadata });
    world.send(json_client, frame);
    assert_eq!(world.frames(json_client)[0]["metadata"], metadata);
    assert_eq!(world.seen(simple), [Event::Text("x".to_owned())]);
    assert_eq!(protobuf_metadata(&world.seen(protobuf_client)), metadata);

    // A `sendToGroup` with metadata and without data.
    let alone = [&[0x0a, 17, 0x0a, 1, b'g', 0x32, 12, 0x0a, 4][..], b"only", &[0x12, 4], b"this"].concat();
    world.binary(protobuf_client, &alone);
    let frame = world.frames(json_client).remove(0);
    assert_eq!((&frame["data"], &frame["dataType"]), (&json!(""), &json!("text")));
    assert_eq!(frame["metadata"], json!({ "only": "this" }));
}

fn protobuf_metadata(seen: &[Event]) -> serde_json::Value {
    let [Event::Binary(frame)] = seen else { panic!("{seen:?}") };
    let Ok(Some(Downstream::Message(message))) = Downstream::from_protobuf(frame) else { panic!() };
    assert_eq!(message.payload, Payload::Text("x".into()));
    message
        .metadata
        .into_iter()
        .map(|(key, value)| (key.into_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn a_host_in_rust_sends_and_reads_it() {
    let mut world = World::new();
    let claims = json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
    let [json_client, protobuf_client] = [JSON, PROTOBUF].map(|protocol| world.connect(protocol, claims.clone()));
    for socket in [json_client, protobuf_client] {
        world.seen(socket);
    }
    let sent: Metadata = vec![("trace".into(), "1".into())];
    let message = Upstream::SendToGroup {
        group: "g".into(),
        ack_id: None,
        payload: Payload::Text("x".into()),
        no_echo: false,
        ttl_seconds: Some(1),
        metadata: sent.clone(),
    };
    world.text(json_client, &message.to_json());
    for socket in [json_client, protobuf_client] {
        let seen = world.seen(socket);
        let frame = match &seen[..] {
            [Event::Text(text)] => Downstream::from_json(text),
            [Event::Binary(bytes)] => Downstream::from_protobuf(bytes),
            _ => panic!("{seen:?}"),
        };
        let Ok(Some(Downstream::Message(message))) = frame else { panic!("{frame:?}") };
        assert_eq!((message.payload, message.metadata), (Payload::Text("x".into()), sent.clone()));
    }
    world.service.answer_events("chat", true);
    let (payload, metadata) = (Payload::Text("y".into()), sent);
    world.text(json_client, &Upstream::Event { event: "e".into(), ack_id: Some(1), payload, metadata }.to_json());
    assert_eq!(world.events[0].metadata, [("trace".to_owned(), "1".to_owned())]);
}

#[test]
fn rest_sends_it_in_headers() {
    let mut world = World::new();
    let client = world.connect(JSON, json!({}));
    world.seen(client);
    let mut send = |name: &str, value: &str| {
        let url = format!("{ORIGIN}/api/hubs/chat/:send");
        let token = world.token(&url, json!({}));
        let headers =
            [("Authorization", format!("Bearer {token}").as_str()), ("Content-Type", "text/plain"), (name, value)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request { method: "POST".to_owned(), url, headers: headers.to_vec(), body: b"x".to_vec() };
        world.request(request).status
    };
    assert_eq!(send("X-WebPubSub-Metadata-Kind", "chat"), 202);
    assert_eq!(send("X-WebPubSub-Metadata-Kind", &"v".repeat(1025)), 400);
    assert_eq!(send("X-WebPubSub-Metadata-", "v"), 400);
    let frames = world.frames(client);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["metadata"], json!({ "kind": "chat" }));
}

#[test]
fn a_clients_message_has_a_time_to_live() {
    let mut world = World::new();
    let claims = json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
    let sender = world.connect(JSON, claims.clone());
    let receiver = world.connect(crate::world::RELIABLE, claims);
    let connected = world.frames(receiver).remove(0);
    world.close(receiver, 1006);
    for (ttl, data) in [(5, "short"), (0, "for ever")] {
        world.send(sender, json!({ "type": "sendToGroup", "group": "g", "data": data, "ttlSeconds": ttl }));
    }
    world.pass(5000);
    let text = |name: &str| connected[name].as_str().unwrap();
    let query =
        format!("awps_connection_id={}&awps_reconnection_token={}", text("connectionId"), text("reconnectionToken"));
    let back = world.upgrade(&format!("/client/hubs/chat?{query}"), crate::world::RELIABLE).unwrap();
    let data: Vec<_> = world.frames(back).into_iter().map(|frame| frame["data"].clone()).collect();
    assert_eq!(data, ["for ever"]);
}
