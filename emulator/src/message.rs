//! A message on its way to clients, and its frames: each is made once, however many clients receive it.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;

use crate::frame::Frame;
use crate::json;

/// A message for clients.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: Sender,
    pub(crate) data: Data,
    /// How long a reliable client may take to receive it; `None` means for ever.
    pub(crate) ttl_ms: Option<u64>,
}

/// Where a message came from, as its receivers see it.
#[derive(Debug)]
pub(crate) enum Sender {
    /// REST, to all, a user or a connection.
    Server,
    /// A group: a client that published to it, or REST, which has no user.
    Group { group: String, user_id: Option<String> },
}

/// The payload.
#[derive(Debug)]
pub(crate) enum Data {
    Text(String),
    /// JSON as it was written: it passes through byte for byte.
    Json(Box<RawValue>),
    Binary(Vec<u8>),
    /// An encoded `google.protobuf.Any`.
    Protobuf(Vec<u8>),
}

impl Data {
    /// The name that JSON frames give to this kind of payload.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Data::Text(_) => "text",
            Data::Json(_) => "json",
            Data::Binary(_) => "binary",
            Data::Protobuf(_) => "protobuf",
        }
    }

    /// Bytes as JSON frames carry them.
    pub(crate) fn base64(bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(bytes)
    }

    /// The reverse of [`Data::base64`]; `None` when `text` is not base64.
    pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(text).ok()
    }
}

/// The frames of one message, made when the first receiver of their kind turns up.
pub(crate) struct Frames<'m> {
    message: &'m Message,
    simple: Option<Frame>,
    json: Option<Frame>,
    json_head: Option<Arc<str>>,
}

impl<'m> Frames<'m> {
    pub(crate) fn new(message: &'m Message) -> Frames<'m> {
        Frames { message, simple: None, json: None, json_head: None }
    }

    /// For a client without a subprotocol: the payload and nothing else.
    pub(crate) fn simple(&mut self) -> Frame {
        let data = &self.message.data;
        let frame = self.simple.get_or_insert_with(|| match data {
            Data::Text(text) => Frame::Text(Arc::from(text.as_str())),
            Data::Json(raw) => Frame::Text(Arc::from(raw.get())),
            Data::Binary(bytes) | Data::Protobuf(bytes) => Frame::Binary(Arc::from(bytes.as_slice())),
        });
        frame.clone()
    }

    /// For `json.webpubsub.azure.v1`.
    pub(crate) fn json(&mut self) -> Frame {
        let message = self.message;
        self.json.get_or_insert_with(|| Frame::Text(Arc::from(json::message(message)))).clone()
    }

    /// For `json.reliable.webpubsub.azure.v1`: the frame up to its sequence id.
    pub(crate) fn json_head(&mut self) -> Arc<str> {
        let message = self.message;
        Arc::clone(self.json_head.get_or_insert_with(|| Arc::from(json::message_head(message))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(data: Data) -> Message {
        Message { from: Sender::Server, data, ttl_ms: None }
    }

    #[test]
    fn a_simple_client_gets_the_bare_payload() {
        let raw = RawValue::from_string(r#""quoted""#.to_owned()).unwrap();
        assert!(Frames::new(&message(Data::Json(raw))).simple() == Frame::Text(Arc::from(r#""quoted""#)));
        assert!(Frames::new(&message(Data::Binary(vec![1, 2]))).simple() == Frame::Binary(Arc::from([1, 2])));
    }

    #[test]
    fn receivers_of_a_kind_share_one_frame() {
        let message = message(Data::Text("hi".to_owned()));
        let mut frames = Frames::new(&message);
        let (Frame::Text(first), Frame::Text(second)) = (frames.json(), frames.json()) else {
            unreachable!("JSON frames are text")
        };
        assert!(Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&frames.json_head(), &frames.json_head()));
    }
}
