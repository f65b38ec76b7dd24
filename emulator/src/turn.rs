//! One input being handled: the time it came and what was decided so far.

use crate::frame::Frame;
use crate::{Action, SocketId};

/// Collects the actions of one input.
pub(crate) struct Turn {
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) actions: Vec<Action>,
    /// What is to know of some of the actions, by their index, in order.
    pub(crate) notes: Vec<(usize, Note)>,
    /// Whether a connection ended that had no socket any more.
    pub(crate) has_ended: bool,
    /// Whether the host wants lines for its log.
    pub(crate) has_log: bool,
    /// The number of connections that a REST operation reached, where it has one.
    pub(crate) reached: Option<usize>,
}

/// What faults and delays need to know of a frame.
#[derive(Clone, Copy, Default)]
pub(crate) struct Note {
    pub(crate) is_ack: bool,
    /// When nobody needs it any more.
    pub(crate) expires_at: Option<u64>,
}

impl Turn {
    pub(crate) fn new(now: u64) -> Turn {
        Turn { now, actions: Vec::new(), notes: Vec::new(), has_ended: false, has_log: false, reached: None }
    }

    /// Writes a line to the host's log, if it has one. The line must hold no secret, no content of a message and no
    /// control character: see [`printable`].
    pub(crate) fn log(&mut self, line: impl FnOnce() -> String) {
        if self.has_log {
            self.actions.push(Action::Log { line: line() });
        }
    }

    /// Sends one frame to each of these sockets.
    pub(crate) fn send(&mut self, to: Vec<SocketId>, frame: Frame) {
        if !to.is_empty() {
            self.actions.push(Action::Send { to, frame });
        }
    }

    /// The same with a note for the network.
    pub(crate) fn send_noted(&mut self, to: Vec<SocketId>, frame: Frame, note: Note) {
        if !to.is_empty() {
            self.notes.push((self.actions.len(), note));
        }
        self.send(to, frame);
    }

    /// Pings these sockets.
    pub(crate) fn ping(&mut self, to: Vec<SocketId>) {
        if !to.is_empty() {
            self.actions.push(Action::Ping { to });
        }
    }

    /// Closes a socket. The reason is cut to what a close frame holds.
    pub(crate) fn close(&mut self, socket: SocketId, code: u16, reason: &str) {
        self.actions.push(Action::Close { socket, code, reason: shortened(reason, MAX_CLOSE_REASON_BYTES) });
    }
}

/// A text of a client as it stands in the log: shortened, and without characters that steer a terminal or begin another
/// line.
pub(crate) fn printable(text: &str) -> String {
    shortened(text, MAX_LOGGED_BYTES).chars().fold(String::new(), |mut line, character| {
        match character {
            '\'' | '"' | '\\' => line.push(character),
            _ if character.escape_debug().len() == 1 => line.push(character),
            _ => line.extend(character.escape_unicode()),
        }
        line
    })
}

const MAX_LOGGED_BYTES: usize = 200;

/// A close frame holds 125 bytes, two of them for the code.
const MAX_CLOSE_REASON_BYTES: usize = 123;

/// The beginning of `text`, at most this many bytes of it.
pub(crate) fn shortened(text: &str, max_bytes: usize) -> String {
    let fits = |&(at, character): &(usize, char)| at.saturating_add(character.len_utf8()) <= max_bytes;
    text.char_indices().take_while(fits).map(|(_, character)| character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_reason_fits_its_frame() {
        assert_eq!(shortened(&"é".repeat(100), MAX_CLOSE_REASON_BYTES), "é".repeat(61));
        assert_eq!(shortened("short", MAX_CLOSE_REASON_BYTES), "short");
    }

    #[test]
    fn a_text_in_the_log_holds_no_control_characters_and_is_short() {
        assert_eq!(printable("a\u{1b}[2J\n\u{202e}é"), "a\\u{1b}[2J\\u{a}\\u{202e}é");
        assert_eq!(printable("O'Brien"), "O'Brien");
        assert_eq!(printable(&"x".repeat(300)).len(), 200);
    }
}
