//! What a client's frames do to its hub.

use crate::connection::Connection;
use crate::handler::Asked;
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
    let data = match incoming {
        Incoming::Text(text) => Data::Text(text.to_owned()),
        Incoming::Binary(bytes) => Data::Binary(bytes.to_vec()),
    };
    let Mode::SendToGroup { group, no_echo } = mode else {
        if let Err(error) = hub.ask(turn, key, Asked::SimpleMessage, "message", data, Metadata::default()) {
            hub.close(turn, key, 1011, &error.message);
        }
        return;
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
        Command::Event { name, data, metadata, ack_id } => {
            return event(hub, turn, key, ack_id, &name, data, metadata);
        }
        Command::Invoke { id, event, data, metadata } => return invoke(hub, turn, key, id, &event, data, metadata),
        Command::CancelInvocation { id } => return hub.cancel_invocation(turn, key, &id),
        Command::Stream { id, command } => return hub.stream(turn, key, &id, command),
        Command::Act { action, ack_id } => (action, ack_id),
    };
    let watched = match &action {
        ClientAction::WatchStates { group } => Some(group.clone()),
        _ => None,
    };
    // Without an ack id nobody asked how it goes.
    let Some(ack_id) = ack_id else {
        if act(hub, turn, key, action).is_ok() {
            watched.inspect(|group| hub.send_snapshot(turn, key, group));
        }
        return;
    };
    let outcome = match check_is_new(hub, key, ack_id) {
        Ok(()) => act(hub, turn, key, action),
        Err(duplicate) => Err(duplicate),
    };
    if outcome.is_ok() {
        hub.remember_ack(key, ack_id);
    }
    hub.reply(turn, key, Reply::Ack { ack_id, outcome: outcome.as_ref().copied() });
    if let Some(group) = watched.filter(|_| outcome.is_ok()) {
        hub.send_snapshot(turn, key, &group);
    }
}

fn check_is_new(hub: &Hub, key: Key, ack_id: u64) -> Result<(), AckError> {
    if hub.connection(key).is_some_and(|connection| connection.acks.contains(ack_id)) {
        let message = format!("Message with ack-id: {ack_id} has been processed");
        return Err(AckError { name: "Duplicate", message });
    }
    Ok(())
}

/// The ack of an event follows the answer of the handler.
fn event(hub: &mut Hub, turn: &mut Turn, key: Key, ack_id: Option<u64>, name: &str, data: Data, metadata: Metadata) {
    let asked = Asked::Event { ack_id };
    // A client that came back repeats what was not acknowledged; the handler is asked once.
    if ack_id.is_some() && hub.waits_for(key, &asked) {
        return;
    }
    let outcome = match ack_id.map_or(Ok(()), |ack_id| check_is_new(hub, key, ack_id)) {
        Ok(()) => hub.ask(turn, key, asked, name, data, metadata),
        Err(duplicate) => Err(duplicate),
    };
    if let (Err(error), Some(ack_id)) = (outcome, ack_id) {
        hub.reply(turn, key, Reply::Ack { ack_id, outcome: Err(&error) });
    }
}

fn invoke(hub: &mut Hub, turn: &mut Turn, key: Key, id: String, event: &str, data: Data, metadata: Metadata) {
    let asked = Asked::Invocation { id: id.clone() };
    let outcome = if hub.waits_for(key, &asked) {
        Err(AckError { name: "BadRequest", message: format!("The invocation '{id}' is under way already.") })
    } else {
        hub.ask(turn, key, asked, event, data, metadata)
    };
    if let Err(error) = outcome {
        hub.reply(turn, key, Reply::InvokeResponse { invocation_id: &id, result: Err(&error) });
    }
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
        ClientAction::SetState { group, state } => hub.set_state(turn, key, &group, state),
        ClientAction::WatchStates { group } => hub.watch_states(key, &group),
        ClientAction::UnwatchStates { group } => hub.unwatch_states(key, &group),
    }
}

fn check_may_join_or_leave(hub: &Hub, key: Key, what: &str, group: &str) -> Result<(), AckError> {
    hub.permitted(key, |permissions| permissions.may_join_or_leave(group), || format!("{what} group '{group}'"))?;
    Ok(())
}

/// The connection, if it may publish to the group.
pub(crate) fn publisher<'h>(hub: &'h Hub, key: Key, group: &str) -> Result<&'h Connection, AckError> {
    hub.permitted(key, |permissions| permissions.may_send_to(group), || format!("send messages to group '{group}'"))
}

fn publish(hub: &mut Hub, turn: &mut Turn, key: Key, publication: Publication) -> Result<(), AckError> {
    let Publication { group, data, metadata, no_echo, ttl_ms } = publication;
    let user_id = publisher(hub, key, &group)?.user_id.clone();
    let mut receivers = hub.of_group(&group);
    receivers.retain(|receiver| !no_echo || *receiver != key);
    let message = Message { from: Sender::Group { group, user_id }, data, metadata, ttl_ms, stream: None };
    hub.deliver(turn, &receivers, &message);
    Ok(())
}
