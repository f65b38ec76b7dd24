//! A host of the client's session, whole: `cargo run --package webpubsub-edge-emulator --example client`.
//!
//! It joins a group, sends to it, loses its socket, and comes back without missing a message; then it loses the connection
//! too, and joins the group again on a new one. The service is the emulator's state machine in the same process, so there
//! is no network and the clock is a number; a host with real sockets does the same with those of its runtime.

use std::collections::{BTreeMap, VecDeque};

use webpubsub_edge::client::{AckOutcome, Action, Input, NEXT_ACK_ID, Options, Session, recovery_url};
use webpubsub_edge::endpoint::ConnectionString;
use webpubsub_edge::protocol::{Downstream, Metadata, Payload, Upstream};
use webpubsub_edge::token::{ClientTokenOptions, client_access};
use webpubsub_edge_emulator as emulator;

fn main() {
    let mut host = Host::new();
    host.hand(Input::Start);
    host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group: 0 });
    host.run();
    host.publish(2, "before the cut");
    host.cut(1006);
    host.publish(3, "written while there is no socket");
    host.run();
    // With this code the service says that it does not hold the connection any more.
    host.cut(1008);
    host.run();
    host.publish(4, "on a new connection");
    host.run();
    host.hand(Input::Stop);
    host.run();
    assert_eq!(host.received, ["before the cut", "written while there is no socket", "on a new connection"]);
}

struct Host {
    session: Session,
    /// The clock, in milliseconds.
    now: u64,
    /// What the session knows by number: groups in order, and the payloads of messages that are not settled.
    groups: [&'static str; 1],
    payloads: BTreeMap<u32, &'static str>,
    /// What the latest `connected` frame told.
    connection: Option<(String, String)>,
    received: Vec<String>,
    service: emulator::Service,
    /// What is on its way from the service.
    arriving: VecDeque<(u32, emulator::Action)>,
}

impl Host {
    fn new() -> Host {
        Host {
            session: Session::new(Options::default(), 42),
            now: 1_700_000_000_000,
            groups: ["room"],
            payloads: BTreeMap::new(),
            connection: None,
            received: Vec::new(),
            service: emulator::Service::new(emulator::Settings::default()),
            arriving: VecDeque::new(),
        }
    }

    fn publish(&mut self, message: u32, text: &'static str) {
        self.payloads.insert(message, text);
        self.hand(Input::Send { message, ack_id: NEXT_ACK_ID });
    }

    /// Hands an input to the session and carries out what it asks for.
    fn hand(&mut self, input: Input) -> bool {
        let is_taken = self.session.handle(self.now, input);
        for action in self.session.take_actions() {
            self.carry_out(action);
        }
        is_taken
    }

    /// The loop: what arrives comes first, then the timer, until nothing is left but keeping alive.
    fn run(&mut self) {
        loop {
            if let Some((socket, action)) = self.arriving.pop_front() {
                self.arrive(socket, action);
                continue;
            }
            match self.session.wake_at() {
                Some(wake_at) if wake_at < self.now.saturating_add(2_000) => {
                    self.now = wake_at;
                    self.hand(Input::Tick);
                }
                _ => break,
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Open { socket, recover } => self.open(socket, recover),
            Action::Close { .. } => {
                let socket = self.session.socket();
                self.arriving.push_back((socket, closed(socket)));
            }
            Action::Ping => self.write(&Upstream::Ping),
            Action::SequenceAck { sequence_id } => self.write(&Upstream::SequenceAck { sequence_id }),
            Action::Send { message, ack_id } => {
                let [room] = self.groups;
                let (group, ack_id) = (room.into(), Some(ack_id));
                let frame = match self.payloads.get(&message) {
                    Some(text) => Upstream::SendToGroup {
                        group,
                        ack_id,
                        payload: Payload::Text((*text).into()),
                        no_echo: false,
                        ttl_seconds: None,
                        metadata: Metadata::new(),
                    },
                    None => Upstream::JoinGroup { group, ack_id },
                };
                self.write(&frame);
            }
            // A new connection is in no group yet.
            Action::Rejoin { ack_id, .. } => {
                let [room] = self.groups;
                self.write(&Upstream::JoinGroup { group: room.into(), ack_id: Some(ack_id) });
            }
            Action::Settle { message, outcome } => {
                self.payloads.remove(&message);
                println!("message {message}: {outcome:?}");
            }
            told @ (Action::Connected { .. }
            | Action::Recovering
            | Action::Recovered
            | Action::Disconnected
            | Action::Stopped
            | Action::RejoinFailed { .. }) => println!("{told:?}"),
            other => unreachable!("this host sends nothing that leads to {other:?}"),
        }
    }

    fn open(&mut self, socket: u32, recover: bool) {
        println!("open socket {socket}{}", if recover { " to recover" } else { "" });
        // A real host asks its server for a URL, for each new connection a fresh one.
        let fresh = access_url(self.now);
        let url = match &self.connection {
            Some((id, token)) if recover => recovery_url(&fresh, id, token),
            _ => fresh,
        };
        let subprotocol = ("Sec-WebSocket-Protocol".to_owned(), "json.reliable.webpubsub.azure.v1".to_owned());
        let url = url.replacen("ws", "http", 1);
        let request = emulator::Request { method: "GET".to_owned(), url, headers: vec![subprotocol], body: vec![] };
        let random = [socket as u8; 32];
        self.serve(emulator::Input::Upgrade { socket: socket.into(), request: &request, random });
    }

    fn write(&mut self, frame: &Upstream<'_>) {
        self.serve(emulator::Input::Text { socket: self.session.socket().into(), text: &frame.to_json() });
    }

    fn serve(&mut self, input: emulator::Input<'_>) {
        let socket = self.session.socket();
        let actions = self.service.handle(self.now, input);
        self.arriving.extend(actions.into_iter().map(|action| (socket, action)));
    }

    /// The network loses the socket and what was on its way.
    fn cut(&mut self, code: u16) {
        self.arriving.clear();
        let socket = self.session.socket();
        self.service.handle(self.now, emulator::Input::Closed { socket: socket.into(), code });
        self.hand(Input::Closed { socket, code });
    }

    /// What the service did reaches us. The session ignores what comes from a socket that it gave up.
    fn arrive(&mut self, socket: u32, action: emulator::Action) {
        match action {
            emulator::Action::Accept { .. } => _ = self.hand(Input::Opened { socket }),
            emulator::Action::Close { code, .. } => _ = self.hand(Input::Closed { socket, code }),
            emulator::Action::Send { frame, .. } => {
                if let emulator::Content::Text(text) = frame.content() {
                    self.read(socket, &text);
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, socket: u32, text: &str) {
        let input = match Downstream::from_json(text) {
            Ok(Some(Downstream::Connected { connection_id, reconnection_token, .. })) => {
                let ids = connection_id.zip(reconnection_token);
                self.connection = ids.map(|(id, token)| (id.into_owned(), token.into_owned()));
                Input::Connected { socket, recoverable: self.connection.is_some() }
            }
            Ok(Some(Downstream::Ack { ack_id, result })) => {
                let outcome = AckOutcome::of_error(result.as_ref().err().map(|error| error.name.as_ref()));
                Input::Ack { socket, ack_id, outcome }
            }
            Ok(Some(Downstream::Pong)) => Input::Pong { socket },
            Ok(Some(Downstream::Message(message))) => {
                let is_new = match message.sequence_id {
                    Some(sequence_id) => self.hand(Input::Data { socket, sequence_id }),
                    None => self.hand(Input::Heard { socket }),
                };
                if let Payload::Text(text) = message.payload
                    && is_new
                {
                    println!("received {text:?}");
                    self.received.push(text.into_owned());
                }
                return;
            }
            _ => Input::Heard { socket },
        };
        self.hand(input);
    }
}

fn closed(socket: u32) -> emulator::Action {
    emulator::Action::Close { socket: socket.into(), code: 1000, reason: String::new() }
}

fn access_url(now: u64) -> String {
    let text = format!("Endpoint=http://localhost:9770;AccessKey={};", emulator::ACCESS_KEY);
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
    ConnectionString::parse(&text)
        .and_then(|connection| {
            let key = connection.access_key.key();
            let options = ClientTokenOptions { user_id: Some("ann"), roles: &roles, ..Default::default() };
            client_access(&connection.endpoint, "chat", &key, &options, now / 1000)
        })
        .map(|access| access.url().to_owned())
        .unwrap_or_default()
}

#[test]
fn it_comes_back_without_missing_a_message() {
    main();
}
