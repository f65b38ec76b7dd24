//! `/_emulator`: what the service does not have. Looks into a hub and breaks things on purpose.

use serde::{Deserialize, Serialize};

use crate::answer;
use crate::connection::{Connection, Link};
use crate::http::{Request, Response};
use crate::hub::{Hub, Key};
use crate::turn::Turn;

/// Answers a request under `/_emulator`; `segments` are those of its whole path.
pub(crate) fn perform(name: &str, hub: &mut Hub, turn: &mut Turn, segments: &[String], request: &Request) -> Response {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (segments.as_slice(), request.method.as_str()) {
        (["_emulator"] | ["_emulator", ""], "GET") => answer::ok(&snapshot(name, hub)),
        (["_emulator"] | ["_emulator", ""], _) => answer::method_not_allowed(&["GET"]),
        (["_emulator", "faults"], "POST") => inject(hub, turn, request).unwrap_or_else(|refusal| refusal),
        (["_emulator", "faults"], _) => answer::method_not_allowed(&["POST"]),
        _ => answer::not_found(),
    }
}

fn snapshot<'h>(name: &'h str, hub: &'h Hub) -> Snapshot<'h> {
    let connections = hub.all().into_iter().filter_map(|key| hub.connection(key)).map(Connected::of).collect();
    let groups = hub.groups().map(|(group, connections)| GroupSize { group, connections }).collect();
    Snapshot { hub: name, connections, groups }
}

/// A fault: what to break, and whom it meets. Without an id it meets every connection of the hub.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Fault {
    /// Drops the socket as a broken network would; a reliable connection can be recovered.
    Cut { connection_id: Option<String>, user_id: Option<String> },
}

fn inject(hub: &mut Hub, turn: &mut Turn, request: &Request) -> Result<Response, Response> {
    // A page elsewhere cannot send this type without asking first, which the emulator never allows.
    if request.media_type().as_deref() != Some("application/json") {
        return Err(answer::unsupported_media_type("application/json"));
    }
    let fault: Fault = serde_json::from_slice(&request.body).map_err(|_| answer::bad_request(FAULT_SHAPE))?;
    let Fault::Cut { connection_id, user_id } = fault;
    let victims: Vec<Key> = match (connection_id, user_id) {
        (Some(id), None) => hub.by_id(&id).into_iter().collect(),
        (None, Some(user)) => hub.of_user(&user),
        (None, None) => hub.all(),
        (Some(_), Some(_)) => return Err(answer::bad_request(FAULT_SHAPE)),
    };
    let cut = victims.into_iter().filter(|key| hub.cut(turn, *key)).count();
    Ok(answer::ok(&Injected { cut }))
}

const FAULT_SHAPE: &str = r#"The body must be {"type":"cut"}, alone or with either "connectionId" or "userId"."#;

/// How many sockets a fault met.
#[derive(Serialize)]
struct Injected {
    cut: usize,
}

#[derive(Serialize)]
struct Snapshot<'h> {
    hub: &'h str,
    connections: Vec<Connected<'h>>,
    groups: Vec<GroupSize<'h>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'h> {
    connection_id: &'h str,
    user_id: Option<&'h str>,
    protocol: &'static str,
    /// False while a lost connection waits for its client to come back.
    open: bool,
    groups: Vec<&'h str>,
}

impl<'h> Connected<'h> {
    fn of(connection: &'h Connection) -> Connected<'h> {
        Connected {
            connection_id: &connection.id,
            user_id: connection.user_id.as_deref(),
            protocol: connection.protocol.subprotocol().unwrap_or("simple"),
            open: matches!(connection.link, Link::Open(_)),
            groups: connection.groups.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Serialize)]
struct GroupSize<'h> {
    group: &'h str,
    connections: usize,
}
