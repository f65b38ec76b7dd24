//! The hub's side of events and invocations: what waits for the host's answer, and what becomes of it.
//!
//! How the service forwards an invocation was never recorded. Here it is an event whose answer becomes the response.

use std::collections::BTreeMap;

use webpubsub_edge::protocol::{DataMessage, Downstream, ErrorDetail, Metadata, Sender};

use crate::budget::{self, Charge};
use crate::event::{Event, EventId, EventReply, Payload};
use crate::host::Action;
use crate::hub::{Hub, Key};
use crate::limits::{HANDLER_TIMEOUT_MS, MAX_PENDING_EVENTS};
use crate::message::Outgoing;
use crate::settings::StartedBy;
use crate::turn::{Turn, printable};

/// The handler of a hub, if its host has one, and what it was asked.
pub(crate) struct Handler {
    pub(crate) is_there: bool,
    pub(crate) started_by: StartedBy,
    /// The id of the last event. A hub that was forgotten goes on from there: an answer may still be on its way.
    pub(crate) last_id: EventId,
    pending: BTreeMap<EventId, Pending>,
}

impl Handler {
    pub(crate) fn new(started_by: StartedBy) -> Handler {
        Handler { is_there: false, started_by, last_id: 0, pending: BTreeMap::new() }
    }
}

struct Pending {
    key: Key,
    asked: Asked,
    due: u64,
    bytes: usize,
    _charge: Charge,
}

/// What a client waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An ack, if it gave an id.
    Event { ack_id: Option<u64> },
    /// Nothing, but a failure closes the connection of a simple client.
    SimpleMessage,
    /// A response.
    Invocation { id: String },
}

fn metadata_bytes(metadata: &Metadata<'_>) -> usize {
    metadata.iter().map(|(key, value)| key.len().saturating_add(value.len())).fold(0, usize::saturating_add)
}

impl Asked {
    fn bytes(&self) -> usize {
        if let Asked::Invocation { id } = self { id.len() } else { 0 }
    }
}

impl Hub {
    /// Asks the handler.
    ///
    /// # Errors
    /// There is none, or too much waits for it already.
    pub(crate) fn ask(
        &mut self,
        turn: &mut Turn,
        key: Key,
        asked: Asked,
        name: &str,
        payload: Payload,
        metadata: Metadata<'_>,
    ) -> Result<(), ErrorDetail<'static>> {
        let failure = |message: String| Err(ErrorDetail::new("InternalServerError", message));
        if !self.handler.is_there {
            let advice = self.handler.started_by.event_advice(&self.name);
            turn.log(|| {
                let (who, hub, event) = (self.label(key), &self.name, printable(name));
                format!("{who}: the hub {hub} has no event handler for the event '{event}'. {advice}")
            });
            return failure(format!("The hub has no event handler for the event '{name}'. {advice}"));
        }
        if self.handler.pending.len() >= MAX_PENDING_EVENTS {
            return failure("Too many events wait for the event handler.".to_owned());
        }
        let Some(connection) = self.connection(key) else {
            return Ok(());
        };
        let (connection_id, user_id) = (connection.id.clone(), connection.user_id.clone());
        let bytes = [payload.byte_length(), metadata_bytes(&metadata), name.len(), asked.bytes()];
        let bytes = bytes.into_iter().fold(0, usize::saturating_add);
        let id = self.handler.last_id.saturating_add(1);
        let is_invocation = matches!(asked, Asked::Invocation { .. });
        self.handler.last_id = id;
        let due = turn.now.saturating_add(HANDLER_TIMEOUT_MS);
        let charge = self.budget.charge(budget::Kind::Event, bytes);
        self.handler.pending.insert(id, Pending { key, asked, due, bytes, _charge: charge });
        turn.actions.push(Action::Event(Box::new(Event {
            id,
            hub: self.name.clone(),
            connection_id,
            user_id,
            name: name.to_owned(),
            is_invocation,
            payload,
            metadata: metadata.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect(),
        })));
        Ok(())
    }

    /// Whether the handler was asked this and has not answered: a client that came back asks again.
    pub(crate) fn waits_for(&self, key: Key, asked: &Asked) -> bool {
        self.handler.pending.values().any(|pending| pending.key == key && pending.asked == *asked)
    }

    /// The client does not want the response any more.
    pub(crate) fn cancel_invocation(&mut self, turn: &mut Turn, key: Key, id: &str) {
        self.withdraw(turn, key, |asked| matches!(asked, Asked::Invocation { id: asked } if asked == id));
    }

    /// The client is gone, and what it asked with it.
    pub(crate) fn cancel_events(&mut self, turn: &mut Turn, key: Key) {
        self.withdraw(turn, key, |_| true);
    }

    /// Whether a client waits for the handler.
    pub(crate) fn waits(&self, key: Key) -> bool {
        self.handler.pending.values().any(|pending| pending.key == key)
    }

    fn withdraw(&mut self, turn: &mut Turn, key: Key, which: impl Fn(&Asked) -> bool) {
        let Hub { handler, name, .. } = self;
        handler.pending.retain(|id, pending| {
            let stays = pending.key != key || !which(&pending.asked);
            if !stays {
                turn.actions.push(Action::EventOver { hub: name.clone(), id: *id });
            }
            stays
        });
    }

    /// The handler has answered. What nobody waits for any more is dropped.
    pub(crate) fn answer(&mut self, turn: &mut Turn, id: EventId, reply: EventReply) {
        let Some(Pending { key, asked, .. }) = self.handler.pending.remove(&id) else {
            return;
        };
        let outcome = match reply {
            EventReply::Failed(message) => Err(ErrorDetail::new("InternalServerError", message)),
            EventReply::Done(None) => Ok(None),
            EventReply::Done(Some(payload)) => match payload.check() {
                Ok(()) => Ok(Some(payload)),
                Err(problem) => {
                    let message = format!("The answer of the event handler is invalid. {problem}");
                    Err(ErrorDetail::new("InternalServerError", message))
                }
            },
        };
        match asked {
            Asked::Invocation { id } => {
                self.reply(turn, key, &Downstream::InvokeResponse { invocation_id: id.into(), result: outcome });
            }
            Asked::SimpleMessage => match outcome {
                Ok(payload) => self.deliver_answer(turn, key, payload),
                Err(error) => self.close(turn, key, 1011, &error.message),
            },
            Asked::Event { ack_id } => {
                let result = outcome.map(|payload| self.deliver_answer(turn, key, payload));
                if let Some(ack_id) = ack_id {
                    if result.is_ok() {
                        self.remember_ack(key, ack_id);
                    }
                    self.reply(turn, key, &Downstream::Ack { ack_id, result });
                }
            }
        }
    }

    fn deliver_answer(&mut self, turn: &mut Turn, key: Key, payload: Option<Payload>) {
        if let Some(payload) = payload {
            let (from, metadata) = (Sender::Server, Metadata::new());
            let message = DataMessage { from, payload, metadata, stream: None, sequence_id: None };
            self.deliver(turn, &[key], &Outgoing { message, ttl_ms: None });
        }
    }

    /// Fails what the handler has not answered in time.
    pub(crate) fn expire_events(&mut self, turn: &mut Turn) {
        let is_late = |pending: &Pending| pending.due <= turn.now;
        let late: Vec<EventId> =
            self.handler.pending.iter().filter(|(_, pending)| is_late(pending)).map(|(id, _)| *id).collect();
        for id in late {
            turn.actions.push(Action::EventOver { hub: self.name.clone(), id });
            self.answer(turn, id, EventReply::Failed("The event handler did not answer in time.".to_owned()));
        }
    }

    /// Fails the events of a connection for which too much is retained.
    pub(crate) fn give_up_events(&mut self, turn: &mut Turn, key: Key) {
        let of_client = |(id, pending): (&EventId, &Pending)| (pending.key == key).then_some(*id);
        let ids: Vec<EventId> = self.handler.pending.iter().filter_map(of_client).collect();
        for id in ids {
            turn.actions.push(Action::EventOver { hub: self.name.clone(), id });
            self.answer(turn, id, EventReply::Failed("Too many bytes wait for the event handler.".to_owned()));
        }
    }

    /// The bytes of each connection's events.
    pub(crate) fn event_bytes(&self) -> BTreeMap<Key, usize> {
        let mut bytes = BTreeMap::<Key, usize>::new();
        for pending in self.handler.pending.values() {
            let sum = bytes.entry(pending.key).or_default();
            *sum = sum.saturating_add(pending.bytes);
        }
        bytes
    }

    pub(crate) fn event_due(&self) -> Option<u64> {
        // Each has the same limit, so the first was asked first.
        self.handler.pending.values().next().map(|pending| pending.due)
    }
}
