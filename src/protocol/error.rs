use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// The reason why a frame is invalid, for the developer of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameError(Cow<'static, str>);

impl FrameError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> FrameError {
        FrameError(message.into())
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for FrameError {}
