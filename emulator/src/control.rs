//! `/_emulator`, and the same in process: what the service does not have. Looks into a hub and breaks things on purpose.

use serde::{Deserialize, Serialize};
use webpubsub_edge::names;

use crate::admission::Asked;
use crate::connection::{Connection, Link};
use crate::fault::{FaultTarget, FaultType, Injection};
use crate::faults::{Chance, Listed};
use crate::http::{Request, Response};
use crate::hub::Hub;
use crate::limits::MAX_ADVANCE_MS;
use crate::network::Carried;
use crate::service::Service;
use crate::{Action, answer};

impl Service {
    /// The connections and groups of a hub.
    pub fn inspect(&self, hub: &str) -> Snapshot {
        let hub_name = hub.to_ascii_lowercase();
        let hub = self.hubs.get(&hub_name);
        let keys = hub.map(|hub| hub.all()).unwrap_or_default();
        let connections = keys.into_iter().filter_map(|key| hub?.connection(key)).map(Connected::of).collect();
        let groups = hub.into_iter().flat_map(|hub| hub.groups());
        let groups = groups.map(|(group, connections)| GroupSize { group: group.to_owned(), connections }).collect();
        Snapshot { hub: hub_name, connections, groups }
    }

    /// The hubs that have connections, by name.
    pub fn hubs(&self) -> Vec<HubSize> {
        let size = |(name, hub): (&String, &Hub)| HubSize {
            hub: name.clone(),
            connections: hub.all().len(),
            groups: hub.groups().count(),
        };
        self.hubs.iter().map(size).collect()
    }

    /// Injects a fault into a hub; into every hub, those too that are yet to come, when none is named.
    ///
    /// # Errors
    /// What is wrong with the fault.
    pub fn inject(
        &mut self,
        now: u64,
        hub: Option<&str>,
        injection: Injection,
    ) -> Result<(Injected, Vec<Action>), String> {
        injection.check()?;
        if let Some(hub) = hub {
            names::check_hub(hub).map_err(|problem| problem.to_string())?;
        }
        let hub = hub.map(str::to_ascii_lowercase);
        let mut actions = Vec::new();
        let injected = match injection.kind {
            FaultType::Cut => {
                let cut = self.cut(now, hub.as_deref(), &injection, &mut actions);
                Injected { id: None, cut }
            }
            FaultType::Restart => {
                let keeps_state = injection.keep_state.unwrap_or(true);
                Injected { id: None, cut: self.restart(now, hub.as_deref(), keeps_state, &mut actions) }
            }
            _ => Injected { id: Some(self.network.faults.add(now, hub.as_deref(), injection)?), cut: 0 },
        };
        self.has_ended = true;
        self.conclude(now, &mut actions);
        Ok((injected, actions))
    }

    /// The faults that are in force: those for a hub, or all.
    pub fn faults(&self, now: u64, hub: Option<&str>) -> Vec<Listed> {
        self.network.faults.list(now, hub.map(str::to_ascii_lowercase).as_deref())
    }

    /// Ends a fault, and what it began. `None` when there is none with this id.
    pub fn remove_fault(&mut self, now: u64, id: u64) -> Option<Vec<Action>> {
        if !self.network.faults.remove(id) {
            return None;
        }
        let mut carried = Carried::default();
        self.network.end(id, &mut carried);
        let mut actions = Vec::new();
        self.settle(now, carried, &mut actions);
        // What it held back goes its way.
        actions.append(&mut self.handle(now, crate::Input::Tick));
        Some(actions)
    }

    /// Ends the faults for a hub, or all.
    pub fn clear_faults(&mut self, now: u64, hub: Option<&str>) -> Vec<Action> {
        let ids: Vec<u64> = self.faults(now, hub).iter().map(|fault| fault.id).collect();
        ids.into_iter().filter_map(|id| self.remove_fault(now, id)).flatten().collect()
    }

    /// Answers a request under `/_emulator`.
    pub(crate) fn control(
        &mut self,
        now: u64,
        actions: &mut Vec<Action>,
        asked: &Asked<'_>,
        hub: &str,
        request: &Request,
    ) -> Response {
        let segments: Vec<&str> = asked.segments.iter().map(String::as_str).collect();
        match (segments.as_slice(), request.method.as_str()) {
            (["_emulator"] | ["_emulator", ""], "GET") if asked.query.last("hub").is_none() => {
                answer::ok(&Hubs { hubs: self.hubs() })
            }
            (["_emulator"] | ["_emulator", ""], "GET") => answer::ok(&self.inspect(hub)),
            (["_emulator"] | ["_emulator", ""], _) => answer::method_not_allowed(&["GET"]),
            (["_emulator", "clock"], "GET") => answer::ok(&Clock { now }),
            (["_emulator", "clock"], _) => answer::method_not_allowed(&["GET", "POST"]),
            (["_emulator", "faults"], "GET") => answer::ok(&Faults { faults: self.faults(now, Some(hub)) }),
            (["_emulator", "faults"], "POST") => {
                self.inject_from(now, actions, hub, request).unwrap_or_else(|refusal| refusal)
            }
            (["_emulator", "faults"], "DELETE") => {
                actions.append(&mut self.clear_faults(now, Some(hub)));
                Response::empty(204)
            }
            (["_emulator", "faults"], _) => answer::method_not_allowed(&["GET", "POST", "DELETE"]),
            (["_emulator", "faults", id], "DELETE") => {
                match id.parse().ok().and_then(|id| self.remove_fault(now, id)) {
                    Some(mut ended) => {
                        actions.append(&mut ended);
                        Response::empty(204)
                    }
                    None => answer::error(404, "Error.NotFound", "There is no fault with this id.", "Request"),
                }
            }
            (["_emulator", "faults", _], _) => answer::method_not_allowed(&["DELETE"]),
            _ => answer::not_found(),
        }
    }

    /// Whether a request sets the clock forward. That is answered by [`clock_forward`].
    pub(crate) fn sets_clock(asked: &Asked<'_>, request: &Request) -> bool {
        request.method == "POST" && asked.segments == ["_emulator", "clock"]
    }

    fn inject_from(
        &mut self,
        now: u64,
        actions: &mut Vec<Action>,
        hub: &str,
        request: &Request,
    ) -> Result<Response, Response> {
        check_is_json(request)?;
        let injection = serde_json::from_slice(&request.body)
            .map_err(|error| answer::bad_request(&format!("The body is no fault: {}.", Injection::explain(&error))))?;
        let injected = self.inject(now, Some(hub), injection);
        let (injected, mut broken) = injected.map_err(|problem| answer::bad_request(&problem))?;
        actions.append(&mut broken);
        Ok(answer::ok(&injected))
    }

    /// Cuts the sockets that a fault meets, and says how many.
    fn cut(&mut self, now: u64, hub: Option<&str>, injection: &Injection, actions: &mut Vec<Action>) -> usize {
        let mut chance = Chance::of(injection);
        let mut turn = self.turn(now);
        let mut cut = 0_usize;
        for (name, state) in self.hubs.iter_mut().filter(|(name, _)| hub.is_none_or(|hub| hub == name.as_str())) {
            let is_met = |connection: &Connection| {
                let (connection_id, user_id) = (Some(connection.id.as_str()), connection.user_id.as_deref());
                injection.is_for(FaultTarget { hub: name, connection_id, user_id })
            };
            for key in state.all() {
                if state.connection(key).is_some_and(|connection| connection.socket().is_some() && is_met(connection))
                    && chance.hits()
                    && state.cut(&mut turn, key)
                {
                    cut = cut.saturating_add(1);
                }
            }
        }
        self.finish(turn, actions);
        cut
    }

    /// Drops every socket, and says how many.
    fn restart(&mut self, now: u64, hub: Option<&str>, keeps_state: bool, actions: &mut Vec<Action>) -> usize {
        let mut carried = Carried::default();
        let is_meant = |name: &str| hub.is_none_or(|hub| hub == name);
        self.network.restart(is_meant, &mut carried);
        for (_, state) in self.hubs.iter().filter(|(name, _)| is_meant(name)) {
            for socket in state.sockets() {
                carried.cut.push(socket);
                carried.actions.push(Action::Abort { socket });
            }
        }
        let cut = carried.cut.len();
        self.settle(now, carried, actions);
        if !keeps_state {
            self.hubs.retain(|name, _| !is_meant(name));
        }
        cut
    }
}

/// Reads how far a request sets the clock forward, in milliseconds, and makes its answer.
///
/// # Errors
/// The answer to a request that is wrong.
pub(crate) fn clock_forward(now: u64, request: &Request) -> Result<(u64, Response), Response> {
    check_is_json(request)?;
    let Forward { advance_ms } = serde_json::from_slice(&request.body).map_err(|error| {
        let example = r#"{"advanceMs": 31000}"#;
        answer::bad_request(&format!("The body must be a JSON object such as {example}: {error}."))
    })?;
    if advance_ms > MAX_ADVANCE_MS {
        let message = format!("advanceMs must be a whole number from 0 to {MAX_ADVANCE_MS}.");
        return Err(answer::bad_request(&message));
    }
    Ok((advance_ms, answer::ok(&Clock { now: now.saturating_add(advance_ms) })))
}

/// Whether a request asks for the list of all hubs.
#[cfg(feature = "durable-object")]
pub(crate) fn lists_hubs(request: &Request) -> bool {
    let url = crate::url::Url::parse(&request.url);
    let is_list = |url: crate::url::Url<'_>| {
        let has_hub = url.parameters().is_some_and(|query| query.last("hub").is_some());
        matches!(url.path, "/_emulator" | "/_emulator/") && !has_hub
    };
    request.method == "GET" && url.is_some_and(is_list)
}

/// The answer to a request for the list of all hubs, with the hubs of other services too.
#[cfg(feature = "durable-object")]
pub(crate) fn with_hubs(response: Response, hubs: Vec<HubSize>) -> Response {
    if response.status != 200 {
        return response;
    }
    let mut all = answer::ok(&Hubs { hubs });
    // CORS headers, if there are any.
    let others = response.headers.into_iter().filter(|(name, _)| !name.starts_with("content-"));
    all.headers.extend(others);
    all
}

/// A page elsewhere cannot send this type without asking first, and only a page that is allowed may.
fn check_is_json(request: &Request) -> Result<(), Response> {
    match request.media_type().as_deref() {
        Some("application/json") => Ok(()),
        _ => Err(answer::unsupported_media_type("application/json")),
    }
}

/// The answer that a fault gives in place of the service's.
pub(crate) fn broken(fault: &Injection) -> Response {
    let message = "A fault that was injected into the emulator gave this answer.";
    let response = answer::error(fault.status.unwrap_or(503), "Error.InjectedFault", message, "Request");
    match fault.retry_after_seconds {
        Some(seconds) => response.with("retry-after", seconds.to_string()),
        None => response,
    }
}

/// What came of an injection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Injected {
    /// Names the fault for as long as it is in force; a fault that is over at once has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// How many sockets it has dropped.
    pub cut: usize,
}

/// The body of `POST /_emulator/clock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forward {
    advance_ms: u64,
}

/// The time of the emulator, in milliseconds since 1970.
#[derive(Serialize)]
struct Clock {
    now: u64,
}

#[derive(Serialize)]
struct Hubs {
    hubs: Vec<HubSize>,
}

/// The size of a hub in the list of all hubs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubSize {
    /// Its name in lower case.
    pub hub: String,
    /// The number of its connections, including lost ones that can be recovered.
    pub connections: usize,
    /// The number of its groups.
    pub groups: usize,
}

#[derive(Serialize)]
struct Faults {
    faults: Vec<Listed>,
}

/// What is in a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name in lower case.
    pub hub: String,
    /// Its connections, in the order in which they were made.
    pub connections: Vec<Connected>,
    /// Its groups, by name.
    pub groups: Vec<GroupSize>,
}

/// A connection in a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// Its id.
    pub connection_id: String,
    /// Its user; `None`, in JSON `null`, if it is anonymous.
    pub user_id: Option<String>,
    /// Its subprotocol, or `simple`.
    pub protocol: &'static str,
    /// False while a lost connection waits for its client to come back.
    pub open: bool,
    /// The groups that it is in, by name.
    pub groups: Vec<String>,
}

impl Connected {
    fn of(connection: &Connection) -> Connected {
        Connected {
            connection_id: connection.id.clone(),
            user_id: connection.user_id.clone(),
            protocol: connection.protocol.subprotocol().unwrap_or("simple"),
            open: matches!(connection.link, Link::Open(_)),
            groups: connection.groups.iter().cloned().collect(),
        }
    }
}

/// A group in a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupSize {
    /// Its name.
    pub group: String,
    /// How many connections are in it.
    pub connections: usize,
}
