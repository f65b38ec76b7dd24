//! Reads a connection string and an endpoint, and refuses what a URL parser would silently change.
//!
//! A REST token is bound to the request's URL. An endpoint is therefore kept in the form that `fetch` sends: scheme and
//! host in lower case, no default port, no trailing slash. An endpoint that needs any other correction is an error.

use std::fmt;

use crate::address::{ipv4, push_ipv6};
use crate::json::push_number;
use crate::jwt::Key;
use crate::text::{cut, decimal, pieces, trim};
use crate::{Error, Problem};

/// A parsed connection string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// The endpoint of the service.
    pub endpoint: Endpoint,
    /// The key that signs tokens for the endpoint.
    pub access_key: AccessKey,
}

impl ConnectionString {
    /// Reads `Endpoint=https://name.webpubsub.azure.com;AccessKey=...;Version=1.0;`, as the Azure portal shows it.
    ///
    /// Names are case-insensitive and may appear in any order. Blanks around names and values, unknown names and empty
    /// segments are ignored. `Port` replaces the port of the endpoint. A value may contain `=`. The default scheme of the
    /// endpoint is `https`.
    ///
    /// Unlike the official SDKs, this function refuses a name that appears twice, a segment without `=` or without a
    /// name, a port outside 1 to 65535, and a scheme other than http and https.
    ///
    /// # Errors
    /// [`Error::ConnectionString`] or [`Error::Endpoint`]. Neither contains a part of the string.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fields = Fields::read(text)?;
        let problem = match fields.access_key {
            None if fields.auth_type.is_some() => Problem::NoCredential,
            None | Some("") => Problem::NoKey,
            Some(text) if text.chars().any(char::is_control) => Problem::ControlCharacter,
            Some(text) => {
                return Ok(ConnectionString { endpoint: fields.endpoint()?, access_key: AccessKey(text.into()) });
            }
        };
        Err(Error::ConnectionString(problem))
    }

    /// Reads a connection string without a key (`Endpoint=...;AuthType=azure;`), for use with a credential.
    ///
    /// # Errors
    /// The errors of [`ConnectionString::parse`], and an error if the string has an access key, which would be unused.
    pub fn parse_keyless(text: &str) -> Result<Endpoint, Error> {
        let fields = Fields::read(text)?;
        match fields.access_key {
            None => fields.endpoint(),
            Some(_) => Err(Error::ConnectionString(Problem::KeyAndCredential)),
        }
    }
}

#[derive(Default)]
struct Fields<'a> {
    endpoint: Option<&'a str>,
    access_key: Option<&'a str>,
    port: Option<&'a str>,
    version: Option<&'a str>,
    auth_type: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Self, Error> {
        let mut fields = Fields::default();
        for segment in pieces(text, b';').map(trim).filter(|segment| !segment.is_empty()) {
            let (name, value) = cut(segment, b'=').unwrap_or_default();
            let name = trim(name);
            if name.is_empty() {
                return Err(Error::ConnectionString(Problem::Form));
            }
            let known = [
                ("endpoint", &mut fields.endpoint),
                ("accesskey", &mut fields.access_key),
                ("port", &mut fields.port),
                ("version", &mut fields.version),
                ("authtype", &mut fields.auth_type),
            ];
            for (known_name, field) in known {
                if known_name.eq_ignore_ascii_case(name) && field.replace(trim(value)).is_some() {
                    return Err(Error::ConnectionString(Problem::Twice));
                }
            }
        }
        Ok(fields)
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        match self.endpoint {
            None | Some("") => Err(Error::ConnectionString(Problem::NoEndpoint)),
            Some(text) => {
                let mut endpoint = Endpoint { text: String::with_capacity(text.len().saturating_add(16)) };
                endpoint.read(text, self.port)?;
                Ok(endpoint)
            }
        }
    }
}

/// An access key: any non-empty text. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey(Box<str>);

impl AccessKey {
    /// Returns the key as text. The key looks like base64, but the service uses its characters without decoding them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Prepares the key for signing. Keep the result: reusing it halves the work of a signature.
    pub fn key(&self) -> Key {
        Key::new(self.0.as_bytes())
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// The endpoint of a service: an http or https origin with an optional base path. `Debug` shows the host only.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
}

impl Endpoint {
    /// Reads `https://name.webpubsub.azure.com`, with an optional port and base path. The default scheme is https.
    ///
    /// # Errors
    /// [`Error::Endpoint`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut endpoint = Endpoint { text: String::with_capacity(text.len().saturating_add(16)) };
        endpoint.read(text, None)?;
        Ok(endpoint)
    }

    /// Wraps a text that [`Endpoint::into_string`] returned, without checking it again.
    pub fn from_one_form(text: &str) -> Self {
        Endpoint { text: text.to_owned() }
    }

    /// `other_port` is the `Port` of a connection string. It replaces the port of the endpoint.
    fn read(&mut self, text: &str, other_port: Option<&str>) -> Result<(), Error> {
        let scheme_ends = text.as_bytes().windows(3).position(|three| three == b"://");
        let (scheme, rest) = scheme_ends.and_then(|at| text.split_at_checked(at)).unwrap_or(("https", text));
        let rest = rest.strip_prefix("://").unwrap_or(rest);
        let is_secure = scheme.eq_ignore_ascii_case("https");
        if !is_secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(Error::Endpoint(Problem::Scheme));
        }
        let host_ends = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(host_ends).unwrap_or_default();
        let (host, port) = split_port(authority);
        let default_port = if is_secure { 443 } else { 80 };
        let mut port = port.map(|port| port_number(port).ok_or(Error::Endpoint(Problem::Port))).transpose()?;
        if let Some(other) = other_port {
            port = Some(port_number(other).ok_or(Error::ConnectionString(Problem::Port))?);
        }

        let endpoint = &mut self.text;
        endpoint.push_str(if is_secure { "https://" } else { "http://" });
        push_host(endpoint, host)?;
        if let Some(port) = port.filter(|&port| port != default_port) {
            endpoint.push(':');
            push_number(endpoint, port);
        }
        push_path(endpoint, path)
    }

    /// Returns the endpoint in its normalized form, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Converts the endpoint into its normalized form, without a trailing slash.
    pub fn into_string(self) -> String {
        self.text
    }

    /// Returns true if the scheme is https.
    pub fn is_secure(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Returns true if the host is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || ipv4(host).is_some_and(|address| address >> 24 == 127)
    }

    fn host(&self) -> &str {
        let authority = pieces(&self.text, b'/').nth(2).unwrap_or_default();
        split_port(authority).0
    }

    /// Checks that requests may be sent to the endpoint: it uses https, is this machine, or plain http is allowed.
    ///
    /// # Errors
    /// [`Error::InsecureEndpoint`].
    pub fn check_secure(&self, allow_insecure_connection: bool) -> Result<(), Error> {
        if self.is_secure() || self.is_loopback() || allow_insecure_connection {
            Ok(())
        } else {
            Err(Error::InsecureEndpoint)
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.host())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits an authority into its host and the text after the colon that follows the host.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.bytes().rposition(|byte| byte == b':' || byte == b']') {
        Some(at) if authority.as_bytes().get(at) == Some(&b':') => {
            (authority.get(..at).unwrap_or_default(), authority.get(at.saturating_add(1)..))
        }
        _ => (authority, None),
    }
}

fn port_number(text: &str) -> Option<u64> {
    decimal(text).filter(|port| (1..=65535).contains(port))
}

/// Appends the host in the form that a URL parser writes.
fn push_host(out: &mut String, host: &str) -> Result<(), Error> {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return push_ipv6(out, inside).ok_or(Error::Endpoint(Problem::Ipv6));
    }
    let mut last = "";
    for label in pieces(host, b'.') {
        if label.is_empty() {
            return Err(Error::Endpoint(Problem::Host));
        }
        last = label;
    }
    for byte in host.bytes() {
        if byte == b'@' {
            return Err(Error::Endpoint(Problem::User));
        }
        if !matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_') {
            return Err(Error::Endpoint(Problem::Host));
        }
        out.push(char::from(byte.to_ascii_lowercase()));
    }
    // A URL parser reads a host that ends in a number as an IPv4 address. The number may be octal or hexadecimal.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
            && last.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit());
    if is_number && ipv4(host).is_none() {
        return Err(Error::Endpoint(Problem::Ipv4));
    }
    Ok(())
}

/// Appends the base path without its trailing slashes.
fn push_path(out: &mut String, mut path: &str) -> Result<(), Error> {
    if !path.bytes().all(|byte| matches!(byte, b'!' | b'$'..=b':' | b'=' | b'@'..=b'Z' | b'_' | b'a'..=b'z' | b'~')) {
        return Err(Error::Endpoint(Problem::Path));
    }
    if pieces(path, b'/').any(is_dot_segment) {
        return Err(Error::Endpoint(Problem::PathDots));
    }
    while let Some(shorter) = path.strip_suffix('/') {
        path = shorter;
    }
    out.push_str(path);
    Ok(())
}

/// Returns true for `.` and `..`. URL parsers read `%2e` as a dot.
fn is_dot_segment(mut segment: &str) -> bool {
    let mut dots = 0u8;
    while !segment.is_empty() {
        let dot = segment.get(..3).filter(|dot| dot.eq_ignore_ascii_case("%2e")).unwrap_or(".");
        let Some(rest) = segment.get(dot.len()..).filter(|_| dot.len() == 3 || segment.starts_with('.')) else {
            return false;
        };
        segment = rest;
        dots = dots.saturating_add(1);
    }
    dots == 1 || dots == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Option<String> {
        Endpoint::parse(text).ok().map(|endpoint| endpoint.text)
    }

    #[test]
    fn endpoints_have_one_form() {
        for (text, normal) in [
            ("https://x.webpubsub.azure.com", "https://x.webpubsub.azure.com"),
            ("HTTPS://X.WebPubSub.Azure.Com/", "https://x.webpubsub.azure.com"),
            ("x.webpubsub.azure.com", "https://x.webpubsub.azure.com"),
            ("https://x:443", "https://x"),
            ("http://x:80/", "http://x"),
            ("http://x:443/", "http://x:443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("localhost:8080", "https://localhost:8080"),
            ("https://x/Base/Path//", "https://x/Base/Path"),
            ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
            ("http://[2001:DB8:0:0:1:0:0:1]", "http://[2001:db8::1:0:0:1]"),
            ("http://[1:0:0:2:3:4:5:6]", "http://[1::2:3:4:5:6]"),
            ("http://[1:0:2:3:4:5:6:7]", "http://[1:0:2:3:4:5:6:7]"),
            ("http://[::]", "http://[::]"),
            ("http://[1::]", "http://[1::]"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ] {
            assert_eq!(endpoint(text).as_deref(), Some(normal), "{text}");
        }
    }

    #[test]
    fn endpoints_that_a_url_parser_would_change_are_refused() {
        for text in [
            "",
            "https://",
            "ftp://x",
            "ws://x",
            "://x",
            "https:///x",
            "https://x:0",
            "https://x:65536",
            "https://x:+1",
            "https://x:",
            "https://x:80a",
            "https://a b",
            "https://u:p@x",
            "https://u@x",
            "https://x?q",
            "https://x/#f",
            "https://x/a?b",
            "https://x\\y",
            "https://x/a/../b",
            "https://x/%2E%2e/b",
            "https://é.com",
            "https://x..y",
            "https://0x7f.1",
            "https://127.1",
            "https://1.2.3.256",
            "https://0177.0.0.1",
            "https://[::1",
            "https://[g]",
            "https://::1",
            "https://x/\n",
            "https://x%2fy",
            "https://x/ä",
            "https://x/{}",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for text in
            ["localhost", "http://LOCALHOST:8080", "http://a.localhost", "http://127.9.9.9", "http://[::1]:8787"]
        {
            assert!(Endpoint::parse(text).is_ok_and(|endpoint| endpoint.is_loopback()), "{text}");
        }
        for text in [
            "localhost.example.com",
            "http://128.0.0.1",
            "http://[::2]",
            "http://127.0.0.1.example.com",
            "http://xlocalhost",
        ] {
            assert!(Endpoint::parse(text).is_ok_and(|endpoint| !endpoint.is_loopback()), "{text}");
        }
    }

    #[test]
    fn connection_strings_are_read_in_any_case_and_order() {
        for (text, endpoint, key) in [
            ("Endpoint=https://a;AccessKey=k;Version=1.0;", "https://a", "k"),
            ("accesskey=a+b/c==;ENDPOINT=http://a:8080;port=8088", "http://a:8088", "a+b/c=="),
            (" Endpoint = https://a ; AccessKey = k ;\n", "https://a", "k"),
            ("Endpoint=a;AccessKey=k;Port=443;;Future=1;Future=2", "https://a", "k"),
        ] {
            let parsed = ConnectionString::parse(text).ok();
            let parsed = parsed.as_ref().map(|parsed| (parsed.endpoint.as_str(), parsed.access_key.as_str()));
            assert_eq!(parsed, Some((endpoint, key)), "{text}");
        }
    }

    #[test]
    fn malformed_connection_strings_are_refused_without_their_key() {
        for text in [
            "",
            "foobar",
            "foo;bar;baz",
            "foo=;bar=;",
            "=",
            ";",
            "=;==",
            "Endpoint=https://a",
            "AccessKey=SECRET",
            "Endpoint=;AccessKey=SECRET",
            "Endpoint=https://a;AccessKey=",
            "Endpoint=https://a;AccessKey= ;",
            "Endpoint=ftp://a;AccessKey=SECRET",
            "Endpoint=https://a;AccessKey=SECRET;AccessKey=SECRET",
            "Endpoint=https://a;endpoint=https://a;AccessKey=SECRET",
            "Endpoint=https://a;AccessKey=SECRET;SECRET",
            "Endpoint=https://a;AccessKey=SECRET;=SECRET",
            "Endpoint=https://a;AccessKey=SECRET;Port=",
            "Endpoint=https://a;AccessKey=SECRET;Port=abc",
            "Endpoint=https://a;AccessKey=SECRET;Port=0",
            "Endpoint=https://a;AccessKey=SECRET;Port=65536",
            "Endpoint=https://a;AccessKey=SECRET;Port=-1",
            "Endpoint=https://a;AccessKey=SEC\u{0}RET",
            "Endpoint=https://a;AuthType=azure",
            "Endpoint=https://a;AccessKey=SECRET;Version=1.0;version=1.0",
            "Endpoint=https://SECRET@a;AccessKey=SECRET",
        ] {
            let refused = ConnectionString::parse(text).err().map(|error| format!("{error} {error:?}"));
            assert!(refused.as_ref().is_some_and(|error| !error.contains("SECRET")), "{text:?}: {refused:?}");
        }
    }

    #[test]
    fn keyless_connection_strings_are_for_credentials() {
        let endpoint = ConnectionString::parse_keyless("Endpoint=https://a;AuthType=azure;Version=1.0;");
        assert_eq!(endpoint.map(|endpoint| endpoint.text), Ok("https://a".to_owned()));
        for bad in ["AuthType=azure", "Endpoint=https://a;AccessKey=k", "Endpoint=https://a;AuthType=a;AuthType=b"] {
            assert!(ConnectionString::parse_keyless(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let parsed = ConnectionString::parse("Endpoint=https://a;AccessKey=SECRET;");
        assert!(!format!("{parsed:?}").contains("SECRET"));
    }
}
