//! What a host writes to a WebSocket.

use std::borrow::Cow;
use std::sync::Arc;

use webpubsub_edge::protocol::{number_json, number_protobuf};

use crate::budget::{self, Budget, Charge};

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

/// A message that lacks its sequence id. It counts as retained for as long as a clone of it exists.
#[derive(Clone)]
pub struct Body(Arc<Kept>);

struct Kept {
    content: Unnumbered,
    _charge: Charge,
}

#[derive(PartialEq, Eq)]
pub(crate) enum Unnumbered {
    /// A JSON object that lacks its sequence id and its closing brace.
    Json(Box<str>),
    /// The fields of a protobuf `DataMessage` without its sequence id.
    Protobuf(Box<[u8]>),
}

impl Body {
    pub(crate) fn new(content: Unnumbered, budget: &Budget) -> Body {
        let charge = budget.charge(budget::Kind::Unacknowledged, content.len());
        Body(Arc::new(Kept { content, _charge: charge }))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.content.len()
    }

    /// Whether both share their bytes.
    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Body) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        self.0.content == other.0.content
    }
}

impl Eq for Body {}

impl Unnumbered {
    fn len(&self) -> usize {
        match self {
            Unnumbered::Json(text) => text.len(),
            Unnumbered::Protobuf(bytes) => bytes.len(),
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
            Frame::Numbered { body, sequence_id } => match &body.0.content {
                Unnumbered::Json(message) => Content::Text(Cow::Owned(number_json(message, *sequence_id))),
                Unnumbered::Protobuf(message) => Content::Binary(Cow::Owned(number_protobuf(message, *sequence_id))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_frame_is_finished_for_its_receivers() {
        let budget = Budget::new(0);
        let frame = |content| Frame::Numbered { body: Body::new(content, &budget), sequence_id: 7 };
        let json = frame(Unnumbered::Json(r#"{"type":"message""#.into()));
        assert!(json.content() == Content::Text(r#"{"type":"message","sequenceId":7}"#.into()));
        let protobuf = frame(Unnumbered::Protobuf([0x0a, 1, b'x'].into()));
        assert!(protobuf.content() == Content::Binary(vec![0x12, 5, 0x0a, 1, b'x', 0x20, 7].into()));
    }
}
