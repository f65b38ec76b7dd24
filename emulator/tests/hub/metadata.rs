//! Metadata and time to live, from each kind of sender to each kind of client.

use serde_json::json;
use webpubsub_edge::client::json::{self as frames, Frame, Metadata, SendToGroupOptions};
use webpubsub_edge::client::protobuf;
use webpubsub_edge::protocol::protobuf::{Data, Downstream, Upstream};
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

    let alone = Upstream::SendToGroup {
        group: "g",
        ack_id: None,
        data: None,
        no_echo: true,
        ttl_seconds: Some(1),
        metadata: vec![("only", "this")],
        stream: None,
    };
    world.binary(protobuf_client, &alone.encode());
    let frame = world.frames(json_client).remove(0);
    assert_eq!((&frame["data"], &frame["dataType"]), (&json!(""), &json!("text")));
    assert_eq!(frame["metadata"], json!({ "only": "this" }));
}

fn protobuf_metadata(seen: &[Event]) -> serde_json::Value {
    let [Event::Binary(frame)] = seen else { panic!("{seen:?}") };
    let Ok(Some(Downstream::Data(message, None))) = Downstream::decode(frame) else { panic!() };
    assert_eq!(message.data, Some(Data::Text("x")));
    message
        .metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
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
    let sent = Metadata::from([("trace".to_owned(), "1".to_owned())]);
    let options = SendToGroupOptions { metadata: Some(&sent), ttl_seconds: Some(1), ..Default::default() };
    world.text(json_client, &frames::send_to_group("g", &frames::Data::Text("x".to_owned()), options, None));
    for socket in [json_client, protobuf_client] {
        let seen = world.seen(socket);
        let frame = match &seen[..] {
            [Event::Text(text)] => frames::read(text),
            [Event::Binary(bytes)] => protobuf::read(bytes),
            _ => panic!("{seen:?}"),
        };
        let Some(Frame::Message(message)) = frame else { panic!("{frame:?}") };
        assert_eq!((message.data, message.metadata), (frames::Data::Text("x".to_owned()), sent.clone()));
    }
    world.service.answer_events("chat", true);
    world.text(json_client, &frames::event("e", &frames::Data::Text("y".to_owned()), Some(&sent), Some(1)));
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
