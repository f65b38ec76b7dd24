//! A host without a network: it carries out the actions and keeps what each socket received.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webpubsub_edge::jwt::Key;
use webpubsub_edge_emulator::{
    ACCESS_KEY, Action, Content, Event as Asked, EventReply, Input, Request, Response, Service, Settings, SocketId,
};

pub const JSON: &str = "json.webpubsub.azure.v1";
pub const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";
pub const PROTOBUF: &str = "protobuf.webpubsub.azure.v1";
pub const PROTOBUF_RELIABLE: &str = "protobuf.reliable.webpubsub.azure.v1";
pub const ORIGIN: &str = "http://localhost:8080";

/// What a socket saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Accepted(Option<String>),
    Text(String),
    Binary(Vec<u8>),
    Closed(u16, String),
    Aborted,
}

/// A service, its clock and its sockets.
pub struct World {
    pub service: Service,
    pub now: u64,
    last_id: u64,
    seen: BTreeMap<SocketId, Vec<Event>>,
    /// These do not answer pings.
    pub mute: BTreeSet<SocketId>,
    /// How many frames the last input sent, however many sockets each went to.
    pub sends: usize,
    /// Answers that came after their request.
    pub late: Vec<Response>,
    /// The lines of the log.
    pub log: Vec<String>,
    /// What the event handler was asked.
    pub events: Vec<Asked>,
    /// The ids of those that nobody waits for any more.
    pub events_over: Vec<u64>,
}

impl World {
    pub fn new() -> World {
        World::with(Settings::default())
    }

    /// One whose host cannot ping: then time brings nothing but the end of what was lost.
    pub fn without_pings() -> World {
        World::with(Settings { can_ping: false, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> World {
        World {
            service: Service::new(settings),
            now: 1_700_000_000_000,
            last_id: 0,
            seen: BTreeMap::new(),
            mute: BTreeSet::new(),
            sends: 0,
            late: Vec::new(),
            log: Vec::new(),
            events: Vec::new(),
            events_over: Vec::new(),
        }
    }

    /// A token for this URL, valid for an hour, with more claims.
    pub fn token(&self, audience: &str, claims: Value) -> String {
        let mut all = json!({ "aud": audience, "exp": self.now / 1000 + 3600 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        Key::new(ACCESS_KEY.as_bytes()).sign(&all.to_string())
    }

    /// A token as Entra would issue it, but for the signature.
    pub fn entra_token(&self, claims: Value) -> String {
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let mut all = json!({ "aud": "https://webpubsub.azure.com", "exp": self.now / 1000 + 3600 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        format!("{}.{}.c2lnbmVk", part(&json!({ "alg": "RS256", "typ": "JWT", "kid": "k" })), part(&all))
    }

    /// Connects to the hub `chat` with these claims and returns the socket.
    pub fn connect(&mut self, subprotocol: &str, claims: Value) -> SocketId {
        self.connect_with(subprotocol, claims, "").unwrap()
    }

    /// The same with more query parameters, or the answer that refused it.
    pub fn connect_with(&mut self, subprotocol: &str, claims: Value, query: &str) -> Result<SocketId, Response> {
        let token = self.token(&format!("{ORIGIN}/client/hubs/chat"), claims);
        self.upgrade(&format!("/client/hubs/chat?access_token={token}{query}"), subprotocol)
    }

    pub fn upgrade(&mut self, path: &str, subprotocol: &str) -> Result<SocketId, Response> {
        let headers = match subprotocol {
            "" => vec![],
            name => vec![("Sec-WebSocket-Protocol".to_owned(), name.to_owned())],
        };
        self.upgrade_with(Request { method: "GET".to_owned(), url: format!("{ORIGIN}{path}"), headers, body: vec![] })
    }

    /// Sends this upgrade request; returns the socket, or the answer that refused it.
    pub fn upgrade_with(&mut self, request: Request) -> Result<SocketId, Response> {
        let socket = self.next_id();
        let mut random = [0; 32];
        // The ids of later connections come first, so that their order is not the one of their making.
        random[..8].copy_from_slice(&(!socket).to_be_bytes());
        random[24..].copy_from_slice(&socket.to_be_bytes());
        match self.handle(Input::Upgrade { socket, request: &request, random }) {
            Some(refusal) => Err(refusal),
            None => Ok(socket),
        }
    }

    /// A client with a JSON subprotocol sends a frame.
    pub fn send(&mut self, socket: SocketId, frame: Value) {
        self.text(socket, &frame.to_string());
    }

    pub fn text(&mut self, socket: SocketId, text: &str) {
        self.handle(Input::Text { socket, text });
    }

    pub fn binary(&mut self, socket: SocketId, bytes: &[u8]) {
        self.handle(Input::Binary { socket, bytes });
    }

    pub fn close(&mut self, socket: SocketId, code: u16) {
        self.handle(Input::Closed { socket, code });
    }

    /// Injects a fault into the hub `chat` and returns its id, if it lasts.
    pub fn break_it(&mut self, fault: Value) -> Option<u64> {
        let fault = serde_json::from_value(fault).unwrap();
        let (injected, actions) = self.service.inject(self.now, Some("Chat"), fault).unwrap();
        self.carry_out(actions);
        injected.id
    }

    /// Removes a fault.
    pub fn mend(&mut self, id: Option<u64>) {
        let actions = self.service.remove_fault(self.now, id.unwrap()).unwrap();
        self.carry_out(actions);
    }

    /// Removes all faults.
    pub fn clear_faults(&mut self) {
        let actions = self.service.clear_faults(self.now, None);
        self.carry_out(actions);
    }

    /// Frames pile up in the host.
    pub fn backlog(&mut self, socket: SocketId, messages: usize, bytes: usize) {
        self.handle(Input::Backlog { socket, messages, bytes });
    }

    pub fn pass(&mut self, ms: u64) {
        self.now += ms;
        let answer = self.handle(Input::Tick);
        self.late.extend(answer);
    }

    /// A signed REST request without a body.
    pub fn rest(&mut self, method: &str, path: &str) -> Response {
        self.rest_with(method, path, None, b"")
    }

    /// A signed REST request with a body.
    pub fn post(&mut self, path: &str, content_type: &str, body: &[u8]) -> Response {
        self.rest_with("POST", path, Some(content_type), body)
    }

    pub fn rest_with(&mut self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Response {
        let token = self.token(&format!("{ORIGIN}{path}"), json!({}));
        self.rest_as(&token, method, path, content_type, body)
    }

    /// A REST request with this token.
    pub fn rest_as(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Response {
        let url = format!("{ORIGIN}{path}");
        let mut headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
        headers.extend(content_type.map(|content_type| ("Content-Type".to_owned(), content_type.to_owned())));
        self.request(Request { method: method.to_owned(), url, headers, body: body.to_vec() })
    }

    pub fn request(&mut self, request: Request) -> Response {
        let id = self.next_id();
        self.try_request(id, &request).expect("a request is answered")
    }

    /// The answer to a request, unless it is to be late.
    pub fn try_request(&mut self, id: u64, request: &Request) -> Option<Response> {
        self.handle(Input::Request { id, request })
    }

    /// The event handler of the hub `chat` answers what it was asked last.
    pub fn answer(&mut self, reply: EventReply) {
        let id = self.events.last().expect("something was asked").id;
        self.answer_to(id, reply);
    }

    pub fn answer_to(&mut self, id: u64, reply: EventReply) {
        self.handle(Input::Reply { hub: "chat", id, reply: &reply });
    }

    /// What a socket saw since it was last asked.
    pub fn seen(&mut self, socket: SocketId) -> Vec<Event> {
        self.seen.remove(&socket).unwrap_or_default()
    }

    /// The same where only JSON frames are expected.
    pub fn frames(&mut self, socket: SocketId) -> Vec<Value> {
        let frame = |event| match event {
            Event::Text(text) => Some(serde_json::from_str(&text).unwrap()),
            Event::Accepted(_) => None,
            other => panic!("{other:?}"),
        };
        self.seen(socket).into_iter().filter_map(frame).collect()
    }

    /// The id that a client was told when it connected. Takes the frames up to now.
    pub fn connection_id(&mut self, socket: SocketId) -> String {
        self.frames(socket)[0]["connectionId"].as_str().unwrap().to_owned()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Carries out the actions; returns an answer if there is one.
    fn handle(&mut self, input: Input<'_>) -> Option<Response> {
        let actions = self.service.handle(self.now, input);
        self.carry_out(actions)
    }

    fn carry_out(&mut self, actions: Vec<Action>) -> Option<Response> {
        let mut answer = None;
        self.sends = 0;
        for action in actions {
            match action {
                Action::Accept { socket, subprotocol } => self.note(socket, Event::Accepted(subprotocol)),
                Action::Refuse { response, .. } | Action::Respond { response, .. } => answer = Some(response),
                Action::Send { to, frame } => {
                    self.sends += 1;
                    for socket in to {
                        self.note(
                            socket,
                            match frame.content() {
                                Content::Text(text) => Event::Text(text.into_owned()),
                                Content::Binary(bytes) => Event::Binary(bytes.into_owned()),
                            },
                        );
                    }
                }
                Action::Close { socket, code, reason } => self.note(socket, Event::Closed(code, reason)),
                Action::Ping { to } => self.ping(&to),
                Action::Event(event) => self.events.push(*event),
                Action::EventOver { id, .. } => self.events_over.push(id),
                Action::Log { line } => self.log.push(line),
                Action::Advance { ms, response, .. } => {
                    self.pass(ms);
                    answer = Some(response);
                }
                Action::Abort { socket } => self.note(socket, Event::Aborted),
            }
        }
        answer
    }

    /// Answers pings as every WebSocket does by itself.
    fn ping(&mut self, to: &[SocketId]) {
        for socket in to.iter().filter(|socket| !self.mute.contains(socket)).copied().collect::<Vec<_>>() {
            self.handle(Input::Pong { socket });
        }
    }

    fn note(&mut self, socket: SocketId, event: Event) {
        self.seen.entry(socket).or_default().push(event);
    }
}

/// The header of an answer.
pub fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

/// The body of an answer as JSON.
pub fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}
