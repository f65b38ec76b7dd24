//! Reads the query parameters that have rules.

use std::ops::RangeInclusive;

use super::Refusal;
use crate::answer;
use crate::filter::Filter;
use crate::hub::{Hub, Key};
use crate::limits::{MAX_MESSAGE_TTL_SECONDS, message_ttl_ms};
use crate::url::Query;

/// The filter of a request; an empty one is none.
pub(super) fn filter(query: &Query) -> Result<Option<Filter>, Refusal> {
    read_filter("filter", query.last("filter"))
}

/// Reads a filter that came under this name.
pub(super) fn read_filter(name: &str, text: Option<&str>) -> Result<Option<Filter>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    text.map(Filter::read).transpose().map_err(|problem| invalid(name, &problem))
}

/// Keeps the connections that a filter chooses; the filter came under this name.
pub(super) fn choose(name: &str, filter: &Filter, hub: &Hub, from: &mut Vec<Key>) -> Result<(), Refusal> {
    let mut chosen = Vec::new();
    for key in from.drain(..) {
        let Some(connection) = hub.connection(key) else { continue };
        if filter.matches(connection.subject()).map_err(|problem| invalid(name, &problem))? {
            chosen.push(key);
        }
    }
    *from = chosen;
    Ok(())
}

/// How long a message may wait for its receiver.
pub(super) fn ttl_ms(query: &Query) -> Result<Option<u64>, Refusal> {
    let name = "messageTtlSeconds";
    let seconds = query.last(name).map(str::parse::<u64>).transpose().map_err(|_| ());
    seconds.and_then(message_ttl_ms).map_err(|()| {
        let message = format!("{name} must be a whole number from 0 to {MAX_MESSAGE_TTL_SECONDS}.");
        invalid(name, &message)
    })
}

/// A whole number in this range.
pub(super) fn number(query: &Query, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
    let number = once(query, name)?.map(str::parse::<u32>).transpose().ok();
    number.filter(|number| number.is_none_or(|number| range.contains(&number))).ok_or_else(|| {
        let message = format!("{name} must be a whole number from {} to {}.", range.start(), range.end());
        invalid(name, &message)
    })
}

/// A parameter that may not be repeated and not be blank.
pub(super) fn once<'q>(query: &'q Query, name: &'q str) -> Result<Option<&'q str>, Refusal> {
    let mut all = query.all(name);
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if !value.trim().is_empty() => Ok(Some(value)),
        _ => Err(invalid(name, &format!("{name} must be given once and not be blank."))),
    }
}

/// A parameter, or a member of a body, that does not validate.
pub(super) fn invalid(name: &str, message: &str) -> Refusal {
    Refusal::Invalid(answer::bad_parameter(name, message))
}

/// A value that is none of those its parameter may have.
pub(super) fn not_one_of_its_values(name: &str, value: &str) -> Refusal {
    Refusal::Invalid(answer::bad_value(name, value))
}
