//! What must hold when everything has come to rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use webpubsub_edge::client::{GroupStates, Protocol, Status, StreamProblem};
use webpubsub_edge::protocol::GroupStateItem;
use webpubsub_edge_emulator::{Action, Input, Request};

use super::service::Published;
use super::{OBSERVER, ORIGIN, World};
use crate::client::{Client, Result};
use crate::frames::{SHORT_LIVED, Wire};
use crate::schedule::{GROUPS, What};

impl World<'_> {
    pub fn check_at_rest(&mut self) -> Result {
        for group in &GROUPS[..GROUPS.len() - 1] {
            let frame = json!({ "type": "subscribeGroupState", "group": group });
            self.service(Input::Text { socket: OBSERVER, text: &frame.to_string() });
        }
        for index in 0..self.clients.len() {
            let client = &self.clients[index];
            let is_stopped = client.session.status() == Status::Stopped;
            let may_stop = !self.schedule.options.auto_reconnect
                || self.schedule.steps.iter().any(|step| step.client == index && matches!(step.what, What::Stop))
                // A first attempt that fails is not tried again.
                || !client.has_connected;
            client.check(may_stop || !is_stopped, "it goes on trying")?;
            client.check_at_rest(!is_stopped)?;
            self.check_deliveries(client, is_stopped)?;
            self.check_streams(client)?;
            if !is_stopped {
                self.check_groups(index)?;
                self.check_states(index)?;
            }
        }
        self.check_accepted()
    }

    /// Each connection has delivered, in order and once, what the service sent it: all of it on the last one, and on
    /// those before all until they were lost. Only what was not to live longer may be missing.
    fn check_deliveries(&self, client: &Client, is_stopped: bool) -> Result {
        if self.schedule.options.protocol != Protocol::Reliable {
            return Ok(());
        }
        // The service numbers them too, but does not send what has died while there was no socket.
        let short_lived = self.accepted.iter().filter(|(data, _)| data.ends_with(SHORT_LIVED));
        let may_skip: usize = short_lived.map(|(_, count)| count).sum();
        for (id, delivered) in &client.delivered {
            let sent = self.sent.get(id).ok_or("delivered what was not sent")?;
            let (mut last, mut skipped) = (0, 0);
            for (sequence_id, wire) in delivered {
                client.check(*sequence_id > last, "each message is delivered once and in order")?;
                client.check(sent.get(sequence_id) == Some(wire), "each message is delivered as it was sent")?;
                for missing in last + 1..*sequence_id {
                    skipped += 1;
                    let may_die = sent.get(&missing).is_none_or(Wire::is_short_lived);
                    client.check(may_die, &format!("message {missing} of {id} is delivered"))?;
                }
                last = *sequence_id;
            }
            client.check(skipped <= may_skip, &format!("{skipped} messages of {id} are missing"))?;
        }
        let Some(id) = client.connection_id().filter(|_| !is_stopped) else { return Ok(()) };
        let last = client.delivered.get(id).and_then(|delivered| delivered.last()).map_or(0, |(last, _)| *last);
        let left = self.sent.get(id).into_iter().flatten();
        let left = left.filter(|(sequence_id, wire)| **sequence_id > last && !wire.is_short_lived()).count();
        client.check(left == 0, &format!("everything is delivered, not all but {left}"))
    }

    /// Who watches the states of a group knows them as the service does, and the service knows its own.
    fn check_states(&mut self, index: usize) -> Result {
        let client = &mut self.clients[index];
        let id = client.connection_id().unwrap_or_default().to_owned();
        for (group, own) in client.own_states() {
            let item = self.states.get(GROUPS[group]).into_iter().flatten().find(|item| item.connection_id == id);
            let state = item.and_then(|item| item.state.as_ref()?.get("is")).map(|text| text.as_ref());
            client.check(state == own, &format!("its state in {} is {own:?}, not {state:?}", GROUPS[group]))?;
        }
        if !self.schedule.options.auto_rejoin_groups {
            return Ok(());
        }
        let watched: Vec<usize> = client.watched().collect();
        for group in watched {
            client.counts.views += 1;
            let view = client.views[group].iter().flat_map(GroupStates::iter);
            let known: BTreeMap<&str, &GroupStateItem> = view.map(|item| (item.connection_id.as_ref(), item)).collect();
            let items = self.states.get(GROUPS[group]).into_iter().flatten();
            let set: BTreeMap<&str, &GroupStateItem> = items.map(|item| (item.connection_id.as_ref(), item)).collect();
            let what = || format!("the states of {} are {set:?}, not {known:?}", GROUPS[group]);
            client.check(known == set, &what())?;
        }
        Ok(())
    }

    /// What was written to an open stream is published; one that was ended is over, and ended well if its caller was
    /// told so.
    fn check_streams(&self, client: &Client) -> Result {
        for stream in client.streams.values() {
            let nothing = Published::default();
            let published = self.published.get(&stream.id).unwrap_or(&nothing);
            let is_whole = published.parts == stream.parts.len();
            match stream.over {
                Some(StreamProblem::None) => {
                    // An end that was sent before a recovery may have met a stream that was idle for too long:
                    // nobody can tell.
                    let has_ended = is_whole && published.has_ended || published.was_idle;
                    client.check(has_ended, &format!("{} has ended well", stream.id))?;
                }
                Some(_) => {}
                None => {
                    client.check(!stream.is_ended, &format!("{} ends", stream.id))?;
                    client.check(stream.is_open, &format!("{} opens or fails", stream.id))?;
                    client.check(is_whole, &format!("{} is published whole", stream.id))?;
                }
            }
        }
        Ok(())
    }

    fn check_groups(&mut self, index: usize) -> Result {
        let url = format!("{ORIGIN}/_emulator?hub=chat");
        let request = Request { method: "GET".to_owned(), url, headers: Vec::new(), body: Vec::new() };
        let snapshot = self
            .service
            .handle(self.now, Input::Request { id: 1, request: &request })
            .into_iter()
            .find_map(|action| match action {
                Action::Respond { response, .. } => serde_json::from_slice::<Value>(&response.body).ok(),
                _ => None,
            })
            .unwrap();
        let client = &self.clients[index];
        let id = client.connection_id().unwrap();
        let connections = snapshot["connections"].as_array().unwrap();
        let connection = connections.iter().find(|connection| connection["connectionId"] == id);
        let groups = connection.ok_or_else(|| format!("client {index}: the service does not know its connection"))?;
        if !self.schedule.options.auto_rejoin_groups {
            return Ok(());
        }
        for group in client.joined() {
            let is_in = groups["groups"].as_array().unwrap().iter().any(|name| name == group);
            client.check(is_in, &format!("it is in {group}"))?;
        }
        for group in client.left() {
            let is_in = groups["groups"].as_array().unwrap().iter().any(|name| name == group);
            client.check(!is_in, &format!("it has left {group}"))?;
        }
        Ok(())
    }

    /// What a client was told to be done was done; what was done twice was tried again on a new connection.
    fn check_accepted(&self) -> Result {
        for client in &self.clients {
            for data in &client.accepted {
                let is_known = self.accepted.contains_key(data) || self.asked.contains(data);
                client.check(is_known, &format!("{data} was accepted"))?;
            }
        }
        let most = self.clients.iter().map(|client| client.connections).max().unwrap_or(0);
        let over = self.accepted.iter().find(|(data, count)| !data.starts_with("all") && **count > most.max(1));
        over.map_or(Ok(()), |(data, count)| Err(format!("{data} was accepted {count} times")))
    }
}
