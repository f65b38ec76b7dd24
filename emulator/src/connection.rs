//! One client: who it is, what it may do, and its socket while it has one.

use std::collections::BTreeSet;

use webpubsub_edge::protocol::{Downstream, Encoding, Subprotocol};

use crate::SocketId;
use crate::acks::AckMemory;
use crate::budget::{Charge, ENTRY_BYTES};
use crate::filter::Subject;
use crate::frame::Frame;
use crate::permissions::Permissions;
use crate::reliable::Unacknowledged;
use crate::streams::Streams;
use crate::turn::printable;

/// A client that is connected, or lost and still recoverable.
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) user_id: Option<String>,
    pub(crate) protocol: Protocol,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) permissions: Permissions,
    pub(crate) link: Link,
    /// Counts what the service retains of a connection that is lost.
    pub(crate) lost_charge: Option<Charge>,
    /// Whether anything came from the client since it was last pinged.
    pub(crate) is_heard: bool,
    pub(crate) acks: AckMemory,
    pub(crate) unacknowledged: Unacknowledged,
    /// The streams it publishes.
    pub(crate) streams: Streams,
    /// What a reliable client must show to recover this connection.
    pub(crate) reconnection_token: String,
}

/// How a connection talks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Without a subprotocol: every frame is a bare payload.
    Simple(Mode),
    /// With a subprotocol of the service.
    Framed(Subprotocol),
}

/// What the frames of a simple client do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each frame is an event for the handler of the hub.
    SendEvent,
    /// Each frame is sent to a group.
    SendToGroup { group: String, no_echo: bool },
}

impl Protocol {
    /// Returns the name of the subprotocol. A simple client has none.
    pub(crate) fn subprotocol(&self) -> Option<&'static str> {
        match self {
            Protocol::Simple(_) => None,
            Protocol::Framed(subprotocol) => Some(subprotocol.name()),
        }
    }
}

/// Whether a connection has a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Open(SocketId),
    /// The socket was lost; until this time the client may come back.
    Lost {
        until: u64,
    },
}

impl Connection {
    pub(crate) fn socket(&self) -> Option<SocketId> {
        match self.link {
            Link::Open(socket) => Some(socket),
            Link::Lost { .. } => None,
        }
    }

    /// Estimates the bytes that the connection takes apart from its messages.
    pub(crate) fn bytes(&self) -> usize {
        let streams = self.streams.iter().map(|(id, stream)| id.len().saturating_add(stream.bytes()));
        self.groups
            .iter()
            .map(String::len)
            .chain(streams)
            .map(|bytes| bytes.saturating_add(ENTRY_BYTES).saturating_mul(2))
            .chain([self.id.len(), self.user_id.as_ref().map_or(0, String::len), self.acks.bytes()])
            .fold(0, usize::saturating_add)
    }

    /// Names the connection in the log. The text holds no control characters.
    pub(crate) fn label(&self) -> String {
        match &self.user_id {
            Some(user_id) => format!("client {} (user {})", self.id, printable(user_id)),
            None => format!("client {} (anonymous)", self.id),
        }
    }

    /// Encodes a frame for this connection. There is none for a simple client.
    pub(crate) fn encode(&self, frame: &Downstream<'_>) -> Option<Frame> {
        match self.protocol {
            Protocol::Simple(_) => None,
            Protocol::Framed(Subprotocol { encoding: Encoding::Json, .. }) => Some(Frame::Text(frame.to_json().into())),
            Protocol::Framed(Subprotocol { encoding: Encoding::Protobuf, .. }) => {
                Some(Frame::Binary(frame.to_protobuf().into()))
            }
        }
    }

    /// What a filter sees of it.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            connection_id: &self.id,
            user_id: self.user_id.as_deref(),
            groups: &self.groups,
            protocol: self.protocol.subprotocol(),
        }
    }

    pub(crate) fn is_simple(&self) -> bool {
        matches!(self.protocol, Protocol::Simple(_))
    }

    pub(crate) fn is_reliable(&self) -> bool {
        matches!(self.protocol, Protocol::Framed(Subprotocol { is_reliable: true, .. }))
    }
}
