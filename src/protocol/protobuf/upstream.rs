//! What a client sends.

use super::parts::{Data, Map, Message, StreamEndError, StreamStart, envelope, saturated};
use crate::protocol::wire::{Malformed, Writer};

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub enum Upstream<'a> {
    /// Without `data` it is the start of a stream.
    SendToGroup {
        group: &'a str,
        ack_id: Option<u64>,
        data: Option<Data<'a>>,
        no_echo: bool,
        ttl_seconds: Option<u32>,
        metadata: Map<'a>,
        stream: Option<StreamStart<'a>>,
    },
    Event {
        event: &'a str,
        data: Option<Data<'a>>,
        ack_id: Option<u64>,
        metadata: Map<'a>,
        stream: Option<StreamStart<'a>>,
    },
    JoinGroup {
        group: &'a str,
        ack_id: Option<u64>,
    },
    LeaveGroup {
        group: &'a str,
        ack_id: Option<u64>,
    },
    SequenceAck {
        sequence_id: u64,
    },
    Ping,
    Invoke {
        event: &'a str,
        invocation_id: &'a str,
        data: Option<Data<'a>>,
        metadata: Map<'a>,
        stream: Option<StreamStart<'a>>,
    },
    CancelInvocation {
        invocation_id: &'a str,
    },
    /// Without both it keeps the stream alive.
    StreamData {
        stream_id: &'a str,
        stream_sequence_id: Option<u64>,
        data: Option<Data<'a>>,
    },
    StreamEnd {
        stream_id: &'a str,
        error: Option<StreamEndError<'a>>,
    },
    /// Without a state it clears the state.
    SetGroupState {
        group: &'a str,
        ack_id: Option<u64>,
        state: Option<Map<'a>>,
    },
    SubscribeGroupState {
        group: &'a str,
        ack_id: Option<u64>,
    },
    UnsubscribeGroupState {
        group: &'a str,
        ack_id: Option<u64>,
    },
}

impl<'a> Upstream<'a> {
    /// Reads a frame of a client; `None` when it holds no message that is known.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(frame: &'a [u8]) -> Result<Option<Upstream<'a>>, Malformed> {
        let Some((kind, message)) = envelope(frame, &KINDS)? else { return Ok(None) };
        let m = Message::read(message)?;
        Ok(Some(match kind {
            1 => Upstream::SendToGroup {
                group: m.text(1)?,
                ack_id: m.number(2),
                data: m.data(3)?,
                no_echo: m.flag(4),
                ttl_seconds: m.number(5).map(saturated),
                metadata: m.map(6)?,
                stream: m.stream_start(7)?,
            },
            5 => Upstream::Event {
                event: m.text(1)?,
                data: m.data(2)?,
                ack_id: m.number(3),
                metadata: m.map(4)?,
                stream: m.stream_start(5)?,
            },
            6 => Upstream::JoinGroup { group: m.text(1)?, ack_id: m.number(2) },
            7 => Upstream::LeaveGroup { group: m.text(1)?, ack_id: m.number(2) },
            8 => Upstream::SequenceAck { sequence_id: m.number(1).unwrap_or_default() },
            9 => Upstream::Ping,
            10 => Upstream::Invoke {
                event: m.text(1)?,
                invocation_id: m.text(2)?,
                data: m.data(3)?,
                metadata: m.map(4)?,
                stream: m.stream_start(5)?,
            },
            11 => Upstream::CancelInvocation { invocation_id: m.text(1)? },
            13 => Upstream::StreamData { stream_id: m.text(1)?, stream_sequence_id: m.number(2), data: m.data(3)? },
            14 => Upstream::StreamEnd { stream_id: m.text(1)?, error: m.stream_end_error(2)? },
            15 => Upstream::SetGroupState { group: m.text(1)?, ack_id: m.number(2), state: m.state(3)? },
            16 => Upstream::SubscribeGroupState { group: m.text(1)?, ack_id: m.number(2) },
            17 => Upstream::UnsubscribeGroupState { group: m.text(1)?, ack_id: m.number(2) },
            _ => return Ok(None),
        }))
    }

    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let start = w.begin(self.field());
        match self {
            Upstream::SendToGroup { group, ack_id, data, no_echo, ttl_seconds, metadata, stream } => {
                w.text_unless_empty(1, group);
                w.optional_number(2, *ack_id);
                w.data(3, *data);
                w.flag(4, *no_echo);
                w.optional_number(5, ttl_seconds.map(u64::from));
                w.map(6, metadata);
                w.stream_start(7, *stream);
            }
            Upstream::Event { event, data, ack_id, metadata, stream } => {
                w.text_unless_empty(1, event);
                w.data(2, *data);
                w.optional_number(3, *ack_id);
                w.map(4, metadata);
                w.stream_start(5, *stream);
            }
            Upstream::JoinGroup { group, ack_id }
            | Upstream::LeaveGroup { group, ack_id }
            | Upstream::SubscribeGroupState { group, ack_id }
            | Upstream::UnsubscribeGroupState { group, ack_id } => {
                w.text_unless_empty(1, group);
                w.optional_number(2, *ack_id);
            }
            Upstream::SequenceAck { sequence_id } => w.number_unless_zero(1, *sequence_id),
            Upstream::Ping => {}
            Upstream::Invoke { event, invocation_id, data, metadata, stream } => {
                w.text_unless_empty(1, event);
                w.text_unless_empty(2, invocation_id);
                w.data(3, *data);
                w.map(4, metadata);
                w.stream_start(5, *stream);
            }
            Upstream::CancelInvocation { invocation_id } => w.text_unless_empty(1, invocation_id),
            Upstream::StreamData { stream_id, stream_sequence_id, data } => {
                w.text_unless_empty(1, stream_id);
                w.optional_number(2, *stream_sequence_id);
                w.data(3, *data);
            }
            Upstream::StreamEnd { stream_id, error } => {
                w.text_unless_empty(1, stream_id);
                if let Some(error) = error {
                    let start = w.begin(2);
                    w.optional_text(1, error.message);
                    w.optional_text(2, error.user_error_code);
                    w.end(start);
                }
            }
            Upstream::SetGroupState { group, ack_id, state } => {
                w.text_unless_empty(1, group);
                w.optional_number(2, *ack_id);
                w.state(3, state.as_ref());
            }
        }
        w.end(start);
        w.0
    }

    /// Where in the envelope it belongs.
    fn field(&self) -> u32 {
        match self {
            Upstream::SendToGroup { .. } => 1,
            Upstream::Event { .. } => 5,
            Upstream::JoinGroup { .. } => 6,
            Upstream::LeaveGroup { .. } => 7,
            Upstream::SequenceAck { .. } => 8,
            Upstream::Ping => 9,
            Upstream::Invoke { .. } => 10,
            Upstream::CancelInvocation { .. } => 11,
            Upstream::StreamData { .. } => 13,
            Upstream::StreamEnd { .. } => 14,
            Upstream::SetGroupState { .. } => 15,
            Upstream::SubscribeGroupState { .. } => 16,
            Upstream::UnsubscribeGroupState { .. } => 17,
        }
    }
}

/// The fields of the envelope.
const KINDS: [u32; 13] = [1, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17];
