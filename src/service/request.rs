//! Checks the arguments of an operation, writes its URL and signs it.

use std::fmt;

use super::{API_VERSION, Operation};
use crate::Error;
use crate::endpoint::Endpoint;
use crate::json::push_number;
use crate::jwt::Key;
use crate::names::{Name, push_query_value, push_segment};
use crate::token::rest_bearer;

/// Options of a send.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'a> {
    /// Connection ids that do not get the message. For [`Operation::SendToAll`] and [`Operation::SendToGroup`].
    pub excluded_connections: &'a [&'a str],
    /// An OData filter over the connections. Not for [`Operation::SendToConnection`].
    pub filter: Option<&'a str>,
    /// How long the message may wait for a client that is slow or recovering: 0 (for ever) to 300 seconds.
    pub message_ttl_seconds: Option<u32>,
}

/// The most that `messageTtlSeconds` may be.
const MAX_TTL_SECONDS: u32 = 300;

/// Turns the number a JavaScript caller gives as `messageTtlSeconds` into whole seconds.
///
/// # Errors
/// [`Error::MessageTtl`] for what is not a whole number from 0 to 300.
pub fn message_ttl_from_number(seconds: f64) -> Result<u32, Error> {
    let whole = seconds as u32;
    if f64::from(whole) == seconds && whole <= MAX_TTL_SECONDS { Ok(whole) } else { Err(Error::MessageTtl) }
}

/// A request that is ready to be signed. `Debug` shows no URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    operation: Operation,
    url: String,
}

impl Request {
    /// Builds the request of a send. `target` is the group, user id or connection id; it is not looked at for
    /// [`Operation::SendToAll`].
    ///
    /// # Errors
    /// [`Error::Name`] for the hub, the target or an excluded connection, [`Error::MessageTtl`].
    pub fn send(
        endpoint: &Endpoint,
        hub: &str,
        operation: Operation,
        target: &str,
        options: &SendOptions<'_>,
    ) -> Result<Self, Error> {
        Name::Hub.check(hub)?;
        options.excluded_connections.iter().try_for_each(|id| Name::Connection.check(id))?;
        if options.message_ttl_seconds.is_some_and(|seconds| seconds > MAX_TTL_SECONDS) {
            return Err(Error::MessageTtl);
        }
        let row = operation.row();
        let mut url = String::with_capacity(256);
        url.push_str(endpoint.as_str());
        url.push_str("/api/hubs/");
        push_segment(&mut url, hub);
        url.push('/');
        url.push_str(row.path);
        if let Some(name) = row.target {
            name.check(target)?;
            push_segment(&mut url, target);
        }
        url.push_str(row.after_target);
        url.push_str("?api-version=");
        url.push_str(API_VERSION);
        for id in options.excluded_connections {
            url.push_str("&excluded=");
            push_query_value(&mut url, id);
        }
        if let Some(filter) = options.filter {
            url.push_str("&filter=");
            push_query_value(&mut url, filter);
        }
        if let Some(seconds) = options.message_ttl_seconds {
            url.push_str("&messageTtlSeconds=");
            push_number(&mut url, seconds.into());
        }
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
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn url(operation: Operation, target: &str, options: SendOptions<'_>) -> Result<String, Error> {
        let endpoint = Endpoint::parse("https://x.webpubsub.azure.com/base").unwrap();
        Request::send(&endpoint, "chat", operation, target, &options).map(|request| request.url)
    }

    #[test]
    fn urls_follow_the_contract() {
        let base = "https://x.webpubsub.azure.com/base/api/hubs/chat/";
        let none = SendOptions::default();
        let all = SendOptions {
            excluded_connections: &["a b", "c'"],
            filter: Some("userId ne 'a'"),
            message_ttl_seconds: Some(0),
        };
        for (operation, target, options, path) in [
            (Operation::SendToAll, "", none, ":send?api-version=2024-12-01"),
            (Operation::SendToUser, "a/b", none, "users/a%2Fb/:send?api-version=2024-12-01"),
            (Operation::SendToConnection, "%2e%2e", none, "connections/%252e%252e/:send?api-version=2024-12-01"),
            (
                Operation::SendToGroup,
                "g",
                all,
                "groups/g/:send?api-version=2024-12-01&excluded=a%20b&excluded=c%27&filter=userId%20ne%20%27a%27&messageTtlSeconds=0",
            ),
        ] {
            assert_eq!(url(operation, target, options), Ok([base, path].concat()));
        }
    }

    #[test]
    fn bad_arguments_send_nothing() {
        let none = SendOptions::default();
        for operation in [Operation::SendToGroup, Operation::SendToUser, Operation::SendToConnection] {
            for target in ["", ".", ".."] {
                assert!(url(operation, target, none).is_err(), "{operation:?} {target:?}");
            }
        }
        let excluded = SendOptions { excluded_connections: &["a", ".."], ..none };
        assert!(url(Operation::SendToAll, "", excluded).is_err());
        let ttl = SendOptions { message_ttl_seconds: Some(301), ..none };
        assert_eq!(url(Operation::SendToAll, "", ttl), Err(Error::MessageTtl));
        for number in [-1.0, 0.5, 301.0, f64::NAN, f64::INFINITY] {
            assert_eq!(message_ttl_from_number(number), Err(Error::MessageTtl), "{number}");
        }
        assert_eq!(message_ttl_from_number(300.0), Ok(300));
    }

    #[test]
    fn the_clock_must_run() {
        let endpoint = Endpoint::parse("https://x").unwrap();
        let request = Request::send(&endpoint, "h", Operation::SendToAll, "", &SendOptions::default()).unwrap();
        assert_eq!(request.bearer(&Key::new(b"k"), 0), Err(Error::Clock));
        assert!(request.bearer(&Key::new(b"k"), 1).is_ok());
    }
}
