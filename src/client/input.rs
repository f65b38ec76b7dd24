//! What a session is told.

/// Something that happened.
///
/// A host numbers its messages, groups and streams as it likes; the session numbers the sockets ([`Action::Open`]).
/// An input about a socket that is no longer the session's is ignored, so a late callback does no harm. Responses and
/// the frames about streams name no socket: those of another one than [`Session::socket`](super::Session::socket) are for
/// the host to drop.
///
/// [`Action::Open`]: super::Action::Open
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing but time has passed; see [`Session::wake_at`](super::Session::wake_at).
    Tick,
    /// Connect. Taken only by a session that is stopped.
    Start,
    /// Disconnect, and stay so. Ends in [`Action::Stopped`](super::Action::Stopped) within seconds, whatever the
    /// network does.
    Stop,
    /// The host was perhaps asleep, or is back online: look whether the connection is alive, and do not wait for the
    /// next attempt.
    Wake,
    /// The host says that it has no network: look whether the connection is alive.
    Offline,
    /// A socket is open.
    Opened {
        /// Which.
        socket: u32,
    },
    /// A socket is closed, could not be opened, or there is no URL for it.
    Closed {
        /// Which.
        socket: u32,
        /// The code of the close frame; 1006, or anything else that is no 1008, when there was none.
        code: u16,
    },
    /// The `connected` frame arrived. The host keeps its connection id and reconnection token.
    Connected {
        /// Where.
        socket: u32,
        /// Whether it brought a reconnection token.
        recoverable: bool,
    },
    /// The answer to a ping arrived.
    Pong {
        /// Where.
        socket: u32,
    },
    /// Any frame arrived that no other input speaks of, also one that is unknown or malformed, or a message without
    /// a sequence id.
    Heard {
        /// Where.
        socket: u32,
    },
    /// A message with a sequence id arrived. The answer of [`Session::handle`](super::Session::handle) is whether it
    /// is new: only then is it delivered.
    Data {
        /// Where.
        socket: u32,
        /// Its sequence id.
        sequence_id: u64,
    },
    /// An ack arrived.
    Ack {
        /// Where.
        socket: u32,
        /// Of which.
        ack_id: u64,
        /// What it says.
        outcome: AckOutcome,
    },
    /// The response to an invocation arrived, a good one or a bad one.
    Response {
        /// Which invocation.
        message: u32,
    },
    /// Send a message and wait for its ack.
    Send {
        /// The number the host keeps it under. No two unsettled messages have the same, and none has `u32::MAX`.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`]. A message whose id is already in flight is not sent, but settled with
        /// the other.
        ack_id: u64,
    },
    /// Send a message without an ack: it is settled by [`Action::Post`](super::Action::Post).
    Post {
        /// The number the host keeps it under.
        message: u32,
    },
    /// Join a group: a message that also makes the group one to join again.
    Join {
        /// The number the host keeps the message under.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// The number the host keeps the group under, until [`Action::ForgetGroup`](super::Action::ForgetGroup).
        group: u32,
    },
    /// Leave a group: it will not be joined again, whatever becomes of the message.
    Leave {
        /// The number the host keeps the message under.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// Which group.
        group: u32,
    },
    /// Invoke an event: a message that is settled by its [`Input::Response`].
    Invoke {
        /// The number the host keeps it under.
        message: u32,
    },
    /// The message of the latest [`Action::Send`](super::Action::Send) or [`Action::Post`](super::Action::Post) could
    /// not be written. It is tried again as its policy says.
    Unsent {
        /// Which.
        message: u32,
    },
    /// The caller does not want a message any more: it is settled with [`Outcome::Aborted`](super::Outcome::Aborted)
    /// and not sent again.
    Abort {
        /// Which.
        message: u32,
    },
    /// Open an outbound stream.
    StreamOpen {
        /// The number the host keeps it under.
        stream: u32,
    },
    /// One more part of an outbound stream, kept by the host until [`Action::StreamTrim`](super::Action::StreamTrim).
    /// Parts are numbered from 1.
    StreamWrite {
        /// Which stream.
        stream: u32,
    },
    /// The last part was written, or the caller gave the stream up: write the end after the last part.
    StreamEnd {
        /// Which stream.
        stream: u32,
    },
    /// A `streamAck` arrived.
    StreamAck {
        /// Which stream.
        stream: u32,
        /// The sequence id that the service expects next.
        expected: u64,
    },
    /// A `streamNack` arrived.
    StreamNack {
        /// Which stream.
        stream: u32,
        /// The sequence id that the service expects next.
        expected: u64,
    },
    /// A `streamClosed` arrived.
    StreamClosed {
        /// Which stream.
        stream: u32,
        /// What it says.
        closing: StreamClosing,
    },
    /// A part of an inbound stream arrived, as a group message that is new. The answer is whether to hand it to its
    /// reader.
    Part {
        /// The number the host keeps the stream under: one for each reader of a group's stream.
        stream: u32,
        /// Its stream sequence id.
        sequence_id: u64,
        /// Whether it is the last.
        is_end: bool,
    },
    /// Begin to watch an inbound stream.
    ReadStream {
        /// The number the host keeps it under.
        stream: u32,
        /// After how many milliseconds without a part it counts as given up; 0 for never.
        idle_timeout_ms: u32,
    },
    /// The reader of an inbound stream is gone.
    ForgetStream {
        /// Which stream.
        stream: u32,
    },
    /// Set the caller's own state in a group, or clear it: a message that is not tried again once a later one of the
    /// same group was handed in, for the last one counts.
    SetState {
        /// The number the host keeps the message under.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// Which group.
        group: u32,
    },
}

impl Input {
    /// The socket it is about, if it is about one.
    pub(super) fn socket(&self) -> Option<u32> {
        match *self {
            Input::Opened { socket }
            | Input::Closed { socket, .. }
            | Input::Connected { socket, .. }
            | Input::Pong { socket }
            | Input::Heard { socket }
            | Input::Data { socket, .. }
            | Input::Ack { socket, .. } => Some(socket),
            _ => None,
        }
    }
}

/// What a `streamClosed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamClosing {
    /// The stream has ended as its sender wished: no error.
    Ended,
    /// There is no such stream: error name `StreamNotFound`.
    NotFound,
    /// It will not go on: any other error name.
    Failed,
}

impl StreamClosing {
    /// Reads the error name, if there is one.
    pub fn of_error(name: Option<&str>) -> StreamClosing {
        match name {
            None => StreamClosing::Ended,
            Some("StreamNotFound") => StreamClosing::NotFound,
            Some(_) => StreamClosing::Failed,
        }
    }
}

/// Stands for "the next free id" where a caller gives none.
pub const NEXT_ACK_ID: u64 = u64::MAX;

/// What an ack says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckOutcome {
    /// It was done.
    Success,
    /// It was done before: error name `Duplicate`.
    Duplicate,
    /// It may work later: error name `InternalServerError` or `Timeout`.
    Transient,
    /// It will not be done: any other error name.
    Refused,
}

impl AckOutcome {
    /// Returns the outcome of an ack with an error of this name. `None` stands for an ack without an error.
    pub fn of_error(name: Option<&str>) -> AckOutcome {
        match name {
            None => AckOutcome::Success,
            Some("Duplicate") => AckOutcome::Duplicate,
            Some("InternalServerError" | "Timeout") => AckOutcome::Transient,
            Some(_) => AckOutcome::Refused,
        }
    }
}
