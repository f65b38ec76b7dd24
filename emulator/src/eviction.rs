//! Gives up what is retained when it exceeds the budget. docs/emulator.md states the order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::hub::{Hub, Key};
use crate::network::Carried;
use crate::service::Service;
use crate::{Action, SocketId};

/// A client, or a socket that its hub has let go, and the bytes that are retained for it.
struct Holder {
    hub: String,
    key: Key,
    socket: Option<SocketId>,
    unacknowledged: usize,
    delayed: usize,
    events: usize,
}

impl Holder {
    fn bytes(&self) -> usize {
        self.unacknowledged.saturating_add(self.delayed).saturating_add(self.events)
    }
}

impl Service {
    /// Gives up connections and events until the rest fits the budget.
    pub(crate) fn relieve(&mut self, now: u64, actions: &mut Vec<Action>) {
        if !self.budget.is_exceeded() {
            return;
        }
        let mut turn = self.turn(now);
        turn.log(|| format!("The emulator retains {}: it gives up what it can", self.budget.describe()));
        self.finish(turn, actions);
        self.give_up_lost_connections(now, actions);
        self.give_up_delays_of_answers(now, actions);
        self.give_up_holders(now, actions);
    }

    fn give_up_lost_connections(&mut self, now: u64, actions: &mut Vec<Action>) {
        let of_hub = |(name, hub): (&String, &Hub)| {
            hub.lost_connections().map(|(until, key)| (until, name.clone(), key)).collect::<Vec<_>>()
        };
        let mut lost: Vec<(u64, String, Key)> = self.hubs.iter().flat_map(of_hub).collect();
        lost.sort_unstable();
        let mut turn = self.turn(now);
        for (_, name, key) in lost {
            if self.budget.is_relieved() {
                break;
            }
            if let Some(hub) = self.hubs.get_mut(&name) {
                hub.give_up_lost(&mut turn, key);
            }
        }
        self.finish(turn, actions);
    }

    fn give_up_delays_of_answers(&mut self, now: u64, actions: &mut Vec<Action>) {
        if !self.budget.is_relieved() {
            let mut carried = Carried::default();
            self.network.give_up_delays_of_answers(&mut carried);
            self.settle(now, carried, actions);
        }
    }

    /// Gives up clients and their events, first the client for which the most is retained.
    fn give_up_holders(&mut self, now: u64, actions: &mut Vec<Action>) {
        let mut holders = self.holders();
        holders.sort_by_key(|holder| Reverse(holder.bytes()));
        for holder in holders {
            if self.budget.is_relieved() || holder.bytes() == 0 {
                break;
            }
            self.give_up(now, &holder, actions);
        }
    }

    fn holders(&self) -> Vec<Holder> {
        let mut delayed: BTreeMap<SocketId, usize> = self.network.held_bytes().collect();
        let mut holders = Vec::new();
        for (name, hub) in &self.hubs {
            let events = hub.event_bytes();
            for key in hub.all() {
                let Some(connection) = hub.connection(key) else { continue };
                let socket = connection.socket();
                holders.push(Holder {
                    hub: name.clone(),
                    key,
                    socket,
                    unacknowledged: connection.unacknowledged.retained_bytes(),
                    delayed: socket.and_then(|socket| delayed.remove(&socket)).unwrap_or_default(),
                    events: events.get(&key).copied().unwrap_or_default(),
                });
            }
        }
        // Frames to sockets that the hub has let go already.
        holders.extend(delayed.into_iter().map(|(socket, delayed)| Holder {
            hub: String::new(),
            key: 0,
            socket: Some(socket),
            unacknowledged: 0,
            delayed,
            events: 0,
        }));
        holders
    }

    /// Gives up what takes the most of a holder's bytes: its events alone, or the connection.
    fn give_up(&mut self, now: u64, holder: &Holder, actions: &mut Vec<Action>) {
        let mut turn = self.turn(now);
        if holder.events > holder.unacknowledged.max(holder.delayed) {
            if let Some(hub) = self.hubs.get_mut(&holder.hub) {
                turn.log(|| format!("{}: its pending events failed to free memory", hub.label(holder.key)));
                hub.give_up_events(&mut turn, holder.key);
            }
            return self.finish(turn, actions);
        }
        // What a fault holds back would delay the end too.
        let had_line = holder.socket.is_some_and(|socket| self.network.closed(socket));
        match (self.hubs.get_mut(&holder.hub), holder.socket) {
            (Some(hub), _) if holder.unacknowledged >= holder.delayed => hub.close_full(&mut turn, holder.key),
            (Some(hub), _) => hub.drop_slow(&mut turn, holder.key),
            (None, Some(socket)) if had_line => turn.actions.push(Action::Abort { socket }),
            (None, _) => {}
        }
        self.finish(turn, actions);
    }
}
