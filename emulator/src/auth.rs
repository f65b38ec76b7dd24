//! Whether a token is good for what it is shown for.

use webpubsub_edge::jwt::{self, Claims, Key, Rules};

use crate::answer;
use crate::entra;
use crate::guard::{is_loopback, split_port};
use crate::http::Response;
use crate::limits::CLOCK_SKEW_SECONDS;
use crate::url::{Url, decode};

/// Checks a token against the keys and the URLs it may be meant for.
///
/// # Errors
/// The answer to send: [`unauthorized`].
pub(crate) fn check(keys: &[Key], token: Option<&str>, audiences: &Audiences, now: u64) -> Result<Claims, Response> {
    let token = token.ok_or_else(|| unauthorized("there is no token"))?;
    let rules = Rules {
        audience: &|audience| audiences.accept(audience),
        now: now / 1000,
        clock_skew: CLOCK_SKEW_SECONDS,
        max_lifetime: None,
    };
    let keys: Vec<&Key> = keys.iter().collect();
    jwt::verify(token, &keys, &rules).map_err(|rejection| unauthorized(&rejection.to_string()))
}

/// Who sent a request to the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody who has an access key.
    Key,
    /// Somebody who has an Entra token, or made one up.
    Entra,
}

/// Checks the token of a request to the REST API. An Entra token is taken only where unvalidated ones are allowed.
///
/// # Errors
/// Those of [`check`].
pub(crate) fn check_caller(
    keys: &[Key],
    token: Option<&str>,
    audiences: &Audiences,
    now: u64,
    allow_unvalidated_entra_tokens: bool,
) -> Result<Caller, Response> {
    let Some(entra) = token.and_then(entra::read) else {
        return check(keys, token, audiences, now).map(|_| Caller::Key);
    };
    if !allow_unvalidated_entra_tokens {
        let reason = "Entra tokens cannot be validated here, and the host does not allow them unvalidated";
        return Err(unauthorized(reason));
    }
    let expires = entra.expires.ok_or_else(|| unauthorized("the token has no expiry"))?;
    if expires.saturating_add(CLOCK_SKEW_SECONDS) <= now / 1000 {
        return Err(unauthorized("the token has expired"));
    }
    Ok(Caller::Entra)
}

/// An answer to a token that is not good: empty, as in the service. A header says why, which the service does not.
pub(crate) fn unauthorized(reason: &str) -> Response {
    Response::empty(401).with("x-emulator-reason", reason)
}

/// Checks that a request to `/_emulator` carries one of the access keys as its bearer token. Takes the same time for
/// every wrong key.
///
/// # Errors
/// The answer to send: 401 with a body that says what to do.
pub(crate) fn check_key(keys: &[Key], presented: Option<&str>) -> Result<(), Response> {
    // The service compares signatures in constant time, so it compares what each key makes of the same text.
    const TEXT: &[u8] = b"/_emulator";
    let signature = presented.map(|key| Key::new(key.as_bytes()).signature(TEXT));
    if signature.is_some_and(|signature| keys.iter().any(|key| key.verify(TEXT, &signature))) {
        return Ok(());
    }
    let message = "Other machines can reach this emulator, so /_emulator needs its access key: send the header \
                   Authorization: Bearer <key>.";
    Err(answer::error(401, "Error.Unauthorized", message, "Request").with("www-authenticate", "Bearer"))
}

/// The audiences that a request accepts: its URL with or without the query, at the host that was asked or at the public
/// URL, in any case, encoded or decoded once. The names of this machine are one name.
pub(crate) struct Audiences {
    /// The scheme and the host, for each host.
    bases: Vec<String>,
    accepted: Vec<String>,
}

impl Audiences {
    /// What a request to `url` accepts.
    pub(crate) fn of(url: &Url<'_>, public_url: Option<&str>) -> Audiences {
        let mut bases = vec![format!("{}://{}", url.scheme, url.authority)];
        bases.extend(public_url.map(str::to_owned));
        let mut audiences = Audiences { bases, accepted: Vec::new() };
        audiences.add(url.path);
        if !url.query.is_empty() {
            audiences.add(&format!("{}?{}", url.path, url.query));
        }
        audiences
    }

    /// Accepts one more path (and query).
    pub(crate) fn add(&mut self, path: &str) {
        for base in &self.bases {
            let text = format!("{base}{path}");
            self.accepted.extend(decode(&text).map(|decoded| normal(&decoded)));
            self.accepted.push(normal(&text));
        }
    }

    fn accept(&self, audience: &str) -> bool {
        let decoded = decode(audience).unwrap_or_default();
        self.accepted.contains(&normal(audience)) || self.accepted.contains(&normal(&decoded))
    }
}

/// A URL in the one form in which audiences are compared.
fn normal(url: &str) -> String {
    let lower = url.to_ascii_lowercase();
    let Some((scheme, rest)) = lower.split_once("://") else {
        return lower;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // A client signs for http and then connects with ws.
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        other => other,
    };
    let Some((name, port)) = split_port(authority) else {
        return lower;
    };
    let name = if is_loopback(name) { "localhost" } else { name };
    let default_port = if scheme == "https" { 443 } else { 80 };
    format!("{scheme}://{name}:{}{path}", port.unwrap_or(default_port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn accepts(url: &str, audience: &str) -> bool {
        Audiences::of(&Url::parse(url).unwrap(), None).accept(audience)
    }

    #[test]
    fn a_request_accepts_its_own_url() {
        let url = "http://localhost:8080/api/hubs/Chat/:send?api-version=2024-12-01&excluded=a%20b";
        for audience in [
            url,
            "http://localhost:8080/api/hubs/Chat/:send",
            "HTTP://LOCALHOST:8080/API/hubs/chat/:send",
            "http://127.0.0.1:8080/api/hubs/Chat/:send",
            "http://[::1]:8080/api/hubs/Chat/:send",
            "http%3A%2F%2Flocalhost%3A8080%2Fapi%2Fhubs%2FChat%2F%3Asend",
            "http://localhost:8080/api/hubs/Chat/:send?api-version=2024-12-01&excluded=a b",
        ] {
            assert!(accepts(url, audience), "{audience}");
        }
    }

    #[test]
    fn a_request_accepts_no_other_url() {
        let url = "http://localhost:8080/api/hubs/chat/:send?api-version=2024-12-01";
        for audience in [
            "",
            "chat",
            "http://localhost:8081/api/hubs/chat/:send",
            "https://localhost:8080/api/hubs/chat/:send",
            "http://example.com:8080/api/hubs/chat/:send",
            "http://localhost:8080/api/hubs/other/:send",
            "http://localhost:8080/api/hubs/chat/:send/",
            "http://localhost:8080/api/hubs/chat/:send?api-version=2023-07-01",
            "http://localhost:8080",
        ] {
            assert!(!accepts(url, audience), "{audience}");
        }
    }

    #[test]
    fn a_client_connects_with_ws_and_any_spelling_of_the_hub() {
        assert!(accepts("ws://localhost/client/hubs/a%60b?access_token=x", "http://127.0.0.1:80/client/hubs/a`b"));
        assert!(accepts("ws://localhost/client/hubs/a`b", "http://localhost/client/hubs/a%60b"));
    }

    #[test]
    fn a_request_accepts_the_public_url_too() {
        let url = Url::parse("http://10.0.0.1:9770/api/hubs/chat/:send?api-version=2024-12-01").unwrap();
        let audiences = Audiences::of(&url, Some("https://emulator.example"));
        for (audience, is_accepted) in [
            ("https://emulator.example/api/hubs/chat/:send", true),
            ("https://EMULATOR.example:443/api/hubs/chat/:send?api-version=2024-12-01", true),
            ("http://10.0.0.1:9770/api/hubs/chat/:send", true),
            ("http://emulator.example/api/hubs/chat/:send", false),
            ("https://10.0.0.1:9770/api/hubs/chat/:send", false),
            ("https://emulator.example/api/hubs/other/:send", false),
        ] {
            assert_eq!(audiences.accept(audience), is_accepted, "{audience}");
        }
    }

    #[test]
    fn only_an_access_key_opens_the_controls() {
        let keys = [Key::new(b"first key"), Key::new(b"second key")];
        assert_eq!(check_key(&keys, Some("second key")), Ok(()));
        for presented in [None, Some(""), Some("first"), Some("first keys"), Some("FIRST KEY")] {
            let refusal = check_key(&keys, presented).unwrap_err();
            assert_eq!(refusal.status, 401, "{presented:?}");
            assert!(String::from_utf8_lossy(&refusal.body).contains("Authorization: Bearer"), "{presented:?}");
        }
    }
}
