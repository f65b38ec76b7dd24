//! What the service says to one client that is no message.

use serde::Serialize;

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
}

/// Why a client's request was not carried out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AckError {
    pub(crate) name: &'static str,
    pub(crate) message: String,
}
