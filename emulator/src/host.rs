//! The inputs and actions of the service.

use crate::event::{Event, EventId, EventReply};
use crate::frame::Frame;
use crate::http::{Request, Response};

/// Identifies a socket. The host chooses it and never reuses it.
pub type SocketId = u64;

/// Identifies an HTTP request that waits for its response. The host chooses it.
pub type RequestId = u64;

/// An event that the host reports to the service.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A client requests an upgrade to a WebSocket. [`Action::Accept`] or [`Action::Refuse`] follows.
    Upgrade {
        /// The number that the socket gets.
        socket: SocketId,
        /// The request.
        request: &'a Request,
        /// New random bytes, for the id and the reconnection token of the connection.
        random: [u8; 32],
    },
    /// A text message arrived on an accepted socket.
    Text {
        /// The number of the socket.
        socket: SocketId,
        /// The message.
        text: &'a str,
    },
    /// A binary message arrived on an accepted socket.
    Binary {
        /// The number of the socket.
        socket: SocketId,
        /// The message.
        bytes: &'a [u8],
    },
    /// A WebSocket pong arrived on an accepted socket.
    Pong {
        /// The number of the socket.
        socket: SocketId,
    },
    /// The host holds frames that it could not write to this socket yet. They exceed
    /// [`MAX_BACKLOG_MESSAGES`](crate::limits::MAX_BACKLOG_MESSAGES) or
    /// [`MAX_BACKLOG_BYTES`](crate::limits::MAX_BACKLOG_BYTES).
    Backlog {
        /// The number of the socket.
        socket: SocketId,
        /// The number of frames, or 0 if the host does not count them.
        messages: usize,
        /// The number of bytes in these frames.
        bytes: usize,
    },
    /// An accepted socket is closed.
    Closed {
        /// The number of the socket.
        socket: SocketId,
        /// The code of the client's close frame: 1005 for a close frame without a code, 1006 without a close frame.
        code: u16,
    },
    /// Another HTTP request arrived. [`Action::Respond`] follows, after a later input if a fault delays it.
    Request {
        /// The id of the request.
        id: RequestId,
        /// The request.
        request: &'a Request,
    },
    /// The host answers an [`Action::Event`].
    Reply {
        /// The event's hub.
        hub: &'a str,
        /// The event's id.
        id: EventId,
        /// The answer.
        reply: &'a EventReply,
    },
    /// The time of [`Service::wake_at`](crate::Service::wake_at) has come.
    Tick,
}

/// An action that the host carries out. Actions are carried out in their order.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Complete the upgrade.
    Accept {
        /// The number of the socket.
        socket: SocketId,
        /// The subprotocol to name in the answer.
        subprotocol: Option<String>,
    },
    /// Answer the upgrade with an HTTP response.
    Refuse {
        /// The number of the socket.
        socket: SocketId,
        /// The answer.
        response: Response,
    },
    /// Send one frame to each of these sockets.
    Send {
        /// At least one socket.
        to: Vec<SocketId>,
        /// The frame.
        frame: Frame,
    },
    /// Send a WebSocket ping to each of these sockets. Only hosts that support pings get this action.
    Ping {
        /// At least one socket.
        to: Vec<SocketId>,
    },
    /// Close a socket with a close frame. The host needs to report nothing more about the socket.
    Close {
        /// The number of the socket.
        socket: SocketId,
        /// The code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
    /// Drop a socket, without a close frame if the host can. The host needs to report nothing more about the socket.
    Abort {
        /// The number of the socket.
        socket: SocketId,
    },
    /// Call the event handler, and report its [`Input::Reply`]. Only hosts with an
    /// [event handler](crate::Service::answer_events) get this action.
    Event(Box<Event>),
    /// The reply to an event is no longer needed: the client cancelled its invocation or disconnected, or the time limit
    /// passed. A reply is dropped.
    EventOver {
        /// The event's hub.
        hub: String,
        /// The event's id.
        id: EventId,
    },
    /// Write a line to the log. Only for a host that has one: see [`Settings::log`](crate::Settings::log).
    Log {
        /// The line, without a line break. It holds no key, no token and no content of a message.
        line: String,
    },
    /// Let time pass, as if the clock were set forward, then answer a request.
    Advance {
        /// The request.
        id: RequestId,
        /// How far to set the clock forward, in milliseconds.
        ms: u64,
        /// The answer.
        response: Response,
    },
    /// Answer a request.
    Respond {
        /// The id of the request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
}
