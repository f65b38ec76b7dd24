use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::{Str, Texts, payload, read, spelled, text};
use super::object::Object;
use crate::protocol::upstream::{SendParts, StreamStart, payload_or_metadata, refuse_stream};
use crate::protocol::{FrameError, Metadata, Payload, StreamEndError, Text, Upstream};

impl<'a> Upstream<'a> {
    /// Encodes the frame as JSON, with its members in the order of the official client.
    pub fn to_json(&self) -> String {
        let object = match self {
            Upstream::SendToGroup { group, ack_id, payload, no_echo, ttl_seconds, metadata } => {
                let object = Object::of_type("sendToGroup")
                    .text("group", group)
                    .maybe_number("ackId", *ack_id)
                    .flag("noEcho", *no_echo)
                    .payload(payload)
                    .maybe_number("ttlSeconds", ttl_seconds.map(u64::from));
                with_metadata(object, metadata)
            }
            Upstream::OpenStream { group, no_echo, stream_id, idle_timeout_ms } => {
                let stream = Object::new()
                    .text("streamId", stream_id)
                    .maybe_number("idleTimeoutMs", idle_timeout_ms.map(u64::from));
                Object::of_type("sendToGroup").text("group", group).flag("noEcho", *no_echo).object("stream", stream)
            }
            Upstream::Event { event, ack_id, payload, metadata } => {
                let object =
                    Object::of_type("event").text("event", event).maybe_number("ackId", *ack_id).payload(payload);
                with_metadata(object, metadata)
            }
            Upstream::JoinGroup { group, ack_id } => group_frame("joinGroup", group, *ack_id),
            Upstream::LeaveGroup { group, ack_id } => group_frame("leaveGroup", group, *ack_id),
            Upstream::SequenceAck { sequence_id } => Object::of_type("sequenceAck").number("sequenceId", *sequence_id),
            Upstream::Ping => Object::of_type("ping"),
            Upstream::Invoke { invocation_id, event, payload, metadata } => {
                let object = Object::of_type("invoke")
                    .text("invocationId", invocation_id)
                    .text("target", "event")
                    .text("event", event)
                    .payload(payload);
                with_metadata(object, metadata)
            }
            Upstream::CancelInvocation { invocation_id } => {
                Object::of_type("cancelInvocation").text("invocationId", invocation_id)
            }
            Upstream::StreamData { stream_id, sequence_id, payload } => Object::of_type("streamData")
                .text("streamId", stream_id)
                .number("streamSequenceId", *sequence_id)
                .payload(payload),
            Upstream::KeepStreamAlive { stream_id } => Object::of_type("streamData").text("streamId", stream_id),
            Upstream::EndStream { stream_id, error } => {
                let object = Object::of_type("streamEnd").text("streamId", stream_id);
                match error {
                    Some(StreamEndError { message, user_error_code }) => {
                        let error = Object::new().maybe_text("message", message.as_ref());
                        object.object("error", error.maybe_text("userErrorCode", user_error_code.as_ref()))
                    }
                    None => object,
                }
            }
            Upstream::SetGroupState { group, ack_id, state } => {
                let object = group_frame("setGroupState", group, *ack_id);
                match state {
                    Some(state) => object.texts("state", state),
                    None => object,
                }
            }
            Upstream::SubscribeGroupState { group, ack_id } => group_frame("subscribeGroupState", group, *ack_id),
            Upstream::UnsubscribeGroupState { group, ack_id } => group_frame("unsubscribeGroupState", group, *ack_id),
        };
        object.end()
    }

    /// Decodes a JSON frame. Types of frames and of data are compared whatever their case; unknown members are ignored.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is malformed or its type is unknown.
    pub fn from_json(frame: &'a str) -> Result<Upstream<'a>, FrameError> {
        read::<Members<'a>>(frame)?.into_frame()
    }
}

fn group_frame(kind: &str, group: &str, ack_id: Option<u64>) -> Object {
    Object::of_type(kind).text("group", group).maybe_number("ackId", ack_id)
}

fn with_metadata(object: Object, metadata: &Metadata<'_>) -> Object {
    if metadata.is_empty() {
        object
    } else {
        object.texts("metadata", metadata.iter().map(|(key, value)| (key, value)))
    }
}

/// The members of all frames.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    r#type: Str<'a>,
    #[serde(borrow)]
    group: Option<Str<'a>>,
    #[serde(borrow)]
    event: Option<Str<'a>>,
    ack_id: Option<u64>,
    no_echo: Option<bool>,
    #[serde(borrow)]
    data_type: Option<Str<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    ttl_seconds: Option<u64>,
    sequence_id: Option<u64>,
    #[serde(borrow)]
    metadata: Option<Texts<'a>>,
    #[serde(borrow)]
    stream: Option<StreamMembers<'a>>,
    #[serde(borrow)]
    stream_id: Option<Str<'a>>,
    stream_sequence_id: Option<u64>,
    #[serde(borrow)]
    error: Option<ErrorMembers<'a>>,
    #[serde(borrow)]
    invocation_id: Option<Str<'a>>,
    #[serde(borrow)]
    target: Option<Str<'a>>,
    #[serde(borrow)]
    state: Option<Texts<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamMembers<'a> {
    #[serde(borrow)]
    stream_id: Str<'a>,
    idle_timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorMembers<'a> {
    #[serde(borrow)]
    message: Option<Str<'a>>,
    #[serde(borrow)]
    user_error_code: Option<Str<'a>>,
}

impl<'a> Members<'a> {
    fn into_frame(self) -> Result<Upstream<'a>, FrameError> {
        let Members { group, event, ack_id, data_type, data, metadata, stream, .. } = self;
        let (group, event) = (text(group), text(event));
        let no_echo = self.no_echo.unwrap_or_default();
        let metadata = metadata.map(Texts::into_metadata).unwrap_or_default();
        let has_stream = stream.is_some();
        let data = || data.map(|data| checked_payload(data_type, data)).transpose();
        Ok(match spelled(&self.r#type.into_text(), &TYPES) {
            Some("ping") => Upstream::Ping,
            Some("sequenceAck") => {
                let missing = || FrameError::new("A sequenceAck frame needs a sequenceId.");
                Upstream::SequenceAck { sequence_id: self.sequence_id.ok_or_else(missing)? }
            }
            Some("joinGroup") => Upstream::JoinGroup { group, ack_id },
            Some("leaveGroup") => Upstream::LeaveGroup { group, ack_id },
            Some("sendToGroup") => {
                let stream = stream.map(|StreamMembers { stream_id, idle_timeout_ms }| StreamStart {
                    stream_id: stream_id.into_text(),
                    idle_timeout_ms: idle_timeout_ms.map(saturated),
                });
                let (payload, ttl_seconds) = (data()?, self.ttl_seconds.map(saturated));
                return Upstream::of_send(SendParts { group, ack_id, payload, no_echo, ttl_seconds, metadata, stream });
            }
            Some("event") => {
                refuse_stream(has_stream)?;
                let payload = payload_or_metadata(data()?, &metadata)?;
                Upstream::Event { event, ack_id, payload, metadata }
            }
            Some("invoke") => {
                refuse_stream(has_stream)?;
                if text(self.target) != "event" {
                    return Err(FrameError::new("The target of an invoke frame must be event."));
                }
                let payload = payload_or_metadata(data()?, &metadata)?;
                Upstream::Invoke { invocation_id: text(self.invocation_id), event, payload, metadata }
            }
            Some("cancelInvocation") => Upstream::CancelInvocation { invocation_id: text(self.invocation_id) },
            Some("streamData") => {
                refuse_stream(has_stream)?;
                return Upstream::of_stream_data(stream_id(self.stream_id)?, self.stream_sequence_id, data()?);
            }
            Some("streamEnd") => {
                let error = self.error.map(|ErrorMembers { message, user_error_code }| StreamEndError {
                    message: message.map(Str::into_text),
                    user_error_code: user_error_code.map(Str::into_text),
                });
                Upstream::EndStream { stream_id: stream_id(self.stream_id)?, error }
            }
            Some("setGroupState") => {
                Upstream::SetGroupState { group, ack_id, state: self.state.map(Texts::into_state) }
            }
            Some("subscribeGroupState") => Upstream::SubscribeGroupState { group, ack_id },
            Some("unsubscribeGroupState") => Upstream::UnsubscribeGroupState { group, ack_id },
            _ => return Err(FrameError::new("The frame's type is not known.")),
        })
    }
}

/// The types of frames.
const TYPES: [&str; 13] = [
    "sendToGroup",
    "sequenceAck",
    "ping",
    "joinGroup",
    "leaveGroup",
    "event",
    "invoke",
    "cancelInvocation",
    "streamData",
    "streamEnd",
    "setGroupState",
    "subscribeGroupState",
    "unsubscribeGroupState",
];

fn checked_payload<'a>(data_type: Option<Str<'a>>, data: &'a RawValue) -> Result<Payload<'a>, FrameError> {
    let unknown = || FrameError::new("The frame's dataType must be json, text, binary or protobuf.");
    let data_type = data_type.map(Str::into_text);
    let payload = payload(data_type.as_deref(), data).ok_or_else(unknown)??;
    // JSON was checked when the frame was read.
    if matches!(payload, Payload::Protobuf(_)) {
        payload.check()?;
    }
    Ok(payload)
}

fn stream_id(id: Option<Str<'_>>) -> Result<Text<'_>, FrameError> {
    id.map(Str::into_text).ok_or_else(|| FrameError::new("The frame needs a streamId."))
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
