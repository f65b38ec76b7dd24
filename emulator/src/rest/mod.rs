//! The REST API: carries out an operation and answers it.

mod existence;
mod listing;
pub(crate) mod log;
mod membership;
mod parameters;
mod permissions;
mod route;
mod sending;
mod token;

use std::collections::BTreeSet;

use webpubsub_edge::jwt;
use webpubsub_edge::protocol::limits::{BAD_GROUP, is_group_name};

use crate::answer;
use crate::auth::Caller;
use crate::http::{Request, Response};
use crate::hub::{Hub, Key};
use crate::turn::Turn;
use crate::url::{Query, Url};

use existence::Kind;
pub(crate) use route::{HubResource, Resource, Scope, route};

/// A request whose path, method and token are good.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) url: &'a Url<'a>,
    pub(crate) query: &'a Query,
    /// The hub as the path spells it.
    pub(crate) hub: &'a str,
    pub(crate) caller: Caller,
    /// The first one signs what the service signs.
    pub(crate) keys: &'a [jwt::Key],
}

/// Carries out an operation.
pub(crate) fn perform(hub: &mut Hub, turn: &mut Turn, what: HubResource, call: &Call<'_>) -> Response {
    let outcome = check_api_version(call.query).and_then(|()| operate(hub, turn, what, call));
    let response = match outcome {
        Ok(response) | Err(Refusal::Refused(response)) => {
            response.with("api-supported-versions", API_VERSIONS.join(", "))
        }
        Err(Refusal::Invalid(response)) => response,
    };
    if call.request.method == "HEAD" { response.without_body() } else { response }
}

const API_VERSIONS: [&str; 5] = ["2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"];

type Outcome = Result<Response, Refusal>;

/// An answer that is no success.
enum Refusal {
    /// The request itself is wrong. Recorded: such an answer does not name the supported versions.
    Invalid(Response),
    /// The operation could not be carried out.
    Refused(Response),
}

impl From<Response> for Refusal {
    fn from(response: Response) -> Refusal {
        Refusal::Refused(response)
    }
}

/// A request that names no version is served as the newest.
fn check_api_version(query: &Query) -> Result<(), Refusal> {
    match query.last("api-version") {
        Some(version) if !API_VERSIONS.contains(&version) => {
            let message = format!("The api-version is not supported. Use one of {}.", API_VERSIONS.join(", "));
            Err(answer::bad_request(&message).into())
        }
        _ => Ok(()),
    }
}

fn operate(hub: &mut Hub, turn: &mut Turn, what: HubResource, call: &Call<'_>) -> Outcome {
    let deletes = call.request.method == "DELETE";
    match what {
        HubResource::Messages(scope) => sending::send(hub, turn, scope, call),
        HubResource::Closing(scope) => close(hub, turn, &scope, call.query),
        HubResource::Connection(id) if deletes => close(hub, turn, &Scope::Connection(id), call.query),
        HubResource::Connection(id) => existence::check(hub, Kind::Connection, &id),
        HubResource::User(id) => existence::check(hub, Kind::User, &id),
        HubResource::Group(name) => existence::check(hub, Kind::Group, &name),
        HubResource::GroupConnection { group, connection } => {
            let members: Vec<Key> = hub.by_id(&connection).into_iter().collect();
            turn.reached = Some(members.len());
            let not_found = || existence::not_existed("Error", Kind::Connection, &connection);
            if deletes {
                membership::leave(hub, members, &group)
            } else {
                membership::join(hub, members, &group, not_found)
            }
        }
        HubResource::GroupUser { group, user } => {
            let members = hub.of_user(&user);
            turn.reached = Some(members.len());
            let not_found = || existence::not_existed("Warning", Kind::User, &user);
            if deletes {
                membership::leave(hub, members, &group)
            } else {
                membership::join(hub, members, &group, not_found)
            }
        }
        HubResource::ConnectionGroups(id) => membership::leave_all(hub, turn, hub.by_id(&id).into_iter().collect()),
        HubResource::UserGroups(id) => membership::leave_all(hub, turn, hub.of_user(&id)),
        HubResource::GroupMembers(group) => listing::list(hub, &group, call),
        HubResource::AddingToGroups => membership::change_many(hub, turn, Hub::join, call.request),
        HubResource::RemovingFromGroups => {
            let leave = |hub: &mut Hub, key, group: &str| {
                hub.leave(key, group);
                Ok(())
            };
            membership::change_many(hub, turn, leave, call.request)
        }
        HubResource::Permission { permission, connection } => permissions::perform(hub, &permission, &connection, call),
        HubResource::Token => token::generate(turn.now, call),
    }
}

/// Ends connections for good, those that could be recovered too.
fn close(hub: &mut Hub, turn: &mut Turn, scope: &Scope, query: &Query) -> Outcome {
    let mut closing = connections(hub, scope)?;
    if !matches!(scope, Scope::Connection(_)) {
        exclude(hub, &mut closing, query);
    }
    let reason = query.last("reason").filter(|reason| !reason.is_empty()).unwrap_or("Closed by REST API.");
    turn.reached = Some(closing.len());
    for key in closing {
        hub.close(turn, key, 1000, reason);
    }
    Ok(Response::empty(204))
}

fn connections(hub: &Hub, scope: &Scope) -> Result<Vec<Key>, Refusal> {
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

fn check_group(group: &str) -> Result<(), Refusal> {
    if is_group_name(group) { Ok(()) } else { Err(answer::bad_request(BAD_GROUP).into()) }
}
