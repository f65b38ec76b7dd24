//! The REST API: which operation a request asks for, what it does, and how it is answered.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::answer;
use crate::http::{Request, Response};
use crate::hub::{Hub, Key};
use crate::limits::{BAD_GROUP, MAX_MESSAGE_BYTES, MAX_MESSAGE_TTL_SECONDS, is_group, message_ttl_ms};
use crate::message::{Data, Message, Sender};
use crate::turn::Turn;
use crate::url::Query;

/// What a path under `/api` addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Health,
    InHub { hub: String, what: HubResource },
}

/// What a path under `/api/hubs/{hub}` addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HubResource {
    /// `.../:send`
    Messages(Scope),
    /// `.../:closeConnections`
    Closing(Scope),
    Connection(String),
    User(String),
    Group(String),
    GroupConnection {
        group: String,
        connection: String,
    },
    GroupUser {
        group: String,
        user: String,
    },
    ConnectionGroups(String),
    UserGroups(String),
    /// An operation of the service that the emulator does not have.
    Missing {
        operation: &'static str,
        methods: &'static [&'static str],
    },
}

/// Which connections of a hub an operation is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Group(String),
    User(String),
    Connection(String),
}

/// Finds what the decoded segments of a path address.
pub(crate) fn route(segments: &[String]) -> Option<Resource> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let (hub, rest) = match segments.as_slice() {
        ["api", "health"] => return Some(Resource::Health),
        ["api", "hubs", hub, rest @ ..] => (*hub, rest),
        _ => return None,
    };
    let what = match *rest {
        [":send"] => HubResource::Messages(Scope::All),
        ["groups", group, ":send"] => HubResource::Messages(Scope::Group(group.into())),
        ["users", user, ":send"] => HubResource::Messages(Scope::User(user.into())),
        ["connections", connection, ":send"] => HubResource::Messages(Scope::Connection(connection.into())),
        [":closeConnections"] => HubResource::Closing(Scope::All),
        ["groups", group, ":closeConnections"] => HubResource::Closing(Scope::Group(group.into())),
        ["users", user, ":closeConnections"] => HubResource::Closing(Scope::User(user.into())),
        ["connections", connection] => HubResource::Connection(connection.into()),
        ["users", user] => HubResource::User(user.into()),
        ["groups", group] => HubResource::Group(group.into()),
        ["groups", group, "connections", connection] => {
            HubResource::GroupConnection { group: group.into(), connection: connection.into() }
        }
        ["users", user, "groups", group] => HubResource::GroupUser { group: group.into(), user: user.into() },
        ["connections", connection, "groups"] => HubResource::ConnectionGroups(connection.into()),
        ["users", user, "groups"] => HubResource::UserGroups(user.into()),
        [":addToGroups"] => missing("addConnectionsToGroups", &["POST"]),
        [":removeFromGroups"] => missing("removeConnectionsFromGroups", &["POST"]),
        [":generateToken"] => missing("generateClientToken", &["POST"]),
        ["groups", _, "connections"] => missing("listConnectionsInGroup", &["GET"]),
        ["permissions", _, "connections", _] => missing("permissions of a connection", &["HEAD", "PUT", "DELETE"]),
        _ => return None,
    };
    Some(Resource::InHub { hub: hub.to_owned(), what })
}

const fn missing(operation: &'static str, methods: &'static [&'static str]) -> HubResource {
    HubResource::Missing { operation, methods }
}

impl Resource {
    /// The methods it takes.
    pub(crate) fn methods(&self) -> &'static [&'static str] {
        let Resource::InHub { what, .. } = self else {
            return &["HEAD"];
        };
        match what {
            HubResource::Messages(_) | HubResource::Closing(_) => &["POST"],
            HubResource::Connection(_) => &["HEAD", "DELETE"],
            HubResource::User(_) | HubResource::Group(_) => &["HEAD"],
            HubResource::GroupConnection { .. } | HubResource::GroupUser { .. } => &["PUT", "DELETE"],
            HubResource::ConnectionGroups(_) | HubResource::UserGroups(_) => &["DELETE"],
            HubResource::Missing { methods, .. } => methods,
        }
    }
}

/// Carries out an operation whose path, method and token are good.
pub(crate) fn perform(hub: &mut Hub, turn: &mut Turn, what: HubResource, query: &Query, request: &Request) -> Response {
    let outcome = check_api_version(query).and_then(|()| operate(hub, turn, what, query, request));
    let response = outcome.unwrap_or_else(|refusal| refusal);
    // Recorded: an answer in the shape of a problem comes from before the header is set.
    let is_problem = response.headers.iter().any(|(_, value)| value.starts_with("application/problem+json"));
    let response = if is_problem { response } else { response.with("api-supported-versions", API_VERSIONS.join(", ")) };
    if request.method == "HEAD" { response.without_body() } else { response }
}

const API_VERSIONS: [&str; 5] = ["2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"];

/// A request that names no version is served as the newest.
fn check_api_version(query: &Query) -> Result<(), Response> {
    match query.last("api-version") {
        Some(version) if !API_VERSIONS.contains(&version) => {
            let message = format!("The api-version is not supported. Use one of {}.", API_VERSIONS.join(", "));
            Err(answer::bad_request(&message))
        }
        _ => Ok(()),
    }
}

fn operate(
    hub: &mut Hub,
    turn: &mut Turn,
    what: HubResource,
    query: &Query,
    request: &Request,
) -> Result<Response, Response> {
    let deletes = request.method == "DELETE";
    match what {
        HubResource::Messages(scope) => send(hub, turn, scope, query, request),
        HubResource::Closing(scope) => close(hub, turn, &scope, query),
        HubResource::Connection(id) if deletes => close(hub, turn, &Scope::Connection(id), query),
        HubResource::Connection(id) => {
            exists(&connections(hub, &Scope::Connection(id.clone()))?, Kind::Connection, &id)
        }
        HubResource::User(id) => exists(&connections(hub, &Scope::User(id.clone()))?, Kind::User, &id),
        HubResource::Group(name) => exists(&connections(hub, &Scope::Group(name.clone()))?, Kind::Group, &name),
        HubResource::GroupConnection { group, connection } => {
            let members = hub.by_id(&connection).into_iter().collect();
            let not_found = || not_existed("Error", Kind::Connection, &connection);
            if deletes { leave(hub, members, &group) } else { join(hub, members, &group, not_found) }
        }
        HubResource::GroupUser { group, user } => {
            let members = hub.of_user(&user);
            let not_found = || not_existed("Warning", Kind::User, &user);
            if deletes { leave(hub, members, &group) } else { join(hub, members, &group, not_found) }
        }
        HubResource::ConnectionGroups(id) => leave_all(hub, hub.by_id(&id).into_iter().collect()),
        HubResource::UserGroups(id) => leave_all(hub, hub.of_user(&id)),
        HubResource::Missing { operation, .. } => {
            let message = format!("The emulator does not have this operation yet: {operation}.");
            Err(answer::error(501, "Error.NotImplemented", &message, "Request"))
        }
    }
}

/// 202 says that the message was taken, not that anybody was there to receive it.
fn send(hub: &mut Hub, turn: &mut Turn, scope: Scope, query: &Query, request: &Request) -> Result<Response, Response> {
    let mut receivers = connections(hub, &scope)?;
    if query.last("filter").is_some_and(|filter| !filter.is_empty()) {
        let message = "The emulator does not evaluate filters yet: send without one. (Parameter 'filter')";
        return Err(answer::bad_parameter("filter", message));
    }
    let ttl_ms = ttl_ms(query)?;
    let data = data(request)?;
    // The service has `excluded` for all and for a group only.
    if matches!(scope, Scope::All | Scope::Group(_)) {
        exclude(hub, &mut receivers, query);
    }
    let from = match scope {
        Scope::Group(group) => Sender::Group { group, user_id: None },
        _ => Sender::Server,
    };
    hub.deliver(turn, &receivers, &Message { from, data, ttl_ms });
    Ok(Response::empty(202))
}

/// Ends connections for good, those that could be recovered too.
fn close(hub: &mut Hub, turn: &mut Turn, scope: &Scope, query: &Query) -> Result<Response, Response> {
    let mut closing = connections(hub, scope)?;
    if !matches!(scope, Scope::Connection(_)) {
        exclude(hub, &mut closing, query);
    }
    let reason = query.last("reason").filter(|reason| !reason.is_empty()).unwrap_or("Closed by REST API.");
    for key in closing {
        hub.close(turn, key, 1000, reason);
    }
    Ok(Response::empty(204))
}

fn exists(found: &[Key], kind: Kind, name: &str) -> Result<Response, Response> {
    if found.is_empty() { Err(not_existed("Warning", kind, name)) } else { Ok(Response::empty(200)) }
}

fn join(
    hub: &mut Hub,
    members: Vec<Key>,
    group: &str,
    not_found: impl FnOnce() -> Response,
) -> Result<Response, Response> {
    check_group(group)?;
    if members.is_empty() {
        return Err(not_found());
    }
    for key in members {
        hub.join(key, group);
    }
    Ok(Response::empty(200))
}

fn leave(hub: &mut Hub, members: Vec<Key>, group: &str) -> Result<Response, Response> {
    check_group(group)?;
    for key in members {
        hub.leave(key, group);
    }
    Ok(Response::empty(204))
}

fn leave_all(hub: &mut Hub, members: Vec<Key>) -> Result<Response, Response> {
    for key in members {
        hub.leave_all(key);
    }
    Ok(Response::empty(204))
}

fn connections(hub: &Hub, scope: &Scope) -> Result<Vec<Key>, Response> {
    match scope {
        Scope::All => Ok(hub.all()),
        Scope::Group(group) => check_group(group).map(|()| hub.of_group(group)),
        Scope::User(user) => Ok(hub.of_user(user)),
        Scope::Connection(connection) => Ok(hub.by_id(connection).into_iter().collect()),
    }
}

fn exclude(hub: &Hub, from: &mut Vec<Key>, query: &Query) {
    let excluded: BTreeSet<Key> = query.all("excluded").filter_map(|id| hub.by_id(id)).collect();
    from.retain(|key| !excluded.contains(key));
}

fn check_group(group: &str) -> Result<(), Response> {
    if is_group(group) { Ok(()) } else { Err(answer::bad_request(BAD_GROUP)) }
}

fn ttl_ms(query: &Query) -> Result<Option<u64>, Response> {
    let name = "messageTtlSeconds";
    let seconds = query.last(name).map(str::parse::<u64>).transpose().map_err(|_| ());
    seconds.and_then(message_ttl_ms).map_err(|()| {
        let message = format!("{name} must be a whole number from 0 to {MAX_MESSAGE_TTL_SECONDS}.");
        answer::bad_parameter(name, &message)
    })
}

fn data(request: &Request) -> Result<Data, Response> {
    if request.body.len() > MAX_MESSAGE_BYTES {
        let message = "The message is larger than 1 MiB.";
        return Err(answer::error(413, "Error.RequestEntityTooLarge", message, "Request"));
    }
    let text = || std::str::from_utf8(&request.body).map_err(|_| answer::bad_request("The body is not UTF-8."));
    match request.media_type().as_deref() {
        Some("text/plain") => text().map(|text| Data::Text(text.to_owned())),
        Some("application/json") => {
            let json = serde_json::from_str::<Box<RawValue>>(text()?);
            json.map(Data::Json).map_err(|_| answer::bad_request("The body is not JSON, as its content type says."))
        }
        Some("application/octet-stream") => Ok(Data::Binary(request.body.clone())),
        _ => Err(answer::unsupported_media_type("text/plain, application/json or application/octet-stream")),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Connection,
    User,
    Group,
}

/// The service gives the same fact a severity that depends on the operation.
fn not_existed(severity: &str, kind: Kind, name: &str) -> Response {
    let (target, message) = match kind {
        Kind::Connection => ("Connection", format!("Connection `{name}` is not found.")),
        Kind::User => ("User", format!("User `{name}` is not found.")),
        // Its wording is not known: HEAD shows only its length, which this has.
        Kind::Group => ("Group", format!("Group `{name}` not found")),
    };
    answer::error(404, &format!("{severity}.{target}.NotExisted"), &message, target)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn routed(path: &str) -> Option<Resource> {
        let segments: Vec<String> = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
        route(&segments)
    }

    #[test]
    fn every_operation_of_the_service_has_a_route() {
        let operations = [
            "HEAD /api/health",
            "POST /api/hubs/h/:generateToken",
            "POST /api/hubs/h/:addToGroups",
            "POST /api/hubs/h/:removeFromGroups",
            "POST /api/hubs/h/:send",
            "POST /api/hubs/h/groups/g/:send",
            "POST /api/hubs/h/users/u/:send",
            "POST /api/hubs/h/connections/c/:send",
            "POST /api/hubs/h/:closeConnections",
            "POST /api/hubs/h/groups/g/:closeConnections",
            "POST /api/hubs/h/users/u/:closeConnections",
            "DELETE /api/hubs/h/connections/c",
            "HEAD /api/hubs/h/connections/c",
            "HEAD /api/hubs/h/groups/g",
            "HEAD /api/hubs/h/users/u",
            "PUT /api/hubs/h/groups/g/connections/c",
            "DELETE /api/hubs/h/groups/g/connections/c",
            "DELETE /api/hubs/h/connections/c/groups",
            "PUT /api/hubs/h/users/u/groups/g",
            "DELETE /api/hubs/h/users/u/groups/g",
            "DELETE /api/hubs/h/users/u/groups",
            "GET /api/hubs/h/groups/g/connections",
            "PUT /api/hubs/h/permissions/p/connections/c",
            "DELETE /api/hubs/h/permissions/p/connections/c",
            "HEAD /api/hubs/h/permissions/p/connections/c",
        ];
        for operation in operations {
            let (method, path) = operation.split_once(' ').unwrap();
            assert!(routed(path).unwrap().methods().contains(&method), "{operation}");
        }
    }

    #[test]
    fn other_paths_have_none() {
        for path in [
            "/",
            "/api",
            "/api/hubs",
            "/api/hubs/h",
            "/api/hubs/h/",
            "/api/hubs//:send",
            "/api/hubs/h/users//:send",
            "/api/hubs/h/connections/c/:closeConnections",
            "/api/hubs/h/groups/g/users/u",
            "/api/hubs/h/:send/x",
            "/API/hubs/h/:send",
            "/apis/hubs/h/:send",
        ] {
            assert_eq!(routed(path), None, "{path}");
        }
    }
}
