//! Client access URLs, and the bearer token of a REST call.

use std::fmt;

use crate::Error;
use crate::endpoint::Endpoint;
use crate::json::{push_number, push_string, push_strings};
use crate::jwt::{HEADER, Key, ascii};
use crate::names::{Name, push_segment};

/// The default lifetime of a client access URL: 60 minutes, as in the official SDKs.
pub const DEFAULT_LIFETIME_SECONDS: u64 = 3600;

/// The maximum lifetime of a client access URL, about 136 years.
pub const MAX_LIFETIME_SECONDS: u64 = 0xffff_ffff;

/// The lifetime of the bearer token of a REST call. Each try is signed again, so that 5 minutes are enough.
const REST_LIFETIME_SECONDS: u64 = 300;

/// The kind of client that a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientProtocol {
    /// A WebSocket client, simple or with a `*.webpubsub.azure.v1` subprotocol.
    #[default]
    Default,
    /// MQTT over WebSocket.
    Mqtt,
    /// Socket.IO.
    SocketIo,
}

impl ClientProtocol {
    /// Reads a name of the official SDKs: `default`, `mqtt` or `socketio`, case-insensitive.
    ///
    /// # Errors
    /// [`Error::ClientProtocol`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        [("default", Self::Default), ("mqtt", Self::Mqtt), ("socketio", Self::SocketIo)]
            .into_iter()
            .find_map(|(name, protocol)| name.eq_ignore_ascii_case(text).then_some(protocol))
            .ok_or(Error::ClientProtocol)
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Default => "/client/hubs/",
            Self::Mqtt => "/clients/mqtt/hubs/",
            Self::SocketIo => "/clients/socketio/hubs/",
        }
    }
}

/// The identity and the rights of a client.
#[derive(Debug, Clone, Copy)]
pub struct ClientTokenOptions<'a> {
    /// The user id. `None` or an empty text creates an anonymous client.
    pub user_id: Option<&'a str>,
    /// The rights of the client, such as `webpubsub.sendToGroup.chat`. A client without a role may send events only.
    pub roles: &'a [&'a str],
    /// The groups that the client joins when it connects.
    pub groups: &'a [&'a str],
    /// How long the URL can be used to connect, from 1 to [`MAX_LIFETIME_SECONDS`] seconds. Open connections are not
    /// closed at that time.
    pub lifetime_seconds: u64,
    /// The kind of client.
    pub protocol: ClientProtocol,
    /// Custom claims: pairs of a name and a JSON value. The service passes them to the `connect` event.
    pub claims: &'a [(&'a str, &'a str)],
    /// Custom members of the token's header, such as `kid`: pairs of a name and a JSON value.
    pub header: &'a [(&'a str, &'a str)],
    /// Whether names must match the patterns of the service; see [`crate::service::Request::new`].
    pub strict: bool,
}

impl Default for ClientTokenOptions<'_> {
    fn default() -> Self {
        ClientTokenOptions {
            user_id: None,
            roles: &[],
            groups: &[],
            lifetime_seconds: DEFAULT_LIFETIME_SECONDS,
            protocol: ClientProtocol::Default,
            claims: &[],
            header: &[],
            strict: true,
        }
    }
}

/// Converts `expirationTimeInMinutes` to whole seconds, rounded down.
///
/// # Errors
/// [`Error::Lifetime`] if the number is not finite, less than one second, or above [`MAX_LIFETIME_SECONDS`].
pub fn lifetime_from_minutes(minutes: f64) -> Result<u64, Error> {
    lifetime_from_seconds(minutes * 60.0)
}

/// Checks a lifetime in seconds, and rounds it down.
///
/// # Errors
/// As [`lifetime_from_minutes`].
pub fn lifetime_from_seconds(seconds: f64) -> Result<u64, Error> {
    // NaN is in no range.
    if (1.0..MAX_LIFETIME_SECONDS as f64 + 1.0).contains(&seconds) { Ok(seconds as u64) } else { Err(Error::Lifetime) }
}

/// A URL that a client connects with. It contains a token, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientAccess {
    url: String,
    base_length: usize,
    expires_on: u64,
}

impl ClientAccess {
    /// Wraps a token that the service created.
    #[cfg(feature = "json")]
    pub(crate) fn minted(base_url: String, token: &str, expires_on: u64) -> Self {
        ClientAccess { url: [&base_url, QUERY, token].concat(), base_length: base_url.len(), expires_on }
    }

    /// Returns the WebSocket URL. Anyone who has it can connect until it expires, so do not log it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Converts into the WebSocket URL. Anyone who has it can connect until it expires, so do not log it.
    pub fn into_url(self) -> String {
        self.url
    }

    /// Returns the URL without its token.
    pub fn base_url(&self) -> &str {
        self.url.get(..self.base_length).unwrap_or_default()
    }

    /// Returns the token.
    pub fn token(&self) -> &str {
        self.url.get(self.base_length..).and_then(|rest| rest.strip_prefix(QUERY)).unwrap_or_default()
    }

    /// Returns the time when the token expires, in seconds since 1970.
    pub fn expires_on(&self) -> u64 {
        self.expires_on
    }
}

impl fmt::Debug for ClientAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAccess(..)")
    }
}

const QUERY: &str = "?access_token=";

/// The claims that this package sets. Custom claims must not use these names.
const RESERVED_CLAIMS: [&str; 6] = ["role", "webpubsub.group", "iat", "exp", "aud", "sub"];

fn push_members(payload: &mut Payload, members: &[(&str, &str)], reserved: &[&str]) -> Result<(), Error> {
    for (name, json) in members {
        #[cfg(feature = "json")]
        if serde_json::from_str::<serde_json::Value>(json).is_err() {
            return Err(Error::Claim);
        }
        if name.is_empty() || reserved.contains(name) {
            return Err(Error::Claim);
        }
        payload.json(name, json);
    }
    Ok(())
}

/// Creates the URL that a client connects to `hub` with. `now` is in seconds since 1970.
///
/// The claims and their order are those of the official JavaScript SDK: `role`, `webpubsub.group`, `iat`, `exp`,
/// `aud`, `sub`. Empty claims are omitted.
///
/// # Errors
/// [`Error::Name`] for the hub, the user id or a group, [`Error::Role`] for an empty role, [`Error::Lifetime`],
/// [`Error::Claim`] for a custom claim or header that is reserved or not JSON (which is looked at with the feature
/// `json` only), and [`Error::Clock`] when `now` is 0.
pub fn client_access(
    endpoint: &Endpoint,
    hub: &str,
    key: &Key,
    options: &ClientTokenOptions<'_>,
    now: u64,
) -> Result<ClientAccess, Error> {
    let url = ascii(client_url(endpoint, hub, key, options, now)?);
    let base_length = url.bytes().position(|byte| byte == b'?').unwrap_or_default();
    Ok(ClientAccess { url, base_length, expires_on: now.saturating_add(options.lifetime_seconds) })
}

/// Creates the URL as ASCII bytes, for hosts that pass bytes on without checking UTF-8.
///
/// # Errors
/// As [`client_access`].
pub fn client_url(
    endpoint: &Endpoint,
    hub: &str,
    key: &Key,
    options: &ClientTokenOptions<'_>,
    now: u64,
) -> Result<Vec<u8>, Error> {
    let user_id = options.user_id.filter(|user_id| !user_id.is_empty());
    Name::Hub.check(hub, options.strict)?;
    user_id.map_or(Ok(()), |user_id| Name::User.check(user_id, options.strict))?;
    options.groups.iter().try_for_each(|group| Name::Group.check(group, options.strict))?;
    if options.roles.iter().any(|role| role.is_empty()) {
        return Err(Error::Role);
    }
    if options.lifetime_seconds == 0 || options.lifetime_seconds > MAX_LIFETIME_SECONDS {
        return Err(Error::Lifetime);
    }
    if now == 0 {
        return Err(Error::Clock);
    }
    let audience = http_url(endpoint, hub, options.protocol);
    let mut payload = Payload::new();
    payload.strings("role", options.roles);
    payload.strings("webpubsub.group", options.groups);
    payload.number("iat", now);
    payload.number("exp", now.saturating_add(options.lifetime_seconds));
    payload.string("aud", &audience);
    user_id.inspect(|user_id| payload.string("sub", user_id));
    push_members(&mut payload, options.claims, &RESERVED_CLAIMS)?;
    let mut header = Payload::new();
    header.string("alg", "HS256");
    header.string("typ", "JWT");
    push_members(&mut header, options.header, &["alg", "typ", "crit"])?;

    let mut url = web_socket(&audience).into_bytes();
    url.extend_from_slice(QUERY.as_bytes());
    key.push_token(&mut url, &header.finish(), &payload.finish());
    Ok(url)
}

/// Returns the URL of `hub` for clients, without a token. Use it with a token that the service created.
///
/// # Errors
/// [`Error::Name`] for the hub.
pub fn client_base_url(
    endpoint: &Endpoint,
    hub: &str,
    protocol: ClientProtocol,
    strict: bool,
) -> Result<String, Error> {
    Name::Hub.check(hub, strict)?;
    Ok(web_socket(&http_url(endpoint, hub, protocol)))
}

/// Returns the http form of that URL, which is the audience of client tokens.
fn http_url(endpoint: &Endpoint, hub: &str, protocol: ClientProtocol) -> String {
    let mut url = String::from(endpoint.as_str());
    url.push_str(protocol.path());
    push_segment(&mut url, hub);
    url
}

/// Replaces `https` by `wss`, and `http` by `ws`.
fn web_socket(url: &str) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str("ws");
    out.push_str(url.get(4..).unwrap_or_default());
    out
}

/// Creates the bearer token for one try of a REST call. `url` is the whole URL that is sent, including its query. `now`
/// is in seconds since 1970.
///
/// The claims are those of the official JavaScript SDK: `iat`, `exp`, `aud`. The lifetime is 5 minutes instead of one
/// hour, because each try is signed again.
pub fn rest_bearer(key: &Key, url: &str, now: u64) -> String {
    key.sign(&rest_payload(url, now, REST_LIFETIME_SECONDS))
}

/// Appends the bearer token of a REST call as ASCII bytes.
pub(crate) fn push_rest_bearer(out: &mut Vec<u8>, key: &Key, url: &str, now: u64) {
    key.push_token(out, HEADER, &rest_payload(url, now, REST_LIFETIME_SECONDS));
}

fn rest_payload(url: &str, now: u64, lifetime_seconds: u64) -> String {
    let mut payload = Payload::new();
    payload.number("iat", now);
    payload.number("exp", now.saturating_add(lifetime_seconds));
    payload.string("aud", url);
    payload.finish()
}

/// Writes the claims of a token as JSON.
pub(crate) struct Payload(String);

impl Payload {
    pub(crate) fn new() -> Self {
        Payload(String::with_capacity(256))
    }

    pub(crate) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        push_number(&mut self.0, value);
    }

    /// Appends a string claim.
    pub(crate) fn string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        push_string(&mut self.0, value);
    }

    /// Appends a list claim, unless the list is empty.
    pub(crate) fn strings(&mut self, name: &'static str, values: &[&str]) {
        if !values.is_empty() {
            self.name(name);
            push_strings(&mut self.0, values);
        }
    }

    /// Appends a claim with any name and a JSON value.
    pub(crate) fn json(&mut self, name: &str, json: &str) {
        self.next();
        push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(json);
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The names that this package sets need no escapes.
    fn name(&mut self, name: &'static str) {
        self.next();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn next(&mut self) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::endpoint::ConnectionString;
    use serde_json::Value;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../tests/vectors/tokens.json")).unwrap()
    }

    fn strings(list: &Value) -> Vec<&str> {
        list.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    #[test]
    fn client_tokens_are_those_of_the_official_sdk_byte_for_byte() {
        let vectors = vectors();
        let vectors = vectors["clientTokens"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let connection = ConnectionString::parse(vector["connectionString"].as_str().unwrap()).unwrap();
            let options = ClientTokenOptions {
                user_id: vector["userId"].as_str(),
                roles: &strings(&vector["roles"]),
                groups: &strings(&vector["groups"]),
                lifetime_seconds: lifetime_from_minutes(vector["expirationTimeInMinutes"].as_f64().unwrap()).unwrap(),
                protocol: ClientProtocol::parse(vector["clientProtocol"].as_str().unwrap()).unwrap(),
                ..Default::default()
            };
            let access = client_access(
                &connection.endpoint,
                vector["hub"].as_str().unwrap(),
                &connection.access_key.key(),
                &options,
                vector["now"].as_u64().unwrap(),
            );
            let access = access.unwrap();
            assert_eq!(access.token(), vector["token"].as_str().unwrap());
            assert_eq!(access.base_url(), vector["baseUrl"].as_str().unwrap());
            assert_eq!(access.url(), [access.base_url(), QUERY, access.token()].concat());
        }
    }

    #[test]
    fn rest_tokens_are_those_of_the_official_sdk_byte_for_byte() {
        let vectors = vectors();
        let vectors = vectors["restTokens"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let key = Key::new(vector["accessKey"].as_str().unwrap().as_bytes());
            let lifetime = vector["lifetimeSeconds"].as_u64().unwrap();
            let token =
                key.sign(&rest_payload(vector["url"].as_str().unwrap(), vector["now"].as_u64().unwrap(), lifetime));
            assert_eq!(token, vector["token"].as_str().unwrap());
        }
    }

    #[test]
    fn bad_options_are_refused() {
        let endpoint = Endpoint::parse("https://a").unwrap();
        let key = Key::new(b"key");
        let code = |hub: &str, options: ClientTokenOptions<'_>, now| {
            client_access(&endpoint, hub, &key, &options, now).err().map(|error| error.code())
        };
        let options = ClientTokenOptions::default();
        assert_eq!(code("h", options, 1), None);
        assert_eq!(code("1h", options, 1), Some("ERR_HUB"));
        assert_eq!(code("h", options, 0), Some("ERR_CLOCK"));
        assert_eq!(code("h", ClientTokenOptions { user_id: Some(".."), ..options }, 1), Some("ERR_USER_ID"));
        assert_eq!(code("h", ClientTokenOptions { user_id: Some(""), ..options }, 1), None);
        assert_eq!(code("h", ClientTokenOptions { groups: &["g", " "], ..options }, 1), Some("ERR_GROUP"));
        assert_eq!(code("h", ClientTokenOptions { roles: &[""], ..options }, 1), Some("ERR_ROLE"));
        for lifetime_seconds in [0, MAX_LIFETIME_SECONDS + 1, u64::MAX] {
            assert_eq!(code("h", ClientTokenOptions { lifetime_seconds, ..options }, 1), Some("ERR_EXPIRATION"));
        }
    }

    #[test]
    fn custom_claims_and_headers_come_last() {
        let endpoint = Endpoint::parse("https://a").unwrap();
        let key = Key::new(b"key");
        let options = ClientTokenOptions {
            user_id: Some("ann"),
            claims: &[("tier", "\"gold\""), ("ids", "[1,{\"a\":null}]")],
            header: &[("kid", "\"}\"")],
            ..Default::default()
        };
        let access = client_access(&endpoint, "h", &key, &options, 1).unwrap();
        let part = |index: usize| {
            use base64::Engine;
            let part = access.token().split('.').nth(index).unwrap();
            String::from_utf8(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(part(0), r#"{"alg":"HS256","typ":"JWT","kid":"}"}"#);
        assert!(part(1).ends_with(r#","sub":"ann","tier":"gold","ids":[1,{"a":null}]}"#), "{}", part(1));
        for (claims, header) in [
            (&[("role", "[]")][..], &[][..]),
            (&[("", "1")], &[]),
            (&[("a", "1,\"sub\":\"root\"")], &[]),
            (&[], &[("alg", "\"none\"")]),
        ] {
            let options = ClientTokenOptions { claims, header, ..Default::default() };
            assert_eq!(client_access(&endpoint, "h", &key, &options, 1), Err(Error::Claim));
        }
    }

    #[test]
    fn the_hub_is_encoded_in_url_and_audience() {
        let endpoint = Endpoint::parse("https://a").unwrap();
        let key = Key::new(b"key");
        let access = client_access(&endpoint, "h`,[]", &key, &ClientTokenOptions::default(), 1).unwrap();
        assert_eq!(access.base_url(), "wss://a/client/hubs/h%60%2C%5B%5D");
        let rules = crate::jwt::Rules {
            audience: &|aud| aud == "https://a/client/hubs/h%60%2C%5B%5D",
            now: 1,
            clock_skew: 0,
            max_lifetime: None,
        };
        assert!(crate::jwt::verify(access.token(), &[&key], &rules).is_ok());
        assert!(!format!("{access:?}").contains(access.token()));
    }

    #[test]
    fn minutes_become_whole_seconds() {
        for (minutes, seconds) in [(60.0, 3600), (0.5, 30), (1.0 / 60.0, 1), (1.99 / 60.0, 1), (0.999, 59)] {
            assert_eq!(lifetime_from_minutes(minutes), Ok(seconds), "{minutes}");
        }
        for minutes in [0.0, -0.0, -1.0, 0.01, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(lifetime_from_minutes(minutes), Err(Error::Lifetime), "{minutes}");
        }
    }

    #[test]
    fn protocols_are_read_in_any_case() {
        assert_eq!(ClientProtocol::parse("MQTT"), Ok(ClientProtocol::Mqtt));
        assert_eq!(ClientProtocol::parse("SocketIO"), Ok(ClientProtocol::SocketIo));
        assert_eq!(ClientProtocol::parse("Default"), Ok(ClientProtocol::Default));
        for unknown in ["", "default ", "ws"] {
            assert_eq!(ClientProtocol::parse(unknown), Err(Error::ClientProtocol));
        }
    }
}
