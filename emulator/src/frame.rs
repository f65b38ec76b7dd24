//! What a host writes to a WebSocket.

use std::borrow::Cow;
use std::sync::Arc;

use webpubsub_edge::protocol::{number_json, number_protobuf};

/// One WebSocket message. Cloning shares its bytes, so a message to a thousand sockets exists once.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(Arc<str>),
    /// A binary message.
    Binary(Arc<[u8]>),
    /// A message of a reliable subprotocol: its body is shared by receivers whose sequence ids differ.
    Numbered {
        /// All but the id.
        body: Body,
        /// The id that the receivers of this frame know the message by.
        sequence_id: u64,
    },
}

/// A message that lacks its sequence id.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A JSON object that lacks its sequence id and its closing brace.
    Json(Arc<str>),
    /// The fields of a protobuf `DataMessage` without its sequence id.
    Protobuf(Arc<[u8]>),
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Body::Json(text) => text.len(),
            Body::Protobuf(bytes) => bytes.len(),
        }
    }

    /// Where its bytes are: the same for all that share them.
    pub(crate) fn address(&self) -> usize {
        match self {
            Body::Json(text) => text.as_ptr().addr(),
            Body::Protobuf(bytes) => bytes.as_ptr().addr(),
        }
    }
}

/// The content of a [`Frame`], ready to send.
#[derive(Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// Send as text.
    Text(Cow<'a, str>),
    /// Send as binary.
    Binary(Cow<'a, [u8]>),
}

impl Frame {
    /// Its size in bytes, but for the sequence id.
    pub(crate) fn len(&self) -> usize {
        match self {
            Frame::Text(text) => text.len(),
            Frame::Binary(bytes) => bytes.len(),
            Frame::Numbered { body, .. } => body.len(),
        }
    }

    /// What to send.
    pub fn content(&self) -> Content<'_> {
        match self {
            Frame::Text(text) => Content::Text(Cow::Borrowed(text)),
            Frame::Binary(bytes) => Content::Binary(Cow::Borrowed(bytes)),
            Frame::Numbered { body: Body::Json(message), sequence_id } => {
                Content::Text(Cow::Owned(number_json(message, *sequence_id)))
            }
            Frame::Numbered { body: Body::Protobuf(message), sequence_id } => {
                Content::Binary(Cow::Owned(number_protobuf(message, *sequence_id)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_frame_is_finished_for_its_receivers() {
        let frame = |body| Frame::Numbered { body, sequence_id: 7 };
        let json = frame(Body::Json(Arc::from(r#"{"type":"message""#)));
        assert!(json.content() == Content::Text(r#"{"type":"message","sequenceId":7}"#.into()));
        let protobuf = frame(Body::Protobuf(Arc::from([0x0a, 1, b'x'])));
        assert!(protobuf.content() == Content::Binary(vec![0x12, 5, 0x0a, 1, b'x', 0x20, 7].into()));
    }
}
