use super::message::{Message, envelope};
use super::writer::{Writer, varint_length};
use crate::protocol::{DataMessage, Downstream, ErrorDetail, FrameError, Payload, Sender};

impl<'a> Downstream<'a> {
    /// Encodes the frame as protobuf. The user of a message's sender is lost: protobuf has no field for it.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let start = w.begin(self.field());
        match self {
            Downstream::Ack { ack_id, result } => {
                w.number_unless_zero(1, *ack_id);
                w.flag(2, result.is_ok());
                w.error(3, result.as_ref().err());
            }
            Downstream::Message(message) => return message.to_protobuf(),
            Downstream::Connected { connection_id, user_id, reconnection_token } => {
                let start = w.begin(1);
                w.maybe_text(1, connection_id.as_ref());
                w.maybe_text(2, user_id.as_ref());
                w.maybe_text(3, reconnection_token.as_ref());
                w.end(start);
            }
            Downstream::Disconnected { message } => {
                let start = w.begin(2);
                w.text_unless_empty(2, message);
                w.end(start);
            }
            Downstream::Pong => {}
            Downstream::InvokeResponse { invocation_id, result } => {
                w.text_unless_empty(1, invocation_id);
                w.flag(2, result.is_ok());
                match result {
                    Ok(Some(payload)) => w.payload(3, payload),
                    Ok(None) => {}
                    Err(error) => w.error(4, Some(error)),
                }
            }
            Downstream::StreamAck { stream_id, expected_sequence_id } => {
                w.text_unless_empty(1, stream_id);
                w.number_unless_zero(2, *expected_sequence_id);
            }
            Downstream::StreamNack { stream_id, expected_sequence_id, error } => {
                w.text_unless_empty(1, stream_id);
                w.text_unless_empty(2, &error.name);
                w.text_unless_empty(3, &error.message);
                w.number_unless_zero(4, *expected_sequence_id);
            }
            Downstream::StreamClosed { stream_id, error } => {
                w.text_unless_empty(1, stream_id);
                w.error(2, error.as_ref());
            }
            Downstream::GroupState { group, items, sequence_id, .. } => {
                w.text_unless_empty(1, group);
                items.iter().for_each(|item| w.state_item(2, item));
                w.maybe_number(3, *sequence_id);
            }
        }
        w.end(start);
        w.0
    }

    /// Decodes a protobuf frame. `None` is a message or a sender that is not known: the service may add some.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is malformed.
    pub fn from_protobuf(frame: &'a [u8]) -> Result<Option<Downstream<'a>>, FrameError> {
        let Some((field, message)) = envelope(frame, &FIELDS)? else { return Ok(None) };
        if field == SYSTEM {
            return system(message);
        }
        let m = Message::read(message)?;
        Ok(Some(match field {
            1 => {
                let result = if m.flag(2) { Ok(()) } else { Err(m.error(3)?.unwrap_or_default()) };
                Downstream::Ack { ack_id: m.number_or_zero(1), result }
            }
            DATA => return data_message(&m),
            4 => Downstream::Pong,
            5 => {
                let result = if m.flag(2) { Ok(m.payload(3)?) } else { Err(m.error(4)?.unwrap_or_default()) };
                Downstream::InvokeResponse { invocation_id: m.text(1)?, result }
            }
            6 => Downstream::StreamAck { stream_id: m.text(1)?, expected_sequence_id: m.number_or_zero(2) },
            7 => Downstream::StreamNack {
                stream_id: m.text(1)?,
                expected_sequence_id: m.number_or_zero(4),
                error: ErrorDetail { name: m.text(2)?, message: m.text(3)? },
            },
            8 => Downstream::StreamClosed { stream_id: m.text(1)?, error: m.error(2)? },
            9 | SNAPSHOT => Downstream::GroupState {
                group: m.text(1)?,
                items: m.state_items(2)?,
                is_snapshot: field == SNAPSHOT,
                sequence_id: m.number(3),
            },
            _ => return Ok(None),
        }))
    }

    /// Returns the field of the message in its envelope.
    fn field(&self) -> u32 {
        match self {
            Downstream::Ack { .. } => 1,
            Downstream::Message(_) => DATA,
            Downstream::Connected { .. } | Downstream::Disconnected { .. } => SYSTEM,
            Downstream::Pong => 4,
            Downstream::InvokeResponse { .. } => 5,
            Downstream::StreamAck { .. } => 6,
            Downstream::StreamNack { .. } => 7,
            Downstream::StreamClosed { .. } => 8,
            Downstream::GroupState { is_snapshot: false, .. } => 9,
            Downstream::GroupState { is_snapshot: true, .. } => SNAPSHOT,
        }
    }
}

impl DataMessage<'_> {
    /// Encodes the message as a protobuf frame.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let start = w.begin(DATA);
        w.data_message(self);
        w.maybe_number(SEQUENCE_ID, self.sequence_id);
        w.end(start);
        w.0
    }

    /// Encodes the message without its envelope and its sequence id, so that many receivers can share the bytes.
    /// [`number_protobuf`] completes it.
    pub fn to_unnumbered_protobuf(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.data_message(self);
        w.0
    }
}

/// Completes a message of [`DataMessage::to_unnumbered_protobuf`] with the sequence id of a receiver.
pub fn number_protobuf(message: &[u8], sequence_id: u64) -> Vec<u8> {
    // The tag of the number takes one byte.
    let number_length = 1_usize.saturating_add(varint_length(sequence_id));
    let mut w = Writer(Vec::with_capacity(message.len().saturating_add(32)));
    w.tag_with_length(DATA);
    w.varint(message.len().saturating_add(number_length) as u64);
    w.0.extend_from_slice(message);
    w.number(SEQUENCE_ID, sequence_id);
    w.0
}

/// The fields of the envelope.
const FIELDS: [u32; 10] = [1, DATA, SYSTEM, 4, 5, 6, 7, 8, 9, SNAPSHOT];
const DATA: u32 = 2;
const SYSTEM: u32 = 3;
const SNAPSHOT: u32 = 10;

/// The field of the sequence id in a data message.
const SEQUENCE_ID: u32 = 4;

fn system(bytes: &[u8]) -> Result<Option<Downstream<'_>>, FrameError> {
    let Some((field, message)) = envelope(bytes, &[1, 2])? else { return Ok(None) };
    let m = Message::read(message)?;
    Ok(Some(if field == 1 {
        Downstream::Connected {
            connection_id: m.filled_text(1)?,
            user_id: m.filled_text(2)?,
            reconnection_token: m.maybe_text(3)?,
        }
    } else {
        Downstream::Disconnected { message: m.text(2)? }
    }))
}

fn data_message<'a>(m: &Message<'a>) -> Result<Option<Downstream<'a>>, FrameError> {
    let from = match m.text(1)?.as_ref() {
        "server" => Sender::Server,
        "group" => Sender::Group { group: m.text(2)?, user_id: None },
        _ => return Ok(None),
    };
    let (metadata, stream) = (m.metadata(5)?, m.stream_part(6)?);
    // The last part of a stream and a message of metadata alone may have no data.
    let is_complete = stream.is_some() || !metadata.is_empty();
    let empty = is_complete.then(|| Payload::Text("".into()));
    let missing = || FrameError::new("The frame needs data.");
    let payload = m.payload(3)?.or(empty).ok_or_else(missing)?;
    Ok(Some(Downstream::Message(DataMessage { from, payload, metadata, stream, sequence_id: m.number(4) })))
}
