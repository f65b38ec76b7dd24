//! What goes over the wire: the same frames, as JSON or as protobuf.

use serde_json::Value;
use webpubsub_edge::client::json::Frame;
use webpubsub_edge::client::{json, protobuf};
use webpubsub_edge::protocol::protobuf::{Data, StreamStart, Upstream};
use webpubsub_edge_emulator::Content;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    Json,
    Protobuf,
}

/// One WebSocket message.
#[derive(Clone, Debug, PartialEq)]
pub enum Wire {
    Text(String),
    Binary(Vec<u8>),
}

/// Marks the payload of a message that has a time to live.
pub const SHORT_LIVED: char = '~';

impl Wire {
    pub fn read(&self) -> Option<Frame> {
        match self {
            Wire::Text(text) => json::read(text),
            Wire::Binary(bytes) => protobuf::read(bytes),
        }
    }

    /// Whether it is an ack or tells of a change of a state: nobody promises in which order these come.
    pub fn is_unordered(&self) -> bool {
        match self {
            Wire::Text(text) => {
                [r#"{"type":"ack""#, r#"{"type":"groupStateUpdate""#].iter().any(|start| text.starts_with(start))
            }
            // Fields 1 and 9 of the envelope.
            Wire::Binary(bytes) => matches!(bytes.first(), Some(0x0a | 0x4a)),
        }
    }

    /// Whether it is the ack of a group that the session joins again by itself: see `REJOIN` in `client/messages.rs`.
    pub fn is_ack_of_rejoin(&self) -> bool {
        matches!(self.read(), Some(Frame::Ack { ack_id, .. }) if ack_id >= 1 << 52)
    }

    pub fn is_pong(&self) -> bool {
        match self {
            Wire::Text(text) => text == r#"{"type":"pong"}"#,
            // Field 4 of the envelope.
            Wire::Binary(bytes) => bytes.first() == Some(&0x22),
        }
    }

    pub fn is_short_lived(&self) -> bool {
        let bytes = match self {
            Wire::Text(text) => text.as_bytes(),
            Wire::Binary(bytes) => bytes,
        };
        bytes.contains(&(SHORT_LIVED as u8))
    }
}

impl From<Content<'_>> for Wire {
    fn from(content: Content<'_>) -> Wire {
        match content {
            Content::Text(text) => Wire::Text(text.into_owned()),
            Content::Binary(bytes) => Wire::Binary(bytes.into_owned()),
        }
    }
}

/// Writes a frame of a client, which is given as JSON.
pub fn write(encoding: Encoding, frame: &Value) -> Wire {
    match encoding {
        Encoding::Json => Wire::Text(frame.to_string()),
        Encoding::Protobuf => Wire::Binary(upstream(frame).encode()),
    }
}

fn upstream(frame: &Value) -> Upstream<'_> {
    let text = |name: &str| frame[name].as_str().unwrap_or_default();
    let (group, ack_id, stream_id) = (text("group"), frame["ackId"].as_u64(), text("streamId"));
    let number = frame["data"].is_number().then_some(Data::Json("1"));
    let data = frame["data"].as_str().map(Data::Text).or(number);
    match text("type") {
        "ping" => Upstream::Ping,
        "sequenceAck" => Upstream::SequenceAck { sequence_id: frame["sequenceId"].as_u64().unwrap_or_default() },
        "joinGroup" => Upstream::JoinGroup { group, ack_id },
        "leaveGroup" => Upstream::LeaveGroup { group, ack_id },
        "sendToGroup" => {
            let ttl_seconds = frame["ttlSeconds"].as_u64().map(|seconds| seconds as u32);
            let stream = frame["stream"]["streamId"].as_str();
            let stream = stream.map(|stream_id| StreamStart { stream_id, idle_timeout_ms: None });
            let metadata = Vec::new();
            Upstream::SendToGroup { group, ack_id, data, no_echo: false, ttl_seconds, metadata, stream }
        }
        "event" => Upstream::Event { event: text("event"), data, ack_id, metadata: Vec::new(), stream: None },
        "invoke" => {
            let (event, invocation_id) = (text("event"), text("invocationId"));
            Upstream::Invoke { event, invocation_id, data, metadata: Vec::new(), stream: None }
        }
        "cancelInvocation" => Upstream::CancelInvocation { invocation_id: text("invocationId") },
        "streamData" => {
            let stream_sequence_id = frame["streamSequenceId"].as_u64();
            Upstream::StreamData { stream_id, stream_sequence_id, data }
        }
        "streamEnd" => Upstream::StreamEnd { stream_id, error: None },
        "setGroupState" => {
            let state = frame["state"].as_object();
            let state = state.map(|state| {
                state.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect()
            });
            Upstream::SetGroupState { group, ack_id, state }
        }
        "subscribeGroupState" => Upstream::SubscribeGroupState { group, ack_id },
        "unsubscribeGroupState" => Upstream::UnsubscribeGroupState { group, ack_id },
        other => panic!("a frame of type {other}"),
    }
}
