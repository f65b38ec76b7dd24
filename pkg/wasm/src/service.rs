//! The functions that `WebPubSubServiceClient` calls. `pkg/src/wasm/calls.ts` has the same numbers and the same fields in
//! the same order; a test compares them.
//!
//! Fields with the same name mean the same in every function:
//!
//! | field | meaning |
//! | --- | --- |
//! | `endpoint` | an endpoint that `ENDPOINT` or `CONNECTION_STRING` returned |
//! | `key` | the access key; empty if a credential signs |
//! | `strict` | whether names must match the patterns of the service |
//! | `now` | the time in seconds since 1970 |

use webpubsub_edge::Error;
use webpubsub_edge::endpoint::{ConnectionString, Endpoint};
use webpubsub_edge::names::Name;
use webpubsub_edge::service::{
    Call, Failure, Next, Operation, Parameter, Request, RetryAfter, RetryOptions, SendRetries, TryOutcome,
    default_message,
};
use webpubsub_edge::token::{self, ClientProtocol, ClientTokenOptions, client_base_url};

use crate::key::key;
use crate::packed::{Reader, Value, fields};

/// Runs a function by its number. Returns its result, or the code of an error, a blank, and the error's message.
pub fn answer(function: u32, mut packed: Reader<'_>) -> Vec<u8> {
    let packed = &mut packed;
    let answer = match function {
        0 => connection_string(Value::read(packed)).map(String::into_bytes),
        1 => endpoint(Value::read(packed)).map(String::into_bytes),
        2 => check_name(Value::read(packed)).map(String::into_bytes),
        3 => client_url(Value::read(packed)),
        4 => client_base(Value::read(packed)).map(String::into_bytes),
        5 => request(Value::read(packed)),
        6 => after_try(Value::read(packed)).map(String::into_bytes),
        _ => Ok(default_message(u64::read(packed) as u16).into()),
    };
    answer.unwrap_or_else(|error| {
        let mut line = String::new();
        error.push_line(&mut line);
        line.into_bytes()
    })
}

fields! {
    struct ConnectionStringFields<'a> {
        text: &'a str,
        /// Whether a string without a key is wanted.
        keyless: bool,
    }
}

/// Returns the endpoint of a connection string, a blank, and its key.
fn connection_string(fields: ConnectionStringFields<'_>) -> Result<String, Error> {
    if fields.keyless {
        return Ok(ConnectionString::parse_keyless(fields.text)?.into_string());
    }
    let parsed = ConnectionString::parse(fields.text)?;
    let mut answer = parsed.endpoint.into_string();
    answer.push(' ');
    answer.push_str(parsed.access_key.as_str());
    Ok(answer)
}

fields! {
    struct EndpointFields<'a> {
        text: &'a str,
        /// Whether plain http to another machine is refused.
        secure: bool,
    }
}

/// Returns an endpoint in its normal form.
fn endpoint(fields: EndpointFields<'_>) -> Result<String, Error> {
    let endpoint = Endpoint::parse(fields.text)?;
    endpoint.check_secure(!fields.secure)?;
    Ok(endpoint.into_string())
}

fields! {
    struct CheckNameFields<'a> {
        name: &'a str,
        /// Whether it is the name of a group, not of a hub.
        group: bool,
        strict: bool,
    }
}

/// Checks the name of a hub or a group.
fn check_name(fields: CheckNameFields<'_>) -> Result<String, Error> {
    let kind = if fields.group { Name::Group } else { Name::Hub };
    kind.check(fields.name, fields.strict)?;
    Ok(String::new())
}

fields! {
    struct ClientUrlFields<'a> {
        endpoint: &'a str,
        hub: &'a str,
        protocol: &'a str,
        key: &'a str,
        /// Empty for an anonymous client.
        user_id: &'a str,
        roles: Vec<&'a str>,
        groups: Vec<&'a str>,
        /// Names and values; a value is JSON.
        claims: Vec<(&'a str, &'a str)>,
        /// Names and values; a value is JSON.
        jwt_header: Vec<(&'a str, &'a str)>,
        lifetime_seconds: u64,
        now: u64,
        strict: bool,
    }
}

/// Returns the URL with which a client connects.
fn client_url(fields: ClientUrlFields<'_>) -> Result<Vec<u8>, Error> {
    let options = ClientTokenOptions {
        protocol: ClientProtocol::parse(fields.protocol)?,
        user_id: Some(fields.user_id),
        roles: &fields.roles,
        groups: &fields.groups,
        claims: &fields.claims,
        header: &fields.jwt_header,
        lifetime_seconds: fields.lifetime_seconds,
        strict: fields.strict,
    };
    let endpoint = Endpoint::from_one_form(fields.endpoint);
    token::client_url(&endpoint, fields.hub, &key(fields.key), &options, fields.now)
}

fields! {
    struct ClientBaseFields<'a> {
        endpoint: &'a str,
        hub: &'a str,
        protocol: &'a str,
        strict: bool,
    }
}

/// Returns the URL of clients without a token, for a token that the service has minted.
fn client_base(fields: ClientBaseFields<'_>) -> Result<String, Error> {
    let protocol = ClientProtocol::parse(fields.protocol)?;
    client_base_url(&Endpoint::from_one_form(fields.endpoint), fields.hub, protocol, fields.strict)
}

fields! {
    struct RequestFields<'a> {
        operation: u64,
        endpoint: &'a str,
        key: &'a str,
        hub: &'a str,
        targets: Vec<&'a str>,
        /// The letter of each parameter, and its value.
        query: Vec<(&'a str, &'a str)>,
        strict: bool,
        now: u64,
    }
}

/// Returns the method, the status of success, the URL and the token of a request, with blanks between them. The token
/// is empty if there is no key.
fn request(fields: RequestFields<'_>) -> Result<Vec<u8>, Error> {
    let operation = operation(fields.operation)?;
    let endpoint = Endpoint::from_one_form(fields.endpoint);
    let request = match (operation, fields.targets.as_slice()) {
        // Each page but the first is requested with its link.
        (Operation::ListConnectionsInGroup, [group, link]) => {
            Request::next_page(&endpoint, fields.hub, group, link, fields.strict)?
        }
        _ => {
            // Only a bug in our JavaScript can send an unknown letter.
            let parameter = |letter: &str| Parameter::from_number(letter.bytes().next()?.wrapping_sub(b'a'));
            let query =
                fields.query.into_iter().map(|(letter, value)| (parameter(letter).unwrap_or(Parameter::Reason), value));
            Request::new(&endpoint, fields.hub, operation, fields.targets, query, fields.strict)?
        }
    };
    let mut answer = String::from(operation.method());
    answer.push(' ');
    push_number(&mut answer, operation.success_status().into());
    answer.push(' ');
    answer.push_str(request.url());
    answer.push(' ');
    let mut answer = answer.into_bytes();
    if !fields.key.is_empty() {
        request.push_bearer(&mut answer, &key(fields.key), fields.now)?;
    }
    Ok(answer)
}

fields! {
    struct AfterTryFields<'a> {
        operation: u64,
        /// The number of tries after the first.
        retries: u64,
        max_retries: u64,
        retry_delay_ms: u64,
        max_retry_delay_ms: u64,
        /// Whether a send is repeated after a failure that is not clear.
        always: bool,
        /// The status of the response. Or 1: the request was not sent, 2: the time limit passed, 3: unknown,
        /// 4: the answer was too large.
        status: u64,
        /// In milliseconds since 1970.
        now_ms: u64,
        /// In milliseconds since 1970; 0 for none.
        deadline_ms: u64,
        /// A random number from 0 to 999.
        random: u64,
        /// The header `retry-after-ms`; empty if there is none.
        retry_after_ms: &'a str,
        /// The header `x-ms-retry-after-ms`.
        x_ms_retry_after_ms: &'a str,
        /// The header `retry-after`.
        retry_after: &'a str,
    }
}

/// Returns what follows a try: -1 if it succeeded, -2 if it failed for good, -3 if the answer is "no", otherwise the
/// milliseconds to wait before the next try.
fn after_try(fields: AfterTryFields<'_>) -> Result<String, Error> {
    let options = RetryOptions {
        max_retries: fields.max_retries as u32,
        retry_delay_ms: fields.retry_delay_ms,
        max_retry_delay_ms: fields.max_retry_delay_ms,
        sends: if fields.always { SendRetries::Always } else { SendRetries::Safe },
    };
    let outcome = match fields.status {
        1 => TryOutcome::Failure(Failure::NotSent),
        2 => TryOutcome::Failure(Failure::Timeout),
        3 => TryOutcome::Failure(Failure::Unknown),
        4 => TryOutcome::Failure(Failure::AnswerTooLarge),
        status => TryOutcome::Response {
            status: status as u16,
            retry_after: RetryAfter {
                retry_after_ms: Some(fields.retry_after_ms),
                x_ms_retry_after_ms: Some(fields.x_ms_retry_after_ms),
                retry_after: Some(fields.retry_after),
            },
        },
    };
    let deadline_ms = Some(fields.deadline_ms).filter(|&deadline| deadline > 0);
    let mut call = Call::after(operation(fields.operation)?, options, fields.retries as u32).until(deadline_ms);
    let mut answer = String::new();
    match call.next(outcome, fields.now_ms, fields.random as f64 / 1000.0) {
        Next::Done => answer.push_str("-1"),
        Next::Fail => answer.push_str("-2"),
        Next::Absent => answer.push_str("-3"),
        Next::Wait(milliseconds) => push_number(&mut answer, milliseconds),
    }
    Ok(answer)
}

fn operation(number: u64) -> Result<Operation, Error> {
    Operation::from_number(number as u8).ok_or(Error::Parameter)
}

fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "https://a.example";

    /// As JavaScript sees it, both ways to read texts.
    fn answer(function: u32, input: &str) -> String {
        let answer = super::answer(function, Reader::new(input, false));
        if input.is_ascii() {
            assert_eq!(answer, super::answer(function, Reader::new(input, true)));
        }
        String::from_utf8(answer).unwrap()
    }

    fn text(text: &str) -> String {
        format!("{}:{text}", text.encode_utf16().count())
    }

    #[test]
    fn a_connection_string_gives_endpoint_and_key() {
        let given = text("Endpoint=HTTPS://A.example/;AccessKey=k ey=;");
        assert_eq!(answer(0, &format!("{given}0:")), "https://a.example k ey=");
        assert!(answer(0, &format!("{given}1:")).starts_with("ERR_CONNECTION_STRING "));
        assert_eq!(answer(0, &format!("{}1:", text("Endpoint=a;AuthType=azure"))), "https://a");
    }

    #[test]
    fn endpoints_and_names_are_checked() {
        assert_eq!(answer(1, &format!("{}1:", text("A.example:443"))), ENDPOINT);
        assert_eq!(answer(1, &format!("{}0:", text("http://b"))), "http://b");
        assert!(answer(1, &format!("{}1:", text("http://b"))).starts_with("ERR_INSECURE_ENDPOINT "));
        assert_eq!(answer(2, "1:a0:1:"), "");
        assert!(answer(2, "2:1a0:1:").starts_with("ERR_HUB "));
        assert_eq!(answer(2, "2:1a0:0:"), "");
        assert!(answer(2, "2:..1:0:").starts_with("ERR_GROUP "));
    }

    #[test]
    fn a_client_url_carries_what_was_packed() {
        let start = [ENDPOINT, "hub", "mqtt", "key", "ann"].map(text).concat();
        let lists = format!("1:{}2:{}{}0:2:{}{}", text("role"), text("g"), text("🦀"), text("kid"), text("\"1\""));
        let url = answer(3, &format!("{start}{lists}60:1000:1:"));
        let token = url.strip_prefix("wss://a.example/clients/mqtt/hubs/hub?access_token=").unwrap();
        let other = answer(3, &format!("{start}{lists}61:1000:1:"));
        assert_eq!(token.split('.').count(), 3);
        assert_ne!(url, other);
        for lifetime in ["0", "NaN", "-1", "4294967296", "1e+300"] {
            assert!(
                answer(3, &format!("{start}{lists}{lifetime}:1000:1:")).starts_with("ERR_EXPIRATION "),
                "{lifetime}"
            );
        }
        assert_eq!(
            answer(4, &format!("{}1:", [ENDPOINT, "hub", "default"].map(text).concat())),
            "wss://a.example/client/hubs/hub"
        );
    }

    #[test]
    fn a_request_has_method_url_and_token() {
        let account = [ENDPOINT, "key", "hub"].map(text).concat();
        let made = answer(5, &format!("1:{account}1:{}2:1:b{}1:1000:", text("g 1"), text("x")));
        let mut parts = made.split(' ');
        assert_eq!([parts.next(), parts.next()], [Some("POST"), Some("202")]);
        assert_eq!(
            parts.next(),
            Some("https://a.example/api/hubs/hub/groups/g%201/:send?api-version=2024-12-01&filter=x")
        );
        assert_eq!(parts.next().map(|token| token.split('.').count()), Some(3));
        let keyless = [ENDPOINT, "", "hub"].map(text).concat();
        assert!(answer(5, &format!("0:{keyless}0:0:1:1000:")).ends_with("2024-12-01 "));
        assert!(answer(5, &format!("99:{account}0:0:1:1000:")).starts_with("ERR_PARAMETER "));
        assert!(answer(5, &format!("0:{account}0:2:1:z{}1:1000:", text("x"))).starts_with("ERR_PARAMETER "));
    }

    #[test]
    fn a_try_ends_or_is_repeated() {
        let after = |status: u16, headers: [&str; 3]| {
            answer(6, &format!("0:0:3:1000:64000:0:{status}:5000:0:0:{}", headers.map(text).concat()))
        };
        assert_eq!(after(202, [""; 3]), "-1");
        assert_eq!(after(500, [""; 3]), "-2");
        assert_eq!(after(1, [""; 3]), "500");
        assert_eq!(after(429, ["7", "8", "9"]), "7");
        assert_eq!(after(429, ["", "8", "9"]), "8");
        assert_eq!(after(429, ["", "", "9"]), "9000");
        assert_eq!(answer(6, &format!("4:0:3:1000:64000:0:404:5000:0:0:{}", [""; 3].map(text).concat())), "-3");
        assert_eq!(answer(7, "403:"), "The service forbids this.");
    }
}
