//! The exports for `WebPubSubServiceClient`.
//!
//! An account is an endpoint in its one form and an access key, empty where a credential signs. Times of tokens are in
//! seconds since 1970, those of calls in milliseconds.

use wasm_bindgen::prelude::wasm_bindgen;
use webpubsub_edge::Error;
use webpubsub_edge::endpoint::{ConnectionString, Endpoint};
use webpubsub_edge::names::Name;
use webpubsub_edge::service::{
    Call, Failure, Next, Operation, Parameter, Request, RetryAfter, RetryOptions, SendRetries, TryOutcome,
    default_message,
};
use webpubsub_edge::token::{
    ClientProtocol, ClientTokenOptions, client_access, client_base_url, lifetime_from_minutes, lifetime_until,
};

use crate::account::account;
use crate::packed::{Reader, pack, push_number};
use crate::thrown;

/// Packed: the account of a connection string; without a key when it is to be keyless.
#[wasm_bindgen]
pub fn parse_connection_string(text: &str, keyless: bool) -> Result<String, String> {
    if keyless {
        let endpoint = ConnectionString::parse_keyless(text).map_err(thrown)?;
        return Ok(pack(&[endpoint.as_str(), ""]));
    }
    let parsed = ConnectionString::parse(text).map_err(thrown)?;
    Ok(pack(&[parsed.endpoint.as_str(), parsed.access_key.as_str()]))
}

/// An endpoint in its one form.
#[wasm_bindgen]
pub fn parse_endpoint(text: &str) -> Result<String, String> {
    Endpoint::parse(text).map(|endpoint| endpoint.as_str().to_owned()).map_err(thrown)
}

/// Refuses plain http to another machine.
#[wasm_bindgen]
pub fn check_secure(endpoint: &str) -> Result<(), String> {
    Endpoint::parse(endpoint).and_then(|endpoint| endpoint.check_secure(false)).map_err(thrown)
}

/// Checks a hub (0) or group (1) name.
#[wasm_bindgen]
pub fn check_name(kind: u8, text: &str, strict: bool) -> Result<(), String> {
    let name = if kind == 0 { Name::Hub } else { Name::Group };
    name.check(text, strict).map_err(thrown)
}

/// Takes packed: account, hub, protocol, user id (empty: none), roles, groups, claims and header members (each name
/// followed by its JSON); how many minutes it is good for, or when it expires. Gives packed: base URL,
/// token, expiry.
#[wasm_bindgen]
pub fn client_url(
    packed: &str,
    minutes: f64,
    expires_at: Option<f64>,
    now: f64,
    strict: bool,
) -> Result<String, String> {
    mint(packed, minutes, expires_at, now, strict).map_err(thrown)
}

fn mint(packed: &str, minutes: f64, expires_at: Option<f64>, now: f64, strict: bool) -> Result<String, Error> {
    let mut fields = Reader::new(packed);
    let account = account(fields.text(), fields.text())?;
    let (hub, protocol, user_id) = (fields.text(), fields.text(), fields.text());
    let (roles, groups) = (fields.list(), fields.list());
    let (claims, header) = (fields.pairs(), fields.pairs());
    let options = ClientTokenOptions {
        user_id: Some(user_id),
        roles: &roles,
        groups: &groups,
        lifetime_seconds: match expires_at {
            Some(expires_at) => lifetime_until(expires_at, now)?,
            None => lifetime_from_minutes(minutes)?,
        },
        protocol: ClientProtocol::parse(protocol)?,
        claims: &claims,
        header: &header,
        strict,
    };
    let access = client_access(&account.endpoint, hub, &account.key, &options, now as u64)?;
    let mut expires_on = String::new();
    push_number(&mut expires_on, access.expires_on());
    Ok(pack(&[access.base_url(), access.token(), &expires_on]))
}

/// The base URL of clients, for a token that the service has minted.
#[wasm_bindgen]
pub fn client_base(endpoint: &str, hub: &str, protocol: &str, strict: bool) -> Result<String, String> {
    let base = || client_base_url(&Endpoint::parse(endpoint)?, hub, ClientProtocol::parse(protocol)?, strict);
    base().map_err(thrown)
}

/// Takes an operation, and packed: account, hub, targets, query (each parameter's number followed by its value).
/// Gives packed: method, URL, and a token unless the key is empty.
#[wasm_bindgen]
pub fn request(operation: u8, packed: &str, now: f64, strict: bool) -> Result<String, String> {
    build(operation, packed, now, strict).map_err(thrown)
}

fn build(operation: u8, packed: &str, now: f64, strict: bool) -> Result<String, Error> {
    let operation = Operation::from_number(operation).ok_or(Error::Parameter)?;
    let mut fields = Reader::new(packed);
    let (endpoint, key, hub) = (fields.text(), fields.text(), fields.text());
    let (targets, query) = (fields.list(), fields.pairs());
    let account = account(endpoint, key)?;
    let query = query.into_iter().map(|(number, value)| {
        let parameter = number.parse().ok().and_then(Parameter::from_number).ok_or(Error::Parameter)?;
        Ok((parameter, value))
    });
    let query = query.collect::<Result<Vec<_>, Error>>()?;
    let request = match (operation, targets.as_slice()) {
        // A page after the first is asked for by its link.
        (Operation::ListConnectionsInGroup, [_, link]) => Request::next_page(&account.endpoint, link)?,
        _ => Request::new(&account.endpoint, hub, operation, &targets, &query, strict)?,
    };
    let token = if key.is_empty() { String::new() } else { request.bearer(&account.key, now as u64)? };
    Ok(pack(&[operation.method(), request.url(), &token]))
}

/// After a try: -1 when it succeeded, -2 when it failed for good, -3 when the answer is "no", else the milliseconds to
/// wait.
///
/// `status` is that of the answer, or -1 when the request was not sent, -2 when it took too long, -3 when no one
/// knows. `headers` is packed: a list each for `retry-after-ms`, `x-ms-retry-after-ms` and `retry-after`, empty where
/// the answer has none.
#[wasm_bindgen]
#[allow(clippy::too_many_arguments)]
pub fn after_try(
    operation: u8,
    retries: u32,
    max_retries: u32,
    retry_delay_ms: f64,
    max_retry_delay_ms: f64,
    always: bool,
    status: i32,
    headers: &str,
    now_ms: f64,
    deadline_ms: f64,
    random: f64,
) -> f64 {
    let options = RetryOptions {
        max_retries,
        retry_delay_ms: retry_delay_ms as u64,
        max_retry_delay_ms: max_retry_delay_ms as u64,
        sends: if always { SendRetries::Always } else { SendRetries::Safe },
    };
    let mut headers = Reader::new(headers);
    let mut header = || headers.list().first().copied();
    let outcome = match status {
        -1 => TryOutcome::Failure(Failure::NotSent),
        -2 => TryOutcome::Failure(Failure::Timeout),
        0.. => TryOutcome::Response {
            status: status as u16,
            retry_after: RetryAfter { retry_after_ms: header(), x_ms_retry_after_ms: header(), retry_after: header() },
        },
        _ => TryOutcome::Failure(Failure::Unknown),
    };
    let Some(operation) = Operation::from_number(operation) else { return -2.0 };
    let mut call = Call::after(operation, options, retries).until(Some(deadline_ms as u64));
    match call.next(outcome, now_ms as u64, random) {
        Next::Done => -1.0,
        Next::Fail => -2.0,
        Next::Absent => -3.0,
        Next::Wait(milliseconds) => milliseconds as f64,
    }
}

/// What to say when the service gives no message of its own.
#[wasm_bindgen]
pub fn status_message(status: u16) -> String {
    default_message(status).to_owned()
}
