//! The inputs of a session.

/// An event that the host reports to a session.
///
/// The host numbers its messages, groups and streams. The session numbers the sockets ([`Action::Open`]). The session
/// ignores inputs of earlier sockets, so late callbacks are harmless. Responses and frames about streams have no socket
/// number: the host drops them if they come from another socket than [`Session::socket`](super::Session::socket).
///
/// [`Action::Open`]: super::Action::Open
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The time of [`Session::wake_at`](super::Session::wake_at) has come.
    Tick,
    /// Connect. A session that is not stopped ignores this input.
    Start,
    /// Disconnect, and do not reconnect. [`Action::Stopped`](super::Action::Stopped) follows within seconds, even if the
    /// network is dead.
    Stop,
    /// The host may have slept, or is online again. The session checks the connection and makes the next attempt
    /// immediately.
    Wake,
    /// The host reports that it has no network. The session checks the connection.
    Offline,
    /// A socket is open.
    Opened {
        /// The number of the socket.
        socket: u32,
    },
    /// A socket is closed, could not be opened, or there is no URL for it.
    Closed {
        /// The number of the socket.
        socket: u32,
        /// The code of the close frame. Without a close frame: 1006, or any other code except 1008.
        code: u16,
    },
    /// The `connected` frame arrived. The host keeps its connection id and reconnection token.
    Connected {
        /// The number of the socket.
        socket: u32,
        /// Whether the frame has a reconnection token.
        recoverable: bool,
    },
    /// A pong arrived.
    Pong {
        /// The number of the socket.
        socket: u32,
    },
    /// A frame arrived that no other input reports. Unknown and malformed frames, and messages without a sequence id,
    /// belong here.
    Heard {
        /// The number of the socket.
        socket: u32,
    },
    /// A message with a sequence id arrived. [`Session::handle`](super::Session::handle) returns true if the message is
    /// new. The host delivers new messages only.
    Data {
        /// The number of the socket.
        socket: u32,
        /// The sequence id of the message.
        sequence_id: u64,
    },
    /// An ack arrived.
    Ack {
        /// The number of the socket.
        socket: u32,
        /// The ack id of the acknowledged message.
        ack_id: u64,
        /// The outcome that the ack reports.
        outcome: AckOutcome,
    },
    /// The response to an invocation arrived, successful or not.
    Response {
        /// The number of the message.
        message: u32,
    },
    /// Send a message and wait for its ack.
    Send {
        /// The number of the message. It is unique among unsettled messages, and is not `u32::MAX`.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`]. If a message with the same id is in flight, this message is not sent, and
        /// is settled together with that message.
        ack_id: u64,
    },
    /// Send a message without an ack: it is settled by [`Action::Post`](super::Action::Post).
    Post {
        /// The number of the message.
        message: u32,
    },
    /// Join a group. The session joins the group again on later connections.
    Join {
        /// The number of the message.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// The number of the group. It is in use until [`Action::ForgetGroup`](super::Action::ForgetGroup).
        group: u32,
    },
    /// Leave a group. The session does not join the group again, even if this message fails.
    Leave {
        /// The number of the message.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// The number of the group.
        group: u32,
    },
    /// Invoke an event. [`Input::Response`] settles the message.
    Invoke {
        /// The number of the message.
        message: u32,
    },
    /// The message of the latest [`Action::Send`](super::Action::Send) or [`Action::Post`](super::Action::Post) could
    /// not be written. The retry policy of messages applies.
    Unsent {
        /// The number of the message.
        message: u32,
    },
    /// The caller cancels a message. It is settled with [`Outcome::Aborted`](super::Outcome::Aborted) and not sent again.
    Abort {
        /// The number of the message.
        message: u32,
    },
    /// Open an outbound stream.
    StreamOpen {
        /// The number of the stream.
        stream: u32,
    },
    /// Write the next part of an outbound stream. The host keeps the part until
    /// [`Action::StreamTrim`](super::Action::StreamTrim). Parts are numbered from 1.
    StreamWrite {
        /// The number of the stream.
        stream: u32,
    },
    /// The caller ended or aborted an outbound stream. The session writes the end after the last part.
    StreamEnd {
        /// The number of the stream.
        stream: u32,
    },
    /// A `streamAck` arrived.
    StreamAck {
        /// The number of the stream.
        stream: u32,
        /// The sequence id of the part that the service expects next.
        expected: u64,
    },
    /// A `streamNack` arrived.
    StreamNack {
        /// The number of the stream.
        stream: u32,
        /// The sequence id of the part that the service expects next.
        expected: u64,
    },
    /// A `streamClosed` arrived.
    StreamClosed {
        /// The number of the stream.
        stream: u32,
        /// The reason that the frame reports.
        closing: StreamClosing,
    },
    /// A part of an inbound stream arrived in a new group message. [`Session::handle`](super::Session::handle) returns true
    /// if the reader gets the part.
    Part {
        /// The number of the stream. Each reader of a stream has its own number.
        stream: u32,
        /// The stream sequence id of the part.
        sequence_id: u64,
        /// Whether the part is the last one.
        is_end: bool,
    },
    /// Start to read an inbound stream.
    ReadStream {
        /// The number of the stream.
        stream: u32,
        /// The time without a part, in milliseconds, after which the stream fails. 0 means no limit.
        idle_timeout_ms: u32,
    },
    /// The reader of an inbound stream has stopped reading.
    ForgetStream {
        /// The number of the stream.
        stream: u32,
    },
    /// Set or clear the caller's state in a group. The message is not retried after a later `SetState` of the same group.
    SetState {
        /// The number of the message.
        message: u32,
        /// The caller's id, or [`NEXT_ACK_ID`].
        ack_id: u64,
        /// The number of the group.
        group: u32,
    },
}

impl Input {
    /// Returns the socket of the input, if it has one.
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

/// The reason that a `streamClosed` frame reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamClosing {
    /// The sender ended the stream. The frame has no error.
    Ended,
    /// The stream does not exist. The error name is `StreamNotFound`.
    NotFound,
    /// The stream failed. The error has another name.
    Failed,
}

impl StreamClosing {
    /// Returns the reason for an error of this name. `None` stands for a frame without an error.
    pub fn of_error(name: Option<&str>) -> StreamClosing {
        match name {
            None => StreamClosing::Ended,
            Some("StreamNotFound") => StreamClosing::NotFound,
            Some(_) => StreamClosing::Failed,
        }
    }
}

/// Stands for the next free ack id, if the caller passes none.
pub const NEXT_ACK_ID: u64 = u64::MAX;

/// The outcome that an ack reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckOutcome {
    /// The message was carried out.
    Success,
    /// The message was carried out before. The error name is `Duplicate`.
    Duplicate,
    /// The message may succeed later. The error name is `InternalServerError` or `Timeout`.
    Transient,
    /// The service refused the message. The error has another name.
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
