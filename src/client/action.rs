//! What a session asks for.

/// Something for the host to do, in this order.
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
        /// To the last URL with the connection id and the reconnection token; otherwise to a fresh URL, and what is
        /// known of the last connection is forgotten.
        recover: bool,
    },
    /// Close a socket, or give up opening it, the request for its URL too.
    Close {
        /// Which.
        socket: u32,
        /// With code 1000, which ends the session of the service; otherwise without a code, so that it stays
        /// recoverable.
        clean: bool,
    },
    /// Write a ping.
    Ping,
    /// Write a sequence ack.
    SequenceAck {
        /// All up to this one arrived.
        sequence_id: u64,
    },
    /// Write a message with an ack id.
    Send {
        /// Which.
        message: u32,
        /// Its ack id; the same each time the message is sent.
        ack_id: u64,
    },
    /// Write a message without an ack id: an invocation, or a post, which is settled with that: there is no
    /// [`Action::Settle`] for it, unless the host says that it is [`Input::Unsent`](super::Input::Unsent).
    Post {
        /// Which.
        message: u32,
    },
    /// Write a `joinGroup` of a group that was joined on the connection before.
    Rejoin {
        /// Which group.
        group: u32,
        /// The ack id of the frame.
        ack_id: u64,
    },
    /// Write a `cancelInvocation`.
    Cancel {
        /// Which invocation.
        message: u32,
    },
    /// A message is settled; its number is free again. Each message is settled once.
    Settle {
        /// Which.
        message: u32,
        /// How.
        outcome: Outcome,
    },
    /// Tell the caller that a group could not be joined again (`rejoin-group-failed`): the service refused it, or did
    /// not answer within 30 seconds. The session does not join it again by itself.
    RejoinFailed {
        /// Which group.
        group: u32,
        /// Why.
        outcome: Outcome,
    },
    /// Tell the caller that a new connection is ready (`connected`).
    Connected {
        /// Whether there was a connection before: messages may have been missed.
        possible_gap: bool,
    },
    /// Tell the caller that the connection was lost and is being recovered (`recovering`).
    Recovering,
    /// Tell the caller that the connection is back and nothing is missing but what was not to live so long
    /// (`recovered`).
    Recovered,
    /// Tell the caller that the connection is lost for good (`disconnected`).
    Disconnected,
    /// Tell the caller that the session has stopped (`stopped`). If the first connection was not made since
    /// [`Input::Start`](super::Input::Start), that start has failed, after the retries of
    /// [`Options::connect_retry`](super::Options::connect_retry).
    Stopped,
    /// Write the start of an outbound stream.
    StreamStart {
        /// Which.
        stream: u32,
    },
    /// Tell the caller that an outbound stream is open.
    StreamOpened {
        /// Which.
        stream: u32,
    },
    /// Write a part of an outbound stream.
    StreamData {
        /// Which.
        stream: u32,
        /// Which part.
        sequence_id: u64,
    },
    /// Drop the kept parts before this one.
    StreamTrim {
        /// Which.
        stream: u32,
        /// The first part to keep.
        sequence_id: u64,
    },
    /// Write the end of an outbound stream, with the caller's error if there is one.
    StreamEnd {
        /// Which.
        stream: u32,
    },
    /// Tell the caller that an outbound stream is over; its number is free again. It ended well when the problem is
    /// [`StreamProblem::None`].
    StreamClosed {
        /// Which.
        stream: u32,
        /// What ended it.
        problem: StreamProblem,
    },
    /// Tell the reader of an inbound stream that it ends here; its number is free again.
    ReadEnded {
        /// Which.
        stream: u32,
        /// Why.
        problem: StreamProblem,
    },
    /// The session no longer knows a group: its number is free again. If the host has handed in a message of the group
    /// whose [`Action::Settle`] has not come yet, the number stays in use, and this action comes again.
    ForgetGroup {
        /// Which.
        group: u32,
    },
}

/// How a message was settled.
///
/// One that was to be tried again when a later one had overtaken it (a leave a join, a join a leave, a state an older
/// state of the same group) is not tried, and is settled as it had failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// The service has it; an invocation: there is a response.
    Done,
    /// The service had a message with this ack id before.
    Duplicate,
    /// The service refused it. The ack that was handed in last tells why.
    Refused,
    /// There was no connection in time.
    NotConnected,
    /// The connection was lost before the answer came: it may have been carried out.
    Lost,
    /// The answer did not come in time: it may have been carried out.
    TimedOut,
    /// The caller gave it up.
    Aborted,
    /// The session was stopped.
    Stopped,
}

/// What ended a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum StreamProblem {
    /// Nothing: it ended as it should.
    None,
    /// The service closed it. The frame that was handed in last tells why.
    Refused,
    /// The connection was lost for good, or the session stopped.
    Lost,
    /// The service acknowledged what was never sent. The host also writes a `streamEnd` with the error code
    /// `ProtocolViolation`.
    ProtocolViolation,
    /// The service did not open it in time.
    TimedOut,
    /// An inbound stream has a hole: parts are missing.
    Gap,
    /// No part of an inbound stream came for its idle time.
    IdleTimeout,
}
