//! The exports for `WebPubSubServiceClient`.

use wasm_bindgen::prelude::wasm_bindgen;
use webpubsub_edge::Error;
use webpubsub_edge::endpoint::ConnectionString;
use webpubsub_edge::names::Name;
use webpubsub_edge::service::{
    Call, Failure, Next, Operation, Request, RetryAfter, RetryOptions, SendOptions, SendRetries, TryOutcome,
    default_message, message_ttl_from_number,
};
use webpubsub_edge::token::{ClientProtocol, ClientTokenOptions, client_access, lifetime_from_minutes};

use crate::account::account;
use crate::packed::{Reader, pack};
use crate::thrown;

/// Packed: the endpoint in its one form, and the access key.
#[wasm_bindgen]
pub fn parse_connection_string(text: &str) -> Result<String, String> {
    let parsed = ConnectionString::parse(text).map_err(thrown)?;
    Ok(pack(&[parsed.endpoint.as_str(), parsed.access_key.as_str()]))
}

/// Checks a hub (0) or group (1) name.
#[wasm_bindgen]
pub fn check_name(kind: u8, text: &str) -> Result<(), String> {
    let name = if kind == 0 { Name::Hub } else { Name::Group };
    name.check(text).map_err(thrown)
}

/// Takes packed: endpoint, access key, hub, protocol, user id (empty: none), roles, groups; minutes, and the time in
/// seconds. Gives packed: base URL, token, expiry in seconds.
#[wasm_bindgen]
pub fn client_url(packed: &str, minutes: f64, now: f64) -> Result<String, String> {
    mint(packed, minutes, now).map_err(thrown)
}

fn mint(packed: &str, minutes: f64, now: f64) -> Result<String, Error> {
    let mut fields = Reader::new(packed);
    let account = account(fields.text(), fields.text())?;
    let (hub, protocol, user_id) = (fields.text(), fields.text(), fields.text());
    let (roles, groups) = (fields.list(), fields.list());
    let options = ClientTokenOptions {
        user_id: Some(user_id),
        roles: &roles,
        groups: &groups,
        lifetime_seconds: lifetime_from_minutes(minutes)?,
        protocol: ClientProtocol::parse(protocol)?,
    };
    let access = client_access(&account.endpoint, hub, &account.key, &options, now as u64)?;
    let mut expires_on = String::new();
    crate::packed::push_number(&mut expires_on, access.expires_on());
    Ok(pack(&[access.base_url(), access.token(), &expires_on]))
}

/// Takes an operation, and packed: endpoint, access key, hub, target, and as lists the excluded connections and the
/// filter, empty for none; the time to live, absent for none; whether plain http may leave this machine; the time in
/// seconds. Gives packed: URL, token.
#[wasm_bindgen]
pub fn send_request(
    operation: u8,
    packed: &str,
    ttl_seconds: Option<f64>,
    allow_insecure: bool,
    now: f64,
) -> Result<String, String> {
    let operation = operation_at(operation).ok_or("ERR_OPERATION The operation is unknown.")?;
    request(operation, packed, ttl_seconds, allow_insecure, now).map_err(thrown)
}

fn request(
    operation: Operation,
    packed: &str,
    ttl_seconds: Option<f64>,
    allow_insecure: bool,
    now: f64,
) -> Result<String, Error> {
    let mut fields = Reader::new(packed);
    let account = account(fields.text(), fields.text())?;
    let (hub, target) = (fields.text(), fields.text());
    let excluded = fields.list();
    let filter = fields.list();
    let options = SendOptions {
        excluded_connections: &excluded,
        filter: filter.first().copied(),
        message_ttl_seconds: ttl_seconds.map(message_ttl_from_number).transpose()?,
    };
    let request = Request::send(&account.endpoint, hub, operation, target, &options)?;
    account.endpoint.check_secure(allow_insecure)?;
    let token = request.bearer(&account.key, now as u64)?;
    Ok(pack(&[request.url(), &token]))
}

/// After a try: -1 when it succeeded, -2 when it failed for good, else the milliseconds to wait.
///
/// `status` is that of the answer, or -1 when the request was not sent, -2 when it took too long, -3 when no one
/// knows. `headers` is packed: a list each for `retry-after-ms`, `x-ms-retry-after-ms` and `retry-after`, empty where
/// the answer has none. The time is in milliseconds.
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
    let Some(operation) = operation_at(operation) else {
        return -2.0;
    };
    match Call::after(operation, options, retries).next(outcome, now_ms as u64, random) {
        Next::Done => -1.0,
        Next::Fail => -2.0,
        Next::Wait(milliseconds) => milliseconds as f64,
    }
}

/// What to say when the service gives no message of its own.
#[wasm_bindgen]
pub fn status_message(status: u16) -> String {
    default_message(status).to_owned()
}

fn operation_at(index: u8) -> Option<Operation> {
    Operation::from_index(index.into())
}
