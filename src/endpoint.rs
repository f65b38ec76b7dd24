//! Reads a connection string and an endpoint, and refuses what a URL parser would silently change.
//!
//! A REST token is bound to the request's URL, so an endpoint is kept in the one form that `fetch` sends: scheme
//! and host in lower case, no default port, no trailing slash. Whatever would need more repair than that is an
//! error.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::Error;
use crate::json::push_number;
use crate::jwt::Key;

/// What a connection string holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// Where the service is.
    pub endpoint: Endpoint,
    /// The key that signs for it.
    pub access_key: AccessKey,
}

impl ConnectionString {
    /// Reads `Endpoint=https://name.webpubsub.azure.com;AccessKey=...;Version=1.0;`, as the Azure portal shows it.
    ///
    /// Names are matched in any case and order; blanks around names and values are ignored, as are names that are
    /// not known and empty segments. `Port` replaces the endpoint's own port. A value may hold `=`. An endpoint
    /// without a scheme is `https`.
    ///
    /// Stricter than the official SDKs, which let these through: a name given twice, a segment without `=` or
    /// without a name, a port that is not a number from 1 to 65535, a scheme that is not http or https.
    ///
    /// # Errors
    /// [`Error::ConnectionString`] or [`Error::Endpoint`]. Neither holds any part of the string.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fields = Fields::read(text)?;
        let access_key = match fields.access_key {
            None if fields.auth_type.is_some() => {
                return Err(Error::ConnectionString(
                    "it has AuthType and no AccessKey: pass a credential with it, or one that holds an access key.",
                ));
            }
            None => return Err(Error::ConnectionString("AccessKey is missing.")),
            Some("") => return Err(Error::ConnectionString("AccessKey is empty.")),
            Some(text) if text.chars().any(char::is_control) => {
                return Err(Error::ConnectionString("AccessKey holds a control character; copy it again."));
            }
            Some(text) => AccessKey(text.into()),
        };
        Ok(ConnectionString { endpoint: fields.endpoint()?, access_key })
    }

    /// Reads a connection string without a key (`Endpoint=...;AuthType=azure;`), for use with a credential.
    ///
    /// # Errors
    /// As [`ConnectionString::parse`], and when there is an access key: it would silently not be used.
    pub fn parse_keyless(text: &str) -> Result<Endpoint, Error> {
        let fields = Fields::read(text)?;
        match fields.access_key {
            None => fields.endpoint(),
            Some(_) => {
                Err(Error::ConnectionString("it holds an AccessKey beside a credential; leave one of them out."))
            }
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
        for segment in text.split(';').map(str::trim).filter(|segment| !segment.is_empty()) {
            let Some((name, value)) = segment.split_once('=') else {
                return Err(Error::ConnectionString("a segment has no \"=\"; write Name=value;Name=value."));
            };
            fields.set(name.trim(), value.trim())?;
        }
        Ok(fields)
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        let mut endpoint = match self.endpoint {
            None => return Err(Error::ConnectionString("Endpoint is missing.")),
            Some("") => return Err(Error::ConnectionString("Endpoint is empty.")),
            Some(text) => Endpoint::parse(text)?,
        };
        if let Some(port) = self.port {
            let port = parse_port(port).ok_or(Error::ConnectionString("Port is not a number from 1 to 65535."))?;
            endpoint.set_port(Some(port));
        }
        Ok(endpoint)
    }

    fn set(&mut self, name: &str, value: &'a str) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::ConnectionString("a segment has nothing before its \"=\"."));
        }
        let known = [
            ("endpoint", &mut self.endpoint, "Endpoint is given twice."),
            ("accesskey", &mut self.access_key, "AccessKey is given twice."),
            ("port", &mut self.port, "Port is given twice."),
            ("version", &mut self.version, "Version is given twice."),
            ("authtype", &mut self.auth_type, "AuthType is given twice."),
        ];
        for (known_name, field, given_twice) in known {
            if known_name.eq_ignore_ascii_case(name) && field.replace(value).is_some() {
                return Err(Error::ConnectionString(given_twice));
            }
        }
        Ok(())
    }
}

/// An access key: any text that is not empty. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey(Box<str>);

impl AccessKey {
    /// The key as text. It looks like base64, but the service uses its characters as they are.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key, ready to sign. Make it once and keep it: that halves the work of a signature.
    pub fn key(&self) -> Key {
        Key::new(self.0.as_bytes())
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// Where the service is: an http or https origin, perhaps with a base path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    secure: bool,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Endpoint {
    /// Reads `https://name.webpubsub.azure.com`, with an optional port and base path. Without a scheme it is https.
    ///
    /// # Errors
    /// [`Error::Endpoint`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (secure, rest) = match text.split_once("://") {
            None => (true, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(Error::Endpoint("its scheme must be https or http.")),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@%".contains(&b)) {
            return Err(Error::Endpoint(
                "its path holds a character that must be percent-encoded, a query or a fragment.",
            ));
        }
        let path = path.trim_end_matches('/');
        if path.split('/').any(is_dot_segment) {
            return Err(Error::Endpoint("its path holds a \".\" or \"..\" segment."));
        }
        let (host, port) = split_port(authority)?;
        let mut endpoint =
            Endpoint { text: String::new(), secure, host: normal_host(host)?, port: None, path: path.into() };
        endpoint.set_port(port);
        Ok(endpoint)
    }

    /// The endpoint in its one form, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the scheme is https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the host is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host == "[::1]"
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether a request may go there: over https, to this machine, or where plain http was allowed.
    ///
    /// # Errors
    /// [`Error::InsecureEndpoint`].
    pub fn check_secure(&self, allow_insecure_connection: bool) -> Result<(), Error> {
        if self.secure || self.is_loopback() || allow_insecure_connection {
            Ok(())
        } else {
            Err(Error::InsecureEndpoint)
        }
    }

    /// The scheme and everything after it for WebSockets: `wss://...`, or `ws://...` where the endpoint is http.
    pub(crate) fn push_web_socket(&self, out: &mut String) {
        out.push_str("ws");
        out.push_str(self.text.strip_prefix("http").unwrap_or(&self.text));
    }

    fn set_port(&mut self, port: Option<u16>) {
        let default = if self.secure { 443 } else { 80 };
        self.port = port.filter(|&port| port != default);
        self.text.clear();
        self.text.push_str(if self.secure { "https://" } else { "http://" });
        self.text.push_str(&self.host);
        if let Some(port) = self.port {
            self.text.push(':');
            push_number(&mut self.text, port.into());
        }
        self.text.push_str(&self.path);
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".."
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Error> {
    let host_ends = authority.rfind(']').unwrap_or(0);
    let Some(colon) = authority.rfind(':').filter(|&colon| colon >= host_ends) else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at_checked(colon).unwrap_or((authority, ""));
    match port.strip_prefix(':').and_then(parse_port) {
        Some(port) => Ok((host, Some(port))),
        None => Err(Error::Endpoint("its port is not a number from 1 to 65535.")),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&port: &u16| digits_only && port > 0)
}

/// The host as a URL parser writes it.
fn normal_host(host: &str) -> Result<String, Error> {
    if host.contains('@') {
        return Err(Error::Endpoint("it holds a user name or password."));
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inside.parse::<Ipv6Addr>() {
            Ok(address) => Ok(normal_ipv6(address)),
            Err(_) => Err(Error::Endpoint("its host is not an IPv6 address.")),
        };
    }
    if host.is_empty() {
        return Err(Error::Endpoint("it has no host."));
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(Error::Endpoint(
            "its host may hold letters, digits, \"-\", \".\" and \"_\" only; write an \
             international name in its xn-- form.",
        ));
    }
    if host.split('.').any(str::is_empty) {
        return Err(Error::Endpoint("its host has an empty label."));
    }
    // A URL parser reads a host that ends in a number as an IPv4 address, in octal and hexadecimal too.
    let last = host.rsplit('.').next().unwrap_or("");
    let ends_in_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
            && last.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
    if ends_in_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(Error::Endpoint("its host ends in a number and is not an IPv4 address of four decimal parts."));
    }
    Ok(host.to_ascii_lowercase())
}

/// RFC 5952: the longest run of two or more zero groups is `::`. (`Ipv6Addr`'s own `Display` would bring the
/// formatting code into the wasm modules.)
fn normal_ipv6(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let (mut longest_start, mut longest_length) = (0, 1);
    for start in 0..groups.len() {
        let length = groups.iter().skip(start).take_while(|&&group| group == 0).count();
        if length > longest_length {
            (longest_start, longest_length) = (start, length);
        }
    }
    let run = if longest_length > 1 { longest_start..longest_start.saturating_add(longest_length) } else { 8..8 };
    let mut text = String::from("[");
    for (index, group) in groups.into_iter().enumerate() {
        if run.contains(&index) {
            if index == run.start {
                text.push_str("::");
            }
            continue;
        }
        if index > 0 && !text.ends_with(':') {
            text.push(':');
        }
        push_hex(&mut text, group);
    }
    text.push(']');
    text
}

fn push_hex(text: &mut String, number: u16) {
    if number >= 16 {
        push_hex(text, number >> 4);
    }
    text.push(char::from_digit(u32::from(number & 0xf), 16).unwrap_or('0'));
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
