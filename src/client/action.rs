//! The actions of a session.

/// An action that the host carries out. Actions are carried out in their order.
///
/// Frames go to the socket of the latest [`Action::Open`]. The memory of every variant is a tag, up to one number of
/// 32 bits and one of 64, in this order, so that the queue is read from WebAssembly's memory as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// Open a WebSocket and report it as `Opened` or `Closed`.
    Open {
        /// The number of the new socket.
        socket: u32,
        /// True: open the last URL with the connection id and the reconnection token. False: request a new URL, and forget
        /// the last connection.
        recover: bool,
    },
    /// Close a socket, or cancel opening it, including the request for its URL.
    Close {
        /// The number of the socket.
        socket: u32,
        /// True: close with code 1000, which ends the connection in the service. False: close without a code, so that the
        /// connection stays recoverable.
        clean: bool,
    },
    /// Write a ping.
    Ping,
    /// Write a sequence ack.
    SequenceAck {
        /// All messages up to this sequence id arrived.
        sequence_id: u64,
    },
    /// Write a message with an ack id.
    Send {
        /// The number of the message.
        message: u32,
        /// The ack id of the message. It is the same for every try.
        ack_id: u64,
    },
    /// Write a message without an ack id: an invocation or a post. A post is settled when it is written: no
    /// [`Action::Settle`] follows, unless the host reports [`Input::Unsent`](super::Input::Unsent).
    Post {
        /// The number of the message.
        message: u32,
    },
    /// Write a `joinGroup` for a group that was joined on the previous connection.
    Rejoin {
        /// The number of the group.
        group: u32,
        /// The ack id of the frame.
        ack_id: u64,
    },
    /// Write a `cancelInvocation`.
    Cancel {
        /// The number of the message.
        message: u32,
    },
    /// Settle a message. Its number is free again. Each message is settled once.
    Settle {
        /// The number of the message.
        message: u32,
        /// How the message was settled.
        outcome: Outcome,
    },
    /// Report that a group could not be joined again (`rejoin-group-failed`): the service refused, or did not answer
    /// within 30 seconds. The session does not join the group again.
    RejoinFailed {
        /// The number of the group.
        group: u32,
        /// The reason.
        outcome: Outcome,
    },
    /// Report that a new connection is ready (`connected`).
    Connected {
        /// True if there was a connection before, so that messages may have been missed.
        possible_gap: bool,
    },
    /// Report that the connection was lost and is being recovered (`recovering`).
    Recovering,
    /// Report that the connection is recovered (`recovered`). Only messages whose time to live has passed are missing.
    Recovered,
    /// Report that the connection is lost for good (`disconnected`).
    Disconnected,
    /// Report that the session has stopped (`stopped`). If no connection was made since
    /// [`Input::Start`](super::Input::Start), that start has failed, after the retries of
    /// [`Options::connect_retry`](super::Options::connect_retry).
    Stopped,
    /// Write the start of an outbound stream.
    StreamStart {
        /// The number of the stream.
        stream: u32,
    },
    /// Report that an outbound stream is open.
    StreamOpened {
        /// The number of the stream.
        stream: u32,
    },
    /// Write a part of an outbound stream.
    StreamData {
        /// The number of the stream.
        stream: u32,
        /// The sequence id of the part.
        sequence_id: u64,
    },
    /// Drop the parts before this sequence id.
    StreamTrim {
        /// The number of the stream.
        stream: u32,
        /// The sequence id of the first part to keep.
        sequence_id: u64,
    },
    /// Write the end of an outbound stream, with the error of the caller, if any.
    StreamEnd {
        /// The number of the stream.
        stream: u32,
    },
    /// Report that an outbound stream is over. Its number is free again. The problem is [`StreamProblem::None`] if the
    /// stream succeeded.
    StreamClosed {
        /// The number of the stream.
        stream: u32,
        /// The problem that ended the stream.
        problem: StreamProblem,
    },
    /// End the reader of an inbound stream. Its number is free again.
    ReadEnded {
        /// The number of the stream.
        stream: u32,
        /// The reason.
        problem: StreamProblem,
    },
    /// Forget a group. Its number is free again, unless a message of the group is not settled yet. In that case the number
    /// stays in use, and this action comes again.
    ForgetGroup {
        /// The number of the group.
        group: u32,
    },
}

/// The outcome of a message.
///
/// A join, leave or state is not retried after a later one of the same group. It is settled with the outcome of its last
/// try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// The service accepted the message, or responded to the invocation.
    Done,
    /// The service had accepted a message with this ack id before.
    Duplicate,
    /// The service refused the message. The last ack contains the reason.
    Refused,
    /// There was no connection within the time limit.
    NotConnected,
    /// The connection was lost before the acknowledgement. The message may have been carried out.
    Lost,
    /// The acknowledgement did not arrive within the time limit. The message may have been carried out.
    TimedOut,
    /// The caller cancelled the message.
    Aborted,
    /// The session was stopped.
    Stopped,
}

/// The problem that ended a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum StreamProblem {
    /// The stream ended without a problem.
    None,
    /// The service closed the stream. The last frame contains the reason.
    Refused,
    /// The connection was lost for good, or the session stopped.
    Lost,
    /// The service acknowledged a part that was never sent. The host also writes a `streamEnd` with the error code
    /// `ProtocolViolation`.
    ProtocolViolation,
    /// The service did not open the stream within the time limit.
    TimedOut,
    /// Parts of an inbound stream are missing.
    Gap,
    /// No part of an inbound stream arrived within its idle time.
    IdleTimeout,
}
