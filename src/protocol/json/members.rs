//! Reads the values that the frames of both directions have in common.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::{FrameError, Metadata, Payload, State, Text};

/// Reads the members of a frame.
///
/// # Errors
/// [`FrameError`] when `text` is not an object, or a member has another type than `T` says.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, FrameError> {
    // serde also reads a structure from an array of its members.
    if !text.trim_start().starts_with('{') {
        return Err(FrameError::new("The frame is not a JSON object."));
    }
    serde_json::from_str(text).map_err(|error| {
        // serde quotes a value of the wrong type, which may be long.
        let brief: String = error.to_string().chars().take(300).collect();
        FrameError::new(format!("The frame cannot be read: {brief}."))
    })
}

/// A text that borrows from the frame unless it has escapes. serde copies the text of an `Option<Cow<str>>`.
#[derive(serde::Deserialize)]
pub(super) struct Str<'a>(#[serde(borrow)] Text<'a>);

impl<'a> Str<'a> {
    pub(super) fn into_text(self) -> Text<'a> {
        self.0
    }
}

/// Returns the text of a member, or an empty one.
pub(super) fn text(text: Option<Str<'_>>) -> Text<'_> {
    text.map(Str::into_text).unwrap_or_default()
}

/// An object of texts, in the order of the frame.
#[derive(Default)]
pub(super) struct Texts<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Texts<'a> {
    pub(super) fn into_metadata(self) -> Metadata<'a> {
        self.0
    }

    /// Of a name that appears twice, the last text counts.
    pub(super) fn into_state(self) -> State<'a> {
        self.0.into_iter().collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts<'a>, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Texts<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts<'de>, A::Error> {
                let mut texts = Vec::new();
                while let Some((name, text)) = map.next_entry::<Str<'de>, Str<'de>>()? {
                    texts.push((name.into_text(), text.into_text()));
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads the metadata of a message that arrives. What is not a text is left out, so that the message still counts.
pub(super) fn lenient_metadata(metadata: Option<&RawValue>) -> Metadata<'_> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Entry<'a> {
        #[serde(borrow)]
        Text(Str<'a>),
        Other(IgnoredAny),
    }
    let Some(metadata) = metadata else { return Metadata::new() };
    let entries: std::collections::BTreeMap<Text<'_>, Entry<'_>> =
        serde_json::from_str(metadata.get()).unwrap_or_default();
    let text = |(name, entry)| match entry {
        Entry::Text(text) => Some((name, text.into_text())),
        Entry::Other(_) => None,
    };
    entries.into_iter().filter_map(text).collect()
}

/// Reads a value that is present, also `null`.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads `data` as `dataType` says, whatever its case. `None` is a type that is not known.
pub(super) fn payload<'a>(data_type: Option<&str>, data: &'a RawValue) -> Option<Result<Payload<'a>, FrameError>> {
    let string = |what: &str| {
        let text = serde_json::from_str::<Str<'a>>(data.get());
        text.map(Str::into_text).map_err(|_| FrameError::new(format!("Data of type {what} must be a string.")))
    };
    let bytes = |what: &str| {
        let bytes = BASE64_STANDARD.decode(string(what)?.as_bytes());
        bytes.map(Into::into).map_err(|_| FrameError::new(format!("Data of type {what} must be base64.")))
    };
    Some(match spelled(data_type.unwrap_or("json"), &["text", "json", "binary", "protobuf"])? {
        "text" => string("text").map(Payload::Text),
        "binary" => bytes("binary").map(Payload::Binary),
        "protobuf" => bytes("protobuf").map(Payload::Protobuf),
        _ => Ok(Payload::Json(data.get().into())),
    })
}

/// Finds a known name, whatever the case of `name`, and returns it as the protocol spells it.
pub(super) fn spelled(name: &str, known: &[&'static str]) -> Option<&'static str> {
    known.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
}
