//! The emulated service: takes what happens on the network, finds the hub it is about, and says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use webpubsub_edge::jwt::Key;
use webpubsub_edge::protocol::Downstream;

use crate::admission::Task;
use crate::budget::Budget;
use crate::client::{self, Incoming};
use crate::connection::{Connection, Link};
use crate::control;
use crate::cors;
use crate::event::EventId;
use crate::fault::{FaultTarget, FaultType};
use crate::handler::Handler;
use crate::host::{Action, Input, RequestId, SocketId};
use crate::http::{Request, Response};
use crate::hub::{Hub, Key as ConnectionKey};
use crate::limits::{MAX_BACKLOG_BYTES, MAX_BACKLOG_MESSAGES};
use crate::network::{Carried, Network};
use crate::reliable::Unacknowledged;
use crate::rest::{self, Call};
use crate::settings::{HubSettings, Settings};
use crate::turn::{Turn, printable};
use crate::upgrade::{NewClient, Recovery, Upgrade};

/// Every hub of one emulated service. Hub names are compared without regard to case.
pub struct Service {
    pub(crate) keys: Vec<Key>,
    pub(crate) settings: Settings,
    pub(crate) hubs: BTreeMap<String, Hub>,
    /// Counts what the hubs and the network retain.
    pub(crate) budget: Budget,
    sockets: BTreeMap<SocketId, Attached>,
    /// The hubs whose events the host answers.
    answered: BTreeSet<String>,
    /// The id of the last event of all hubs that were forgotten.
    last_event: EventId,
    /// Whether a connection may be gone of which the others were not told.
    pub(crate) has_ended: bool,
    pub(crate) network: Network,
}

/// What the service knows of an accepted socket.
struct Attached {
    hub: String,
    /// Names its connection in the log; empty without a log.
    label: String,
}

impl Service {
    /// A service without connections. [`Settings::check`] says whether the settings make sense.
    pub fn new(mut settings: Settings) -> Service {
        let keys = std::mem::take(&mut settings.access_keys);
        let hubs = std::mem::take(&mut settings.hubs);
        settings.hubs = hubs.into_iter().map(|(name, hub)| (name.to_ascii_lowercase(), hub)).collect();
        let budget = Budget::new(usize::try_from(settings.max_retained_bytes).unwrap_or(usize::MAX));
        Service {
            keys: keys.iter().map(|key| Key::new(key.as_bytes())).collect(),
            settings,
            hubs: BTreeMap::new(),
            network: Network::new(budget.clone()),
            budget,
            sockets: BTreeMap::new(),
            answered: BTreeSet::new(),
            last_event: 0,
            has_ended: false,
        }
    }

    /// Says whether the host answers the events and invocations of a hub: then each is an [`Action::Event`]. Without an
    /// answer within 100 seconds it has failed, as with a web server that does not answer.
    pub fn answer_events(&mut self, hub: &str, does: bool) {
        let name = hub.to_ascii_lowercase();
        if let Some(hub) = self.hubs.get_mut(&name) {
            hub.handler.is_there = does;
        }
        if does {
            self.answered.insert(name);
        } else {
            self.answered.remove(&name);
        }
    }

    /// Takes in what happened at `now`, in milliseconds since 1970, and says what to do about it.
    pub fn handle(&mut self, now: u64, input: Input<'_>) -> Vec<Action> {
        let mut actions = self.catch_up(now);
        let mut turn = self.turn(now);
        match input {
            Input::Upgrade { socket, request, random } => {
                if let Err(response) = self.upgrade(&mut turn, socket, request, random) {
                    turn.actions.push(Action::Refuse { socket, response });
                }
            }
            Input::Text { socket, text } => self.arrive(&mut turn, &mut actions, socket, Incoming::Text(text)),
            Input::Binary { socket, bytes } => self.arrive(&mut turn, &mut actions, socket, Incoming::Binary(bytes)),
            Input::Pong { socket } => {
                if self.network.hears(socket)
                    && let Some((hub, key)) = self.connection(socket)
                {
                    hub.heard(key);
                }
            }
            Input::Backlog { socket, messages, bytes } => {
                if (messages > MAX_BACKLOG_MESSAGES || bytes > MAX_BACKLOG_BYTES)
                    && let Some((hub, key)) = self.connection(socket)
                {
                    hub.drop_slow(&mut turn, key);
                }
            }
            Input::Closed { socket, code } => {
                self.network.closed(socket);
                if let Some((hub, label)) = self.let_go(socket) {
                    hub.closed(now, socket, code);
                    turn.log(|| format!("{label} is gone ({code})"));
                }
            }
            Input::Request { id, request } => self.respond(&mut turn, &mut actions, id, request),
            Input::Reply { hub, id, reply } => {
                if let Some(hub) = self.hubs.get_mut(&hub.to_ascii_lowercase()) {
                    hub.answer(&mut turn, id, reply.clone());
                }
            }
            Input::Tick => self.hubs.values_mut().for_each(|hub| hub.pass_time(&mut turn)),
        }
        self.finish(turn, &mut actions);
        // Frames alone end nothing, and there may be many hubs.
        if !matches!(input, Input::Text { .. } | Input::Binary { .. } | Input::Pong { .. }) {
            self.has_ended = true;
            self.forget_empty_hubs();
        }
        self.conclude(now, &mut actions);
        actions
    }

    /// Tells the others of connections that are gone, and gives up what exceeds the budget.
    pub(crate) fn conclude(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.end_removed_connections(now, actions);
        self.relieve(now, actions);
        self.end_removed_connections(now, actions);
    }

    pub(crate) fn turn(&self, now: u64) -> Turn {
        Turn { has_log: self.settings.log, ..Turn::new(now) }
    }

    /// When the host should hand in [`Input::Tick`] at the latest; `None` while nothing waits for time to pass.
    pub fn wake_at(&self) -> Option<u64> {
        self.hubs.values().filter_map(Hub::wake_at).chain(self.network.wake_at()).min()
    }

    /// Whether nothing is connected, nothing can be recovered and no fault is in force: then the state may be lost
    /// without harm.
    pub fn is_idle(&self) -> bool {
        self.hubs.is_empty() && self.network.is_quiet()
    }

    /// What the network held back until now goes first.
    fn catch_up(&mut self, now: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.network.is_quiet() {
            let mut carried = self.network.pass_time(now);
            let arrivals = std::mem::take(&mut carried.arrivals);
            self.settle(now, carried, &mut actions);
            for (socket, frame) in arrivals {
                let mut turn = self.turn(now);
                self.receive(&mut turn, socket, Incoming::from(&frame.content()));
                self.finish(turn, &mut actions);
            }
        }
        actions
    }

    /// Hands what was decided to the network.
    pub(crate) fn finish(&mut self, mut turn: Turn, actions: &mut Vec<Action>) {
        let now = turn.now;
        self.has_ended |= turn.has_ended;
        let ended: Vec<(SocketId, String)> = turn.actions.iter().filter_map(ended_socket).collect();
        if self.network.is_quiet() {
            actions.append(&mut turn.actions);
        } else {
            let (hubs, sockets) = (&self.hubs, &self.sockets);
            let carried = self.network.carry(turn, |socket| target(hubs, sockets, socket));
            self.settle(now, carried, actions);
        }
        if !ended.is_empty() {
            self.has_ended = true;
            for (socket, how) in ended {
                if let Some(Attached { label, .. }) = self.sockets.remove(&socket) {
                    self.log(actions, || format!("{label} {how}"));
                }
            }
            self.forget_empty_hubs();
        }
    }

    pub(crate) fn forget_empty_hubs(&mut self) {
        self.hubs.retain(|_, hub| {
            let stays = !hub.is_empty();
            if !stays {
                self.last_event = self.last_event.max(hub.handler.last_id);
            }
            stays
        });
    }

    /// Ends the streams, states and events of removed connections. This can make further connections too slow; these are
    /// removed and ended in the next round.
    pub(crate) fn end_removed_connections(&mut self, now: u64, actions: &mut Vec<Action>) {
        while std::mem::take(&mut self.has_ended) {
            let mut turn = self.turn(now);
            self.hubs.values_mut().for_each(|hub| hub.end_removed_connections(&mut turn));
            self.forget_empty_hubs();
            self.has_ended = !turn.actions.is_empty();
            self.finish(turn, actions);
        }
    }

    /// Tells the hubs what became of their sockets on the way.
    pub(crate) fn settle(&mut self, now: u64, mut carried: Carried, actions: &mut Vec<Action>) {
        let has_ended = !carried.cut.is_empty() || !carried.overrun.is_empty();
        let mut turn = self.turn(now);
        for socket in carried.cut {
            if let Some((hub, label)) = self.let_go(socket) {
                hub.closed(now, socket, 1006);
                turn.log(|| format!("{label} was cut off"));
            }
        }
        for socket in carried.overrun {
            if let Some((hub, label)) = self.let_go(socket) {
                hub.overrun(socket);
                turn.log(|| format!("{label} was closed: 1008 The client reads too slowly."));
            }
        }
        if has_ended {
            self.has_ended = true;
            self.forget_empty_hubs();
        }
        actions.append(&mut carried.actions);
        actions.append(&mut turn.actions);
    }

    /// Forgets a socket. Returns the hub it was connected to, and the name of its connection in the log.
    fn let_go(&mut self, socket: SocketId) -> Option<(&mut Hub, String)> {
        let Attached { hub, label } = self.sockets.remove(&socket)?;
        self.hubs.get_mut(&hub).map(|hub| (hub, label))
    }

    fn log(&self, actions: &mut Vec<Action>, line: impl FnOnce() -> String) {
        if self.settings.log {
            actions.push(Action::Log { line: line() });
        }
    }

    fn upgrade(
        &mut self,
        turn: &mut Turn,
        socket: SocketId,
        request: &Request,
        random: [u8; 32],
    ) -> Result<(), Response> {
        let (name, upgrade) = self.admit_upgrade(turn.now, request)?;
        let target = match &upgrade {
            Upgrade::New(client) => FaultTarget { hub: &name, connection_id: None, user_id: client.user_id.as_deref() },
            Upgrade::Recover(recovery) => FaultTarget {
                hub: &name,
                connection_id: Some(&recovery.connection_id),
                user_id: self.hubs.get(&name).and_then(|hub| hub.user_of(&recovery.connection_id)),
            },
        };
        if let Some((_, fault)) = self.network.faults.meet(FaultType::RefuseConnection, target, |_| true) {
            return Err(control::broken(&fault));
        }
        let is_refused = matches!(upgrade, Upgrade::Recover(_))
            && self.network.faults.meet(FaultType::RefuseRecovery, target, |_| true).is_some();
        let hub = hub_entry(&mut self.hubs, &self.settings, &self.budget, name.clone());
        hub.handler.is_there = self.answered.contains(&name);
        hub.handler.last_id = hub.handler.last_id.max(self.last_event);
        let label = match upgrade {
            Upgrade::New(client) => connect(hub, turn, socket, *client, random),
            Upgrade::Recover(recovery) => recover(hub, turn, socket, recovery, is_refused),
        };
        let label = if self.settings.log { label } else { String::new() };
        self.sockets.insert(socket, Attached { hub: name, label });
        Ok(())
    }

    fn arrive(&mut self, turn: &mut Turn, actions: &mut Vec<Action>, socket: SocketId, incoming: Incoming<'_>) {
        if !self.network.is_quiet() {
            let mut carried = Carried::default();
            let target = target(&self.hubs, &self.sockets, socket);
            let has_arrived = self.network.arrives(turn.now, socket, target, incoming, &mut carried);
            self.settle(turn.now, carried, actions);
            if !has_arrived {
                return;
            }
        }
        self.receive(turn, socket, incoming);
    }

    fn receive(&mut self, turn: &mut Turn, socket: SocketId, incoming: Incoming<'_>) {
        if let Some((hub, key)) = self.connection(socket) {
            hub.heard(key);
            client::receive(hub, turn, key, incoming);
        }
    }

    fn connection(&mut self, socket: SocketId) -> Option<(&mut Hub, ConnectionKey)> {
        let hub = self.hubs.get_mut(&self.sockets.get(&socket)?.hub)?;
        let key = hub.by_socket(socket)?;
        Some((hub, key))
    }

    fn respond(&mut self, turn: &mut Turn, actions: &mut Vec<Action>, id: RequestId, request: &Request) {
        let (hub, response) = match self.admit_request(turn.now, request) {
            Err(refusal) => (None, refusal),
            Ok((_, Task::Health)) => (None, Response::empty(200)),
            Ok((asked, Task::Control { .. })) if Service::sets_clock(&asked, request) => {
                match control::clock_forward(turn.now, request) {
                    Err(refusal) => (None, refusal),
                    Ok((ms, response)) => {
                        let response = cors::allow(&self.settings, request, response);
                        return turn.actions.push(Action::Advance { id, ms, response });
                    }
                }
            }
            Ok((asked, Task::Control { hub })) => (None, self.control(turn.now, actions, &asked, &hub, request)),
            Ok((asked, Task::Operation { hub, spelled, what, caller })) => {
                let target = FaultTarget { hub: &hub, ..FaultTarget::default() };
                let fault = self.network.faults.meet(FaultType::Answer, target, |_| true).map(|(_, fault)| fault);
                let url = asked.url.at(self.settings.public_url.as_deref());
                let operation = turn.has_log.then(|| rest::log::describe(&what, &request.method, &hub));
                let perform = || {
                    let call =
                        Call { request, url: &url, query: &asked.query, hub: &spelled, caller, keys: &self.keys };
                    let hub = hub_entry(&mut self.hubs, &self.settings, &self.budget, hub.clone());
                    let response = rest::perform(hub, turn, what, &call);
                    if let Some(operation) = operation.filter(|_| response.status < 400) {
                        let line = rest::log::accepted(&operation, turn.reached);
                        turn.log(|| line);
                    }
                    response
                };
                let response = match fault {
                    None => perform(),
                    Some(fault) => {
                        if fault.carried_out == Some(true) {
                            perform();
                        }
                        control::broken(&fault)
                    }
                };
                (Some(hub), response)
            }
        };
        let response = cors::allow(&self.settings, request, response);
        self.network.answer(turn, hub.as_deref(), id, response);
    }
}

/// The socket that an action ends, and how, in the words of the log.
fn ended_socket(action: &Action) -> Option<(SocketId, String)> {
    match action {
        Action::Close { socket, code, reason } => {
            Some((*socket, format!("was closed: {code} {}", printable(reason)).trim_end().to_owned()))
        }
        Action::Abort { socket } => Some((*socket, "was cut off".to_owned())),
        _ => None,
    }
}

/// Who has a socket.
fn target<'s>(
    hubs: &'s BTreeMap<String, Hub>,
    sockets: &'s BTreeMap<SocketId, Attached>,
    socket: SocketId,
) -> FaultTarget<'s> {
    let Some(Attached { hub: name, .. }) = sockets.get(&socket) else { return FaultTarget::default() };
    let hub = hubs.get(name);
    let connection = hub.and_then(|hub| hub.connection(hub.by_socket(socket)?));
    FaultTarget {
        hub: name,
        connection_id: connection.map(|connection| connection.id.as_str()),
        user_id: connection.and_then(|connection| connection.user_id.as_deref()),
    }
}

/// The hub of this name, made when it is not there.
fn hub_entry<'h>(
    hubs: &'h mut BTreeMap<String, Hub>,
    settings: &Settings,
    budget: &Budget,
    name: String,
) -> &'h mut Hub {
    hubs.entry(name).or_insert_with_key(|name| {
        let of_hub = settings.hubs.get(name);
        let keep_alive_ms = of_hub.map_or_else(|| HubSettings::default().keep_alive_ms(), HubSettings::keep_alive_ms);
        let handler = Handler::new(settings.started_by);
        Hub::new(name.clone(), handler, budget.clone(), settings.can_ping.then_some(keep_alive_ms))
    })
}

/// Returns the name of the connection in the log.
fn connect(hub: &mut Hub, turn: &mut Turn, socket: SocketId, client: NewClient, random: [u8; 32]) -> String {
    let NewClient { protocol, subprotocol, user_id, groups, permissions } = client;
    let (id_bytes, token_bytes) = random.split_at(16);
    let connection = Connection {
        id: hex(id_bytes),
        user_id,
        protocol,
        groups: groups.into_iter().collect(),
        permissions,
        link: Link::Open(socket),
        lost_charge: None,
        is_heard: true,
        acks: Default::default(),
        unacknowledged: Unacknowledged::new(&hub.budget),
        streams: Default::default(),
        reconnection_token: hex(token_bytes),
    };
    turn.actions.push(Action::Accept { socket, subprotocol });
    let connected = connection.encode(&Downstream::Connected {
        connection_id: Some(connection.id.as_str().into()),
        user_id: connection.user_id.as_deref().map(Into::into),
        reconnection_token: connection.is_reliable().then(|| connection.reconnection_token.as_str().into()),
    });
    if let Some(frame) = connected {
        turn.send(vec![socket], frame);
    }
    let label = connection.label();
    let subprotocol = connection.protocol.subprotocol().unwrap_or("no subprotocol");
    turn.log(|| format!("{label} connected to the hub {} ({subprotocol})", hub.name));
    hub.add(turn.now, connection);
    label
}

/// The upgrade is accepted in any case: a browser shows its page the code of a close frame, but not the status of
/// a refused upgrade. Returns the name of the connection in the log.
fn recover(hub: &mut Hub, turn: &mut Turn, socket: SocketId, recovery: Recovery, is_refused: bool) -> String {
    turn.actions.push(Action::Accept { socket, subprotocol: recovery.subprotocol });
    hub.expire(turn.now);
    let key = hub.by_id(&recovery.connection_id);
    let found = key
        .and_then(|key| hub.connection(key))
        .filter(|connection| connection.is_reliable() && connection.reconnection_token == recovery.reconnection_token);
    match (key, found) {
        (Some(key), Some(connection)) if !is_refused => {
            let label = connection.label();
            turn.log(|| format!("{label} came back to the hub {}", hub.name));
            hub.resume(turn, key, socket);
            label
        }
        _ => {
            turn.close(socket, 1008, "The connection cannot be recovered.");
            format!("client {}", printable(&recovery.connection_id))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    use crate::admission::tests::{NOW, request};

    const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";

    fn connect(service: &mut Service, socket: SocketId, path: &str) {
        let mut request = request("GET", path, true);
        request.headers.push(("sec-websocket-protocol".to_owned(), RELIABLE.to_owned()));
        let actions = service.handle(NOW, Input::Upgrade { socket, request: &request, random: [0; 32] });
        assert!(matches!(actions.first(), Some(Action::Accept { .. })));
    }

    #[test]
    fn a_socket_that_ended_is_forgotten() {
        let mut service = Service::new(Settings::default());
        connect(&mut service, 1, "/client/hubs/chat");
        service.handle(NOW, Input::Closed { socket: 1, code: 1006 });
        assert!(service.sockets.is_empty(), "it closed");

        connect(&mut service, 2, "/client/hubs/chat?awps_connection_id=x");
        assert!(service.sockets.is_empty(), "it could not recover");

        connect(&mut service, 3, "/client/hubs/chat");
        let closing = request("POST", "/api/hubs/chat/:closeConnections", false);
        service.handle(NOW, Input::Request { id: 1, request: &closing });
        assert!(service.sockets.is_empty(), "REST closed it");
    }
}
