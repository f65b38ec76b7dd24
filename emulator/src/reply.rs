//! What the service says to one client that is no message.

use serde::Serialize;

use crate::group_state::StateItem;
use crate::message::Data;

/// Something that every subprotocol can say.
#[derive(Clone, Copy)]
pub(crate) enum Reply<'a> {
    /// Only a reliable client gets a reconnection token.
    Connected { connection_id: &'a str, user_id: Option<&'a str>, reconnection_token: Option<&'a str> },
    /// Why the client is about to be disconnected.
    Disconnected { reason: &'a str },
    /// How a request of the client went.
    Ack { ack_id: u64, outcome: Result<(), &'a AckError> },
    /// The answer to a ping.
    Pong,
    /// What an invocation came to.
    InvokeResponse { invocation_id: &'a str, result: Result<Option<&'a Data>, &'a AckError> },
    /// The parts of a stream before this one were published.
    StreamAck { stream_id: &'a str, expected: u64 },
    /// A part of a stream was not published; this one is expected.
    StreamNack { stream_id: &'a str, expected: u64, name: &'a str, message: &'a str },
    /// A stream is over for its publisher.
    StreamClosed { stream_id: &'a str, error: Option<&'a AckError> },
    /// States of connections in a group: all there are, or those that changed.
    GroupState { group: &'a str, items: &'a [StateItem], is_snapshot: bool },
}

/// Why a client's request was not carried out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AckError {
    pub(crate) name: &'static str,
    pub(crate) message: String,
}
