//! Carries out the frames of clients.

use webpubsub_edge::protocol::{
    DataMessage, Downstream, Encoding, ErrorDetail, FrameError, Metadata, Payload, Sender, Subprotocol, Text, Upstream,
};

use crate::connection::{Connection, Mode, Protocol};
use crate::handler::Asked;
use crate::hub::{Hub, Key};
use crate::limits::{MAX_MESSAGE_BYTES, message_ttl_ms};
use crate::message::Outgoing;
use crate::turn::Turn;

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
    let decoded = match (connection.protocol.clone(), incoming) {
        (Protocol::Simple(mode), _) => return simple(hub, turn, key, mode, incoming),
        (Protocol::Framed(Subprotocol { encoding: Encoding::Json, .. }), Incoming::Text(text)) => {
            Upstream::from_json(text)
        }
        (Protocol::Framed(Subprotocol { encoding: Encoding::Protobuf, .. }), Incoming::Binary(bytes)) => {
            Upstream::from_protobuf(bytes)
        }
        (Protocol::Framed(_), Incoming::Binary(_)) => {
            return hub.close(turn, key, 1003, "This subprotocol takes text frames only.");
        }
        (Protocol::Framed(_), Incoming::Text(_)) => {
            return hub.close(turn, key, 1003, "This subprotocol takes binary frames only.");
        }
    };
    match decoded.and_then(checked) {
        Ok(frame) => execute(hub, turn, key, frame),
        Err(problem) => hub.close(turn, key, 1007, &problem.to_string()),
    }
}

fn checked(frame: Upstream<'_>) -> Result<Upstream<'_>, FrameError> {
    frame.check()?;
    Ok(frame)
}

fn simple(hub: &mut Hub, turn: &mut Turn, key: Key, mode: Mode, incoming: Incoming<'_>) {
    let payload = match incoming {
        Incoming::Text(text) => Payload::Text(text.into()),
        Incoming::Binary(bytes) => Payload::Binary(bytes.into()),
    };
    let Mode::SendToGroup { group, no_echo } = mode else {
        let asked = hub.ask(turn, key, Asked::SimpleMessage, "message", payload.into_owned(), Metadata::new());
        if let Err(error) = asked {
            hub.close(turn, key, 1011, &error.message);
        }
        return;
    };
    let publication =
        Publication { group: group.into(), payload, metadata: Metadata::new(), no_echo, ttl_seconds: None };
    // A simple client has no acks that could report the error.
    if let Err(error) = publish(hub, turn, key, publication) {
        hub.close(turn, key, 1008, &error.message);
    }
}

fn execute(hub: &mut Hub, turn: &mut Turn, key: Key, frame: Upstream<'_>) {
    match frame {
        Upstream::Ping => hub.reply(turn, key, &Downstream::Pong),
        Upstream::SequenceAck { sequence_id } => hub.acknowledge(key, sequence_id),
        Upstream::SendToGroup { group, ack_id, payload, no_echo, ttl_seconds, metadata } => {
            let publication = Publication { group, payload, metadata, no_echo, ttl_seconds };
            acknowledged(hub, turn, key, ack_id, |hub, turn| publish(hub, turn, key, publication));
        }
        Upstream::JoinGroup { group, ack_id } => {
            acknowledged(hub, turn, key, ack_id, |hub, _| {
                check_may_join_or_leave(hub, key, "join", &group)?;
                hub.join(key, &group).map_err(|problem| ErrorDetail::new("BadRequest", problem.to_string()))
            });
        }
        Upstream::LeaveGroup { group, ack_id } => {
            acknowledged(hub, turn, key, ack_id, |hub, _| {
                check_may_join_or_leave(hub, key, "leave", &group)?;
                hub.leave(key, &group);
                Ok(())
            });
        }
        Upstream::Event { event, ack_id, payload, metadata } => {
            send_event(hub, turn, key, ack_id, &event, payload, metadata);
        }
        Upstream::Invoke { invocation_id, event, payload, metadata } => {
            invoke(hub, turn, key, &invocation_id, &event, payload, metadata);
        }
        Upstream::CancelInvocation { invocation_id } => hub.cancel_invocation(turn, key, &invocation_id),
        Upstream::OpenStream { group, no_echo, stream_id, idle_timeout_ms } => {
            let group = group.into_owned();
            let outcome = hub.open_stream(turn, key, &stream_id, group, no_echo, idle_timeout_ms);
            report_closed(hub, turn, key, &stream_id, outcome);
        }
        Upstream::StreamData { stream_id, sequence_id, payload } => {
            let outcome = hub.stream_data(turn, key, &stream_id, sequence_id, payload);
            report_closed(hub, turn, key, &stream_id, outcome);
        }
        Upstream::KeepStreamAlive { stream_id } => {
            let outcome = hub.touch_stream(turn, key, &stream_id).map(|_| ());
            report_closed(hub, turn, key, &stream_id, outcome);
        }
        Upstream::EndStream { stream_id, error } => {
            let outcome = hub.end_stream(turn, key, &stream_id, error);
            report_closed(hub, turn, key, &stream_id, outcome);
        }
        Upstream::SetGroupState { group, ack_id, state } => {
            acknowledged(hub, turn, key, ack_id, |hub, turn| hub.set_state(turn, key, &group, state));
        }
        Upstream::SubscribeGroupState { group, ack_id } => {
            if acknowledged(hub, turn, key, ack_id, |hub, _| hub.watch_states(key, &group)) {
                hub.send_snapshot(turn, key, &group);
            }
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            acknowledged(hub, turn, key, ack_id, |hub, _| hub.unwatch_states(key, &group));
        }
    }
}

/// Carries out a request, unless its ack id was used before, and acknowledges it if it has an ack id. Returns whether
/// the request succeeded.
fn acknowledged(
    hub: &mut Hub,
    turn: &mut Turn,
    key: Key,
    ack_id: Option<u64>,
    request: impl FnOnce(&mut Hub, &mut Turn) -> Result<(), ErrorDetail<'static>>,
) -> bool {
    let Some(ack_id) = ack_id else { return request(hub, turn).is_ok() };
    let result = check_is_new(hub, key, ack_id).and_then(|()| request(hub, turn));
    let is_done = result.is_ok();
    if is_done {
        hub.remember_ack(key, ack_id);
    }
    hub.reply(turn, key, &Downstream::Ack { ack_id, result });
    is_done
}

/// Reports the error of a frame about a stream: the stream is closed.
fn report_closed(hub: &Hub, turn: &mut Turn, key: Key, stream_id: &str, outcome: Result<(), ErrorDetail<'static>>) {
    if let Err(error) = outcome {
        hub.reply(turn, key, &Downstream::StreamClosed { stream_id: stream_id.into(), error: Some(error) });
    }
}

fn check_is_new(hub: &Hub, key: Key, ack_id: u64) -> Result<(), ErrorDetail<'static>> {
    if hub.connection(key).is_some_and(|connection| connection.acks.contains(ack_id)) {
        let message = format!("Message with ack-id: {ack_id} has been processed");
        return Err(ErrorDetail::new("Duplicate", message));
    }
    Ok(())
}

/// Sends an event to the handler. Its ack follows the answer of the handler.
fn send_event(
    hub: &mut Hub,
    turn: &mut Turn,
    key: Key,
    ack_id: Option<u64>,
    name: &str,
    payload: Payload<'_>,
    metadata: Metadata<'_>,
) {
    let asked = Asked::Event { ack_id };
    // After a recovery a client repeats what was not acknowledged. The handler gets it once.
    if ack_id.is_some() && hub.waits_for(key, &asked) {
        return;
    }
    let outcome = match ack_id.map_or(Ok(()), |ack_id| check_is_new(hub, key, ack_id)) {
        Ok(()) => hub.ask(turn, key, asked, name, payload.into_owned(), metadata),
        Err(duplicate) => Err(duplicate),
    };
    if let (Err(error), Some(ack_id)) = (outcome, ack_id) {
        hub.reply(turn, key, &Downstream::Ack { ack_id, result: Err(error) });
    }
}

fn invoke(
    hub: &mut Hub,
    turn: &mut Turn,
    key: Key,
    id: &str,
    event: &str,
    payload: Payload<'_>,
    metadata: Metadata<'_>,
) {
    let asked = Asked::Invocation { id: id.to_owned() };
    let outcome = if hub.waits_for(key, &asked) {
        Err(ErrorDetail::new("BadRequest", format!("The invocation '{id}' is under way already.")))
    } else {
        hub.ask(turn, key, asked, event, payload.into_owned(), metadata)
    };
    if let Err(error) = outcome {
        hub.reply(turn, key, &Downstream::InvokeResponse { invocation_id: id.into(), result: Err(error) });
    }
}

fn check_may_join_or_leave(hub: &Hub, key: Key, what: &str, group: &str) -> Result<(), ErrorDetail<'static>> {
    hub.permitted(key, |permissions| permissions.may_join_or_leave(group), || format!("{what} group '{group}'"))?;
    Ok(())
}

/// Returns the connection if it may send to the group.
pub(crate) fn publisher<'h>(hub: &'h Hub, key: Key, group: &str) -> Result<&'h Connection, ErrorDetail<'static>> {
    hub.permitted(key, |permissions| permissions.may_send_to(group), || format!("send messages to group '{group}'"))
}

/// A message of a client for a group.
struct Publication<'a> {
    group: Text<'a>,
    payload: Payload<'a>,
    metadata: Metadata<'a>,
    no_echo: bool,
    ttl_seconds: Option<u32>,
}

fn publish(hub: &mut Hub, turn: &mut Turn, key: Key, publication: Publication<'_>) -> Result<(), ErrorDetail<'static>> {
    let Publication { group, payload, metadata, no_echo, ttl_seconds } = publication;
    let user_id = publisher(hub, key, &group)?.user_id.clone().map(Into::into);
    let mut receivers = hub.of_group(&group);
    receivers.retain(|receiver| !no_echo || *receiver != key);
    let from = Sender::Group { group, user_id };
    let message = DataMessage { from, payload, metadata, stream: None, sequence_id: None };
    // The time to live was checked with the frame.
    let ttl_ms = message_ttl_ms(ttl_seconds.map(u64::from)).unwrap_or_default();
    hub.deliver(turn, &receivers, &Outgoing { message, ttl_ms });
    Ok(())
}
