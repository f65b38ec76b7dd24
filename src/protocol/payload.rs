use std::borrow::Cow;

use super::{FrameError, Text, wire};

/// The content of a message, an event or an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Text.
    Text(Text<'a>),
    /// JSON as its sender wrote it. Decoders check that it is valid; encoders rely on it.
    Json(Text<'a>),
    /// Bytes.
    Binary(Cow<'a, [u8]>),
    /// An encoded `google.protobuf.Any`.
    Protobuf(Cow<'a, [u8]>),
}

impl Payload<'_> {
    /// Returns the value of `dataType` in a JSON frame.
    pub fn data_type(&self) -> &'static str {
        match self {
            Payload::Text(_) => "text",
            Payload::Json(_) => "json",
            Payload::Binary(_) => "binary",
            Payload::Protobuf(_) => "protobuf",
        }
    }

    /// Returns the number of bytes of the content.
    pub fn byte_length(&self) -> usize {
        match self {
            Payload::Text(text) | Payload::Json(text) => text.len(),
            Payload::Binary(bytes) | Payload::Protobuf(bytes) => bytes.len(),
        }
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> Payload<'static> {
        match self {
            Payload::Text(text) => Payload::Text(text.into_owned().into()),
            Payload::Json(text) => Payload::Json(text.into_owned().into()),
            Payload::Binary(bytes) => Payload::Binary(bytes.into_owned().into()),
            Payload::Protobuf(bytes) => Payload::Protobuf(bytes.into_owned().into()),
        }
    }

    /// Checks that JSON is valid and that protobuf is an encoded `google.protobuf.Any`.
    ///
    /// # Errors
    /// [`FrameError`] when it is not.
    pub fn check(&self) -> Result<(), FrameError> {
        let problem = match self {
            Payload::Json(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
                "Data of type json must be valid JSON."
            }
            Payload::Protobuf(bytes) if !wire::is_any(bytes) => {
                "Data of type protobuf must be an encoded google.protobuf.Any."
            }
            _ => return Ok(()),
        };
        Err(FrameError::new(problem))
    }
}
