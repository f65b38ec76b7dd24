//! What a host writes to a WebSocket.

use std::borrow::Cow;
use std::sync::Arc;

/// One WebSocket message. Cloning shares its bytes, so a message to a thousand sockets exists once.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(Arc<str>),
    /// A text message that differs between receivers only in its sequence id: `head` is shared by all of them and
    /// ends where the id belongs.
    Sequenced {
        /// The text up to the id.
        head: Arc<str>,
        /// This receiver's id for the message.
        sequence_id: u64,
    },
    /// A binary message.
    Binary(Arc<[u8]>),
}

/// The content of a [`Frame`], ready to send.
#[derive(Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// Send as text.
    Text(Cow<'a, str>),
    /// Send as binary.
    Binary(&'a [u8]),
}

impl Frame {
    /// What to send.
    pub fn content(&self) -> Content<'_> {
        match self {
            Frame::Text(text) => Content::Text(Cow::Borrowed(text)),
            Frame::Sequenced { head, sequence_id } => Content::Text(Cow::Owned(format!("{head}{sequence_id}}}"))),
            Frame::Binary(bytes) => Content::Binary(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequenced_frame_is_finished_for_its_receiver() {
        let frame = Frame::Sequenced { head: Arc::from(r#"{"sequenceId":"#), sequence_id: 7 };
        assert!(frame.content() == Content::Text(r#"{"sequenceId":7}"#.into()));
    }
}
