use super::message::{Message, envelope};
use super::writer::Writer;
use crate::protocol::upstream::{SendParts, StreamStart, payload_or_metadata, refuse_stream};
use crate::protocol::{FrameError, Metadata, Upstream};

impl<'a> Upstream<'a> {
    /// Encodes the frame as protobuf.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let start = w.begin(self.field());
        match self {
            Upstream::SendToGroup { group, ack_id, payload, no_echo, ttl_seconds, metadata } => {
                w.text_unless_empty(1, group);
                w.maybe_number(2, *ack_id);
                w.payload(3, payload);
                w.flag(4, *no_echo);
                w.maybe_number(5, ttl_seconds.map(u64::from));
                write_metadata(&mut w, 6, metadata);
            }
            Upstream::OpenStream { group, no_echo, stream_id, idle_timeout_ms } => {
                w.text_unless_empty(1, group);
                w.flag(4, *no_echo);
                let (stream_id, idle_timeout_ms) = (stream_id.as_ref().into(), *idle_timeout_ms);
                w.stream_start(7, &StreamStart { stream_id, idle_timeout_ms });
            }
            Upstream::Event { event, ack_id, payload, metadata } => {
                w.text_unless_empty(1, event);
                w.payload(2, payload);
                w.maybe_number(3, *ack_id);
                write_metadata(&mut w, 4, metadata);
            }
            Upstream::JoinGroup { group, ack_id }
            | Upstream::LeaveGroup { group, ack_id }
            | Upstream::SubscribeGroupState { group, ack_id }
            | Upstream::UnsubscribeGroupState { group, ack_id } => {
                w.text_unless_empty(1, group);
                w.maybe_number(2, *ack_id);
            }
            Upstream::SequenceAck { sequence_id } => w.number_unless_zero(1, *sequence_id),
            Upstream::Ping => {}
            Upstream::Invoke { invocation_id, event, payload, metadata } => {
                w.text_unless_empty(1, event);
                w.text_unless_empty(2, invocation_id);
                w.payload(3, payload);
                write_metadata(&mut w, 4, metadata);
            }
            Upstream::CancelInvocation { invocation_id } => w.text_unless_empty(1, invocation_id),
            Upstream::StreamData { stream_id, sequence_id, payload } => {
                w.text_unless_empty(1, stream_id);
                w.number(2, *sequence_id);
                w.payload(3, payload);
            }
            Upstream::KeepStreamAlive { stream_id } => w.text_unless_empty(1, stream_id),
            Upstream::EndStream { stream_id, error } => {
                w.text_unless_empty(1, stream_id);
                if let Some(error) = error {
                    let start = w.begin(2);
                    w.maybe_text(1, error.message.as_ref());
                    w.maybe_text(2, error.user_error_code.as_ref());
                    w.end(start);
                }
            }
            Upstream::SetGroupState { group, ack_id, state } => {
                w.text_unless_empty(1, group);
                w.maybe_number(2, *ack_id);
                w.state(3, state.as_ref());
            }
        }
        w.end(start);
        w.0
    }

    /// Decodes a protobuf frame.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is malformed or holds no known message.
    pub fn from_protobuf(frame: &'a [u8]) -> Result<Upstream<'a>, FrameError> {
        let unknown = || FrameError::new("The frame holds no message that is known.");
        let (field, message) = envelope(frame, &FIELDS)?.ok_or_else(unknown)?;
        let m = Message::read(message)?;
        Ok(match field {
            1 => {
                return Upstream::of_send(SendParts {
                    group: m.text(1)?,
                    ack_id: m.number(2),
                    payload: m.payload(3)?,
                    no_echo: m.flag(4),
                    ttl_seconds: m.word(5),
                    metadata: m.metadata(6)?,
                    stream: m.stream_start(7)?,
                });
            }
            5 => {
                refuse_stream(m.stream_start(5)?.is_some())?;
                let metadata = m.metadata(4)?;
                let payload = payload_or_metadata(m.payload(2)?, &metadata)?;
                Upstream::Event { event: m.text(1)?, ack_id: m.number(3), payload, metadata }
            }
            6 => Upstream::JoinGroup { group: m.text(1)?, ack_id: m.number(2) },
            7 => Upstream::LeaveGroup { group: m.text(1)?, ack_id: m.number(2) },
            8 => Upstream::SequenceAck { sequence_id: m.number_or_zero(1) },
            9 => Upstream::Ping,
            10 => {
                refuse_stream(m.stream_start(5)?.is_some())?;
                let metadata = m.metadata(4)?;
                let payload = payload_or_metadata(m.payload(3)?, &metadata)?;
                Upstream::Invoke { invocation_id: m.text(2)?, event: m.text(1)?, payload, metadata }
            }
            11 => Upstream::CancelInvocation { invocation_id: m.text(1)? },
            13 => return Upstream::of_stream_data(m.text(1)?, m.number(2), m.payload(3)?),
            14 => Upstream::EndStream { stream_id: m.text(1)?, error: m.stream_end_error(2)? },
            15 => Upstream::SetGroupState { group: m.text(1)?, ack_id: m.number(2), state: m.state(3)? },
            16 => Upstream::SubscribeGroupState { group: m.text(1)?, ack_id: m.number(2) },
            17 => Upstream::UnsubscribeGroupState { group: m.text(1)?, ack_id: m.number(2) },
            _ => return Err(unknown()),
        })
    }

    /// Returns the field of the message in its envelope.
    fn field(&self) -> u32 {
        match self {
            Upstream::SendToGroup { .. } | Upstream::OpenStream { .. } => 1,
            Upstream::Event { .. } => 5,
            Upstream::JoinGroup { .. } => 6,
            Upstream::LeaveGroup { .. } => 7,
            Upstream::SequenceAck { .. } => 8,
            Upstream::Ping => 9,
            Upstream::Invoke { .. } => 10,
            Upstream::CancelInvocation { .. } => 11,
            Upstream::StreamData { .. } | Upstream::KeepStreamAlive { .. } => 13,
            Upstream::EndStream { .. } => 14,
            Upstream::SetGroupState { .. } => 15,
            Upstream::SubscribeGroupState { .. } => 16,
            Upstream::UnsubscribeGroupState { .. } => 17,
        }
    }
}

/// The fields of the envelope.
const FIELDS: [u32; 13] = [1, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17];

fn write_metadata(w: &mut Writer, field: u32, metadata: &Metadata<'_>) {
    w.texts(field, metadata.iter().map(|(key, value)| (key, value)));
}
