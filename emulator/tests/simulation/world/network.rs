//! The sockets between clients and service, and what breaks them.

use serde_json::{Value, json};
use webpubsub_edge::client::{Input as ClientInput, Protocol};
use webpubsub_edge::jwt::Key;
use webpubsub_edge_emulator::{ACCESS_KEY, Input, Request, SocketId};

use super::{Event, OBSERVER, ORIGIN, World};
use crate::client::Result;
use crate::frames::{self, Encoding, Wire};
use crate::random::Random;

/// One end at a client and one at the service; the wire between them may lie to both.
pub struct Socket {
    pub client: usize,
    pub number: u32,
    pub connection: Option<String>,
    /// Whether each side thinks that it is open.
    pub client_open: bool,
    pub service_open: bool,
    /// Whether what is sent arrives.
    pub up: bool,
    pub down: bool,
    pub up_free_at: u64,
    pub down_free_at: u64,
    /// When the client hears that it is open: no frame comes before that.
    pub opened_at: u64,
    /// Whether frames had to wait, so that it looks dead though it is not.
    pub was_slow: bool,
}

/// What goes to a client.
pub enum Down {
    Opened,
    Frame(Wire),
    Ping,
    Closed(u16),
}

impl Socket {
    /// One that a client has just asked for.
    fn new(client: usize, number: u32) -> Socket {
        Socket {
            client,
            number,
            connection: None,
            client_open: true,
            service_open: false,
            up: true,
            down: true,
            up_free_at: 0,
            down_free_at: 0,
            opened_at: 0,
            was_slow: false,
        }
    }

    /// Whether both sides are there and frames pass, so that nothing is wrong with it.
    pub fn is_good(&self) -> bool {
        self.client_open && self.service_open && self.up && self.down && !self.was_slow
    }
}

impl World<'_> {
    pub fn latency(&mut self) -> u64 {
        1 + self.random.below(self.schedule.latency) as u64
    }

    /// The socket that a client writes to.
    pub fn current(&self, client: usize) -> Option<SocketId> {
        self.find(client, self.clients[client].session.socket())
    }

    pub fn find(&self, client: usize, number: u32) -> Option<SocketId> {
        let is_it = |socket: &&Socket| socket.client == client && socket.number == number;
        self.sockets.iter().rev().find(|(_, socket)| is_it(socket)).map(|(id, _)| *id)
    }

    pub fn open(&mut self, client: usize, number: u32, query: Option<String>) {
        self.last_socket += 1;
        let socket = self.last_socket;
        self.sockets.insert(socket, Socket::new(client, number));
        if !self.is_calm && self.now < self.no_url_until {
            return self.at(self.now, Event::ToClient(socket, Down::Closed(1006)));
        }
        let at = self.now + self.latency();
        if !self.is_calm && self.now < self.hanging_until {
            return;
        }
        if !self.is_calm && self.now < self.unreachable_until {
            return self.at(at, Event::ToClient(socket, Down::Closed(1006)));
        }
        // Recovery takes the URL that the connection was made with; a new one is made with a fresh token.
        let query = query.unwrap_or_else(|| format!("?access_token={}", self.token(false)));
        self.at(at, Event::Upgrade(socket, query));
    }

    pub fn upgrade(&mut self, socket: SocketId, query: &str) {
        if !self.sockets[&socket].client_open {
            return;
        }
        if !self.is_calm && self.now < self.flapping_until && self.random.one_in(2) {
            // Something in between takes the socket and drops it: the service never hears of it.
            self.down(socket, Down::Opened);
            return self.down(socket, Down::Closed(1006));
        }
        self.sockets.get_mut(&socket).unwrap().service_open = true;
        if let Some(id) = query.split("awps_connection_id=").nth(1).and_then(|rest| rest.split('&').next()) {
            self.sockets.get_mut(&socket).unwrap().connection = Some(id.to_owned());
        }
        let subprotocol = match (self.schedule.encoding, self.schedule.options.protocol) {
            (Encoding::Json, Protocol::Reliable) => "json.reliable.webpubsub.azure.v1",
            (Encoding::Json, _) => "json.webpubsub.azure.v1",
            (Encoding::Protobuf, Protocol::Reliable) => "protobuf.reliable.webpubsub.azure.v1",
            (Encoding::Protobuf, _) => "protobuf.webpubsub.azure.v1",
        };
        self.connect(socket, query, subprotocol);
        if !self.is_calm && self.now < self.flapping_until {
            self.cut(socket);
        }
    }

    pub fn connect(&mut self, socket: SocketId, query: &str, subprotocol: &str) {
        let request = Request {
            method: "GET".to_owned(),
            url: format!("{ORIGIN}/client/hubs/chat{query}"),
            headers: vec![("Sec-WebSocket-Protocol".to_owned(), subprotocol.to_owned())],
            body: Vec::new(),
        };
        let mut random = [0; 32];
        random.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.random.next().to_be_bytes()));
        self.service(Input::Upgrade { socket, request: &request, random });
    }

    pub fn observe(&mut self) {
        self.sockets.insert(OBSERVER, Socket { service_open: true, ..Socket::new(usize::MAX, 0) });
        let query = format!("?access_token={}", self.token(true));
        self.connect(OBSERVER, &query, "json.webpubsub.azure.v1");
    }

    pub fn write(&mut self, socket: SocketId, frame: &Value) {
        let at = self.now + self.latency();
        let sender = self.sockets.get_mut(&socket).unwrap();
        if sender.client_open && sender.up {
            sender.up_free_at = sender.up_free_at.max(at);
            let at = sender.up_free_at;
            self.at(at, Event::ToService(socket, frames::write(self.schedule.encoding, frame)));
        }
    }

    pub fn down(&mut self, socket: SocketId, down: Down) {
        let at = self.now + self.latency();
        let receiver = self.sockets.get_mut(&socket).unwrap();
        if !receiver.down {
            return;
        }
        if let Down::Frame(wire) = &down
            && !self.is_calm
            && self.now < self.rejoins_lost_until
            && wire.is_ack_of_rejoin()
        {
            return;
        }
        if let Down::Frame(wire) = &down
            && self.now < self.jumble_until
            && wire.is_unordered()
            && !self.clients[receiver.client].is_unwatching()
        {
            let opened_at = receiver.opened_at;
            for _ in 0..1 + self.random.below(2) {
                let at = self.now + self.latency() + self.latency();
                self.at(at.max(opened_at), Event::ToClient(socket, Down::Frame(wire.clone())));
            }
            return;
        }
        receiver.down_free_at = receiver.down_free_at.max(at);
        let at = receiver.down_free_at;
        if matches!(down, Down::Opened) {
            receiver.opened_at = at;
        }
        self.at(at, Event::ToClient(socket, down));
    }

    /// Something arrives at a client.
    pub fn reach(&mut self, socket: SocketId, down: Down) -> Result {
        let Socket { client, number, client_open, .. } = self.sockets[&socket];
        let input = match down {
            Down::Opened => ClientInput::Opened { socket: number },
            Down::Closed(code) => {
                self.sockets.get_mut(&socket).unwrap().client_open = false;
                if self.clients[client].session.socket() == number {
                    self.clients[client].last_code = code;
                }
                ClientInput::Closed { socket: number, code }
            }
            // A host hands in late frames too; the session knows what to do.
            Down::Ping => {
                let end = &self.sockets[&socket];
                if end.client_open && end.up {
                    let at = end.up_free_at.max(self.now + self.schedule.latency as u64);
                    self.sockets.get_mut(&socket).unwrap().up_free_at = at;
                    self.at(at, Event::Pong(socket));
                }
                return Ok(());
            }
            Down::Frame(wire) => {
                return if client_open || self.random.one_in(2) {
                    self.clients[client].receive(self.now, number, wire)
                } else {
                    Ok(())
                };
            }
        };
        self.clients[client].handle(self.now, input).map(drop)
    }

    /// The wire breaks. What is under way is lost, and each side learns of it in its own time.
    pub fn cut(&mut self, socket: SocketId) {
        let learns = |random: &mut Random| if random.one_in(4) { random.below(20_000) } else { random.below(100) };
        let end = self.sockets.get_mut(&socket).unwrap();
        (end.up, end.down) = (false, false);
        let (client, service) = (learns(&mut self.random), learns(&mut self.random));
        let (now, latency) = (self.now, self.schedule.latency as u64);
        // What has left already may still arrive.
        self.at(now + latency + client as u64, Event::ToClient(socket, Down::Closed(1006)));
        self.at(now + latency + service as u64, Event::Gone(socket, 1006));
        if self.random.one_in(2) {
            self.lose_in_flight(socket);
        }
    }

    pub fn lose_in_flight(&mut self, cut: SocketId) {
        for event in &mut self.pending {
            if let Some(Event::ToService(socket, _) | Event::ToClient(socket, Down::Frame(_))) = event
                && *socket == cut
            {
                *event = None;
            }
        }
    }

    pub fn close(&mut self, client: usize, code: u16) {
        let Some(id) = self.clients[client].connection_id().map(str::to_owned) else { return };
        let Some((&socket, _)) = self.sockets.iter().find(|(_, socket)| socket.connection.as_ref() == Some(&id)) else {
            return;
        };
        if code == 1000 {
            // As REST does, for good.
            let path = format!("{ORIGIN}/api/hubs/chat/connections/{id}?api-version=2024-12-01");
            let claims = json!({ "aud": path, "exp": self.now / 1000 + 60 });
            let token = Key::new(ACCESS_KEY.as_bytes()).sign(&claims.to_string());
            let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
            let request = Request { method: "DELETE".to_owned(), url: path, headers, body: Vec::new() };
            self.service(Input::Request { id: 1, request: &request });
        } else {
            // As a proxy does.
            self.down(socket, Down::Closed(code));
            self.at(self.now, Event::Gone(socket, 1006));
        }
    }
}
