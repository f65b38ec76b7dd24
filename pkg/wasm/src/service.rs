//! What `WebPubSubServiceClient` asks for, by number; pkg/src/wasm/core.ts has the same numbers.
//!
//! An endpoint is in its one form. A key is empty where a credential signs. Times are in seconds since 1970 where
//! nothing else is said.

use webpubsub_edge::Error;
use webpubsub_edge::endpoint::{ConnectionString, Endpoint};
use webpubsub_edge::names::Name;
use webpubsub_edge::service::{
    Call, Failure, Next, Operation, Parameter, Request, RetryAfter, RetryOptions, SendRetries, TryOutcome,
    default_message,
};
use webpubsub_edge::token::{self, ClientProtocol, ClientTokenOptions, client_base_url};

use crate::key::key;
use crate::packed::Reader;

/// The answer of a function: its result, or the code of an error, a blank, and its message.
pub fn answer(function: u32, mut fields: Reader<'_>) -> Vec<u8> {
    let fields = &mut fields;
    let answer = match function {
        0 => connection_string(fields).map(String::into_bytes),
        1 => parse_endpoint(fields).map(String::into_bytes),
        2 => check_name(fields).map(String::into_bytes),
        3 => client_url(fields),
        4 => client_base(fields).map(String::into_bytes),
        5 => request(fields),
        6 => after_try(fields).map(String::into_bytes),
        _ => Ok(default_message(fields.number() as u16).into()),
    };
    answer.unwrap_or_else(|error| {
        let mut line = String::new();
        error.push_line(&mut line);
        line.into_bytes()
    })
}

/// Takes a connection string and whether it is to be keyless. Gives its endpoint, a blank, and its key.
fn connection_string(fields: &mut Reader<'_>) -> Result<String, Error> {
    let text = fields.text();
    if fields.number() == 1 {
        return Ok(ConnectionString::parse_keyless(text)?.into_string());
    }
    let parsed = ConnectionString::parse(text)?;
    let mut answer = parsed.endpoint.into_string();
    answer.push(' ');
    answer.push_str(parsed.access_key.as_str());
    Ok(answer)
}

/// Takes an endpoint, and whether plain http may not go to another machine. Gives it in its one form.
fn parse_endpoint(fields: &mut Reader<'_>) -> Result<String, Error> {
    let endpoint = Endpoint::parse(fields.text())?;
    endpoint.check_secure(fields.number() == 0)?;
    Ok(endpoint.into_string())
}

/// Takes a name, whether it is that of a group and not of a hub, and whether it follows the patterns.
fn check_name(fields: &mut Reader<'_>) -> Result<String, Error> {
    let text = fields.text();
    let name = if fields.number() == 1 { Name::Group } else { Name::Hub };
    name.check(text, fields.number() == 1)?;
    Ok(String::new())
}

/// Takes endpoint, hub, protocol, key, user id (empty: none), roles, groups, claims and header members (each name
/// followed by its JSON), for how many seconds it is good, the time now, and whether names follow the patterns. Gives
/// the URL.
fn client_url(fields: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let endpoint = Endpoint::from_one_form(fields.text());
    let hub = fields.text();
    let protocol = ClientProtocol::parse(fields.text())?;
    let key = key(fields.text());
    let options = ClientTokenOptions {
        protocol,
        user_id: Some(fields.text()),
        roles: &fields.list(),
        groups: &fields.list(),
        claims: &fields.pairs(),
        header: &fields.pairs(),
        lifetime_seconds: fields.number(),
        strict: true,
    };
    let now = fields.number();
    let options = ClientTokenOptions { strict: fields.number() == 1, ..options };
    token::client_url(&endpoint, hub, &key, &options, now)
}

/// Takes endpoint, hub, protocol, and whether the name follows the pattern. Gives the base URL of clients, for a token
/// that the service has minted.
fn client_base(fields: &mut Reader<'_>) -> Result<String, Error> {
    let endpoint = Endpoint::from_one_form(fields.text());
    let hub = fields.text();
    let protocol = ClientProtocol::parse(fields.text())?;
    client_base_url(&endpoint, hub, protocol, fields.number() == 1)
}

/// Takes operation, endpoint, key, hub, targets, query (the letter of each parameter followed by its value), whether names follow the patterns,
/// and the time now. Gives method, the status of success, URL and, unless the key is empty, a token; blanks are between
/// them.
fn request(fields: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let operation = operation(fields)?;
    let endpoint = Endpoint::from_one_form(fields.text());
    let key_text = fields.text();
    let hub = fields.text();
    let targets = fields.list();
    let query = fields.pairs();
    let strict = fields.number() == 1;
    let request = match (operation, targets.as_slice()) {
        // A page after the first is asked for by its link.
        (Operation::ListConnectionsInGroup, [group, link]) => Request::next_page(&endpoint, hub, group, link, strict)?,
        _ => {
            // A letter that is none of a parameter cannot come from our own JavaScript.
            let parameter = |letter: &str| Parameter::from_number(letter.bytes().next()?.wrapping_sub(b'a'));
            let query =
                query.into_iter().map(|(letter, value)| (parameter(letter).unwrap_or(Parameter::Reason), value));
            Request::new(&endpoint, hub, operation, targets, query, strict)?
        }
    };
    let mut answer = String::from(operation.method());
    answer.push(' ');
    push_number(&mut answer, operation.success_status().into());
    answer.push(' ');
    answer.push_str(request.url());
    answer.push(' ');
    let mut answer = answer.into_bytes();
    if !key_text.is_empty() {
        request.push_bearer(&mut answer, &key(key_text), fields.number())?;
    }
    Ok(answer)
}

/// After a try. Takes operation, how many times it was tried again, the retry options (the last is 1 for "always"),
/// the status, the time now and the deadline in milliseconds since 1970, a random number below 1000, and the headers
/// `retry-after-ms`, `x-ms-retry-after-ms` and `retry-after`, empty where the answer has none.
///
/// The status is that of the answer, or 1 when the request was not sent, 2 when it took too long, 3 when no one knows,
/// 4 when the answer was too large.
///
/// Gives -1 when it succeeded, -2 when it failed for good, -3 when the answer is "no", else the milliseconds to wait.
fn after_try(fields: &mut Reader<'_>) -> Result<String, Error> {
    let operation = operation(fields)?;
    let retries = fields.number() as u32;
    let options = RetryOptions {
        max_retries: fields.number() as u32,
        retry_delay_ms: fields.number(),
        max_retry_delay_ms: fields.number(),
        sends: if fields.number() == 1 { SendRetries::Always } else { SendRetries::Safe },
    };
    let status = fields.number() as u16;
    let now_ms = fields.number();
    let deadline_ms = Some(fields.number()).filter(|&deadline| deadline > 0);
    let random = fields.number() as f64 / 1000.0;
    let mut header = || Some(fields.text());
    let outcome = match status {
        1 => TryOutcome::Failure(Failure::NotSent),
        2 => TryOutcome::Failure(Failure::Timeout),
        3 => TryOutcome::Failure(Failure::Unknown),
        4 => TryOutcome::Failure(Failure::AnswerTooLarge),
        status => TryOutcome::Response {
            status,
            retry_after: RetryAfter { retry_after_ms: header(), x_ms_retry_after_ms: header(), retry_after: header() },
        },
    };
    let mut call = Call::after(operation, options, retries).until(deadline_ms);
    let mut answer = String::new();
    match call.next(outcome, now_ms, random) {
        Next::Done => answer.push_str("-1"),
        Next::Fail => answer.push_str("-2"),
        Next::Absent => answer.push_str("-3"),
        Next::Wait(milliseconds) => push_number(&mut answer, milliseconds),
    }
    Ok(answer)
}

fn operation(fields: &mut Reader<'_>) -> Result<Operation, Error> {
    Operation::from_number(fields.number() as u8).ok_or(Error::Parameter)
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
