//! What a client's frames do to its hub.

use crate::hub::{Hub, Key};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::message::{Data, Message, Sender};
use crate::metadata::Metadata;
use crate::protocol::{ClientAction, Command, Encoding, Mode, Protocol, Publication, Subprotocol};
use crate::reply::{AckError, Reply};
use crate::turn::Turn;
use crate::{json, protobuf};

/// A message from a client's socket.
#[derive(Clone, Copy)]
pub(crate) enum Incoming<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// Carries out what a client sent.
pub(crate) fn receive(hub: &mut Hub, turn: &mut Turn, key: Key, incoming: Incoming<'_>) {
    let Some(connection) = hub.connection(key) else {
        return;
    };
    let size = match incoming {
        Incoming::Text(text) => text.len(),
        Incoming::Binary(bytes) => bytes.len(),
    };
    if size > MAX_MESSAGE_BYTES {
        return hub.close(turn, key, 1009, "The message is larger than 1 MiB.");
    }
    let read = match (connection.protocol.clone(), incoming) {
        (Protocol::Simple(mode), _) => return simple(hub, turn, key, mode, incoming),
        (Protocol::Framed(Subprotocol { encoding: Encoding::Json, .. }), Incoming::Text(text)) => json::read(text),
        (Protocol::Framed(Subprotocol { encoding: Encoding::Protobuf, .. }), Incoming::Binary(bytes)) => {
            protobuf::read(bytes)
        }
        (Protocol::Framed(_), Incoming::Binary(_)) => {
            return hub.close(turn, key, 1003, "This subprotocol takes text frames only.");
        }
        (Protocol::Framed(_), Incoming::Text(_)) => {
            return hub.close(turn, key, 1003, "This subprotocol takes binary frames only.");
        }
    };
    match read {
        Ok(command) => execute(hub, turn, key, command),
        Err(problem) => hub.close(turn, key, 1007, &problem),
    }
}

fn simple(hub: &mut Hub, turn: &mut Turn, key: Key, mode: Mode, incoming: Incoming<'_>) {
    let Mode::SendToGroup { group, no_echo } = mode else {
        return hub.close(turn, key, 1011, "The hub has no event handler for the event 'message'.");
    };
    let data = match incoming {
        Incoming::Text(text) => Data::Text(text.to_owned()),
        Incoming::Binary(bytes) => Data::Binary(bytes.to_vec()),
    };
    if let Err(error) =
        publish(hub, turn, key, Publication { group, data, metadata: Metadata::default(), no_echo, ttl_ms: None })
    {
        // A simple client has no acks to learn it from.
        hub.close(turn, key, 1008, &error.message);
    }
}

fn execute(hub: &mut Hub, turn: &mut Turn, key: Key, command: Command) {
    let (action, ack_id) = match command {
        Command::Ping => return hub.reply(turn, key, Reply::Pong),
        Command::SequenceAck(sequence_id) => return hub.acknowledge(key, sequence_id),
        Command::Act { action, ack_id } => (action, ack_id),
    };
    // Without an ack id nobody asked how it goes.
    let Some(ack_id) = ack_id else {
        let _ = act(hub, turn, key, action);
        return;
    };
    let outcome = if hub.connection(key).is_some_and(|connection| connection.acks.contains(ack_id)) {
        let message = format!("Message with ack-id: {ack_id} has been processed");
        Err(AckError { name: "Duplicate", message })
    } else {
        act(hub, turn, key, action)
    };
    if outcome.is_ok() {
        hub.remember_ack(key, ack_id);
    }
    hub.reply(turn, key, Reply::Ack { ack_id, outcome: outcome.as_ref().copied() });
}

fn act(hub: &mut Hub, turn: &mut Turn, key: Key, action: ClientAction) -> Result<(), AckError> {
    match action {
        ClientAction::Join { group } => {
            check_may_join_or_leave(hub, key, "join", &group)?;
            hub.join(key, &group).map_err(|problem| AckError { name: "BadRequest", message: problem.to_string() })
        }
        ClientAction::Leave { group } => {
            check_may_join_or_leave(hub, key, "leave", &group)?;
            hub.leave(key, &group);
            Ok(())
        }
        ClientAction::Publish(publication) => publish(hub, turn, key, publication),
        ClientAction::Event { name } => {
            let message = format!("The hub has no event handler for the event '{name}'.");
            Err(AckError { name: "InternalServerError", message })
        }
    }
}

fn check_may_join_or_leave(hub: &Hub, key: Key, what: &str, group: &str) -> Result<(), AckError> {
    match hub.connection(key) {
        Some(connection) if connection.permissions.may_join_or_leave(group) => Ok(()),
        _ => Err(forbidden(&format!("{what} group '{group}'"))),
    }
}

fn publish(hub: &mut Hub, turn: &mut Turn, key: Key, publication: Publication) -> Result<(), AckError> {
    let Publication { group, data, metadata, no_echo, ttl_ms } = publication;
    let user_id = match hub.connection(key) {
        Some(connection) if connection.permissions.may_send_to(&group) => connection.user_id.clone(),
        _ => return Err(forbidden(&format!("send messages to group '{group}'"))),
    };
    let mut receivers = hub.of_group(&group);
    receivers.retain(|receiver| !no_echo || *receiver != key);
    let message = Message { from: Sender::Group { group, user_id }, data, metadata, ttl_ms };
    hub.deliver(turn, &receivers, &message);
    Ok(())
}

fn forbidden(what: &str) -> AckError {
    AckError { name: "Forbidden", message: format!("The client does not have permission to {what}.") }
}
