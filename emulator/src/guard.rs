//! Keeps strangers out: any web page can send requests to localhost, and the emulator's key is public.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::answer;
use crate::http::Response;

/// Whether a request may reach the emulator: it must name this machine as its host, and if a page sent it, the
/// page must come from this machine and the same port.
///
/// `host` is the `Host` header, `origin` the `Origin` header if there is one.
///
/// # Errors
/// [`Foreign`], which says what was refused.
pub fn check(host: &str, origin: Option<&str>) -> Result<(), Foreign> {
    let (name, port) = split_port(host).ok_or(Foreign::Host)?;
    if !is_loopback(name) {
        return Err(Foreign::Host);
    }
    let Some(origin) = origin else { return Ok(()) };
    let (scheme, authority) = origin.split_once("://").ok_or(Foreign::Origin)?;
    let (origin_name, origin_port) = split_port(authority).ok_or(Foreign::Origin)?;
    let default_port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let same_port = port.unwrap_or(default_port) == origin_port.unwrap_or(default_port);
    if is_loopback(origin_name) && same_port { Ok(()) } else { Err(Foreign::Origin) }
}

/// Why a request was kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The `Host` header names another machine, as it does when a page rebinds its own name to 127.0.0.1.
    Host,
    /// A page from elsewhere sent the request.
    Origin,
}

impl Foreign {
    /// The answer to send: 403 with a body that says why.
    pub fn response(self) -> Response {
        answer::error(403, "Error.Forbidden", &self.to_string(), "Request")
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Foreign::Host => {
                "The emulator answers only to this machine: ask for localhost, 127.0.0.1 or [::1], not for another host."
            }
            Foreign::Origin => {
                "A page from another origin may not use the emulator: serve the page from the emulator's own host and port."
            }
        })
    }
}

/// Whether a host name means this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
pub(crate) fn is_loopback(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let v6 = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match v6 {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Splits `host:port`. `None` when the port is no number.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // A colon inside the brackets of an IPv6 address starts no port.
    let colon = authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|bracket| bracket < *colon));
    let Some(colon) = colon else {
        return Some((authority, None));
    };
    let (name, port) = authority.split_at(colon);
    let digits = port.trim_start_matches(':');
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { digits.parse().ok().map(|port| (name, Some(port))) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_let_in() {
        let let_in = [
            ("localhost:8787", None),
            ("LOCALHOST:8787", Some("http://localhost:8787")),
            ("localhost:8787", Some("http://127.0.0.1:8787")),
            ("127.0.0.1:8787", Some("http://[::1]:8787")),
            ("127.8.9.10", Some("http://localhost")),
            ("[::1]:8787", Some("http://app.localhost:8787")),
            ("localhost", Some("http://localhost:80")),
            ("localhost:443", Some("https://localhost")),
        ];
        for (host, origin) in let_in {
            assert_eq!(check(host, origin), Ok(()), "{host} {origin:?}");
        }
    }

    #[test]
    fn everyone_else_is_kept_out() {
        let hosts = ["example.com", "localhost.example.com:80", "192.168.0.1", "0.0.0.0:8787", "[::2]", "::1", ""];
        let ports = ["localhost:", "localhost:99999", "localhost:+80", "localhost:80:80"];
        for host in hosts.into_iter().chain(ports) {
            assert_eq!(check(host, None), Err(Foreign::Host), "{host}");
        }
        let origins = ["https://example.com", "http://localhost:5173", "http://localhost", "null", "", "file://"];
        for origin in
            origins.into_iter().chain(["http://localhost.example.com:8787", "http://localhost@example.com:8787"])
        {
            assert_eq!(check("localhost:8787", Some(origin)), Err(Foreign::Origin), "{origin}");
        }
    }

    #[test]
    fn the_refusal_says_why() {
        let response = Foreign::Origin.response();
        assert_eq!(response.status, 403);
        assert!(String::from_utf8_lossy(&response.body).contains("another origin"));
    }
}
