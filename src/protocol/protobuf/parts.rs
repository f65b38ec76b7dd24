//! The parts that the messages have in common, and how they are read and written.

use crate::protocol::wire::{Fields, Malformed, Value, Writer};

/// A payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// An encoded `google.protobuf.Any`.
    Any(&'a [u8]),
    /// JSON, as it was written.
    Json(&'a str),
}

/// Keys and values. Of a key that comes twice the last value counts.
pub type Map<'a> = Vec<(&'a str, &'a str)>;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct StreamStart<'a> {
    pub stream_id: &'a str,
    pub idle_timeout_ms: Option<u32>,
}

/// Why a client ended its stream early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct StreamEndError<'a> {
    pub message: Option<&'a str>,
    pub user_error_code: Option<&'a str>,
}

/// Where in a stream a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct StreamInfo<'a> {
    pub stream_id: &'a str,
    pub stream_sequence_id: u64,
    pub end_of_stream: bool,
    /// The name and text of an error, and the code that the sender gave it.
    pub error: Option<(Failure<'a>, &'a str)>,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct Failure<'a> {
    pub name: &'a str,
    pub message: &'a str,
}

/// The states of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct GroupState<'a> {
    pub group: &'a str,
    pub items: Vec<GroupStateItem<'a>>,
    pub sequence_id: Option<u64>,
}

/// The state of one member; without a state it was cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the service's schema")]
pub struct GroupStateItem<'a> {
    pub connection_id: &'a str,
    pub user_id: Option<&'a str>,
    pub state: Option<Map<'a>>,
    pub updated_at: i64,
}

/// Whether these bytes are an encoded `google.protobuf.Any`.
pub fn is_any(bytes: &[u8]) -> bool {
    Message::read(bytes).and_then(|any| any.text(1)).is_ok()
}

/// The last message that an envelope holds in a field that is known, and that field.
pub(super) fn envelope<'a>(frame: &'a [u8], known: &[u32]) -> Result<Option<(u32, &'a [u8])>, Malformed> {
    let mut fields = Fields(frame);
    let mut found = None;
    while let Some((field, value)) = fields.next()? {
        if let Value::Bytes(message) = value
            && known.contains(&field)
        {
            found = Some((field, message));
        }
    }
    Ok(found)
}

/// A message whose fields have been taken apart: no known one has a number above 7.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    fields: [Option<Value<'a>>; 8],
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Message<'a>, Malformed> {
        let mut message = Message { bytes, fields: [None; 8] };
        let mut fields = Fields(bytes);
        while let Some((field, value)) = fields.next()? {
            if let Some(slot) = message.fields.get_mut(field as usize) {
                *slot = Some(value);
            }
        }
        Ok(message)
    }

    pub(super) fn bytes(&self, field: usize) -> Option<&'a [u8]> {
        match self.fields.get(field) {
            Some(Some(Value::Bytes(bytes))) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn number(&self, field: usize) -> Option<u64> {
        match self.fields.get(field) {
            Some(Some(Value::Number(number))) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn flag(&self, field: usize) -> bool {
        self.number(field).is_some_and(|number| number != 0)
    }

    pub(super) fn optional_text(&self, field: usize) -> Result<Option<&'a str>, Malformed> {
        self.bytes(field).map(utf8).transpose()
    }

    pub(super) fn text(&self, field: usize) -> Result<&'a str, Malformed> {
        self.optional_text(field).map(Option::unwrap_or_default)
    }

    pub(super) fn message(&self, field: usize) -> Result<Option<Message<'a>>, Malformed> {
        self.bytes(field).map(Message::read).transpose()
    }

    pub(super) fn data(&self, field: usize) -> Result<Option<Data<'a>>, Malformed> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        let Some((kind, content)) = envelope(bytes, &[1, 2, 3, 4])? else { return Ok(None) };
        Ok(Some(match kind {
            1 => Data::Text(utf8(content)?),
            2 => Data::Binary(content),
            3 if is_any(content) => Data::Any(content),
            3 => return Err(Malformed),
            _ => Data::Json(utf8(content)?),
        }))
    }

    /// Each entry of a map is a field of its own.
    pub(super) fn map(&self, field: u32) -> Result<Map<'a>, Malformed> {
        let mut map: Map<'a> = Vec::new();
        self.each(field, |entry| {
            let entry = Message::read(entry)?;
            map.push((entry.text(1)?, entry.text(2)?));
            Ok(())
        })?;
        Ok(map)
    }

    pub(super) fn each(
        &self,
        field: u32,
        mut take: impl FnMut(&'a [u8]) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut fields = Fields(self.bytes);
        while let Some((number, value)) = fields.next()? {
            match value {
                Value::Bytes(bytes) if number == field => take(bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn state(&self, field: usize) -> Result<Option<Map<'a>>, Malformed> {
        self.message(field)?.map(|state| state.map(1)).transpose()
    }

    pub(super) fn failure(&self, field: usize) -> Result<Option<Failure<'a>>, Malformed> {
        let Some(m) = self.message(field)? else { return Ok(None) };
        Ok(Some(Failure { name: m.text(1)?, message: m.text(2)? }))
    }

    pub(super) fn stream_start(&self, field: usize) -> Result<Option<StreamStart<'a>>, Malformed> {
        let Some(m) = self.message(field)? else { return Ok(None) };
        Ok(Some(StreamStart { stream_id: m.text(1)?, idle_timeout_ms: m.number(2).map(saturated) }))
    }

    pub(super) fn stream_end_error(&self, field: usize) -> Result<Option<StreamEndError<'a>>, Malformed> {
        let Some(m) = self.message(field)? else { return Ok(None) };
        Ok(Some(StreamEndError { message: m.optional_text(1)?, user_error_code: m.optional_text(2)? }))
    }

    pub(super) fn stream_info(&self, field: usize) -> Result<Option<StreamInfo<'a>>, Malformed> {
        let Some(m) = self.message(field)? else { return Ok(None) };
        let error = match m.message(4)? {
            Some(error) => Some((Failure { name: error.text(1)?, message: error.text(2)? }, error.text(3)?)),
            None => None,
        };
        Ok(Some(StreamInfo {
            stream_id: m.text(1)?,
            stream_sequence_id: m.number(2).unwrap_or_default(),
            end_of_stream: m.flag(3),
            error,
        }))
    }

    pub(super) fn group_state(&self) -> Result<GroupState<'a>, Malformed> {
        let mut items = Vec::new();
        self.each(2, |item| {
            let m = Message::read(item)?;
            items.push(GroupStateItem {
                connection_id: m.text(1)?,
                user_id: m.optional_text(2)?,
                state: m.state(3)?,
                updated_at: m.number(4).unwrap_or_default().cast_signed(),
            });
            Ok(())
        })?;
        Ok(GroupState { group: self.text(1)?, items, sequence_id: self.number(3) })
    }
}

/// How the parts of these messages are written: as every encoder of proto3 does, what has its default value is left
/// out unless its presence says something.
impl Writer {
    pub(super) fn text_unless_empty(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.text(field, text);
        }
    }

    pub(super) fn optional_text(&mut self, field: u32, text: Option<&str>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    pub(super) fn number_unless_zero(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.number(field, number);
        }
    }

    pub(super) fn optional_number(&mut self, field: u32, number: Option<u64>) {
        if let Some(number) = number {
            self.number(field, number);
        }
    }

    pub(super) fn flag(&mut self, field: u32, flag: bool) {
        self.number_unless_zero(field, u64::from(flag));
    }

    pub(super) fn data(&mut self, field: u32, data: Option<Data<'_>>) {
        let Some(data) = data else { return };
        let start = self.begin(field);
        match data {
            Data::Text(text) => self.text(1, text),
            Data::Binary(bytes) => self.bytes(2, bytes),
            Data::Any(bytes) => self.bytes(3, bytes),
            Data::Json(text) => self.text(4, text),
        }
        self.end(start);
    }

    pub(super) fn map(&mut self, field: u32, map: &Map<'_>) {
        for (key, value) in map {
            let start = self.begin(field);
            self.text(1, key);
            self.text(2, value);
            self.end(start);
        }
    }

    pub(super) fn state(&mut self, field: u32, state: Option<&Map<'_>>) {
        if let Some(state) = state {
            let start = self.begin(field);
            self.map(1, state);
            self.end(start);
        }
    }

    pub(super) fn failure(&mut self, field: u32, failure: Option<Failure<'_>>) {
        if let Some(failure) = failure {
            let start = self.begin(field);
            self.text_unless_empty(1, failure.name);
            self.text_unless_empty(2, failure.message);
            self.end(start);
        }
    }

    pub(super) fn stream_start(&mut self, field: u32, stream: Option<StreamStart<'_>>) {
        if let Some(stream) = stream {
            let start = self.begin(field);
            self.text_unless_empty(1, stream.stream_id);
            self.optional_number(2, stream.idle_timeout_ms.map(u64::from));
            self.end(start);
        }
    }

    pub(super) fn stream_info(&mut self, field: u32, stream: Option<StreamInfo<'_>>) {
        if let Some(stream) = stream {
            let start = self.begin(field);
            self.text_unless_empty(1, stream.stream_id);
            self.number_unless_zero(2, stream.stream_sequence_id);
            self.flag(3, stream.end_of_stream);
            if let Some((failure, user_error_code)) = stream.error {
                let start = self.begin(4);
                self.text_unless_empty(1, failure.name);
                self.text_unless_empty(2, failure.message);
                self.text_unless_empty(3, user_error_code);
                self.end(start);
            }
            self.end(start);
        }
    }

    pub(super) fn group_state(&mut self, state: &GroupState<'_>) {
        self.text_unless_empty(1, state.group);
        for item in &state.items {
            let start = self.begin(2);
            self.text_unless_empty(1, item.connection_id);
            self.optional_text(2, item.user_id);
            self.state(3, item.state.as_ref());
            self.number_unless_zero(4, item.updated_at.cast_unsigned());
            self.end(start);
        }
        self.optional_number(3, state.sequence_id);
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

pub(super) fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
