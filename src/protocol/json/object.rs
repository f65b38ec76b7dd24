//! Writes one JSON object, member by member.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::json::{push_number, push_string};
use crate::protocol::{ErrorDetail, Payload, Text};

/// A JSON object that is being written.
pub(super) struct Object(String);

impl Object {
    /// Starts an object.
    pub(super) fn new() -> Object {
        Object(String::from("{"))
    }

    /// Starts a frame with its `type`. Most small frames fit into 192 bytes.
    pub(super) fn of_type(kind: &str) -> Object {
        let mut frame = Object(String::with_capacity(192));
        frame.0.push('{');
        frame.text("type", kind)
    }

    /// Returns the whole object.
    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// Returns the object up to where more members can follow.
    pub(super) fn unfinished(self) -> String {
        self.0
    }

    pub(super) fn text(mut self, name: &str, text: &str) -> Object {
        self.name(name);
        push_string(&mut self.0, text);
        self
    }

    /// Adds a text, or nothing when there is none.
    pub(super) fn maybe_text(self, name: &str, text: Option<&Text<'_>>) -> Object {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Adds a text, or `null` when there is none.
    pub(super) fn text_or_null(self, name: &str, text: Option<&Text<'_>>) -> Object {
        match text {
            Some(text) => self.text(name, text),
            None => self.json(name, "null"),
        }
    }

    pub(super) fn number(mut self, name: &str, number: u64) -> Object {
        self.name(name);
        push_number(&mut self.0, number);
        self
    }

    /// Adds a number, or nothing when there is none.
    pub(super) fn maybe_number(self, name: &str, number: Option<u64>) -> Object {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &str, flag: bool) -> Object {
        self.json(name, if flag { "true" } else { "false" })
    }

    /// Adds a value that is JSON already.
    pub(super) fn json(mut self, name: &str, json: &str) -> Object {
        self.name(name);
        self.0.push_str(json);
        self
    }

    pub(super) fn object(self, name: &str, object: Object) -> Object {
        self.json(name, &object.end())
    }

    /// Adds an object of texts.
    pub(super) fn texts<'t>(self, name: &str, texts: impl IntoIterator<Item = (&'t Text<'t>, &'t Text<'t>)>) -> Object {
        let mut object = Object::new();
        for (name, text) in texts {
            object.0.push_str(if object.0.len() > 1 { "," } else { "" });
            push_string(&mut object.0, name);
            object.0.push(':');
            push_string(&mut object.0, text);
        }
        self.object(name, object)
    }

    /// Adds an array of objects.
    pub(super) fn objects(mut self, name: &str, objects: impl IntoIterator<Item = Object>) -> Object {
        self.name(name);
        self.0.push('[');
        for (index, object) in objects.into_iter().enumerate() {
            self.0.push_str(if index > 0 { "," } else { "" });
            self.0.push_str(&object.end());
        }
        self.0.push(']');
        self
    }

    /// Adds `dataType` and `data`.
    pub(super) fn payload(self, payload: &Payload<'_>) -> Object {
        let mut object = self.text("dataType", payload.data_type());
        match payload {
            Payload::Text(text) => {
                object.0.reserve(text.len().saturating_add(32));
                object.text("data", text)
            }
            Payload::Json(json) => {
                object.0.reserve(json.len().saturating_add(32));
                object.json("data", json)
            }
            Payload::Binary(bytes) | Payload::Protobuf(bytes) => object.base64("data", bytes),
        }
    }

    /// Adds `error`.
    pub(super) fn error(self, error: &ErrorDetail<'_>) -> Object {
        self.object("error", Object::new().text("name", &error.name).text("message", &error.message))
    }

    fn base64(mut self, name: &str, bytes: &[u8]) -> Object {
        self.name(name);
        self.0.push('"');
        BASE64_STANDARD.encode_string(bytes, &mut self.0);
        self.0.push('"');
        self
    }

    /// Starts a member of the protocol, whose name needs no escapes.
    fn name(&mut self, name: &str) {
        self.0.push_str(if self.0.len() > 1 { ",\"" } else { "\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}
