//! Reads the values that the frames of both directions have in common.

use crate::protocol::upstream::StreamStart;
use crate::protocol::wire::{Fields, Value, malformed, utf8};
use crate::protocol::{ErrorDetail, FrameError, GroupStateItem, Metadata, Payload, State, StreamEndError, StreamError};
use crate::protocol::{StreamPart, Text};

/// Returns the last nested message of an envelope in one of the `known` fields, with its field.
pub(super) fn envelope<'a>(frame: &'a [u8], known: &[u32]) -> Result<Option<(u32, &'a [u8])>, FrameError> {
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

/// A message with its fields by number. Known fields have numbers up to 7. The last value of a field counts.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    fields: [Option<Value<'a>>; 8],
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Message<'a>, FrameError> {
        let mut message = Message { bytes, fields: [None; 8] };
        let mut fields = Fields(bytes);
        while let Some((field, value)) = fields.next()? {
            if let Some(slot) = message.fields.get_mut(field as usize) {
                *slot = Some(value);
            }
        }
        Ok(message)
    }

    pub(super) fn number(&self, field: usize) -> Option<u64> {
        match self.fields.get(field) {
            Some(Some(Value::Number(number))) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn number_or_zero(&self, field: usize) -> u64 {
        self.number(field).unwrap_or_default()
    }

    /// Returns a number of 32 bits. A larger one becomes the largest.
    pub(super) fn word(&self, field: usize) -> Option<u32> {
        self.number(field).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    pub(super) fn flag(&self, field: usize) -> bool {
        self.number_or_zero(field) != 0
    }

    pub(super) fn text(&self, field: usize) -> Result<Text<'a>, FrameError> {
        self.maybe_text(field).map(Option::unwrap_or_default)
    }

    pub(super) fn maybe_text(&self, field: usize) -> Result<Option<Text<'a>>, FrameError> {
        self.bytes(field).map(|bytes| utf8(bytes).map(Text::Borrowed)).transpose()
    }

    /// Returns a text for which an empty one means that there is none.
    pub(super) fn filled_text(&self, field: usize) -> Result<Option<Text<'a>>, FrameError> {
        Ok(self.maybe_text(field)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn message(&self, field: usize) -> Result<Option<Message<'a>>, FrameError> {
        self.bytes(field).map(Message::read).transpose()
    }

    pub(super) fn payload(&self, field: usize) -> Result<Option<Payload<'a>>, FrameError> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        let Some((kind, content)) = envelope(bytes, &[1, 2, 3, 4])? else { return Ok(None) };
        let payload = match kind {
            1 => Payload::Text(utf8(content)?.into()),
            2 => Payload::Binary(content.into()),
            3 => Payload::Protobuf(content.into()),
            _ => Payload::Json(utf8(content)?.into()),
        };
        payload.check()?;
        Ok(Some(payload))
    }

    /// Returns the metadata of a frame. Each entry is a field of its own.
    pub(super) fn metadata(&self, field: u32) -> Result<Metadata<'a>, FrameError> {
        self.repeated(field).map(|entry| entry.and_then(|entry| Ok((entry.text(1)?, entry.text(2)?)))).collect()
    }

    pub(super) fn state(&self, field: usize) -> Result<Option<State<'a>>, FrameError> {
        let Some(state) = self.message(field)? else { return Ok(None) };
        Ok(Some(state.metadata(1)?.into_iter().collect()))
    }

    pub(super) fn error(&self, field: usize) -> Result<Option<ErrorDetail<'a>>, FrameError> {
        let Some(error) = self.message(field)? else { return Ok(None) };
        Ok(Some(ErrorDetail { name: error.text(1)?, message: error.text(2)? }))
    }

    pub(super) fn stream_start(&self, field: usize) -> Result<Option<StreamStart<'a>>, FrameError> {
        let Some(stream) = self.message(field)? else { return Ok(None) };
        Ok(Some(StreamStart { stream_id: stream.text(1)?, idle_timeout_ms: stream.word(2) }))
    }

    pub(super) fn stream_end_error(&self, field: usize) -> Result<Option<StreamEndError<'a>>, FrameError> {
        let Some(error) = self.message(field)? else { return Ok(None) };
        Ok(Some(StreamEndError { message: error.maybe_text(1)?, user_error_code: error.maybe_text(2)? }))
    }

    pub(super) fn stream_part(&self, field: usize) -> Result<Option<StreamPart<'a>>, FrameError> {
        let Some(stream) = self.message(field)? else { return Ok(None) };
        let error = match stream.message(4)? {
            Some(error) => Some(StreamError {
                name: error.text(1)?,
                message: error.text(2)?,
                user_error_code: error.filled_text(3)?,
            }),
            None => None,
        };
        let (stream_id, sequence_id, is_end) = (stream.text(1)?, stream.number_or_zero(2), stream.flag(3));
        Ok(Some(StreamPart { stream_id, sequence_id, is_end, error }))
    }

    pub(super) fn state_items(&self, field: u32) -> Result<Vec<GroupStateItem<'a>>, FrameError> {
        self.repeated(field).map(|item| state_item(&item?)).collect()
    }

    fn bytes(&self, field: usize) -> Option<&'a [u8]> {
        match self.fields.get(field) {
            Some(Some(Value::Bytes(bytes))) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the messages of a field that may appear many times.
    fn repeated(&self, field: u32) -> impl Iterator<Item = Result<Message<'a>, FrameError>> + use<'a> {
        let is_present = matches!(self.fields.get(field as usize), Some(Some(_)));
        let mut fields = Fields(if is_present { self.bytes } else { &[] });
        std::iter::from_fn(move || fields.next().transpose()).filter_map(move |found| match found {
            Ok((number, Value::Bytes(bytes))) if number == field => Some(Message::read(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

fn state_item<'a>(item: &Message<'a>) -> Result<GroupStateItem<'a>, FrameError> {
    Ok(GroupStateItem {
        connection_id: item.text(1)?,
        user_id: item.filled_text(2)?,
        state: item.state(3)?,
        // The field is signed. The time of a state is not negative.
        updated_at: i64::try_from(item.number_or_zero(4)).map_err(|_| malformed())?.cast_unsigned(),
    })
}
