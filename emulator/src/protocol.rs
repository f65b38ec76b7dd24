//! The protocols that clients speak, and what a client may ask for in any of them.

use crate::frame::Frame;
use crate::group_state::State;
use crate::message::{Data, StreamError};
use crate::metadata::Metadata;
use crate::reply::Reply;
use crate::{json, protobuf};

/// How a connection talks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// No subprotocol: every frame is a bare payload.
    Simple(Mode),
    /// One of the service's subprotocols.
    Framed(Subprotocol),
}

impl Protocol {
    /// Its name; a simple client has none.
    pub(crate) fn subprotocol(&self) -> Option<&'static str> {
        match self {
            Protocol::Simple(_) => None,
            Protocol::Framed(subprotocol) => Some(subprotocol.name()),
        }
    }
}

/// A subprotocol: how frames are written, and whether messages are numbered, acknowledged and replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subprotocol {
    pub(crate) encoding: Encoding,
    pub(crate) is_reliable: bool,
}

impl Subprotocol {
    /// The one of this name, in any case.
    fn named(name: &str) -> Option<Subprotocol> {
        let known = [Encoding::Json, Encoding::Protobuf]
            .into_iter()
            .flat_map(|encoding| [false, true].map(|is_reliable| Subprotocol { encoding, is_reliable }));
        known.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match (self.encoding, self.is_reliable) {
            (Encoding::Json, false) => "json.webpubsub.azure.v1",
            (Encoding::Json, true) => "json.reliable.webpubsub.azure.v1",
            (Encoding::Protobuf, false) => "protobuf.webpubsub.azure.v1",
            (Encoding::Protobuf, true) => "protobuf.reliable.webpubsub.azure.v1",
        }
    }
}

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As text frames.
    Json,
    /// As binary frames.
    Protobuf,
}

impl Encoding {
    /// The frame of a reply.
    pub(crate) fn reply(self, reply: Reply<'_>) -> Frame {
        match self {
            Encoding::Json => Frame::Text(json::reply(reply).into()),
            Encoding::Protobuf => Frame::Binary(protobuf::reply(reply).into()),
        }
    }
}

/// What the frames of a simple client do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each is an event for the hub's handler.
    SendEvent,
    /// Each is published to a group.
    SendToGroup { group: String, no_echo: bool },
}

/// The outcome of choosing among the subprotocols a client offers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// Speak this one, and name it as the client spelled it.
    Speak(Subprotocol, &'a str),
    /// The service speaks it, the emulator does not.
    Missing(&'a str),
    /// Nothing known is offered: the client is a simple one.
    Simple,
}

/// Chooses the first subprotocol that is known. Names are compared without regard to case.
pub(crate) fn choose<'a>(offered: impl Iterator<Item = &'a str> + Clone) -> Choice<'a> {
    let spoken = offered.clone().find_map(|name| Some(Choice::Speak(Subprotocol::named(name)?, name)));
    let missing = |name: &&str| MISSING.iter().any(|known| known.eq_ignore_ascii_case(name));
    spoken.or_else(|| offered.clone().find(missing).map(Choice::Missing)).unwrap_or(Choice::Simple)
}

/// Subprotocols of the service that the emulator does not speak. To serve such a client as a simple one would
/// only confuse it.
const MISSING: [&str; 1] = ["mqtt"];

/// What a client asks for, whatever its protocol.
#[derive(Debug)]
pub(crate) enum Command {
    Ping,
    /// Everything up to this sequence id has arrived.
    SequenceAck(u64),
    /// Acknowledged, when it carries an id, once the handler has answered.
    Event {
        name: String,
        data: Data,
        metadata: Metadata,
        ack_id: Option<u64>,
    },
    /// Answered by a response.
    Invoke {
        id: String,
        event: String,
        data: Data,
        metadata: Metadata,
    },
    CancelInvocation {
        id: String,
    },
    Stream {
        id: String,
        command: StreamCommand,
    },
    /// Something that is done at once, and acknowledged when it carries an id.
    Act {
        action: ClientAction,
        ack_id: Option<u64>,
    },
}

/// What [`Command::Act`] does.
#[derive(Debug)]
pub(crate) enum ClientAction {
    Join { group: String },
    Leave { group: String },
    Publish(Publication),
    SetState { group: String, state: Option<State> },
    WatchStates { group: String },
    UnwatchStates { group: String },
}

/// What a client does with a stream of its own.
#[derive(Debug)]
pub(crate) enum StreamCommand {
    Start { group: String, no_echo: bool, idle_timeout_ms: Option<u64> },
    Data { sequence_id: u64, data: Data },
    KeepAlive,
    End { error: Option<StreamError> },
}

impl StreamCommand {
    /// The end of a stream, with what its publisher says went wrong.
    pub(crate) fn end(error: Option<(Option<String>, Option<String>)>) -> StreamCommand {
        let error = error.map(|(message, code)| StreamError {
            name: "UserError",
            message: message.unwrap_or_default(),
            user_error_code: code.unwrap_or_default(),
        });
        StreamCommand::End { error }
    }
}

/// A message of a client for a group.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) group: String,
    pub(crate) data: Data,
    pub(crate) metadata: Metadata,
    /// Whether the sender, if it is a member, is left out.
    pub(crate) no_echo: bool,
    pub(crate) ttl_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_spoken_subprotocol_wins() {
        let choose = |offered: &[&'static str]| match choose(offered.iter().copied()) {
            Choice::Speak(_, name) | Choice::Missing(name) => name,
            Choice::Simple => "simple",
        };
        assert_eq!(
            choose(&["x", "JSON.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1"]),
            "JSON.webpubsub.azure.v1"
        );
        assert_eq!(choose(&["mqtt", "Protobuf.Reliable.webpubsub.azure.v1"]), "Protobuf.Reliable.webpubsub.azure.v1");
        assert_eq!(choose(&["mqtt", "json.webpubsub.azure.v1"]), "json.webpubsub.azure.v1");
        assert_eq!(choose(&["x", "mqtt"]), "mqtt");
        assert_eq!(choose(&["x"]), "simple");
        assert_eq!(choose(&[]), "simple");
    }
}
