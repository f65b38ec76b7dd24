//! One hub: its connections, their groups and users, and the delivery of messages to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::connection::{Connection, Link};
use crate::json;
use crate::limits::RECOVERY_WINDOW_MS;
use crate::message::{Frames, Message};
use crate::permissions::Permissions;
use crate::protocol::Protocol;
use crate::turn::Turn;
use crate::{Action, SocketId};

/// Names a connection inside its hub; ordered by when the connection was made.
pub(crate) type Key = u64;

/// The state of one hub. What it decides is collected by the turn.
#[derive(Default)]
pub(crate) struct Hub {
    connections: BTreeMap<Key, Connection>,
    by_id: BTreeMap<String, Key>,
    by_socket: BTreeMap<SocketId, Key>,
    users: Index,
    groups: Index,
    last_key: Key,
}

impl Hub {
    /// Whether nothing is connected and nothing can be recovered.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Adds a connection whose socket is open. It is a member of its groups from now on.
    pub(crate) fn add(&mut self, connection: Connection) -> Key {
        self.last_key = self.last_key.saturating_add(1);
        let key = self.last_key;
        self.by_id.insert(connection.id.clone(), key);
        if let Some(socket) = connection.socket() {
            self.by_socket.insert(socket, key);
        }
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
        if let Some(socket) = connection.socket() {
            self.by_socket.remove(&socket);
        }
        if let Some(user_id) = &connection.user_id {
            self.users.remove(user_id, key);
        }
        for group in &connection.groups {
            self.groups.remove(group, key);
        }
        Some(connection)
    }

    pub(crate) fn connection(&self, key: Key) -> Option<&Connection> {
        self.connections.get(&key)
    }

    pub(crate) fn permissions_mut(&mut self, key: Key) -> Option<&mut Permissions> {
        self.connections.get_mut(&key).map(|connection| &mut connection.permissions)
    }

    pub(crate) fn by_socket(&self, socket: SocketId) -> Option<Key> {
        self.by_socket.get(&socket).copied()
    }

    pub(crate) fn by_id(&self, connection_id: &str) -> Option<Key> {
        self.by_id.get(connection_id).copied()
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

    pub(crate) fn join(&mut self, key: Key, group: &str) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.groups.insert(group.to_owned());
            self.groups.add(group, key);
        }
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
    pub(crate) fn deliver(&mut self, turn: &mut Turn, to: &[Key], message: &Message) {
        let mut frames = Frames::new(message);
        let (mut simple, mut json, mut full) = (Vec::new(), Vec::new(), Vec::new());
        for key in to {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            match connection.protocol {
                Protocol::Simple(_) => simple.extend(connection.socket()),
                Protocol::Json => json.extend(connection.socket()),
                Protocol::JsonReliable => {
                    match connection.unacknowledged.push(turn.now, frames.json_head(), message.ttl_ms) {
                        Ok(frame) => turn.send(connection.socket().into_iter().collect(), frame),
                        Err(_) => full.push(*key),
                    }
                }
            }
        }
        if !simple.is_empty() {
            turn.send(simple, frames.simple());
        }
        if !json.is_empty() {
            turn.send(json, frames.json());
        }
        for key in full {
            self.close(turn, key, 1008, "The reliable message buffer is full.");
        }
    }

    /// Sends a frame that is no message: an ack, a pong.
    pub(crate) fn reply(&self, turn: &mut Turn, key: Key, text: String) {
        if let Some(socket) = self.connections.get(&key).and_then(Connection::socket) {
            turn.send_text(socket, text);
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
        if !matches!(connection.protocol, Protocol::Simple(_)) {
            turn.send_text(socket, json::disconnected(reason));
        }
        turn.close(socket, code, reason);
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
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if !connection.is_reliable() {
            self.remove(key);
            return;
        }
        if let Some(socket) = connection.socket() {
            self.by_socket.remove(&socket);
        }
        connection.link = Link::Lost { until: now.saturating_add(RECOVERY_WINDOW_MS) };
    }

    /// Gives a connection a new socket in place of its old one and replays what its client may have missed.
    pub(crate) fn resume(&mut self, turn: &mut Turn, key: Key, socket: SocketId) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if let Some(old) = connection.socket() {
            self.by_socket.remove(&old);
            turn.actions.push(Action::Abort { socket: old });
        }
        connection.link = Link::Open(socket);
        self.by_socket.insert(socket, key);
        for frame in connection.unacknowledged.replay(turn.now) {
            turn.send(vec![socket], frame);
        }
    }

    /// Forgets the connections that were not recovered in time.
    pub(crate) fn expire(&mut self, now: u64) {
        let is_over = |link| matches!(link, Link::Lost { until } if until <= now);
        let over: Vec<Key> =
            self.connections.iter().filter(|(_, connection)| is_over(connection.link)).map(|(key, _)| *key).collect();
        for key in over {
            self.remove(key);
        }
    }

    /// When [`Hub::expire`] has something to do next.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        let until = |connection: &Connection| match connection.link {
            Link::Open(_) => None,
            Link::Lost { until } => Some(until),
        };
        self.connections.values().filter_map(until).min()
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
