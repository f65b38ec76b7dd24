//! What goes over the wire: the same frames, as JSON or as protobuf.

use serde_json::Value;
pub use webpubsub_edge::protocol::Encoding;
use webpubsub_edge::protocol::{Downstream, Metadata, Payload, Upstream};
use webpubsub_edge_emulator::Content;

/// One WebSocket message.
#[derive(Clone, Debug, PartialEq)]
pub enum Wire {
    Text(String),
    Binary(Vec<u8>),
}

/// Marks the payload of a message that has a time to live.
pub const SHORT_LIVED: char = '~';

impl Wire {
    pub fn read(&self) -> Option<Downstream<'_>> {
        match self {
            Wire::Text(text) => Downstream::from_json(text),
            Wire::Binary(bytes) => Downstream::from_protobuf(bytes),
        }
        .ok()?
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
        matches!(self.read(), Some(Downstream::Ack { ack_id, .. }) if ack_id >= 1 << 52)
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
        Encoding::Protobuf => Wire::Binary(upstream(frame).to_protobuf()),
    }
}

fn upstream(frame: &Value) -> Upstream<'_> {
    let text = |name: &str| frame[name].as_str().unwrap_or_default();
    let (group, ack_id, stream_id) = (text("group").into(), frame["ackId"].as_u64(), text("streamId").into());
    let metadata = Metadata::new();
    let payload = || match frame["data"].as_str() {
        Some(text) => Payload::Text(text.into()),
        None => Payload::Json("1".into()),
    };
    match text("type") {
        "ping" => Upstream::Ping,
        "sequenceAck" => Upstream::SequenceAck { sequence_id: frame["sequenceId"].as_u64().unwrap_or_default() },
        "joinGroup" => Upstream::JoinGroup { group, ack_id },
        "leaveGroup" => Upstream::LeaveGroup { group, ack_id },
        "sendToGroup" => match frame["stream"]["streamId"].as_str() {
            Some(stream_id) => {
                Upstream::OpenStream { group, no_echo: false, stream_id: stream_id.into(), idle_timeout_ms: None }
            }
            None => {
                let ttl_seconds = frame["ttlSeconds"].as_u64().map(|seconds| seconds as u32);
                Upstream::SendToGroup { group, ack_id, payload: payload(), no_echo: false, ttl_seconds, metadata }
            }
        },
        "event" => Upstream::Event { event: text("event").into(), ack_id, payload: payload(), metadata },
        "invoke" => {
            let (event, invocation_id) = (text("event").into(), text("invocationId").into());
            Upstream::Invoke { invocation_id, event, payload: payload(), metadata }
        }
        "cancelInvocation" => Upstream::CancelInvocation { invocation_id: text("invocationId").into() },
        "streamData" => match frame["streamSequenceId"].as_u64() {
            Some(sequence_id) => Upstream::StreamData { stream_id, sequence_id, payload: payload() },
            None => Upstream::KeepStreamAlive { stream_id },
        },
        "streamEnd" => Upstream::EndStream { stream_id, error: None },
        "setGroupState" => {
            let state = frame["state"].as_object().map(|state| {
                state.iter().map(|(name, text)| (name.into(), text.as_str().unwrap_or_default().into())).collect()
            });
            Upstream::SetGroupState { group, ack_id, state }
        }
        "subscribeGroupState" => Upstream::SubscribeGroupState { group, ack_id },
        "unsubscribeGroupState" => Upstream::UnsubscribeGroupState { group, ack_id },
        other => panic!("a frame of type {other}"),
    }
}
