//! The service, its event handler, and the observer who tells what the service accepted.

use serde_json::json;
use webpubsub_edge::jwt::Key;
use webpubsub_edge::protocol::{Downstream, GroupStateItem};
use webpubsub_edge_emulator::{ACCESS_KEY, Action, EventReply, Frame, Input, Payload, Service, Settings, SocketId};

use super::network::Down;
use super::{Event, OBSERVER, ORIGIN, World};
use crate::frames::Wire;
use crate::schedule::{GROUPS, Schedule};

/// How long a token is good for a new connection. The service adds 300 s for clocks that differ.
const TOKEN_LIFE: u64 = 60_000;

/// A stream as the service published it.
#[derive(Default)]
pub struct Published {
    pub parts: usize,
    pub has_ended: bool,
    /// It was idle for so long that the service ended it.
    pub was_idle: bool,
}

pub fn new_service(schedule: &Schedule) -> Service {
    let mut service = Service::new(Settings { can_ping: schedule.has_pings, ..Settings::default() });
    service.answer_events("chat", schedule.has_handler);
    service
}

impl World<'_> {
    pub fn restart(&mut self, keeps_state: bool) {
        let open: Vec<SocketId> = self
            .sockets
            .iter()
            .filter(|(id, socket)| **id != OBSERVER && socket.service_open)
            .map(|(id, _)| *id)
            .collect();
        for socket in open {
            self.lose_in_flight(socket);
            if keeps_state {
                self.happen(Event::Gone(socket, 1006)).unwrap();
            }
            self.sockets.get_mut(&socket).unwrap().service_open = false;
            self.down(socket, Down::Closed(1006));
        }
        if !keeps_state {
            self.service = new_service(self.schedule);
            self.observe();
        }
    }

    pub fn broadcast(&mut self) {
        self.broadcasts += 1;
        let group = GROUPS[self.random.below(GROUPS.len() - 1)];
        let data = format!("all-{}", self.broadcasts);
        let frame = json!({ "type": "sendToGroup", "group": group, "dataType": "text", "data": data });
        self.service(Input::Text { socket: OBSERVER, text: &frame.to_string() });
    }

    /// Hands an input to the service and puts what it does on the network.
    pub fn service(&mut self, input: Input<'_>) {
        for action in self.service.handle(self.now, input) {
            match action {
                Action::Accept { socket, .. } if socket != OBSERVER => self.down(socket, Down::Opened),
                Action::Send { to, frame } => to.into_iter().for_each(|socket| self.send(socket, &frame)),
                Action::Ping { to } => {
                    for socket in to {
                        if socket == OBSERVER {
                            self.at(self.now, Event::Pong(socket));
                        } else {
                            self.down(socket, Down::Ping);
                        }
                    }
                }
                Action::Close { socket, code, .. } => {
                    self.sockets.get_mut(&socket).unwrap().service_open = false;
                    self.down(socket, Down::Closed(code));
                }
                Action::Abort { socket } => {
                    self.sockets.get_mut(&socket).unwrap().service_open = false;
                    self.down(socket, Down::Closed(1006));
                }
                Action::Refuse { response, .. } => panic!("refused: {}", String::from_utf8_lossy(&response.body)),
                Action::Event(event) => self.ask(event.id, event.payload),
                _ => {}
            }
        }
    }

    /// The event handler: mostly it says yes, sometimes no, sometimes later than anybody waits.
    pub fn ask(&mut self, id: u64, payload: Payload) {
        if let Payload::Text(data) = &payload {
            self.asked.insert(data.to_string());
        }
        let reply = match self.random.below(8) {
            0..2 => EventReply::Failed("no".to_owned()),
            2..5 => EventReply::Done(None),
            _ => EventReply::Done(Some(payload)),
        };
        let slowest = if self.random.one_in(8) { 40_000 } else { 3_000 };
        let at = self.now + self.random.below(slowest) as u64;
        self.at(at, Event::Reply(id, reply));
    }

    /// A part of a stream, as it was published.
    pub fn note_part(&mut self, text: &str) {
        let Ok(Some(Downstream::Message(message))) = Downstream::from_json(text) else { return };
        let Some(part) = message.stream else { return };
        let published = self.published.entry(part.stream_id.to_string()).or_default();
        if part.is_end {
            published.was_idle |= part.error.as_ref().is_some_and(|error| error.name == "IdleTimeout");
            published.has_ended |= part.error.is_none();
        } else {
            published.parts += 1;
            let expected = Payload::Text(format!("{} part {}", part.stream_id, published.parts).into());
            if part.sequence_id != published.parts as u64 || message.payload != expected {
                self.wrong = Some(format!("{text} is published after {} parts", published.parts - 1));
            }
        }
    }

    pub fn send(&mut self, socket: SocketId, frame: &Frame) {
        let wire = Wire::from(frame.content());
        if socket == OBSERVER {
            let Wire::Text(text) = wire else { panic!("a binary frame for the observer") };
            return self.watch(&text);
        }
        let receiver = self.sockets.get_mut(&socket).unwrap();
        if let Frame::Numbered { sequence_id, .. } = frame {
            let id = receiver.connection.clone().expect("a numbered frame is for a known connection");
            let before = self.sent.entry(id).or_default().insert(*sequence_id, wire.clone());
            assert!(before.is_none_or(|before| before == wire), "the service numbers anew");
        } else if receiver.connection.is_none()
            && let Some(Downstream::Connected { connection_id, .. }) = wire.read()
        {
            receiver.connection = connection_id.map(|id| id.into_owned());
        }
        self.down(socket, Down::Frame(wire));
    }

    /// What the observer sees.
    pub fn watch(&mut self, text: &str) {
        if text.contains(r#""stream":{"#) {
            self.note_part(text);
        } else if let Some(data) = text.split(r#""data":""#).nth(1).and_then(|rest| rest.split('"').next()) {
            *self.accepted.entry(data.to_owned()).or_default() += 1;
        } else if text.contains("groupStateSnapshot")
            && let Ok(Some(Downstream::GroupState { group, items, .. })) = Downstream::from_json(text)
        {
            let items = items.into_iter().map(GroupStateItem::into_owned).collect();
            self.states.insert(group.into_owned(), items);
        }
    }

    /// A token that may do all to the groups but the last one. The observer is in them.
    pub fn token(&mut self, is_observer: bool) -> String {
        // Signing is slow, so those of the same minute are one.
        let expires = (self.now / TOKEN_LIFE + 1) * TOKEN_LIFE / 1000;
        let make = || {
            let allowed = &GROUPS[..GROUPS.len() - 1];
            let role = |what: &str| allowed.iter().map(|group| format!("webpubsub.{what}.{group}")).collect::<Vec<_>>();
            let roles = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"].map(role).concat();
            let claims = json!({
                "aud": format!("{ORIGIN}/client/hubs/chat"),
                "exp": expires,
                "role": roles,
                "webpubsub.group": if is_observer { allowed } else { &[] },
            });
            Key::new(ACCESS_KEY.as_bytes()).sign(&claims.to_string())
        };
        self.tokens.entry((expires, is_observer)).or_insert_with(make).clone()
    }
}
