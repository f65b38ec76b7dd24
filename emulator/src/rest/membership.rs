//! Puts connections into groups and takes them out.

use serde_json::{Map, Value};
use webpubsub_edge::protocol::limits::{BAD_GROUP, is_group_name};

use super::{Outcome, Refusal, check_group, parameters, sending};
use crate::answer;
use crate::filter::Filter;
use crate::http::{Request, Response};
use crate::hub::{Hub, Key, TooManyGroups};
use crate::turn::Turn;

pub(super) fn join(hub: &mut Hub, members: Vec<Key>, group: &str, not_found: impl FnOnce() -> Response) -> Outcome {
    check_group(group)?;
    if members.is_empty() {
        return Err(not_found().into());
    }
    for key in members {
        hub.join(key, group).map_err(too_many)?;
    }
    Ok(Response::empty(200))
}

fn too_many(problem: TooManyGroups) -> Response {
    answer::error(409, "Error.Conflict", &problem.to_string(), "Request")
}

pub(super) fn leave(hub: &mut Hub, members: Vec<Key>, group: &str) -> Outcome {
    check_group(group)?;
    for key in members {
        hub.leave(key, group);
    }
    Ok(Response::empty(204))
}

pub(super) fn leave_all(hub: &mut Hub, turn: &mut Turn, members: Vec<Key>) -> Outcome {
    turn.reached = Some(members.len());
    for key in members {
        hub.leave_all(key);
    }
    Ok(Response::empty(204))
}

/// Does the same with every connection that a filter chooses, in each of several groups.
pub(super) fn change_many(
    hub: &mut Hub,
    turn: &mut Turn,
    change: fn(&mut Hub, Key, &str) -> Result<(), TooManyGroups>,
    request: &Request,
) -> Outcome {
    let Choice { groups, filter } = Choice::read(request)?;
    // All are chosen before any is changed: the filter may ask about the very groups.
    let mut chosen = hub.all();
    if let Some(filter) = filter {
        parameters::choose("Filter", &filter, hub, &mut chosen)?;
    }
    turn.reached = Some(chosen.len());
    for key in chosen {
        for group in &groups {
            change(hub, key, group).map_err(too_many)?;
        }
    }
    Ok(Response::empty(200))
}

/// The body of `:addToGroups` and `:removeFromGroups`.
struct Choice {
    groups: Vec<String>,
    /// Without one, all are chosen.
    filter: Option<Filter>,
}

impl Choice {
    fn read(request: &Request) -> Result<Choice, Refusal> {
        if request.media_type().as_deref() != Some("application/json") {
            return Err(answer::unsupported_media_type("application/json").into());
        }
        sending::check_size(request)?;
        let body: Map<String, Value> =
            serde_json::from_slice(&request.body).map_err(|_| answer::bad_request(BODY_SHAPE))?;
        let groups = groups(member(&body, "groups"))?;
        let filter = match member(&body, "filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(_) => return Err(parameters::invalid("Filter", "filter must be a string.")),
        };
        Ok(Choice { groups, filter: parameters::read_filter("Filter", filter)? })
    }
}

const BODY_SHAPE: &str =
    r#"The body must be a JSON object: {"groups": ["..."], "filter": "..."}. The filter may be left out."#;

fn groups(value: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let invalid = |message: &str| parameters::invalid("Groups", message);
    let items = match value {
        None | Some(Value::Null) => return Err(invalid("The Groups field is required.")),
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(_) => return Err(invalid("groups must be a list of at least one group name.")),
    };
    let group = |item: &Value| match item {
        Value::String(group) if is_group_name(group) => Ok(group.clone()),
        _ => Err(invalid(BAD_GROUP)),
    };
    items.iter().map(group).collect()
}

/// A member by its name in any case, as ASP.NET finds it.
fn member<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b Value> {
    body.iter().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}
