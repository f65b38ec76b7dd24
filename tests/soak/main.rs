//! Properties of the core that hold for any input, tried on many: see random.rs.

#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod random;

use random::{Random, soak};
use serde_json::{Value, json};
use webpubsub_edge::endpoint::{ConnectionString, Endpoint};
use webpubsub_edge::jwt::{Key, Rules, verify};
use webpubsub_edge::names::Name;
use webpubsub_edge::service::{Operation, Request, RestError};

const ENDPOINT_PIECES: [&str; 34] = [
    "http",
    "https",
    "HTTPS",
    "://",
    ":",
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E",
    "[",
    "]",
    "::",
    "::1",
    "ffff",
    "1",
    "0",
    "127.0.0.1",
    "0x7f",
    "256",
    "a",
    "B",
    "-",
    "_",
    "localhost",
    "xn--",
    "@",
    "?",
    "#",
    "\\",
    "é",
    " ",
    ":443",
];

#[test]
fn an_endpoint_that_is_accepted_stays_as_it_is() {
    soak("endpoints", |random| {
        let text = match random.below(3) {
            0 => random.joined(12, &ENDPOINT_PIECES),
            1 => format!("https://[{}]", random.joined(12, &["::", ":", "0", "1", "a", "FFFF", "00", "1.2.3.4", "."])),
            _ => {
                format!("{}{}", random.pick(&["http://a", "https://a.b:81/", "c"]), random.joined(6, &ENDPOINT_PIECES))
            }
        };
        let Ok(endpoint) = Endpoint::parse(&text) else { return };
        let normal = endpoint.as_str();
        assert_eq!(Endpoint::parse(normal).as_ref(), Ok(&endpoint), "{text:?}");
        assert!(!normal.ends_with('/'), "{text:?} became {normal:?}");
        let (scheme, rest) = normal.split_once("://").unwrap();
        let authority = rest.split('/').next().unwrap();
        assert_eq!(endpoint.is_secure(), scheme == "https");
        assert_eq!(authority, authority.to_lowercase(), "{text:?}");
        assert!(
            !authority.is_empty() && !authority.contains('@') && !normal.contains(['?', '#', '\\', ' ', 'é']),
            "{text:?} became {normal:?}"
        );
        if let Some(address) = authority.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let address: std::net::Ipv6Addr = address.parse().unwrap_or_else(|_| panic!("{text:?} became {normal:?}"));
            assert_eq!(endpoint.is_loopback(), address.is_loopback(), "{text:?}");
        }
    });
}

#[test]
fn a_connection_string_gives_what_it_holds_and_shows_no_key() {
    soak("connection strings", |random| {
        let secret = format!("SECRET{}", random.text().replace(';', ""));
        let mut text = String::new();
        for _ in 0..random.below(7) {
            let name = random.pick(&[
                "Endpoint",
                "endpoint",
                "AccessKey",
                " ACCESSKEY",
                "Port",
                "Version",
                "AuthType",
                "X",
                "",
            ]);
            let value = match name.trim().to_lowercase().as_str() {
                "accesskey" => secret.clone(),
                "port" => random.pick(&["80", "443", "0", "65536", "8080", "a"]).to_owned(),
                "endpoint" if random.one_in(2) => "https://a.example".to_owned(),
                _ => random.joined(5, &ENDPOINT_PIECES),
            };
            text += name;
            text += random.pick(&["=", "=", "=", " = ", ""]);
            text += &value;
            text += random.pick(&[";", ";", ";\n", ";;"]);
        }
        match ConnectionString::parse(&text) {
            Ok(parsed) => {
                assert_eq!(parsed.access_key.as_str(), secret.trim(), "{text:?}");
                assert_eq!(Endpoint::parse(parsed.endpoint.as_str()), Ok(parsed.endpoint.clone()), "{text:?}");
                assert!(!format!("{parsed:?}").contains("SECRET"), "{text:?}");
                assert!(ConnectionString::parse_keyless(&text).is_err(), "{text:?}");
            }
            Err(error) => assert!(!format!("{error} {error:?}").contains("SECRET"), "{text:?}: {error}"),
        }
    });
}

/// One segment of a path, back to what it stands for.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[..2]).unwrap(), 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_name_is_one_segment_of_a_url_and_comes_back() {
    let endpoint = Endpoint::parse("https://a/base").unwrap();
    soak("names to URL", |random| {
        let (user, group) = (random.text(), random.name());
        let made = Request::new(&endpoint, "hub", Operation::AddUserToGroup, [user.as_str(), &group], [], false);
        let is_bad = |name: &str| ["", ".", ".."].contains(&name);
        let Ok(request) = made else {
            assert!(is_bad(&user) || is_bad(&group), "{user:?} {group:?}");
            return;
        };
        assert!(!is_bad(&user) && !is_bad(&group), "{user:?} {group:?}");
        let url = request.url();
        assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
        let path = url.split('?').next().unwrap();
        let segments: Vec<String> = path.split('/').skip(3).map(decoded).collect();
        assert_eq!(segments, ["base", "api", "hubs", "hub", "users", &user, "groups", &group], "{url}");
        assert_eq!(
            Name::Group.check(&group, true).is_ok(),
            Request::new(&endpoint, "hub", Operation::GroupExists, [group.as_str()], [], true).is_ok()
        );
    });
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(random.one_in(2)),
        2 => json!(1_700_000_000i64 + random.below(100) as i64 - 50),
        3 => json!(random.next() as i64 as f64 / 1e3),
        4 => json!(random.pick(&["me", "you", "", "'", "🦀"])),
        5 => (0..random.below(3)).map(|_| value(random, depth - 1)).collect(),
        _ => json!({ random.text(): value(random, depth - 1) }),
    }
}

#[test]
fn a_token_is_accepted_exactly_when_it_is_good() {
    const NOW: u64 = 1_700_000_000;
    let key = Key::new(b"key");
    let rules = Rules { audience: &|audience| audience == "me", now: NOW, clock_skew: 0, max_lifetime: None };
    soak("JWT verify", |random| {
        let mut claims = json!({ "aud": "me", "exp": NOW + 10 });
        for _ in 0..random.below(3) {
            let name = random.pick(&["aud", "exp", "nbf", "sub", "iat", "x"]);
            claims[name] = value(random, 2);
        }
        let token = key.sign(&claims.to_string());
        let time = |name: &str| claims.get(name).map(|time| time.as_f64().filter(|time| *time >= 0.0));
        let audience = match &claims["aud"] {
            Value::Array(several) => several.contains(&json!("me")),
            one => *one == json!("me"),
        };
        let is_good = audience
            && time("exp").flatten().is_some_and(|time| time.floor() > NOW as f64)
            && time("nbf").unwrap_or(Some(0.0)).is_some_and(|time| time.floor() <= NOW as f64)
            && claims.get("sub").is_none_or(Value::is_string);
        assert_eq!(verify(&token, &[&key], &rules).is_ok(), is_good, "{claims}");
        let changed = random.bytes(&token);
        if let Ok(changed) = String::from_utf8(changed)
            && changed != token
        {
            assert!(verify(&changed, &[&key], &rules).is_err(), "{changed:?}");
        }
        assert!(verify(&token, &[&Key::new(b"other")], &rules).is_err());
    });
}

#[test]
fn any_body_of_an_error_is_read() {
    soak("error bodies", |random| {
        let body = json!({
            "code": value(random, 1),
            random.pick(&["message", "title", "x"]): value(random, 1),
            random.pick(&["error", "y"]): json!({ "code": value(random, 1), "message": value(random, 1) }),
        });
        let body = if random.one_in(3) { random.text() } else { body.to_string() };
        let bytes = random.bytes(&body);
        let status = random.below(600) as u16;
        let header = random.one_in(2).then_some("Header.Code");
        let error = RestError::read(status, header, &bytes, "id");
        assert_eq!((error.status, error.request_id.as_str()), (status, "id"));
        assert!(!error.message.is_empty() && error.code.as_deref() != Some(""), "{body}");
        assert!(header.is_none() || error.code.is_some(), "{body}");
        assert!(error.to_string().contains(&status.to_string()));
    });
}
