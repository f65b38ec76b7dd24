//! What can be sent.

use crate::Error;

/// The largest message the service takes: 1 MiB.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// A message, with its content type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text: `text/plain`.
    Text(&'a str),
    /// JSON that is written already: `application/json`.
    Json(&'a str),
    /// Bytes: `application/octet-stream`.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The content type, without a charset, as the official SDKs send it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Message::Text(_) => "text/plain",
            Message::Json(_) => "application/json",
            Message::Binary(_) => "application/octet-stream",
        }
    }

    /// The body.
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Message::Text(text) | Message::Json(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }

    /// Checks the size.
    ///
    /// # Errors
    /// [`Error::MessageTooLarge`].
    pub const fn check(self) -> Result<(), Error> {
        if self.bytes().len() > MAX_MESSAGE_BYTES { Err(Error::MessageTooLarge) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.content_type())
    }
}
