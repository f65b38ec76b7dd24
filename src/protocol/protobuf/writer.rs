//! Writes protobuf. As every encoder of proto3 does, it leaves out default values, unless their presence has a meaning.

use crate::protocol::upstream::StreamStart;
use crate::protocol::{
    DataMessage, ErrorDetail, GroupStateItem, Payload, Sender, State, StreamError, StreamPart, Text,
};

/// Writes a message.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// Starts a message. Most small frames fit into 192 bytes.
    pub(super) fn new() -> Writer {
        Writer(Vec::with_capacity(192))
    }

    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3);
        self.varint(value);
    }

    pub(super) fn number_unless_zero(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.number(field, number);
        }
    }

    pub(super) fn maybe_number(&mut self, field: u32, number: Option<u64>) {
        if let Some(number) = number {
            self.number(field, number);
        }
    }

    pub(super) fn flag(&mut self, field: u32, flag: bool) {
        self.number_unless_zero(field, u64::from(flag));
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag_with_length(field);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn text_unless_empty(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.text(field, text);
        }
    }

    pub(super) fn maybe_text(&mut self, field: u32, text: Option<&Text<'_>>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    /// Starts a nested message. What follows belongs to it until [`Writer::end`] is called with the result.
    pub(super) fn begin(&mut self, field: u32) -> usize {
        self.tag_with_length(field);
        self.0.len()
    }

    /// Ends a nested message: inserts its length before it.
    pub(super) fn end(&mut self, start: usize) {
        let end = self.0.len();
        self.varint(end.saturating_sub(start) as u64);
        let length = self.0.len().saturating_sub(end);
        if let Some(message) = self.0.get_mut(start..) {
            message.rotate_right(length);
        }
    }

    pub(super) fn payload(&mut self, field: u32, payload: &Payload<'_>) {
        let (kind, content) = match payload {
            Payload::Text(text) => (1, text.as_bytes()),
            Payload::Binary(bytes) => (2, bytes.as_ref()),
            Payload::Protobuf(bytes) => (3, bytes.as_ref()),
            Payload::Json(text) => (4, text.as_bytes()),
        };
        // A payload may be large: its length is written first, so that it is not moved.
        self.0.reserve(content.len().saturating_add(32));
        self.tag_with_length(field);
        let header = 1_usize.saturating_add(varint_length(content.len() as u64));
        self.varint(header.saturating_add(content.len()) as u64);
        self.bytes(kind, content);
    }

    pub(super) fn texts<'t>(&mut self, field: u32, texts: impl IntoIterator<Item = (&'t Text<'t>, &'t Text<'t>)>) {
        for (name, text) in texts {
            let start = self.begin(field);
            self.text(1, name);
            self.text(2, text);
            self.end(start);
        }
    }

    pub(super) fn state(&mut self, field: u32, state: Option<&State<'_>>) {
        if let Some(state) = state {
            let start = self.begin(field);
            self.texts(1, state);
            self.end(start);
        }
    }

    pub(super) fn stream_start(&mut self, field: u32, stream: &StreamStart<'_>) {
        let start = self.begin(field);
        self.text_unless_empty(1, &stream.stream_id);
        self.maybe_number(2, stream.idle_timeout_ms.map(u64::from));
        self.end(start);
    }

    pub(super) fn error(&mut self, field: u32, error: Option<&ErrorDetail<'_>>) {
        if let Some(error) = error {
            let start = self.begin(field);
            self.text_unless_empty(1, &error.name);
            self.text_unless_empty(2, &error.message);
            self.end(start);
        }
    }

    /// Writes the fields of a message, without its sequence id.
    pub(super) fn data_message(&mut self, message: &DataMessage<'_>) {
        match &message.from {
            Sender::Server => self.text(1, "server"),
            Sender::Group { group, .. } => {
                self.text(1, "group");
                self.text(2, group);
            }
        }
        self.payload(3, &message.payload);
        self.texts(5, message.metadata.iter().map(|(key, value)| (key, value)));
        if let Some(part) = &message.stream {
            self.stream_part(6, part);
        }
    }

    pub(super) fn state_item(&mut self, field: u32, item: &GroupStateItem<'_>) {
        let start = self.begin(field);
        self.text_unless_empty(1, &item.connection_id);
        self.maybe_text(2, item.user_id.as_ref());
        self.state(3, item.state.as_ref());
        self.number_unless_zero(4, item.updated_at);
        self.end(start);
    }

    fn stream_part(&mut self, field: u32, part: &StreamPart<'_>) {
        let start = self.begin(field);
        self.text_unless_empty(1, &part.stream_id);
        self.number_unless_zero(2, part.sequence_id);
        self.flag(3, part.is_end);
        if let Some(StreamError { name, message, user_error_code }) = &part.error {
            let start = self.begin(4);
            self.text_unless_empty(1, name);
            self.text_unless_empty(2, message);
            self.maybe_text(3, user_error_code.as_ref());
            self.end(start);
        }
        self.end(start);
    }

    pub(super) fn tag_with_length(&mut self, field: u32) {
        self.varint(u64::from(field) << 3 | 2);
    }

    pub(super) fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            // The cast keeps the lowest 8 bits.
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Returns the number of bytes of a varint.
pub(super) fn varint_length(value: u64) -> usize {
    let bits = u64::BITS.saturating_sub(value.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::protocol::wire::{Fields, Value};

    #[test]
    fn numbers_of_every_length_are_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let mut writer = Writer::new();
            writer.number(17, value);
            let (number, read) = Fields(&writer.0).next().unwrap().unwrap();
            assert!(matches!(read, Value::Number(read) if read == value) && number == 17, "{value}");
        }
    }

    #[test]
    fn a_nested_message_starts_with_its_length() {
        for length in [0, 1, 126, 127, 128, 16_384] {
            let mut writer = Writer::new();
            let outer = writer.begin(1);
            let inner = writer.begin(2);
            writer.bytes(3, &vec![7; length]);
            writer.end(inner);
            writer.number(4, 5);
            writer.end(outer);
            let Ok(Some((1, Value::Bytes(outer)))) = Fields(&writer.0).next() else { unreachable!() };
            let mut fields = Fields(outer);
            let Ok(Some((2, Value::Bytes(inner)))) = fields.next() else { unreachable!() };
            assert!(matches!(fields.next(), Ok(Some((4, Value::Number(5))))));
            assert!(matches!(Fields(inner).next(), Ok(Some((3, Value::Bytes(bytes)))) if bytes.len() == length));
        }
    }
}
