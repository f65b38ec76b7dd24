//! Decides which hosts and web pages may use the emulator: any page can send requests to localhost, and the emulator's
//! default key is public.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::answer;
use crate::http::{Request, Response};
use crate::settings::{Settings, is_origin};
use crate::url::Url;

/// Checks who sent a request to a path of a Worker that has no key to check. The request must name this machine as its
/// host. A page must have this origin (the same port of this machine) or one of `allowed_origins`.
///
/// `host` is the `Host` header, `header` returns the others.
///
/// # Errors
/// [`Foreign`], which says what was refused.
pub fn check(host: &str, header: &dyn Fn(&str) -> Option<String>, allowed_origins: &[String]) -> Result<(), Foreign> {
    check_host(host, header("mf-original-url").as_deref())?;
    match header("origin") {
        Some(origin) if !is_listed(&origin, allowed_origins) && !is_own(&origin, host) => Err(Foreign::origin(&origin)),
        _ => Ok(()),
    }
}

/// Who sent a request to the emulator, as far as the headers of browsers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender<'r> {
    /// A program, or a page of the emulator's own origin.
    Own,
    /// A page of an origin that the settings list.
    Listed(&'r str),
    /// A page of another port of this machine.
    Local(&'r str),
}

/// Returns who sent a request to the emulator.
///
/// # Errors
/// [`Foreign`] if the `Host` or the page's origin is refused.
pub(crate) fn sender<'r>(settings: &Settings, request: &'r Request, url: &Url<'_>) -> Result<Sender<'r>, Foreign> {
    let host = request.host(url);
    if !settings.is_exposed {
        check_host(host, request.header("mf-original-url"))?;
    }
    let Some(origin) = request.header("origin") else { return Ok(Sender::Own) };
    let is_public = settings.public_url.as_deref().is_some_and(|public| public.eq_ignore_ascii_case(origin));
    if is_listed(origin, &settings.allowed_origins) {
        Ok(Sender::Listed(origin))
    } else if is_public || is_own(origin, host) {
        Ok(Sender::Own)
    } else if is_plain_origin(origin) && split_origin(origin).is_some_and(|(name, _)| is_loopback(name)) {
        Ok(Sender::Local(origin))
    } else {
        Err(Foreign::origin(origin))
    }
}

/// Checks that no page sent a request which only reads. Such a request of the emulator's own pages has no `Origin`, but
/// browsers send `Sec-Fetch-Site`; its value is `none` if a person entered the address.
///
/// # Errors
/// [`Foreign::Page`].
pub(crate) fn check_look(header: &dyn Fn(&str) -> Option<String>) -> Result<(), Foreign> {
    match header("sec-fetch-site") {
        Some(site) if site != "none" => Err(Foreign::Page),
        _ => Ok(()),
    }
}

/// Returns the origins in a comma-separated list. Entries that are not origins are left out, among them `null`, which
/// files and sandboxed pages share.
pub fn origins(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|origin| origin.contains("://")).map(str::to_owned).collect()
}

/// Checks that a request names this machine as its host.
fn check_host(host: &str, original_url: Option<&str>) -> Result<(), Foreign> {
    // wrangler replaces `Host` by the host of this header, and then removes the header. If the header arrives here,
    // nobody has checked it.
    if original_url.is_some() {
        return Err(Foreign::Host);
    }
    match split_port(host) {
        Some((name, _)) if is_loopback(name) => Ok(()),
        _ => Err(Foreign::Host),
    }
}

fn is_listed(origin: &str, allowed_origins: &[String]) -> bool {
    allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
}

/// Whether a page comes from the host and port that it sends its request to. The names of this machine are one name.
fn is_own(origin: &str, host: &str) -> bool {
    let (Some((origin_name, origin_port)), Some((name, port))) = (split_origin(origin), split_port(host)) else {
        return false;
    };
    let same_name = origin_name.eq_ignore_ascii_case(name) || (is_loopback(origin_name) && is_loopback(name));
    same_name && port.unwrap_or(default_port(origin)) == origin_port
}

/// Returns the host name and the port of an `http` or `https` origin.
fn split_origin(origin: &str) -> Option<(&str, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let (name, port) = split_port(authority).filter(|_| is_http)?;
    Some((name, port.unwrap_or(default_port(origin))))
}

fn default_port(origin: &str) -> u16 {
    if origin.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) { 443 } else { 80 }
}

/// Whether an origin can be allowed, and can be repeated in the refusal and in the log.
fn is_plain_origin(origin: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    origin.len() <= LONGEST_ORIGIN
        && is_origin(origin)
        && origin.split_once("://").is_some_and(|(_, authority)| authority.bytes().all(is_plain))
}

/// A scheme, the longest host name that there is, and a port.
const LONGEST_ORIGIN: usize = 300;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The `Host` header names another machine, as it does when a page rebinds its own name to 127.0.0.1.
    Host,
    /// The page has another origin: this one, if it can be allowed.
    Origin(Option<String>),
    /// The page has this origin of another port of this machine, which may not use `/_emulator`.
    Control(String),
    /// A page sent the request, and only a person or a program may.
    Page,
}

impl Foreign {
    fn origin(origin: &str) -> Foreign {
        Foreign::Origin(is_plain_origin(origin).then(|| origin.to_owned()))
    }

    /// The answer to send: 403 with a body that says why.
    pub fn response(self) -> Response {
        answer::error(403, "Error.Forbidden", &self.to_string(), "Request")
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Host => formatter.write_str(
                "The emulator answers only to this machine: use localhost, 127.0.0.1 or [::1] as the host. To use it \
                 from other machines or behind a proxy, start it with --host or --public-url.",
            ),
            Foreign::Origin(Some(origin)) => {
                write!(formatter, "A page of {origin} may not use the emulator. {}", HowToAllow(origin))
            }
            Foreign::Origin(None) => formatter.write_str(
                "This page may not use the emulator, because its origin cannot be allowed. The origin `null` is shared \
                 by files and sandboxed pages: serve the page from http://localhost. In jsdom and happy-dom, give the \
                 window a URL such as http://localhost/.",
            ),
            Foreign::Control(origin) => write!(
                formatter,
                "/_emulator needs no token, so a page of {origin} may not use it by default. {}",
                HowToAllow(origin)
            ),
            Foreign::Page => {
                formatter.write_str("A page may not read this: open it in a tab of its own, or with a program.")
            }
        }
    }
}

/// Says how to allow an origin.
struct HowToAllow<'a>(&'a str);

impl fmt::Display for HowToAllow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0;
        write!(
            formatter,
            "Allow the origin with --allow-origin {origin} on the command line, with allowedOrigins: [\"{origin}\"] in \
             startEmulator, or under wrangler dev with the variable ALLOWED_ORIGINS={origin}."
        )
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

    fn sent<'r>(request: &'r Request, settings: &Settings) -> Result<Sender<'r>, Foreign> {
        sender(settings, request, &Url::parse("http://nowhere/").unwrap())
    }

    fn request(host: &str, origin: Option<&str>) -> Request {
        let mut headers = vec![("host".to_owned(), host.to_owned())];
        headers.extend(origin.map(|origin| ("origin".to_owned(), origin.to_owned())));
        Request { headers, ..Request::default() }
    }

    /// What `check` says, which Workers use for their own paths.
    fn checked(host: &str, origin: Option<&str>, allowed: &[String]) -> Result<(), Foreign> {
        check(host, &|name| origin.filter(|_| name == "origin").map(str::to_owned), allowed)
    }

    #[test]
    fn this_machine_is_let_in() {
        for (host, origin) in [
            ("localhost:8787", None),
            ("LOCALHOST:8787", Some("http://localhost:8787")),
            ("localhost:8787", Some("http://127.0.0.1:8787")),
            ("127.0.0.1:8787", Some("http://[::1]:8787")),
            ("127.8.9.10", Some("http://localhost")),
            ("[::1]:8787", Some("http://app.localhost:8787")),
            ("localhost", Some("http://localhost:80")),
            ("localhost:443", Some("https://localhost")),
        ] {
            assert_eq!(checked(host, origin, &[]), Ok(()), "{host} {origin:?}");
            assert_eq!(sent(&request(host, origin), &Settings::default()), Ok(Sender::Own), "{host} {origin:?}");
        }
    }

    #[test]
    fn pages_of_any_local_port_are_let_into_the_emulator_but_not_into_a_worker() {
        for origin in [
            "http://localhost:5173",
            "https://localhost",
            "HTTP://LOCALHOST:3000",
            "http://127.0.0.1:5173",
            "http://127.9.9.9",
            "https://[::1]:8443",
            "http://app.localhost:4200",
        ] {
            let request = request("127.0.0.1:9770", Some(origin));
            assert_eq!(sent(&request, &Settings::default()), Ok(Sender::Local(origin)), "{origin}");
            let outcome = checked("127.0.0.1:9770", Some(origin), &[]);
            assert_eq!(outcome, Err(Foreign::Origin(Some(origin.to_owned()))), "{origin}");
        }
    }

    #[test]
    fn everyone_else_is_kept_out() {
        let hosts = ["example.com", "localhost.example.com:80", "192.168.0.1", "0.0.0.0:8787", "[::2]", "::1", ""];
        let ports = ["localhost:", "localhost:99999", "localhost:+80", "localhost:80:80"];
        for host in hosts.into_iter().chain(ports) {
            assert_eq!(checked(host, None, &[]), Err(Foreign::Host), "{host}");
            assert_eq!(sent(&request(host, None), &Settings::default()), Err(Foreign::Host), "{host}");
        }
        for origin in [
            "https://example.com",
            "null",
            "",
            "file://",
            "file://localhost",
            "chrome-extension://localhost",
            "http://localhost:x",
            "http://192.168.0.1:5173",
            "http://localhost.example.com:8787",
            "http://localhost@example.com:8787",
            "http://example.com/.localhost",
            "http://a b.localhost",
        ] {
            let outcome = checked("localhost:8787", Some(origin), &[]);
            assert!(matches!(outcome, Err(Foreign::Origin(_))), "{origin}: {outcome:?}");
            let request = request("localhost:8787", Some(origin));
            assert!(matches!(sent(&request, &Settings::default()), Err(Foreign::Origin(_))), "{origin}");
        }
    }

    #[test]
    fn a_listed_page_is_let_in() {
        let allowed = origins("http://localhost:5173, null,*,, https://app.example ");
        assert_eq!(allowed, ["http://localhost:5173", "https://app.example"]);
        let settings = Settings { allowed_origins: allowed.clone(), ..Settings::default() };
        for origin in ["HTTPS://app.example", "http://localhost:5173"] {
            assert_eq!(checked("localhost:8787", Some(origin), &allowed), Ok(()), "{origin}");
            assert_eq!(
                sent(&request("localhost:8787", Some(origin)), &settings),
                Ok(Sender::Listed(origin)),
                "{origin}"
            );
            assert_eq!(checked("example.com", Some(origin), &allowed), Err(Foreign::Host), "{origin}");
        }
        for (origin, named) in [("null", None), ("https://app.example.com", Some("https://app.example.com".to_owned()))]
        {
            let refusal = Err(Foreign::Origin(named));
            assert_eq!(checked("localhost:8787", Some(origin), &allowed), refusal, "{origin}");
        }
    }

    #[test]
    fn an_exposed_emulator_takes_every_host_and_its_own_pages() {
        let public = "https://emulator.example";
        let settings = Settings { is_exposed: true, public_url: Some(public.to_owned()), ..Settings::default() };
        for (host, origin, expected) in [
            ("emulator:9770", None, Ok(Sender::Own)),
            ("192.168.0.7:9770", Some("http://192.168.0.7:9770"), Ok(Sender::Own)),
            ("10.0.0.1:9770", Some(public), Ok(Sender::Own)),
            ("10.0.0.1:9770", Some("http://localhost:5173"), Ok(Sender::Local("http://localhost:5173"))),
            ("10.0.0.1", Some("http://10.0.0.1:5173"), Err(Foreign::Origin(Some("http://10.0.0.1:5173".to_owned())))),
            ("10.0.0.1", Some("null"), Err(Foreign::Origin(None))),
        ] {
            assert_eq!(sent(&request(host, origin), &settings), expected, "{host} {origin:?}");
        }
    }

    #[test]
    fn nobody_overrules_the_host() {
        let header = |name: &str| (name == "mf-original-url").then(|| "http://localhost:8787/".to_owned());
        assert_eq!(check("localhost:8787", &header, &[]), Err(Foreign::Host));
        let mut request = request("localhost:8787", None);
        request.headers.push(("MF-Original-URL".to_owned(), "http://localhost:8787/".to_owned()));
        assert_eq!(sent(&request, &Settings::default()), Err(Foreign::Host));
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
            let response = checked("localhost:8787", Some(origin), &[]).unwrap_err().response();
            assert_eq!(response.status, 403);
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            body["message"].as_str().unwrap().to_owned()
        };
        let named = refusal("http://localhost:5173");
        for how in [
            "--allow-origin http://localhost:5173 on",
            r#"allowedOrigins: ["http://localhost:5173"]"#,
            "ALLOWED_ORIGINS=http://localhost:5173.",
        ] {
            assert!(named.contains(how), "{named}");
        }
        let long = format!("http://{}", "a".repeat(LONGEST_ORIGIN));
        for origin in
            ["null", "http://a b", "http://\u{1b}[31m", "http://a/?access_token=t", "http://a@b", "http://ä", &long]
        {
            assert!(refusal(origin).contains("its origin cannot be allowed"), "{origin}");
        }
    }
}
