//! The emulated service: takes what happens on the network, finds the hub it is about, and says what to do.

use std::collections::BTreeMap;
use std::fmt::Write;

use webpubsub_edge::jwt::Key;
use webpubsub_edge::names;

use crate::auth::{self, Audiences, Caller};
use crate::client::{self, Incoming};
use crate::connection::{Connection, Link};
use crate::frame::Frame;
use crate::http::{Request, Response};
use crate::hub::Hub;
use crate::protocol::Protocol;
use crate::rest::{Call, HubResource, Resource};
use crate::turn::Turn;
use crate::upgrade::{NewClient, Recovery, Upgrade};
use crate::url::{Query, Url};
use crate::{answer, control, guard, json, rest, upgrade};

/// Names a socket; chosen by the host, never used twice.
pub type SocketId = u64;

/// Names an HTTP request that waits for its answer; chosen by the host.
pub type RequestId = u64;

/// Something that happened.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A client asks to upgrade to a WebSocket. Answered by [`Action::Accept`] or [`Action::Refuse`].
    Upgrade {
        /// The socket it would get.
        socket: SocketId,
        /// The request.
        request: &'a Request,
        /// Fresh random bytes, out of which a new connection's id and reconnection token are made.
        random: [u8; 32],
    },
    /// A text message arrived on an accepted socket.
    Text {
        /// Where.
        socket: SocketId,
        /// The message.
        text: &'a str,
    },
    /// A binary message arrived on an accepted socket.
    Binary {
        /// Where.
        socket: SocketId,
        /// The message.
        bytes: &'a [u8],
    },
    /// An accepted socket is gone.
    Closed {
        /// Which.
        socket: SocketId,
        /// The code of the client's close frame: 1005 if it had none, 1006 if there was no close frame.
        code: u16,
    },
    /// Any other HTTP request. Answered by [`Action::Respond`].
    Request {
        /// Which.
        id: RequestId,
        /// The request.
        request: &'a Request,
    },
    /// Nothing but time has passed; see [`Service::wake_at`].
    Tick,
}

/// Something for the host to do, in this order.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Complete the upgrade.
    Accept {
        /// Whose.
        socket: SocketId,
        /// The subprotocol to name in the answer.
        subprotocol: Option<String>,
    },
    /// Answer the upgrade with this instead.
    Refuse {
        /// Whose.
        socket: SocketId,
        /// The answer.
        response: Response,
    },
    /// Send one frame to each of these sockets.
    Send {
        /// At least one socket.
        to: Vec<SocketId>,
        /// The frame.
        frame: Frame,
    },
    /// Close a socket with a close frame. Nothing about it needs to be reported any more.
    Close {
        /// Which.
        socket: SocketId,
        /// The code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
    /// Drop a socket as a broken network would: if the host can, without a close frame. Nothing about it needs to
    /// be reported any more.
    Abort {
        /// Which.
        socket: SocketId,
    },
    /// Answer a request.
    Respond {
        /// Which.
        id: RequestId,
        /// The answer.
        response: Response,
    },
}

/// What an emulated service is told once.
#[derive(Clone)]
pub struct Settings {
    /// The access keys: tokens signed with any of them are taken.
    pub access_keys: Vec<String>,
    /// The hub that `/_emulator` is about when the query names none.
    pub default_hub: String,
    /// Origins of pages that may use the emulator besides its own, as browsers write them:
    /// `http://localhost:5173`.
    pub allowed_origins: Vec<String>,
    /// Whether REST takes Entra tokens, none of which can be validated: anybody can make one up. Without, only
    /// tokens signed with a key are taken, and `:generateToken`, which needs an Entra token, answers 401.
    pub allow_unvalidated_entra_tokens: bool,
}

impl Default for Settings {
    /// The key that the official emulator publishes, the hub `demo`, no other origin, no Entra tokens.
    fn default() -> Settings {
        Settings {
            access_keys: vec![crate::ACCESS_KEY.to_owned()],
            default_hub: crate::DEFAULT_HUB.to_owned(),
            allowed_origins: Vec::new(),
            allow_unvalidated_entra_tokens: false,
        }
    }
}

/// Every hub of one emulated service. Hub names are compared without regard to case.
pub struct Service {
    keys: Vec<Key>,
    default_hub: String,
    allowed_origins: Vec<String>,
    allow_unvalidated_entra_tokens: bool,
    hubs: BTreeMap<String, Hub>,
    hub_of_socket: BTreeMap<SocketId, String>,
}

impl Service {
    /// A service without connections.
    pub fn new(settings: Settings) -> Service {
        let Settings { access_keys, default_hub, allowed_origins, allow_unvalidated_entra_tokens } = settings;
        let keys = access_keys.iter().map(|key| Key::new(key.as_bytes())).collect();
        Service {
            keys,
            default_hub,
            allowed_origins,
            allow_unvalidated_entra_tokens,
            hubs: BTreeMap::new(),
            hub_of_socket: BTreeMap::new(),
        }
    }

    /// The hub that a request goes to, if it is about one: found, and refused, without the request's body and without
    /// what any hub holds. A host asks this before it reads a body; one that keeps each hub in a service of its own,
    /// before it makes one.
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn admit(&self, now: u64, request: &Request) -> Result<Option<String>, Response> {
        if request.is_upgrade() {
            self.admit_upgrade(now, request).map(|(hub, _)| Some(hub))
        } else {
            self.admit_request(now, request).map(|(_, task)| task.hub().map(str::to_owned))
        }
    }

    /// Takes in what happened at `now`, in milliseconds since 1970, and says what to do about it.
    pub fn handle(&mut self, now: u64, input: Input<'_>) -> Vec<Action> {
        let mut turn = Turn::new(now);
        match input {
            Input::Upgrade { socket, request, random } => {
                if let Err(response) = self.upgrade(&mut turn, socket, request, random) {
                    turn.actions.push(Action::Refuse { socket, response });
                }
            }
            Input::Text { socket, text } => self.receive(&mut turn, socket, Incoming::Text(text)),
            Input::Binary { socket, bytes } => self.receive(&mut turn, socket, Incoming::Binary(bytes)),
            Input::Closed { socket, code } => {
                if let Some(hub) = self.hub_of_socket.remove(&socket).and_then(|name| self.hubs.get_mut(&name)) {
                    hub.closed(now, socket, code);
                }
            }
            Input::Request { id, request } => {
                let response = self.answer(&mut turn, request).unwrap_or_else(|refusal| refusal);
                turn.actions.push(Action::Respond { id, response });
            }
            Input::Tick => self.hubs.values_mut().for_each(|hub| hub.expire(now)),
        }
        self.forget_what_ended(&turn.actions);
        turn.actions
    }

    /// When the host should hand in [`Input::Tick`] at the latest; `None` while nothing waits for time to pass.
    pub fn wake_at(&self) -> Option<u64> {
        self.hubs.values().filter_map(Hub::next_expiry).min()
    }

    /// Whether nothing is connected and nothing can be recovered: then the state may be lost without harm.
    pub fn is_idle(&self) -> bool {
        self.hubs.is_empty()
    }

    fn upgrade(
        &mut self,
        turn: &mut Turn,
        socket: SocketId,
        request: &Request,
        random: [u8; 32],
    ) -> Result<(), Response> {
        let (name, upgrade) = self.admit_upgrade(turn.now, request)?;
        let hub = self.hubs.entry(name.clone()).or_default();
        self.hub_of_socket.insert(socket, name);
        match upgrade {
            Upgrade::New(client) => connect(hub, turn, socket, client, random),
            Upgrade::Recover(recovery) => recover(hub, turn, socket, recovery),
        }
        Ok(())
    }

    fn receive(&mut self, turn: &mut Turn, socket: SocketId, incoming: Incoming<'_>) {
        let Some(hub) = self.hub_of_socket.get(&socket).and_then(|name| self.hubs.get_mut(name)) else {
            return;
        };
        if let Some(key) = hub.by_socket(socket) {
            client::receive(hub, turn, key, incoming);
        }
    }

    fn answer(&mut self, turn: &mut Turn, request: &Request) -> Result<Response, Response> {
        let (asked, task) = self.admit_request(turn.now, request)?;
        match task {
            Task::Health => Ok(Response::empty(200)),
            Task::Control { hub } => {
                let state = self.hubs.entry(hub.clone()).or_default();
                Ok(control::perform(&hub, state, turn, &asked.segments, request))
            }
            Task::Operation { hub, spelled, what, caller } => {
                let call =
                    Call { request, url: &asked.url, query: &asked.query, hub: &spelled, caller, keys: &self.keys };
                Ok(rest::perform(self.hubs.entry(hub).or_default(), turn, what, &call))
            }
        }
    }

    fn admit_upgrade(&self, now: u64, request: &Request) -> Result<(String, Upgrade), Response> {
        let asked = Asked::read(request, &self.allowed_origins)?;
        let hub = hub_key(upgrade::hub_name(&asked.segments, &asked.query)?)?;
        let upgrade = upgrade::read(request, &asked.url, &asked.query, &hub, &self.keys, now)?;
        Ok((hub, upgrade))
    }

    fn admit_request<'a>(&self, now: u64, request: &'a Request) -> Result<(Asked<'a>, Task), Response> {
        let asked = Asked::read(request, &self.allowed_origins)?;
        let task = match asked.segments.first().map(String::as_str) {
            Some("client" | "clients") => {
                upgrade::hub_name(&asked.segments, &asked.query)?;
                return Err(answer::bad_request("This path takes WebSocket upgrades only."));
            }
            Some("_emulator") => {
                if matches!(request.method.as_str(), "GET" | "HEAD") {
                    guard::check_look(&|name| request.header(name).map(str::to_owned))
                        .map_err(guard::Foreign::response)?;
                }
                Task::Control { hub: hub_key(asked.query.last("hub").unwrap_or(&self.default_hub))? }
            }
            _ => self.operation(now, &asked, request)?,
        };
        Ok((asked, task))
    }

    fn operation(&self, now: u64, asked: &Asked<'_>, request: &Request) -> Result<Task, Response> {
        let resource = rest::route(&asked.segments).ok_or_else(answer::not_found)?;
        if !resource.methods().contains(&request.method.as_str()) {
            return Err(answer::method_not_allowed(resource.methods()));
        }
        let Resource::InHub { hub: spelled, what } = resource else {
            return Ok(Task::Health);
        };
        let caller = auth::check_caller(
            &self.keys,
            request.bearer(),
            &Audiences::of(&asked.url),
            now,
            self.allow_unvalidated_entra_tokens,
        )?;
        Ok(Task::Operation { hub: hub_key(&spelled)?, spelled, what, caller })
    }

    fn forget_what_ended(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Close { socket, .. } | Action::Abort { socket } = action {
                self.hub_of_socket.remove(socket);
            }
        }
        self.hubs.retain(|_, hub| !hub.is_empty());
    }
}

fn connect(hub: &mut Hub, turn: &mut Turn, socket: SocketId, client: NewClient, random: [u8; 32]) {
    let NewClient { protocol, subprotocol, user_id, groups, permissions } = client;
    let (id_bytes, token_bytes) = random.split_at(16);
    let connection = Connection {
        id: hex(id_bytes),
        user_id,
        protocol,
        groups: groups.into_iter().collect(),
        permissions,
        link: Link::Open(socket),
        acks: Default::default(),
        unacknowledged: Default::default(),
        reconnection_token: hex(token_bytes),
    };
    turn.actions.push(Action::Accept { socket, subprotocol });
    if !matches!(connection.protocol, Protocol::Simple(_)) {
        let token = connection.is_reliable().then_some(connection.reconnection_token.as_str());
        turn.send_text(socket, json::connected(&connection.id, connection.user_id.as_deref(), token));
    }
    hub.add(connection);
}

/// The upgrade is accepted in any case: a browser shows its page the code of a close frame, but not the status of
/// a refused upgrade.
fn recover(hub: &mut Hub, turn: &mut Turn, socket: SocketId, recovery: Recovery) {
    turn.actions.push(Action::Accept { socket, subprotocol: recovery.subprotocol });
    hub.expire(turn.now);
    let key = hub.by_id(&recovery.connection_id);
    let found = key
        .and_then(|key| hub.connection(key))
        .filter(|connection| connection.is_reliable() && connection.reconnection_token == recovery.reconnection_token);
    match (key, found) {
        (Some(key), Some(_)) => hub.resume(turn, key, socket),
        _ => turn.close(socket, 1008, "The connection cannot be recovered."),
    }
}

/// A request whose URL was read and whose sender may be here.
struct Asked<'a> {
    url: Url<'a>,
    segments: Vec<String>,
    query: Query,
}

impl<'a> Asked<'a> {
    fn read(request: &'a Request, allowed_origins: &[String]) -> Result<Asked<'a>, Response> {
        let url = Url::parse(&request.url).ok_or_else(|| answer::bad_request("The URL is not absolute."))?;
        let header = |name: &str| request.header(name).map(str::to_owned);
        guard::check(request.host(&url), &header, allowed_origins).map_err(guard::Foreign::response)?;
        match (url.segments(), url.parameters()) {
            (Some(segments), Some(query)) => Ok(Asked { url, segments, query }),
            _ => Err(answer::bad_request("The URL's escapes are not UTF-8.")),
        }
    }
}

/// What a request that may be carried out is for.
enum Task {
    Health,
    /// `/_emulator`
    Control {
        hub: String,
    },
    /// REST
    Operation {
        hub: String,
        /// The hub as the path spells it.
        spelled: String,
        what: HubResource,
        caller: Caller,
    },
}

impl Task {
    fn hub(&self) -> Option<&str> {
        match self {
            Task::Health => None,
            Task::Control { hub } | Task::Operation { hub, .. } => Some(hub),
        }
    }
}

/// The name under which a hub is kept.
fn hub_key(name: &str) -> Result<String, Response> {
    names::check_hub(name).map_err(|error| answer::bad_request(&error.to_string()))?;
    Ok(name.to_ascii_lowercase())
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

    const NOW: u64 = 1_700_000_000_000;
    const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";

    fn request(method: &str, path: &str, upgrade: bool) -> Request {
        let url = format!("http://localhost{path}");
        let payload = format!(r#"{{"aud":"{url}","exp":{}}}"#, NOW / 1000 + 60);
        let token = Key::new(crate::ACCESS_KEY.as_bytes()).sign(&payload);
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        if upgrade {
            headers.push(("upgrade".to_owned(), "websocket".to_owned()));
            headers.push(("sec-websocket-protocol".to_owned(), RELIABLE.to_owned()));
        }
        Request { method: method.to_owned(), url, headers, body: Vec::new() }
    }

    fn connect(service: &mut Service, socket: SocketId, path: &str) {
        let request = request("GET", path, true);
        let actions = service.handle(NOW, Input::Upgrade { socket, request: &request, random: [0; 32] });
        assert!(matches!(actions.first(), Some(Action::Accept { .. })));
    }

    #[test]
    fn a_socket_that_ended_is_forgotten() {
        let mut service = Service::new(Settings::default());
        connect(&mut service, 1, "/client/hubs/chat");
        service.handle(NOW, Input::Closed { socket: 1, code: 1006 });
        assert!(service.hub_of_socket.is_empty(), "it closed");

        connect(&mut service, 2, "/client/hubs/chat?awps_connection_id=x");
        assert!(service.hub_of_socket.is_empty(), "it could not recover");

        connect(&mut service, 3, "/client/hubs/chat");
        let closing = request("POST", "/api/hubs/chat/:closeConnections", false);
        service.handle(NOW, Input::Request { id: 1, request: &closing });
        assert!(service.hub_of_socket.is_empty(), "REST closed it");
    }

    #[test]
    fn a_request_is_admitted_without_its_body_and_without_a_trace() {
        let service = Service::new(Settings { default_hub: "Main".to_owned(), ..Settings::default() });
        for (method, path, upgrade, hub) in [
            ("POST", "/api/hubs/Chat/:send", false, Some("chat")),
            ("GET", "/client/?hub=a&hub=B", true, Some("b")),
            ("GET", "/client/hubs/a%5B1%5D", true, Some("a[1]")),
            ("GET", "/_emulator", false, Some("main")),
            ("GET", "/_emulator?hub=a&hub=B", false, Some("b")),
            ("HEAD", "/api/health", false, None),
        ] {
            assert_eq!(service.admit(NOW, &request(method, path, upgrade)), Ok(hub.map(str::to_owned)), "{path}");
        }
        for (method, path, upgrade, status) in [
            ("POST", "/api/hubs/1-chat/:send", false, 400),
            ("GET", "/api/hubs/chat/:send", false, 405),
            ("GET", "/client/hubs/chat", false, 400),
            ("GET", "/client/hubs/1-chat", true, 400),
            ("GET", "/_emulator?hub=1-chat", false, 400),
            ("GET", "/nothing", false, 404),
        ] {
            let refusal = service.admit(NOW, &request(method, path, upgrade)).unwrap_err();
            assert_eq!(refusal.status, status, "{path}");
        }
        for (path, upgrade) in [("/api/hubs/chat/:send", false), ("/client/hubs/chat", true)] {
            let mut unsigned = request("POST", path, upgrade);
            unsigned.headers.retain(|(name, _)| name != "authorization");
            assert_eq!(service.admit(NOW, &unsigned).unwrap_err().status, 401, "{path}");
            let mut foreign = request("POST", path, upgrade);
            foreign.headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
            assert_eq!(service.admit(NOW, &foreign).unwrap_err().status, 403, "{path}");
        }
        assert!(service.is_idle());
    }
}
