//! The members of a group, page by page.
//!
//! They are listed in the order of their ids, and a continuation token is the id after which a page goes on: a
//! member that comes or goes meanwhile makes no other be listed twice or left out. In the service it is an id of the
//! page before as well.

use serde::Serialize;
use webpubsub_edge::names::push_query_value;

use super::{Call, Outcome, Refusal, check_group, parameters};
use crate::answer;
use crate::hub::Hub;
use crate::limits::MAX_PAGE_SIZE;
use crate::url::Url;

pub(super) fn list(hub: &Hub, group: &str, call: &Call<'_>) -> Outcome {
    let page_size = parameters::number(call.query, "maxpagesize", 1..=MAX_PAGE_SIZE)?;
    let top = parameters::number(call.query, "top", 1..=MAX_TOP)?;
    let after = continuation(call)?;
    check_group(group)?;

    let members = hub.of_group(group).into_iter().filter_map(|key| hub.connection(key));
    let mut value: Vec<Member<'_>> = members
        .map(|connection| Member { connection_id: &connection.id, user_id: connection.user_id.as_deref() })
        .filter(|member| after.as_deref().is_none_or(|after| member.connection_id > after))
        .collect();
    value.sort_by_key(|member| member.connection_id);
    let found = value.len();
    let size = page_size.unwrap_or(MAX_PAGE_SIZE).min(top.unwrap_or(MAX_TOP));
    value.truncate(usize::try_from(size).unwrap_or(usize::MAX));

    let top_left = top.map(|top| top.saturating_sub(size));
    let is_last = value.len() == found || top_left == Some(0);
    let last = value.last().filter(|_| !is_last);
    let next_link = last.map(|last| next_link(call, page_size, top_left, last.connection_id));
    Ok(answer::ok(&Page { value, next_link }))
}

/// The largest `top`.
const MAX_TOP: u32 = i32::MAX.unsigned_abs();

#[derive(Serialize)]
struct Page<'h> {
    value: Vec<Member<'h>>,
    #[serde(rename = "nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member<'h> {
    connection_id: &'h str,
    user_id: Option<&'h str>,
}

/// The id after which to go on. A whole `nextLink` was recorded to do as well.
fn continuation(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(token) = parameters::once(call.query, TOKEN)? else {
        return Ok(None);
    };
    let id = match Url::parse(token) {
        None => Some(token.to_owned()),
        Some(link) if link.path == call.url.path => {
            link.parameters().and_then(|query| query.last(TOKEN).map(str::to_owned))
        }
        Some(_) => None,
    };
    match id.filter(|id| is_connection_id(id)) {
        Some(id) => Ok(Some(id)),
        None => Err(parameters::invalid(TOKEN, "continuationToken must come from a nextLink of the same group.")),
    }
}

const TOKEN: &str = "continuationToken";

/// Whether an id can be one of the emulator's own.
fn is_connection_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The parameters in the order of the service.
fn next_link(call: &Call<'_>, page_size: Option<u32>, top: Option<u32>, after: &str) -> String {
    let Url { scheme, authority, path, .. } = call.url;
    let mut link = format!("{scheme}://{authority}{path}?");
    for (name, number) in [("top", top), ("maxpagesize", page_size)] {
        if let Some(number) = number {
            link.push_str(&format!("{name}={number}&"));
        }
    }
    link.push_str(&format!("{TOKEN}={after}"));
    if let Some(version) = call.query.last("api-version") {
        link.push_str("&api-version=");
        push_query_value(&mut link, version);
    }
    link
}
