//! Checks the arguments of an operation, writes its URL and signs it.

use std::fmt;

use super::{API_VERSION, Operation, Parameter};
use crate::Error;
use crate::endpoint::Endpoint;
use crate::json::{push_string, push_strings};
use crate::jwt::Key;
use crate::names::{Name, push_query_value, push_segment};
use crate::text::cut;
use crate::token::{push_rest_bearer, rest_bearer};

/// A request that is ready to be signed. `Debug` shows no URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    operation: Operation,
    url: String,
}

impl Request {
    /// Builds a request. `targets` fill the names of the operation's path in their order: for
    /// [`Operation::AddConnectionToGroup`] the group, then the connection id.
    ///
    /// `strict` is `true` but for hubs and groups whose names the service took before it had its patterns: without it
    /// a hub and a group may hold anything, but still not be empty, `.` or `..`.
    ///
    /// # Errors
    /// [`Error::Name`] for the hub, a target or a parameter that is a name; the parameter's own error when it is out
    /// of range; [`Error::Parameter`] for one that the operation does not take.
    pub fn new<'a>(
        endpoint: &Endpoint,
        hub: &str,
        operation: Operation,
        targets: impl IntoIterator<Item = &'a str>,
        query: impl IntoIterator<Item = (Parameter, &'a str)>,
        strict: bool,
    ) -> Result<Self, Error> {
        let mut url = resource_url(endpoint, hub, operation, targets, strict)?;
        url.push_str("?api-version=");
        url.push_str(API_VERSION);
        for (parameter, value) in query {
            if !operation.row().query.has(parameter) {
                return Err(Error::Parameter);
            }
            parameter.check(value, strict)?;
            url.push('&');
            url.push_str(parameter.name());
            url.push('=');
            push_query_value(&mut url, value);
        }
        Ok(Request { operation, url })
    }

    /// Builds the request for a further page of the connections in a group, from the `nextLink` of an answer.
    ///
    /// An application may get the link back from its users, and the request is signed. So the link must lead to the
    /// listing of this group in this hub at this endpoint. Only its query is used.
    ///
    /// # Errors
    /// [`Error::ContinuationToken`] when the link leads anywhere else, has no query, or has a query with a character
    /// that a URL parser would change. [`Error::Name`] for the hub or the group.
    pub fn next_page(
        endpoint: &Endpoint,
        hub: &str,
        group: &str,
        next_link: &str,
        strict: bool,
    ) -> Result<Self, Error> {
        let operation = Operation::ListConnectionsInGroup;
        let mut url = resource_url(endpoint, hub, operation, [group], strict)?;
        let (address, query) = cut(next_link, b'?').ok_or(Error::ContinuationToken)?;
        if !is_same_resource(address, &url) || query.is_empty() || !query.bytes().all(stays_in_query) {
            return Err(Error::ContinuationToken);
        }
        url.push('?');
        url.push_str(query);
        Ok(Request { operation, url })
    }

    /// Which operation it is.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The URL, in the very form that `fetch` sends, since the token is bound to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bearer token for one try. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Clock`] when `now` is 0.
    pub fn bearer(&self, key: &Key, now: u64) -> Result<String, Error> {
        if now == 0 { Err(Error::Clock) } else { Ok(rest_bearer(key, &self.url, now)) }
    }

    /// Appends the same, in ASCII: for a host that hands bytes on.
    ///
    /// # Errors
    /// As [`Request::bearer`].
    pub fn push_bearer(&self, out: &mut Vec<u8>, key: &Key, now: u64) -> Result<(), Error> {
        if now == 0 {
            return Err(Error::Clock);
        }
        push_rest_bearer(out, key, &self.url, now);
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

/// Writes the URL of an operation without its query. Checks the hub and the targets.
fn resource_url<'a>(
    endpoint: &Endpoint,
    hub: &str,
    operation: Operation,
    targets: impl IntoIterator<Item = &'a str>,
    strict: bool,
) -> Result<String, Error> {
    let mut url = String::with_capacity(256);
    url.push_str(endpoint.as_str());
    let mut targets = targets.into_iter();
    let mut path = operation.row().path;
    while let Some((before, rest)) = cut(path, b'{') {
        let (placeholder, after) = cut(rest, b'}').unwrap_or_default();
        let name = kind_of(placeholder);
        let text = if name == Name::Hub { hub } else { targets.next().unwrap_or_default() };
        name.check(text, strict)?;
        url.push_str(before);
        push_segment(&mut url, text);
        path = after;
    }
    url.push_str(path);
    Ok(url)
}

/// Compares two URLs without a query. Percent-encoding does not count, because servers encode other characters than we
/// do. An encoded slash is not a slash, so the segments are the same too.
fn is_same_resource(one: &str, other: &str) -> bool {
    let mut one = one.as_bytes();
    let mut other = other.as_bytes();
    while !one.is_empty() && !other.is_empty() {
        if next_character(&mut one) != next_character(&mut other) {
            return false;
        }
    }
    one.is_empty() && other.is_empty()
}

/// Takes one character off a URL: its byte, and whether it is an encoded slash.
fn next_character(url: &mut &[u8]) -> Option<(u8, bool)> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if let [b'%', high, low, rest @ ..] = *url
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        *url = rest;
        let byte = high << 4 | low;
        return Some((byte, byte == b'/'));
    }
    let (&byte, rest) = url.split_first()?;
    *url = rest;
    Some((byte, false))
}

/// Tells whether a URL parser leaves a byte of a query as it is. The token is bound to the URL as it is sent.
fn stays_in_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'\'' | b'<' | b'>')
}

/// Which kind of name fills a `{name}` of a path.
fn kind_of(placeholder: &str) -> Name {
    match placeholder.as_bytes() {
        [b'h', ..] => Name::Hub,
        [b'g', ..] => Name::Group,
        [b'u', ..] => Name::User,
        [b'c', ..] => Name::Connection,
        _ => Name::Permission,
    }
}

/// The JSON body of [`Operation::AddConnectionsToGroups`] and [`Operation::RemoveConnectionsFromGroups`].
///
/// # Errors
/// [`Error::Name`] for a group, and when there is none.
pub fn groups_body(groups: &[&str], filter: &str, strict: bool) -> Result<String, Error> {
    if groups.is_empty() {
        Name::Group.check("", strict)?;
    }
    groups.iter().try_for_each(|group| Name::Group.check(group, strict))?;
    let mut body = String::from("{\"groups\":");
    push_strings(&mut body, groups);
    body.push_str(",\"filter\":");
    push_string(&mut body, filter);
    body.push('}');
    Ok(body)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BASE: &str = "https://x.webpubsub.azure.com/base";

    fn url(operation: Operation, targets: &[&str], query: &[(Parameter, &str)]) -> Result<String, Error> {
        let endpoint = Endpoint::parse(BASE).unwrap();
        Request::new(&endpoint, "chat", operation, targets.iter().copied(), query.iter().copied(), true)
            .map(|request| request.url)
    }

    #[test]
    fn urls_follow_the_contract() {
        let query = [
            (Parameter::Excluded, "a b"),
            (Parameter::Excluded, "c'"),
            (Parameter::Filter, "userId ne 'a'"),
            (Parameter::MessageTtlSeconds, "0"),
        ];
        for (operation, targets, query, path) in [
            (Operation::SendToAll, &[][..], &[][..], "/api/hubs/chat/:send?api-version=2024-12-01"),
            (Operation::SendToUser, &["a/b"], &[], "/api/hubs/chat/users/a%2Fb/:send?api-version=2024-12-01"),
            (
                Operation::SendToConnection,
                &["%2e%2e"],
                &[],
                "/api/hubs/chat/connections/%252e%252e/:send?api-version=2024-12-01",
            ),
            (
                Operation::SendToGroup,
                &["g"],
                &query,
                "/api/hubs/chat/groups/g/:send?api-version=2024-12-01&excluded=a%20b&excluded=c%27&filter=userId%20ne%20%27a%27&messageTtlSeconds=0",
            ),
            (
                Operation::CheckPermission,
                &["sendToGroup", "c"],
                &[(Parameter::TargetName, "g")],
                "/api/hubs/chat/permissions/sendToGroup/connections/c?api-version=2024-12-01&targetName=g",
            ),
            (Operation::AddUserToGroup, &["u", "g"], &[], "/api/hubs/chat/users/u/groups/g?api-version=2024-12-01"),
            (Operation::GetServiceStatus, &[], &[], "/api/health?api-version=2024-12-01"),
        ] {
            assert_eq!(url(operation, targets, query), Ok([BASE, path].concat()));
        }
    }

    #[test]
    fn bad_arguments_send_nothing() {
        for operation in Operation::ALL {
            let names = operation.row().path.replace("{hub}", "").matches('{').count();
            for bad in ["", ".", ".."] {
                for place in 0..names {
                    let mut targets = ["ok"; 2];
                    targets.iter_mut().skip(place).take(1).for_each(|target| *target = bad);
                    assert!(url(operation, &targets, &[]).is_err(), "{operation:?} {targets:?}");
                }
            }
            assert!(url(operation, &["ok"].repeat(names), &[]).is_ok(), "{operation:?}");
        }
        assert!(url(Operation::SendToAll, &[], &[(Parameter::Excluded, "..")]).is_err());
        assert_eq!(url(Operation::SendToAll, &[], &[(Parameter::MessageTtlSeconds, "301")]), Err(Error::MessageTtl));
        assert_eq!(url(Operation::SendToAll, &[], &[(Parameter::Reason, "r")]), Err(Error::Parameter));
    }

    #[test]
    fn without_strictness_patterns_fall_and_addressing_stays_safe() {
        let endpoint = Endpoint::parse(BASE).unwrap();
        let loose = |hub: &str, group: &str| Request::new(&endpoint, hub, Operation::SendToGroup, [group], [], false);
        assert!(loose("1-hub", &"g".repeat(2000)).is_ok());
        assert!(loose("h", " ").is_ok());
        for bad in ["", ".", ".."] {
            assert!(loose(bad, "g").is_err(), "{bad:?}");
            assert!(loose("h", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_next_link_leads_to_the_listing_of_its_group_only() {
        let endpoint = Endpoint::parse("https://x/base").unwrap();
        let next = |group: &str, link: &str| Request::next_page(&endpoint, "h", group, link, true).map(|next| next.url);
        let query = "?api-version=2024-12-01&continuationToken=a%2Bb";
        let listing = |group: &str| ["https://x/base/api/hubs/h/groups/", group, "/connections", query].concat();
        assert_eq!(next("g", &listing("g")), Ok(listing("g")));
        // Another encoding of the same name.
        assert_eq!(next("a!/b", &listing("a%21%2fb")), Ok(listing("a!%2Fb")));
        for bad in [
            "".to_owned(),
            query.to_owned(),
            listing("other"),
            listing("g").replace("/hubs/h/", "/hubs/secret/"),
            listing("g").replace("https://x/", "https://x.evil/"),
            listing("g").replace("https:", "http:"),
            listing("g").replace("/base", ""),
            listing("other/connections/../../g"),
            listing("x/../g"),
            listing("x/%2e%2e/g"),
            listing("./g"),
            listing("g/"),
            listing("\tg"),
            listing(" g"),
            listing("g").replace("/connections", ""),
            listing("g").replace(query, ""),
            listing("g").replace(query, "?"),
            [&listing("g"), "#fragment"].concat(),
            [&listing("g"), " "].concat(),
            [&listing("g"), "\n"].concat(),
            [&listing("g"), "é"].concat(),
        ] {
            assert_eq!(next("g", &bad), Err(Error::ContinuationToken), "{bad:?}");
        }
        assert_eq!(next("a/b", &listing("a/b")), Err(Error::ContinuationToken), "an encoded slash is no slash");
        assert!(matches!(next("..", &listing("..")), Err(Error::Name { .. })));
    }

    #[test]
    fn bodies_of_bulk_operations() {
        assert_eq!(groups_body(&["a", "\""], "x", true), Ok(r#"{"groups":["a","\""],"filter":"x"}"#.to_owned()));
        for bad in [&[][..], &[""], &["a", ".."]] {
            assert!(groups_body(bad, "", true).is_err());
        }
    }

    #[test]
    fn the_clock_must_run() {
        let endpoint = Endpoint::parse("https://x").unwrap();
        let request = Request::new(&endpoint, "h", Operation::SendToAll, [], [], true).unwrap();
        assert_eq!(request.bearer(&Key::new(b"k"), 0), Err(Error::Clock));
        assert!(request.bearer(&Key::new(b"k"), 1).is_ok());
    }
}
