//! What a host tells the service, and what it is told to do.

use crate::event::{Event, EventId, EventReply};
use crate::frame::Frame;
use crate::http::{Request, Response};

/// Names a socket; chosen by the host, never used twice.
pub type SocketId = u64;

/// Names an HTTP request that waits for its answer; chosen by the host.
pub type RequestId = u64;

/// Something that happened.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A client asks to upgrade to a WebSocket. Answered by [`Action::Accept`] or [`Action::Refuse`].
    Upgrade {
        /// The socket it would get.
        socket: SocketId,
        /// The request.
        request: &'a Request,
        /// Fresh random bytes, out of which a new connection's id and reconnection token are made.
        random: [u8; 32],
    },
    /// A text message arrived on an accepted socket.
    Text {
        /// Where.
        socket: SocketId,
        /// The message.
        text: &'a str,
    },
    /// A binary message arrived on an accepted socket.
    Binary {
        /// Where.
        socket: SocketId,
        /// The message.
        bytes: &'a [u8],
    },
    /// A WebSocket pong arrived on an accepted socket.
    Pong {
        /// Where.
        socket: SocketId,
    },
    /// The host holds frames that it could not write to this socket yet, more than
    /// [`MAX_BACKLOG_MESSAGES`](crate::limits::MAX_BACKLOG_MESSAGES) or
    /// [`MAX_BACKLOG_BYTES`](crate::limits::MAX_BACKLOG_BYTES).
    Backlog {
        /// Whose.
        socket: SocketId,
        /// How many frames; 0 when the host does not count them.
        messages: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// An accepted socket is gone.
    Closed {
        /// Which.
        socket: SocketId,
        /// The code of the client's close frame: 1005 if it had none, 1006 if there was no close frame.
        code: u16,
    },
    /// Any other HTTP request. Answered by [`Action::Respond`], now or, when a fault delays it, by a later input.
    Request {
        /// Which.
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
    /// Nothing but time has passed; see [`Service::wake_at`](crate::Service::wake_at).
    Tick,
}

/// Something for the host to do, in this order.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Complete the upgrade.
    Accept {
        /// Whose.
        socket: SocketId,
        /// The subprotocol to name in the answer.
        subprotocol: Option<String>,
    },
    /// Answer the upgrade with this instead.
    Refuse {
        /// Whose.
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
    /// Send a WebSocket ping to each of these sockets. Asked only of a host that can.
    Ping {
        /// At least one socket.
        to: Vec<SocketId>,
    },
    /// Close a socket with a close frame. Nothing about it needs to be reported any more.
    Close {
        /// Which.
        socket: SocketId,
        /// The code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
    /// Drop a socket as a broken network would: if the host can, without a close frame. Nothing about it needs to
    /// be reported any more.
    Abort {
        /// Which.
        socket: SocketId,
    },
    /// Ask the event handler, and hand in its [`Input::Reply`]. Only of a host that
    /// [has one](crate::Service::answer_events).
    Event(Box<Event>),
    /// Nobody waits for the answer to an event any more: the client has withdrawn its invocation or is gone, or time
    /// ran out. An answer would be dropped.
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
        /// Which.
        id: RequestId,
        /// The answer.
        response: Response,
    },
}
