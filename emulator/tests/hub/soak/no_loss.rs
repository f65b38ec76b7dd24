//! Reliable clients over a network that breaks all the time: every message arrives once and in order.
//!
//! In `cargo test` 20 clients receive 50,000 messages together; `cargo xtask soak` makes it 200 clients and a million.

use std::collections::VecDeque;

use serde_json::{Value, json};
use webpubsub_edge::protocol::{Downstream, Payload, Upstream};
use webpubsub_edge_emulator::SocketId;

use crate::random::{Random, soak};
use crate::world::{Event, PROTOBUF_RELIABLE, RELIABLE, World};

#[test]
fn nothing_is_lost_doubled_or_out_of_order() {
    let is_long = std::env::var("SOAK_SECONDS").is_ok();
    let (clients, deliveries) = if is_long { (200, 1_000_000) } else { (20, 50_000) };
    soak("no loss", |random| run(random, clients, deliveries / clients));
}

fn run(random: &mut Random, clients: usize, to_publish: usize) {
    let mut world = World::new();
    // Faults of the hub's own, beside what the clients do to their sockets.
    for fault in [
        json!({ "type": "cutOnFrame", "share": 0.002 }),
        json!({ "type": "halfOpen", "share": 0.0005 }),
        json!({ "type": "halfOpen", "share": 0.0005, "direction": "toClient" }),
        json!({ "type": "delay", "share": 0.01, "ms": 150 }),
        json!({ "type": "duplicateAcks", "share": 0.05 }),
        json!({ "type": "reorderAcks", "share": 0.05 }),
        json!({ "type": "delayAcks", "share": 0.05, "ms": 300 }),
    ] {
        let mut fault = fault;
        fault["seed"] = json!(random.next() >> 11);
        world.break_it(fault);
    }
    let mut all: Vec<Client> = (0..clients).map(|number| Client::connect(&mut world, number)).collect();
    let (mut published, mut steps) = (0, 0_u64);
    while all.iter().any(|client| !client.has_all(published)) || published < to_publish {
        steps += 1;
        assert!(steps < 100 * to_publish as u64 + 10_000, "it does not come to an end");
        // A client that misses 1000 messages is closed for good, so none is let fall behind by as many.
        let least = all.iter().map(|client| client.received.len()).min().unwrap_or(0);
        for _ in 0..random.below(4) {
            if published < to_publish.min(least + 700) {
                all[published % clients].outbox.push_back((published as u64 + 1, published.to_string()));
                published += 1;
            }
        }
        if random.one_in(400) {
            world.break_it(json!({ "type": "restart" }));
        }
        for client in &mut all {
            client.step(&mut world, random);
        }
        world.pass(100);
    }
    let recoveries: usize = all.iter().map(|client| client.recoveries).sum();
    assert!(recoveries > clients * 2, "the network broke {recoveries} times only");
    for client in &mut all {
        client.check(clients, published);
        client.leave(&mut world);
    }
    world.service.clear_faults(world.now, None);
    world.pass(30_000);
    assert!(world.service.is_idle(), "everything was forgotten");
}

/// What a client of the reliable subprotocols does, as short as it can be.
struct Client {
    is_json: bool,
    connection_id: String,
    token: String,
    socket: Option<SocketId>,
    /// What the network has not handed over yet.
    inbox: VecDeque<Event>,
    largest_id: u64,
    acknowledged_id: u64,
    heard_at: u64,
    /// Not acknowledged yet; those before `sent` have been sent over this socket.
    outbox: VecDeque<(u64, String)>,
    sent: usize,
    received: Vec<usize>,
    recoveries: usize,
}

impl Client {
    fn connect(world: &mut World, number: usize) -> Client {
        let is_json = number.is_multiple_of(2);
        let protocol = if is_json { RELIABLE } else { PROTOBUF_RELIABLE };
        let claims = json!({ "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
        // A fault may take even the first frame.
        let (socket, connection_id, token) = loop {
            let socket = world.connect(protocol, claims.clone());
            let seen = world.seen(socket);
            if let Some((connection_id, token)) = seen.iter().find_map(connected) {
                break (socket, connection_id, token);
            }
            world.close(socket, 1000);
        };
        Client {
            is_json,
            connection_id,
            token,
            socket: Some(socket),
            inbox: VecDeque::new(),
            largest_id: 0,
            acknowledged_id: 0,
            heard_at: world.now,
            outbox: VecDeque::new(),
            sent: 0,
            received: Vec::new(),
            recoveries: 0,
        }
    }

    fn has_all(&self, published: usize) -> bool {
        self.received.len() == published && self.outbox.is_empty()
    }

    fn step(&mut self, world: &mut World, random: &mut Random) {
        let Some(socket) = self.socket else {
            if random.one_in(10) {
                self.recover(world);
            }
            return;
        };
        self.inbox.extend(world.seen(socket));
        // The network hands over some of it; what is left when it breaks is lost.
        let arrived = if random.one_in(4) { random.below(self.inbox.len() + 1) } else { self.inbox.len() };
        let arrived: Vec<Event> = self.inbox.drain(..arrived).collect();
        for event in arrived {
            self.heard_at = world.now;
            match event {
                Event::Aborted | Event::Closed(..) => return self.lose(),
                event => self.receive(&event),
            }
        }
        if random.one_in(150) {
            world.close(socket, [1001, 1005, 1006][random.below(3)]);
            return self.lose();
        }
        while self.sent < self.outbox.len() && !random.one_in(10) {
            let (ack_id, text) = self.outbox[self.sent].clone();
            self.publish(world, socket, ack_id, &text);
            self.sent += 1;
        }
        if self.largest_id > self.acknowledged_id && random.one_in(10) {
            self.acknowledged_id = self.largest_id;
            self.send(world, socket, json!({ "type": "sequenceAck", "sequenceId": self.largest_id }), || {
                Upstream::SequenceAck { sequence_id: self.largest_id }
            });
        }
        // A dead socket is noticed by its silence.
        if world.now > self.heard_at + 3000 {
            world.close(socket, 1006);
            self.lose();
        } else if world.now > self.heard_at + 1000 {
            self.send(world, socket, json!({ "type": "ping" }), || Upstream::Ping);
        }
    }

    fn lose(&mut self) {
        self.socket = None;
        self.inbox.clear();
    }

    fn recover(&mut self, world: &mut World) {
        let query = format!("awps_connection_id={}&awps_reconnection_token={}", self.connection_id, self.token);
        let protocol = if self.is_json { RELIABLE } else { PROTOBUF_RELIABLE };
        self.socket = Some(world.upgrade(&format!("/client/hubs/chat?{query}"), protocol).unwrap());
        self.heard_at = world.now;
        // What was sent may have been lost, acks of messages too. Ack ids keep it from being carried out twice.
        self.sent = 0;
        self.acknowledged_id = 0;
        self.recoveries += 1;
    }

    fn receive(&mut self, event: &Event) {
        match event {
            Event::Accepted(_) => {}
            Event::Text(text) => {
                let frame: Value = serde_json::from_str(text).unwrap();
                match frame["type"].as_str().unwrap() {
                    "ack" => self.acknowledge(
                        frame["ackId"].as_u64().unwrap(),
                        frame["success"] == true || frame["error"]["name"] == "Duplicate",
                    ),
                    "message" => self.take(frame["sequenceId"].as_u64().unwrap(), frame["data"].as_str().unwrap()),
                    _ => {}
                }
            }
            Event::Binary(bytes) => match Downstream::from_protobuf(bytes).unwrap().unwrap() {
                Downstream::Ack { ack_id, result } => {
                    self.acknowledge(ack_id, result.is_ok() || result.is_err_and(|error| error.name == "Duplicate"));
                }
                Downstream::Message(message) => {
                    let Payload::Text(text) = &message.payload else { panic!("{message:?}") };
                    self.take(message.sequence_id.unwrap(), text);
                }
                _ => {}
            },
            other => panic!("{other:?}"),
        }
    }

    fn acknowledge(&mut self, ack_id: u64, is_done: bool) {
        assert!(is_done, "every message is allowed");
        if let Some(at) = self.outbox.iter().position(|(id, _)| *id == ack_id) {
            self.outbox.remove(at);
            self.sent = self.sent.saturating_sub(usize::from(at < self.sent));
        }
    }

    fn take(&mut self, id: u64, text: &str) {
        if id <= self.largest_id {
            return;
        }
        assert_eq!(id, self.largest_id + 1, "none is left out");
        self.largest_id = id;
        self.received.push(text.parse().unwrap());
    }

    fn publish(&self, world: &mut World, socket: SocketId, ack_id: u64, data: &str) {
        let frame = json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": data, "ackId": ack_id });
        self.send(world, socket, frame, || Upstream::SendToGroup {
            group: "g".into(),
            ack_id: Some(ack_id),
            payload: Payload::Text(data.into()),
            no_echo: false,
            ttl_seconds: None,
            metadata: vec![],
        });
    }

    fn send<'a>(&self, world: &mut World, socket: SocketId, json: Value, protobuf: impl FnOnce() -> Upstream<'a>) {
        if self.is_json {
            world.send(socket, json);
        } else {
            world.binary(socket, &protobuf().to_protobuf());
        }
    }

    /// Every publisher's messages are there, once and in order: one in `clients` is its own.
    fn check(&self, clients: usize, published: usize) {
        let mut next: Vec<usize> = (0..clients).collect();
        for number in &self.received {
            let expected = &mut next[number % clients];
            assert_eq!(number, expected);
            *expected += clients;
        }
        assert_eq!(self.received.len(), published);
    }

    fn leave(&mut self, world: &mut World) {
        if let Some(socket) = self.socket.take() {
            world.close(socket, 1000);
        }
    }
}

fn connected(event: &Event) -> Option<(String, String)> {
    match event {
        Event::Text(text) => {
            let frame: Value = serde_json::from_str(text).unwrap();
            let member = |name: &str| frame[name].as_str().map(str::to_owned);
            Some((member("connectionId")?, member("reconnectionToken")?))
        }
        Event::Binary(bytes) => match Downstream::from_protobuf(bytes) {
            Ok(Some(Downstream::Connected { connection_id: Some(id), reconnection_token: Some(token), .. })) => {
                Some((id.into_owned(), token.into_owned()))
            }
            _ => None,
        },
        _ => None,
    }
}
