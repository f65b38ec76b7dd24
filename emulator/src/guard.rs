//! Keeps strangers out: any web page can send requests to localhost, and the emulator's key is public.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::answer;
use crate::http::Response;
use crate::settings::is_origin;

/// Whether a request may reach the emulator: it must name this machine as its host, and if a page sent it, the
/// page must come from this machine and the same port, or from one of `allowed_origins`.
///
/// `host` is the `Host` header, `header` gives the others.
///
/// # Errors
/// [`Foreign`], which says what was refused.
pub fn check(host: &str, header: &dyn Fn(&str) -> Option<String>, allowed_origins: &[String]) -> Result<(), Foreign> {
    // wrangler lets this header overrule the host, and takes it off again. Where it arrives, nobody has judged it.
    if header("mf-original-url").is_some() {
        return Err(Foreign::Host);
    }
    let is_allowed = |origin: &String| allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
    check_names(host, header("origin").filter(|origin| !is_allowed(origin)).as_deref())
}

/// Whether a request that only looks may be answered. A page's own GET has no `Origin`, but browsers say where it
/// comes from: `none` is a person who typed the address.
///
/// # Errors
/// [`Foreign::Page`].
pub(crate) fn check_look(header: &dyn Fn(&str) -> Option<String>) -> Result<(), Foreign> {
    match header("sec-fetch-site") {
        Some(site) if site != "none" => Err(Foreign::Page),
        _ => Ok(()),
    }
}

/// The origins in a list with commas. What is no origin is left out, `null` above all: it is anybody's.
pub fn origins(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|origin| origin.contains("://")).map(str::to_owned).collect()
}

fn check_names(host: &str, origin: Option<&str>) -> Result<(), Foreign> {
    let (name, port) = split_port(host).ok_or(Foreign::Host)?;
    if !is_loopback(name) {
        return Err(Foreign::Host);
    }
    let Some(origin) = origin else { return Ok(()) };
    let foreign = || Foreign::Origin(is_plain_origin(origin).then(|| origin.to_owned()));
    let (scheme, authority) = origin.split_once("://").ok_or_else(foreign)?;
    let (origin_name, origin_port) = split_port(authority).ok_or_else(foreign)?;
    let default_port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let same_port = port.unwrap_or(default_port) == origin_port.unwrap_or(default_port);
    if is_loopback(origin_name) && same_port { Ok(()) } else { Err(foreign()) }
}

/// Whether an `Origin` is one that can be allowed, and repeated to whoever reads the refusal or the log.
fn is_plain_origin(origin: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    origin.len() <= LONGEST_ORIGIN
        && is_origin(origin)
        && origin.split_once("://").is_some_and(|(_, authority)| authority.bytes().all(is_plain))
}

/// A scheme, the longest host name that there is, and a port.
const LONGEST_ORIGIN: usize = 300;

/// Why a request was kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The `Host` header names another machine, as it does when a page rebinds its own name to 127.0.0.1.
    Host,
    /// A page from elsewhere sent the request: from this origin, if it is one that can be allowed.
    Origin(Option<String>),
    /// A page sent the request, and only a person or a program may.
    Page,
}

impl Foreign {
    /// The answer to send: 403 with a body that says why.
    pub fn response(self) -> Response {
        answer::error(403, "Error.Forbidden", &self.to_string(), "Request")
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Host => formatter.write_str(
                "The emulator answers only to this machine: ask for localhost, 127.0.0.1 or [::1], not for another host.",
            ),
            Foreign::Origin(Some(origin)) => write!(
                formatter,
                "A page from another origin may not use the emulator, unless {origin} is allowed: by --allow-origin \
                 {origin} on the command line, by allowedOrigins: [\"{origin}\"] in startEmulator, and under wrangler dev \
                 by the variable ALLOWED_ORIGINS={origin}. Or serve the page from the emulator's own host and port."
            ),
            Foreign::Origin(None) => formatter.write_str(
                "A page from another origin may not use the emulator, and this one has no origin that could be allowed: \
                 serve it from the emulator's own host and port.",
            ),
            Foreign::Page => {
                formatter.write_str("No page may read this: open it in a tab of its own, or with a program.")
            }
        }
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
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
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
            assert_eq!(check_names(host, origin), Ok(()), "{host} {origin:?}");
        }
    }

    #[test]
    fn everyone_else_is_kept_out() {
        let hosts = ["example.com", "localhost.example.com:80", "192.168.0.1", "0.0.0.0:8787", "[::2]", "::1", ""];
        let ports = ["localhost:", "localhost:99999", "localhost:+80", "localhost:80:80"];
        for host in hosts.into_iter().chain(ports) {
            assert_eq!(check_names(host, None), Err(Foreign::Host), "{host}");
        }
        let origins = ["https://example.com", "http://localhost:5173", "http://localhost", "null", "", "file://"];
        for origin in
            origins.into_iter().chain(["http://localhost.example.com:8787", "http://localhost@example.com:8787"])
        {
            let outcome = check_names("localhost:8787", Some(origin));
            assert!(matches!(outcome, Err(Foreign::Origin(_))), "{origin}: {outcome:?}");
        }
    }

    #[test]
    fn a_listed_page_is_let_in() {
        let allowed = origins("http://localhost:5173, null,*,, https://app.example ");
        assert_eq!(allowed, ["http://localhost:5173", "https://app.example"]);
        for (origin, outcome) in [
            ("HTTPS://app.example", Ok(())),
            ("http://localhost:5173", Ok(())),
            ("null", Err(Foreign::Origin(None))),
            ("https://app.example.com", Err(Foreign::Origin(Some("https://app.example.com".to_owned())))),
        ] {
            let header = |name: &str| (name == "origin").then(|| origin.to_owned());
            assert_eq!(check("localhost:8787", &header, &allowed), outcome, "{origin}");
            assert_eq!(check("example.com", &header, &allowed), Err(Foreign::Host), "{origin}");
        }
    }

    #[test]
    fn nobody_overrules_the_host() {
        let header = |name: &str| (name == "mf-original-url").then(|| "http://localhost:8787/".to_owned());
        assert_eq!(check("localhost:8787", &header, &[]), Err(Foreign::Host));
    }

    #[test]
    fn only_a_person_or_a_program_may_look() {
        for (site, outcome) in [
            (None, Ok(())),
            (Some("none"), Ok(())),
            (Some("same-origin"), Err(Foreign::Page)),
            (Some("same-site"), Err(Foreign::Page)),
            (Some("cross-site"), Err(Foreign::Page)),
        ] {
            let header = |name: &str| site.filter(|_| name == "sec-fetch-site").map(str::to_owned);
            assert_eq!(check_look(&header), outcome, "{site:?}");
        }
    }

    #[test]
    fn the_refusal_names_the_origin_and_how_to_allow_it() {
        let refusal = |origin: &str| {
            let response = check_names("localhost:8787", Some(origin)).unwrap_err().response();
            assert_eq!(response.status, 403);
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            body["message"].as_str().unwrap().to_owned()
        };
        let named = refusal("http://localhost:5173");
        for how in [
            "--allow-origin http://localhost:5173 ",
            r#"allowedOrigins: ["http://localhost:5173"]"#,
            "ALLOWED_ORIGINS=http://localhost:5173.",
        ] {
            assert!(named.contains(how), "{named}");
        }
        let long = format!("http://{}", "a".repeat(LONGEST_ORIGIN));
        for origin in
            ["null", "http://a b", "http://\u{1b}[31m", "http://a/?access_token=t", "http://a@b", "http://ä", &long]
        {
            assert!(refusal(origin).contains("no origin that could be allowed"), "{origin}");
        }
    }
}
