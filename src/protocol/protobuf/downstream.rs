//! What the service sends.

use super::parts::{Data, Failure, GroupState, Map, Message, StreamInfo, envelope};
use crate::protocol::wire::{Malformed, Writer};

/// What the service sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub enum Downstream<'a> {
    Ack {
        ack_id: u64,
        success: bool,
        error: Option<Failure<'a>>,
    },
    Data(DataMessage<'a>, Option<u64>),
    Connected {
        connection_id: &'a str,
        user_id: &'a str,
        reconnection_token: Option<&'a str>,
    },
    Disconnected {
        reason: &'a str,
    },
    Pong,
    InvokeResponse {
        invocation_id: &'a str,
        success: bool,
        data: Option<Data<'a>>,
        error: Option<Failure<'a>>,
        metadata: Map<'a>,
    },
    StreamAck {
        stream_id: &'a str,
        expected_sequence_id: u64,
    },
    StreamNack {
        stream_id: &'a str,
        name: &'a str,
        message: &'a str,
        expected_sequence_id: u64,
    },
    StreamClosed {
        stream_id: &'a str,
        error: Option<Failure<'a>>,
    },
    GroupStateUpdate(GroupState<'a>),
    GroupStateSnapshot(GroupState<'a>),
}

/// A message for a client, but for its sequence id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataMessage<'a> {
    /// `group` or `server`.
    pub from: &'a str,
    /// The group, when it comes from one.
    pub group: Option<&'a str>,
    /// The payload.
    pub data: Option<Data<'a>>,
    /// What was said about it.
    pub metadata: Map<'a>,
    /// Its place in a stream.
    pub stream: Option<StreamInfo<'a>>,
}

impl<'a> Downstream<'a> {
    /// Reads a frame of the service; `None` when it holds no message that is known.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(frame: &'a [u8]) -> Result<Option<Downstream<'a>>, Malformed> {
        let Some((kind, message)) = envelope(frame, &KINDS)? else { return Ok(None) };
        if kind == 3 {
            return system(message);
        }
        let m = Message::read(message)?;
        Ok(Some(match kind {
            1 => Downstream::Ack { ack_id: m.number(1).unwrap_or_default(), success: m.flag(2), error: m.failure(3)? },
            2 => {
                let message = DataMessage {
                    from: m.text(1)?,
                    group: m.optional_text(2)?,
                    data: m.data(3)?,
                    metadata: m.map(5)?,
                    stream: m.stream_info(6)?,
                };
                Downstream::Data(message, m.number(4))
            }
            4 => Downstream::Pong,
            5 => Downstream::InvokeResponse {
                invocation_id: m.text(1)?,
                success: m.flag(2),
                data: m.data(3)?,
                error: m.failure(4)?,
                metadata: m.map(5)?,
            },
            6 => Downstream::StreamAck { stream_id: m.text(1)?, expected_sequence_id: m.number(2).unwrap_or_default() },
            7 => Downstream::StreamNack {
                stream_id: m.text(1)?,
                name: m.text(2)?,
                message: m.text(3)?,
                expected_sequence_id: m.number(4).unwrap_or_default(),
            },
            8 => Downstream::StreamClosed { stream_id: m.text(1)?, error: m.failure(2)? },
            9 => Downstream::GroupStateUpdate(m.group_state()?),
            10 => Downstream::GroupStateSnapshot(m.group_state()?),
            _ => return Ok(None),
        }))
    }

    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let start = w.begin(self.field());
        match self {
            Downstream::Ack { ack_id, success, error } => {
                w.number_unless_zero(1, *ack_id);
                w.flag(2, *success);
                w.failure(3, *error);
            }
            Downstream::Data(message, sequence_id) => {
                w.data_message(message);
                w.optional_number(SEQUENCE_ID, *sequence_id);
            }
            Downstream::Connected { connection_id, user_id, reconnection_token } => {
                let start = w.begin(1);
                w.text_unless_empty(1, connection_id);
                w.text_unless_empty(2, user_id);
                w.optional_text(3, *reconnection_token);
                w.end(start);
            }
            Downstream::Disconnected { reason } => {
                let start = w.begin(2);
                w.text_unless_empty(2, reason);
                w.end(start);
            }
            Downstream::Pong => {}
            Downstream::InvokeResponse { invocation_id, success, data, error, metadata } => {
                w.text_unless_empty(1, invocation_id);
                w.flag(2, *success);
                w.data(3, *data);
                w.failure(4, *error);
                w.map(5, metadata);
            }
            Downstream::StreamAck { stream_id, expected_sequence_id } => {
                w.text_unless_empty(1, stream_id);
                w.number_unless_zero(2, *expected_sequence_id);
            }
            Downstream::StreamNack { stream_id, name, message, expected_sequence_id } => {
                w.text_unless_empty(1, stream_id);
                w.text_unless_empty(2, name);
                w.text_unless_empty(3, message);
                w.number_unless_zero(4, *expected_sequence_id);
            }
            Downstream::StreamClosed { stream_id, error } => {
                w.text_unless_empty(1, stream_id);
                w.failure(2, *error);
            }
            Downstream::GroupStateUpdate(state) | Downstream::GroupStateSnapshot(state) => w.group_state(state),
        }
        w.end(start);
        w.0
    }

    /// Where in the envelope it belongs.
    fn field(&self) -> u32 {
        match self {
            Downstream::Ack { .. } => 1,
            Downstream::Data(..) => DATA,
            Downstream::Connected { .. } | Downstream::Disconnected { .. } => 3,
            Downstream::Pong => 4,
            Downstream::InvokeResponse { .. } => 5,
            Downstream::StreamAck { .. } => 6,
            Downstream::StreamNack { .. } => 7,
            Downstream::StreamClosed { .. } => 8,
            Downstream::GroupStateUpdate(_) => 9,
            Downstream::GroupStateSnapshot(_) => 10,
        }
    }
}

impl DataMessage<'_> {
    /// The message without its envelope and its sequence id, so that many receivers can share it: see [`numbered`].
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.data_message(self);
        w.0
    }
}

/// The frame of a message that [`DataMessage::encode`] wrote, with a receiver's sequence id.
pub fn numbered(message: &[u8], sequence_id: u64) -> Vec<u8> {
    let mut w = Writer(Vec::with_capacity(message.len().saturating_add(32)));
    let start = w.begin(DATA);
    w.0.extend_from_slice(message);
    w.number(SEQUENCE_ID, sequence_id);
    w.end(start);
    w.0
}

/// The fields of the envelope.
const KINDS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// The data message in the envelope of the service.
const DATA: u32 = 2;

/// The sequence id in a data message.
const SEQUENCE_ID: u32 = 4;

fn system(bytes: &[u8]) -> Result<Option<Downstream<'_>>, Malformed> {
    let Some((kind, message)) = envelope(bytes, &[1, 2])? else { return Ok(None) };
    let m = Message::read(message)?;
    Ok(Some(if kind == 1 {
        Downstream::Connected {
            connection_id: m.text(1)?,
            user_id: m.text(2)?,
            reconnection_token: m.optional_text(3)?,
        }
    } else {
        Downstream::Disconnected { reason: m.text(2)? }
    }))
}

impl Writer {
    fn data_message(&mut self, message: &DataMessage<'_>) {
        self.text_unless_empty(1, message.from);
        self.optional_text(2, message.group);
        self.data(3, message.data);
        self.map(5, &message.metadata);
        self.stream_info(6, message.stream);
    }
}
