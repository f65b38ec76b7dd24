//! One hub: its connections, their groups and users, and the delivery of messages to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use webpubsub_edge::protocol::{Downstream, Encoding, ErrorDetail, Subprotocol};

use crate::budget::{Budget, Kind};
use crate::connection::{Connection, Link, Protocol};
use crate::frame::Frame;
use crate::group_state::GroupStates;
use crate::handler::Handler;
use crate::limits::{MAX_GROUPS_PER_CONNECTION, RECOVERY_WINDOW_MS};
use crate::message::{Frames, Outgoing};
use crate::permissions::Permissions;
use crate::reliable::Full;
use crate::streams::{IdleStreams, Streams};
use crate::turn::{Note, Turn};
use crate::{Action, SocketId};

/// Names a connection inside its hub; ordered by when the connection was made.
pub(crate) type Key = u64;

/// A connection is in as many groups as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyGroups;

impl fmt::Display for TooManyGroups {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "A connection may be in {MAX_GROUPS_PER_CONNECTION} groups in the emulator.")
    }
}

/// The state of one hub. What it decides is collected by the turn.
pub(crate) struct Hub {
    /// Its name, in lower case.
    pub(crate) name: String,
    pub(crate) handler: Handler,
    /// Counts what all hubs of the service retain.
    pub(crate) budget: Budget,
    pub(crate) states: BTreeMap<String, GroupStates>,
    /// The time of the latest change of a state, in milliseconds since 1970; each is later than the one before.
    pub(crate) last_state_at: u64,
    pub(crate) idle_streams: IdleStreams,
    /// Removed connections whose streams and states the other connections do not know to be over.
    removed: Vec<(Key, Streams)>,
    connections: BTreeMap<Key, Connection>,
    by_id: BTreeMap<String, Key>,
    by_socket: BTreeMap<SocketId, Key>,
    users: Index,
    groups: Index,
    /// The lost connections, first the one that is given up first.
    lost: BTreeSet<(u64, Key)>,
    /// The groups where each connection has or watches a state.
    pub(crate) groups_with_states: BTreeMap<Key, BTreeSet<String>>,
    last_key: Key,
    /// How often clients are pinged, if they are.
    keep_alive_ms: Option<u64>,
    next_ping: u64,
}

impl Hub {
    /// A hub without connections.
    pub(crate) fn new(name: String, handler: Handler, budget: Budget, keep_alive_ms: Option<u64>) -> Hub {
        Hub {
            name,
            handler,
            budget,
            states: BTreeMap::new(),
            last_state_at: 0,
            idle_streams: IdleStreams::new(),
            removed: Vec::new(),
            connections: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_socket: BTreeMap::new(),
            users: Index::default(),
            groups: Index::default(),
            lost: BTreeSet::new(),
            groups_with_states: BTreeMap::new(),
            last_key: 0,
            keep_alive_ms,
            next_ping: 0,
        }
    }

    /// Whether nothing is connected, nothing can be recovered and nobody is to be told of who is gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.removed.is_empty()
    }

    /// Adds a connection whose socket is open. It is a member of its groups from now on.
    pub(crate) fn add(&mut self, now: u64, connection: Connection) -> Key {
        self.plan_ping(now);
        self.last_key = self.last_key.saturating_add(1);
        let key = self.last_key;
        self.by_id.insert(connection.id.clone(), key);
        self.index_link(key, connection.link);
        if let Some(user_id) = &connection.user_id {
            self.users.add(user_id, key);
        }
        for group in &connection.groups {
            self.groups.add(group, key);
        }
        self.connections.insert(key, connection);
        key
    }

    /// Takes a connection out of the hub for good.
    fn remove(&mut self, key: Key) -> Option<Connection> {
        let connection = self.connections.remove(&key)?;
        self.by_id.remove(&connection.id);
        self.unindex_link(key, connection.link);
        if let Some(user_id) = &connection.user_id {
            self.users.remove(user_id, key);
        }
        for group in &connection.groups {
            self.groups.remove(group, key);
        }
        if !connection.streams.is_empty() || self.has_states(key) || self.waits(key) {
            self.removed.push((key, connection.streams.clone()));
        }
        Some(connection)
    }

    /// Ends the streams, states and events of removed connections for the other connections and the event handler.
    pub(crate) fn end_removed_connections(&mut self, turn: &mut Turn) {
        for (key, streams) in std::mem::take(&mut self.removed) {
            self.cancel_streams(turn, key, streams);
            self.clear_states(turn, key);
            self.cancel_events(turn, key);
        }
    }

    pub(crate) fn streams_mut(&mut self, key: Key) -> Option<&mut Streams> {
        self.connections.get_mut(&key).map(|connection| &mut connection.streams)
    }

    pub(crate) fn connection(&self, key: Key) -> Option<&Connection> {
        self.connections.get(&key)
    }

    /// The connection, if its permissions allow it to do what `what` says.
    pub(crate) fn permitted(
        &self,
        key: Key,
        may: impl FnOnce(&Permissions) -> bool,
        what: impl FnOnce() -> String,
    ) -> Result<&Connection, ErrorDetail<'static>> {
        self.connection(key).filter(|connection| may(&connection.permissions)).ok_or_else(|| {
            let message = format!("The client does not have permission to {}.", what());
            ErrorDetail::new("Forbidden", message)
        })
    }

    pub(crate) fn permissions_mut(&mut self, key: Key) -> Option<&mut Permissions> {
        self.connections.get_mut(&key).map(|connection| &mut connection.permissions)
    }

    /// Names a connection in the log.
    pub(crate) fn label(&self, key: Key) -> String {
        self.connection(key).map(Connection::label).unwrap_or_default()
    }

    pub(crate) fn by_socket(&self, socket: SocketId) -> Option<Key> {
        self.by_socket.get(&socket).copied()
    }

    pub(crate) fn by_id(&self, connection_id: &str) -> Option<Key> {
        self.by_id.get(connection_id).copied()
    }

    /// The user of the connection of this id.
    pub(crate) fn user_of(&self, connection_id: &str) -> Option<&str> {
        self.connection(self.by_id(connection_id)?)?.user_id.as_deref()
    }

    pub(crate) fn all(&self) -> Vec<Key> {
        self.connections.keys().copied().collect()
    }

    pub(crate) fn of_user(&self, user_id: &str) -> Vec<Key> {
        self.users.members(user_id)
    }

    pub(crate) fn of_group(&self, group: &str) -> Vec<Key> {
        self.groups.members(group)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.groups.0.iter().map(|(group, members)| (group.as_str(), members.len()))
    }

    /// Puts a connection into a group.
    pub(crate) fn join(&mut self, key: Key, group: &str) -> Result<(), TooManyGroups> {
        let Some(connection) = self.connections.get_mut(&key) else {
            return Ok(());
        };
        if connection.groups.len() >= MAX_GROUPS_PER_CONNECTION && !connection.groups.contains(group) {
            return Err(TooManyGroups);
        }
        connection.groups.insert(group.to_owned());
        self.groups.add(group, key);
        Ok(())
    }

    pub(crate) fn leave(&mut self, key: Key, group: &str) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.groups.remove(group);
            self.groups.remove(group, key);
        }
    }

    pub(crate) fn leave_all(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(&key) {
            for group in std::mem::take(&mut connection.groups) {
                self.groups.remove(&group, key);
            }
        }
    }

    /// Sends a message to these connections. A reliable one that is lost gets it when it comes back.
    pub(crate) fn deliver(&mut self, turn: &mut Turn, to: &[Key], message: &Outgoing<'_>) {
        let budget = self.budget.clone();
        let mut frames = Frames::new(message, &budget);
        let mut receivers = Receivers::default();
        let mut full = Vec::new();
        for key in to {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            match connection.protocol {
                Protocol::Simple(_) => receivers.simple.extend(connection.socket()),
                Protocol::Framed(Subprotocol { encoding, is_reliable: false }) => {
                    receivers.whole(encoding).extend(connection.socket());
                }
                Protocol::Framed(Subprotocol { encoding, is_reliable: true }) => {
                    let body = frames.body(encoding);
                    match connection.unacknowledged.push(turn.now, body, message.ttl_ms) {
                        Ok(id) => receivers.numbered(encoding).extend(connection.socket().map(|socket| (id, socket))),
                        Err(Full) => full.push(*key),
                    }
                }
            }
        }
        let expires_at = message.ttl_ms.map(|ttl| turn.now.saturating_add(ttl));
        receivers.send(turn, &mut frames, Note { is_ack: false, expires_at });
        for key in full {
            self.close_full(turn, key);
        }
    }

    /// Closes a reliable client that has left too much unacknowledged. A lost one cannot recover any more.
    pub(crate) fn close_full(&mut self, turn: &mut Turn, key: Key) {
        turn.has_ended = true;
        self.close(turn, key, 1008, "The reliable message buffer is full.");
    }

    /// Sends a frame that is no message: an ack, a pong.
    pub(crate) fn reply(&self, turn: &mut Turn, key: Key, frame: &Downstream<'_>) {
        if let Some(connection) = self.connections.get(&key)
            && let Some(socket) = connection.socket()
            && let Some(encoded) = connection.encode(frame)
        {
            let is_ack = matches!(frame, Downstream::Ack { .. });
            turn.send_noted(vec![socket], encoded, Note { is_ack, expires_at: None });
        }
    }

    /// A reliable client has everything up to this sequence id.
    pub(crate) fn acknowledge(&mut self, key: Key, sequence_id: u64) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.unacknowledged.acknowledge(sequence_id);
        }
    }

    /// A request of a client was carried out under this id.
    pub(crate) fn remember_ack(&mut self, key: Key, ack_id: u64) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.acks.remember(ack_id);
        }
    }

    /// Ends a connection from our side, for good. A client with a subprotocol is told the reason in a frame first.
    pub(crate) fn close(&mut self, turn: &mut Turn, key: Key, code: u16, reason: &str) {
        let Some(connection) = self.remove(key) else {
            return;
        };
        let Some(socket) = connection.socket() else {
            return;
        };
        if let Some(frame) = connection.encode(&Downstream::Disconnected { message: reason.into() }) {
            turn.send(vec![socket], frame);
        }
        turn.close(socket, code, reason);
    }

    /// The network has closed a socket, because too much waited for its client.
    pub(crate) fn overrun(&mut self, socket: SocketId) {
        if let Some(key) = self.by_socket(socket) {
            self.remove(key);
        }
    }

    /// Every socket that is open, to be dropped as by a restart of the service.
    pub(crate) fn sockets(&self) -> Vec<SocketId> {
        self.by_socket.keys().copied().collect()
    }

    /// Ends a connection whose client reads too slowly. A frame that says why would only wait behind the others.
    pub(crate) fn drop_slow(&mut self, turn: &mut Turn, key: Key) {
        if let Some(socket) = self.remove(key).and_then(|connection| connection.socket()) {
            turn.close(socket, 1008, "The client reads too slowly.");
        }
    }

    /// Drops a connection's socket as a broken network would. A reliable connection can be recovered.
    /// Says whether there was a socket.
    pub(crate) fn cut(&mut self, turn: &mut Turn, key: Key) -> bool {
        let Some(socket) = self.connections.get(&key).and_then(Connection::socket) else {
            return false;
        };
        turn.actions.push(Action::Abort { socket });
        self.lost(turn.now, key);
        true
    }

    /// The socket of a connection closed under it.
    pub(crate) fn closed(&mut self, now: u64, socket: SocketId, code: u16) {
        let Some(key) = self.by_socket(socket) else {
            return;
        };
        // 1000 is how a client says that it will not come back.
        if code == 1000 {
            self.remove(key);
        } else {
            self.lost(now, key);
        }
    }

    fn lost(&mut self, now: u64, key: Key) {
        if !self.connection(key).is_some_and(Connection::is_reliable) {
            self.remove(key);
            return;
        }
        self.relink(key, Link::Lost { until: now.saturating_add(RECOVERY_WINDOW_MS) });
        let states = self.state_bytes(key);
        if let Some(connection) = self.connections.get_mut(&key) {
            let bytes = connection.bytes().saturating_add(states);
            connection.lost_charge = Some(self.budget.charge(Kind::LostConnection, bytes));
        }
    }

    /// The lost connections with the time until which each can be recovered, first the one that was lost first.
    pub(crate) fn lost_connections(&self) -> impl Iterator<Item = (u64, Key)> {
        self.lost.iter().copied()
    }

    /// Gives up a lost connection before its time, because too much is retained.
    pub(crate) fn give_up_lost(&mut self, turn: &mut Turn, key: Key) {
        turn.has_ended = true;
        if let Some(connection) = self.remove(key) {
            turn.log(|| format!("{} cannot recover any more: it was given up to free memory", connection.label()));
        }
    }

    /// Gives a connection a new socket in place of its old one and replays what its client may have missed.
    pub(crate) fn resume(&mut self, turn: &mut Turn, key: Key, socket: SocketId) {
        self.plan_ping(turn.now);
        if let Some(Link::Open(old)) = self.relink(key, Link::Open(socket)) {
            turn.actions.push(Action::Abort { socket: old });
        }
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        connection.is_heard = true;
        connection.lost_charge = None;
        for frame in connection.unacknowledged.replay(turn.now) {
            turn.send(vec![socket], frame);
        }
        self.send_snapshots(turn, key);
    }

    /// Forgets the connections that were not recovered in time.
    pub(crate) fn expire(&mut self, now: u64) {
        let over: Vec<Key> = self.lost.iter().take_while(|(until, _)| *until <= now).map(|(_, key)| *key).collect();
        for key in over {
            self.remove(key);
        }
    }

    /// Does what time alone brings: gives up lost connections, pings the others.
    pub(crate) fn pass_time(&mut self, turn: &mut Turn) {
        self.expire(turn.now);
        self.expire_events(turn);
        self.expire_streams(turn);
        if self.ping_due().is_some_and(|due| due <= turn.now) {
            self.ping(turn);
        }
    }

    /// When [`Hub::pass_time`] has something to do next.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        let given_up = self.lost.first().map(|(until, _)| *until);
        let idle = self.idle_streams.first().map(|(due, ..)| *due);
        given_up.into_iter().chain(self.ping_due()).chain(self.event_due()).chain(idle).min()
    }

    /// Something came from a client, so its socket is alive.
    pub(crate) fn heard(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.is_heard = true;
        }
    }

    /// Pings every client. One from which nothing came since the last ping is dropped.
    fn ping(&mut self, turn: &mut Turn) {
        let (mut alive, mut dead) = (Vec::with_capacity(self.by_socket.len()), Vec::new());
        for (socket, key) in &self.by_socket {
            let connection = self.connections.get_mut(key);
            if connection.is_some_and(|connection| std::mem::take(&mut connection.is_heard)) {
                alive.push(*socket);
            } else {
                dead.push(*key);
            }
        }
        for key in dead {
            self.cut(turn, key);
        }
        self.next_ping = turn.now.saturating_add(self.keep_alive_ms.unwrap_or_default());
        turn.ping(alive);
    }

    /// The first socket of a hub starts the keep-alive.
    fn plan_ping(&mut self, now: u64) {
        if self.by_socket.is_empty() {
            self.next_ping = now.saturating_add(self.keep_alive_ms.unwrap_or_default());
        }
    }

    fn ping_due(&self) -> Option<u64> {
        self.keep_alive_ms.filter(|_| !self.by_socket.is_empty()).map(|_| self.next_ping)
    }

    /// Gives a connection another link, and returns the one it had.
    fn relink(&mut self, key: Key, link: Link) -> Option<Link> {
        let connection = self.connections.get_mut(&key)?;
        let old = std::mem::replace(&mut connection.link, link);
        self.unindex_link(key, old);
        self.index_link(key, link);
        Some(old)
    }

    fn index_link(&mut self, key: Key, link: Link) {
        match link {
            Link::Open(socket) => _ = self.by_socket.insert(socket, key),
            Link::Lost { until } => _ = self.lost.insert((until, key)),
        }
    }

    fn unindex_link(&mut self, key: Key, link: Link) {
        match link {
            Link::Open(socket) => _ = self.by_socket.remove(&socket),
            Link::Lost { until } => _ = self.lost.remove(&(until, key)),
        }
    }
}

/// The sockets that one message goes to, by the frame they get.
#[derive(Default)]
struct Receivers {
    simple: Vec<SocketId>,
    json: Vec<SocketId>,
    protobuf: Vec<SocketId>,
    /// With the sequence id that each knows the message by.
    json_numbered: Vec<(u64, SocketId)>,
    protobuf_numbered: Vec<(u64, SocketId)>,
}

impl Receivers {
    fn whole(&mut self, encoding: Encoding) -> &mut Vec<SocketId> {
        match encoding {
            Encoding::Json => &mut self.json,
            Encoding::Protobuf => &mut self.protobuf,
        }
    }

    fn numbered(&mut self, encoding: Encoding) -> &mut Vec<(u64, SocketId)> {
        match encoding {
            Encoding::Json => &mut self.json_numbered,
            Encoding::Protobuf => &mut self.protobuf_numbered,
        }
    }

    /// One frame for all that get the same bytes.
    fn send(mut self, turn: &mut Turn, frames: &mut Frames<'_>, note: Note) {
        if !self.simple.is_empty() {
            turn.send_noted(std::mem::take(&mut self.simple), frames.simple(), note);
        }
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let whole = std::mem::take(self.whole(encoding));
            if !whole.is_empty() {
                turn.send_noted(whole, frames.whole(encoding), note);
            }
            let numbered = self.numbered(encoding);
            // Clients that came together have had as many messages, so they share their ids too.
            numbered.sort_unstable();
            for same in numbered.chunk_by(|(one, _), (other, _)| one == other) {
                let Some((sequence_id, _)) = same.first() else { continue };
                let frame = Frame::Numbered { body: frames.body(encoding), sequence_id: *sequence_id };
                turn.send_noted(same.iter().map(|(_, socket)| *socket).collect(), frame, note);
            }
        }
    }
}

/// Which connections belong to a name. A name without any does not exist.
#[derive(Debug, Default)]
struct Index(BTreeMap<String, BTreeSet<Key>>);

impl Index {
    fn add(&mut self, name: &str, key: Key) {
        self.0.entry(name.to_owned()).or_default().insert(key);
    }

    fn remove(&mut self, name: &str, key: Key) {
        if let Some(members) = self.0.get_mut(name) {
            members.remove(&key);
            if members.is_empty() {
                self.0.remove(name);
            }
        }
    }

    fn members(&self, name: &str) -> Vec<Key> {
        self.0.get(name).into_iter().flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reliable::Unacknowledged;
    use crate::settings::StartedBy;

    fn connection(socket: SocketId) -> Connection {
        Connection {
            id: "c".to_owned(),
            user_id: None,
            protocol: Protocol::Framed(Subprotocol { encoding: Encoding::Json, is_reliable: true }),
            groups: BTreeSet::new(),
            permissions: Permissions::default(),
            link: Link::Open(socket),
            lost_charge: None,
            is_heard: true,
            acks: Default::default(),
            unacknowledged: Unacknowledged::new(&Budget::new(0)),
            streams: Default::default(),
            reconnection_token: String::new(),
        }
    }

    #[test]
    fn a_connection_is_found_by_the_socket_it_has_and_by_no_other() {
        let mut hub = Hub::new(String::new(), Handler::new(StartedBy::Program), Budget::new(0), None);
        let mut turn = Turn::new(0);
        let key = hub.add(0, connection(1));
        hub.resume(&mut turn, key, 2);
        assert_eq!((hub.by_socket(1), hub.by_socket(2)), (None, Some(key)));
        hub.closed(0, 1, 1000);
        assert!(hub.connection(key).is_some(), "the late end of the old socket does not touch the new one");
        hub.closed(0, 2, 1006);
        assert_eq!((hub.by_socket(2), hub.lost.len()), (None, 1));
        hub.resume(&mut turn, key, 3);
        assert_eq!((hub.by_socket(3), hub.lost.len()), (Some(key), 0));
        hub.close(&mut turn, key, 1000, "");
        assert!(hub.is_empty() && hub.by_socket.is_empty());
    }
}
