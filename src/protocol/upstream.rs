//! The frames that a client sends.

use super::limits::{BAD_GROUP, MAX_MESSAGE_TTL_SECONDS, check_metadata, is_event_name, is_group_name};
use super::{FrameError, Metadata, Payload, State, Text};

/// A frame that a client sends.
///
/// The service acknowledges a frame with an `ack_id` by a [`Downstream::Ack`](super::Downstream::Ack).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream<'a> {
    /// Sends a message to a group.
    SendToGroup {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
        /// The content of the message.
        payload: Payload<'a>,
        /// Excludes the sender from the receivers.
        no_echo: bool,
        /// How long the service keeps the message for a lost connection, 0 to 300 seconds. `None` and 0 mean as long as
        /// the connection can be recovered.
        ttl_seconds: Option<u32>,
        /// What receivers get beside the message.
        metadata: Metadata<'a>,
    },
    /// Opens a stream to a group. On the wire it is a `sendToGroup` without data.
    OpenStream {
        /// The group.
        group: Text<'a>,
        /// Excludes the sender from the receivers.
        no_echo: bool,
        /// The id of the stream, which the client chooses.
        stream_id: Text<'a>,
        /// How long the stream may be idle, in milliseconds. `None` means 5 minutes.
        idle_timeout_ms: Option<u32>,
    },
    /// Sends an event to the event handler.
    Event {
        /// The name of the event.
        event: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
        /// The content of the event.
        payload: Payload<'a>,
        /// What the handler gets beside the event.
        metadata: Metadata<'a>,
    },
    /// Joins a group.
    JoinGroup {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
    },
    /// Leaves a group.
    LeaveGroup {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
    },
    /// Confirms that all messages up to a sequence id have arrived.
    SequenceAck {
        /// The sequence id.
        sequence_id: u64,
    },
    /// Requests a [`Downstream::Pong`](super::Downstream::Pong).
    Ping,
    /// Sends an event whose answer becomes a [`Downstream::InvokeResponse`](super::Downstream::InvokeResponse).
    Invoke {
        /// The id of the invocation, which the client chooses.
        invocation_id: Text<'a>,
        /// The name of the event.
        event: Text<'a>,
        /// The content of the event.
        payload: Payload<'a>,
        /// What the handler gets beside the event.
        metadata: Metadata<'a>,
    },
    /// Cancels an invocation.
    CancelInvocation {
        /// The id of the invocation.
        invocation_id: Text<'a>,
    },
    /// Sends a part of a stream.
    StreamData {
        /// The id of the stream.
        stream_id: Text<'a>,
        /// The number of the part, from 1.
        sequence_id: u64,
        /// The content of the part.
        payload: Payload<'a>,
    },
    /// Restarts the idle time of a stream. On the wire it is a `streamData` without data.
    KeepStreamAlive {
        /// The id of the stream.
        stream_id: Text<'a>,
    },
    /// Ends a stream.
    EndStream {
        /// The id of the stream.
        stream_id: Text<'a>,
        /// Why the stream ends early.
        error: Option<StreamEndError<'a>>,
    },
    /// Sets the state of the connection in a group.
    SetGroupState {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
        /// The state. `None` clears it.
        state: Option<State<'a>>,
    },
    /// Subscribes to the states of all connections in a group.
    SubscribeGroupState {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
    },
    /// Ends a subscription to the states in a group.
    UnsubscribeGroupState {
        /// The group.
        group: Text<'a>,
        /// Requests an ack.
        ack_id: Option<u64>,
    },
}

/// Why a client ends its stream early.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamEndError<'a> {
    /// A text for the readers.
    pub message: Option<Text<'a>>,
    /// A code that the application chooses.
    pub user_error_code: Option<Text<'a>>,
}

impl<'a> Upstream<'a> {
    /// Checks names, ids, metadata and the time to live, as the service does. Decoders do not do this.
    ///
    /// # Errors
    /// [`FrameError`] with the first part that the service would refuse.
    pub fn check(&self) -> Result<(), FrameError> {
        match self {
            Upstream::SendToGroup { group, ttl_seconds, metadata, .. } => {
                check_group(group)?;
                check_sender_metadata(metadata)?;
                check_ttl(*ttl_seconds)
            }
            Upstream::OpenStream { group, .. }
            | Upstream::JoinGroup { group, .. }
            | Upstream::LeaveGroup { group, .. }
            | Upstream::SetGroupState { group, .. }
            | Upstream::SubscribeGroupState { group, .. }
            | Upstream::UnsubscribeGroupState { group, .. } => check_group(group),
            Upstream::Event { event, metadata, .. } => {
                check_event(event)?;
                check_sender_metadata(metadata)
            }
            Upstream::Invoke { invocation_id, event, metadata, .. } => {
                check_id("invocationId", invocation_id)?;
                check_event(event)?;
                check_sender_metadata(metadata)
            }
            Upstream::CancelInvocation { invocation_id } => check_id("invocationId", invocation_id),
            // The service answers a stream without an id by a `streamClosed`.
            Upstream::StreamData { .. } | Upstream::KeepStreamAlive { .. } | Upstream::EndStream { .. } => Ok(()),
            Upstream::SequenceAck { .. } | Upstream::Ping => Ok(()),
        }
    }

    /// Makes a frame of the parts of a `sendToGroup`, which is two frames in one.
    pub(super) fn of_send(parts: SendParts<'a>) -> Result<Upstream<'a>, FrameError> {
        let SendParts { group, ack_id, payload, no_echo, ttl_seconds, metadata, stream } = parts;
        let Some(StreamStart { stream_id, idle_timeout_ms }) = stream else {
            let payload = payload_or_metadata(payload, &metadata)?;
            return Ok(Upstream::SendToGroup { group, ack_id, payload, no_echo, ttl_seconds, metadata });
        };
        if payload.is_some() || ack_id.is_some() {
            return Err(FrameError::new("The start of a stream must have neither data nor an ackId."));
        }
        Ok(Upstream::OpenStream { group, no_echo, stream_id, idle_timeout_ms })
    }

    /// Makes a frame of the parts of a `streamData`, which is two frames in one.
    pub(super) fn of_stream_data(
        stream_id: Text<'a>,
        sequence_id: Option<u64>,
        payload: Option<Payload<'a>>,
    ) -> Result<Upstream<'a>, FrameError> {
        match (sequence_id, payload) {
            (Some(sequence_id), Some(payload)) => Ok(Upstream::StreamData { stream_id, sequence_id, payload }),
            (None, None) => Ok(Upstream::KeepStreamAlive { stream_id }),
            (Some(_), None) => Err(FrameError::new(NO_DATA)),
            (None, Some(_)) => Err(FrameError::new("A streamData frame with data needs a streamSequenceId.")),
        }
    }
}

/// The parts of a `sendToGroup` as they are on the wire.
pub(super) struct SendParts<'a> {
    pub(super) group: Text<'a>,
    pub(super) ack_id: Option<u64>,
    pub(super) payload: Option<Payload<'a>>,
    pub(super) no_echo: bool,
    pub(super) ttl_seconds: Option<u32>,
    pub(super) metadata: Metadata<'a>,
    pub(super) stream: Option<StreamStart<'a>>,
}

/// The start of a stream as it is on the wire.
pub(super) struct StreamStart<'a> {
    pub(super) stream_id: Text<'a>,
    pub(super) idle_timeout_ms: Option<u32>,
}

/// The payload of a frame. Metadata may replace it.
pub(super) fn payload_or_metadata<'a>(
    payload: Option<Payload<'a>>,
    metadata: &Metadata<'_>,
) -> Result<Payload<'a>, FrameError> {
    let empty = (!metadata.is_empty()).then(|| Payload::Text("".into()));
    payload.or(empty).ok_or_else(|| FrameError::new(NO_DATA))
}

/// Refuses the start of a stream in a frame other than `sendToGroup`.
pub(super) fn refuse_stream(has_stream: bool) -> Result<(), FrameError> {
    if has_stream { Err(FrameError::new("Only a sendToGroup frame can start a stream.")) } else { Ok(()) }
}

const NO_DATA: &str = "The frame needs data, which must not be null.";

fn check_group(group: &str) -> Result<(), FrameError> {
    if is_group_name(group) { Ok(()) } else { Err(FrameError::new(BAD_GROUP)) }
}

fn check_event(event: &str) -> Result<(), FrameError> {
    let needed = "The frame needs an event name: a letter, then up to 127 letters, digits, '_', '.' and '-'.";
    if is_event_name(event) { Ok(()) } else { Err(FrameError::new(needed)) }
}

fn check_id(name: &str, id: &str) -> Result<(), FrameError> {
    if id.is_empty() { Err(FrameError::new(format!("The frame needs an {name}."))) } else { Ok(()) }
}

fn check_sender_metadata(metadata: &Metadata<'_>) -> Result<(), FrameError> {
    check_metadata(metadata).map_err(|problem| FrameError::new(format!("{problem}.")))
}

fn check_ttl(seconds: Option<u32>) -> Result<(), FrameError> {
    if seconds.is_none_or(|seconds| u64::from(seconds) <= MAX_MESSAGE_TTL_SECONDS) {
        return Ok(());
    }
    Err(FrameError::new(format!(
        "The time to live must be a whole number of seconds from 0 to {MAX_MESSAGE_TTL_SECONDS}."
    )))
}
