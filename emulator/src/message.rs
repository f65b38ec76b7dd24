//! A message on its way to clients, and its frames: each is made once, however many clients receive it.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::budget::Budget;
use crate::frame::{Body, Frame, Unnumbered};
use crate::metadata::Metadata;
use crate::protocol::Encoding;
use crate::{json, protobuf};

/// A message for clients.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: Sender,
    pub(crate) data: Data,
    pub(crate) metadata: Metadata,
    /// How long a reliable client may take to receive it; `None` means for ever.
    pub(crate) ttl_ms: Option<u64>,
    /// Which part of which stream it is.
    pub(crate) stream: Option<StreamPart>,
}

/// What a message says of its stream.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StreamPart {
    pub(crate) stream_id: String,
    #[serde(rename = "streamSequenceId")]
    pub(crate) sequence_id: u64,
    #[serde(rename = "endOfStream", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_end: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<StreamError>,
}

/// Why a stream ended, when not as it should.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StreamError {
    pub(crate) name: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_error_code: String,
}

impl StreamError {
    /// One of the service's own.
    pub(crate) fn new(name: &'static str, message: &str) -> StreamError {
        StreamError { name, message: message.to_owned(), user_error_code: String::new() }
    }
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
    budget: &'m Budget,
    simple: Option<Frame>,
    json: Option<Frame>,
    json_body: Option<Body>,
    protobuf: Option<Frame>,
    protobuf_body: Option<Body>,
}

impl<'m> Frames<'m> {
    pub(crate) fn new(message: &'m Message, budget: &'m Budget) -> Frames<'m> {
        Frames { message, budget, simple: None, json: None, json_body: None, protobuf: None, protobuf_body: None }
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

    /// For a subprotocol that is not reliable.
    pub(crate) fn whole(&mut self, encoding: Encoding) -> Frame {
        let message = self.message;
        let frame = match encoding {
            Encoding::Json => self.json.get_or_insert_with(|| Frame::Text(Arc::from(json::message(message)))),
            Encoding::Protobuf => {
                self.protobuf.get_or_insert_with(|| Frame::Binary(Arc::from(protobuf::message(message))))
            }
        };
        frame.clone()
    }

    /// For a reliable subprotocol: all but the sequence id.
    pub(crate) fn body(&mut self, encoding: Encoding) -> Body {
        let Frames { message, budget, .. } = *self;
        let body = match encoding {
            Encoding::Json => self
                .json_body
                .get_or_insert_with(|| Body::new(Unnumbered::Json(json::message_head(message).into()), budget)),
            Encoding::Protobuf => self
                .protobuf_body
                .get_or_insert_with(|| Body::new(Unnumbered::Protobuf(protobuf::message_body(message).into()), budget)),
        };
        body.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(data: Data) -> Message {
        Message { from: Sender::Server, data, metadata: Metadata::default(), ttl_ms: None, stream: None }
    }

    #[test]
    fn a_simple_client_gets_the_bare_payload() {
        let raw = RawValue::from_string(r#""quoted""#.to_owned()).unwrap();
        let budget = Budget::new(0);
        assert!(Frames::new(&message(Data::Json(raw)), &budget).simple() == Frame::Text(Arc::from(r#""quoted""#)));
        assert!(Frames::new(&message(Data::Binary(vec![1, 2])), &budget).simple() == Frame::Binary(Arc::from([1, 2])));
    }

    #[test]
    fn receivers_of_a_kind_share_one_frame() {
        let message = message(Data::Text("hi".to_owned()));
        let budget = Budget::new(0);
        let mut frames = Frames::new(&message, &budget);
        let (Frame::Text(first), Frame::Text(second)) = (frames.whole(Encoding::Json), frames.whole(Encoding::Json))
        else {
            unreachable!("JSON frames are text")
        };
        assert!(Arc::ptr_eq(&first, &second));
        assert!(frames.body(Encoding::Protobuf).is_same(&frames.body(Encoding::Protobuf)));
    }
}
