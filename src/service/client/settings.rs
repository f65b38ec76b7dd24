//! The settings of a client.

use std::fmt;
use std::sync::Arc;

use crate::endpoint::Endpoint;
use crate::service::{RetryOptions, ServiceError};

type OnResponse = dyn Fn(&RawResponse<'_>) + Send + Sync;
type Log = dyn Fn(&str) + Send + Sync;

/// The total timeout of a call unless it is set: 100 seconds.
pub(super) const DEFAULT_TOTAL_TIMEOUT_MS: u64 = 100_000;

/// What a call obeys.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) retry: RetryOptions,
    pub(super) strict: bool,
    /// Of one try; 0 is no limit.
    pub(super) timeout_ms: u64,
    /// Of the whole call; 0 is no limit.
    pub(super) total_timeout_ms: u64,
    pub(super) headers: CustomHeaders,
    pub(super) on_response: Option<Observer<OnResponse>>,
    pub(super) logger: Option<Observer<Log>>,
    pub(super) allow_insecure_connection: bool,
    pub(super) reverse_proxy: Option<Endpoint>,
}

impl Settings {
    pub(super) fn new(strict: bool) -> Self {
        Settings {
            retry: RetryOptions::default(),
            strict,
            timeout_ms: 0,
            total_timeout_ms: DEFAULT_TOTAL_TIMEOUT_MS,
            headers: CustomHeaders::default(),
            on_response: None,
            logger: None,
            allow_insecure_connection: false,
            reverse_proxy: None,
        }
    }
}

/// The caller's headers, their names in lower case. `Debug` shows the names only: a value may be a secret.
#[derive(Clone, Default)]
pub(super) struct CustomHeaders(Vec<(String, String)>);

impl CustomHeaders {
    /// Adds a header, or replaces the one of that name.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value.to_owned()));
    }

    /// Returns the headers, without those that the client sets itself.
    pub(super) fn checked(&self) -> Result<Vec<(&str, &str)>, ServiceError> {
        let custom = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let custom: Vec<_> = custom.filter(|(name, _)| !OWN_HEADERS.contains(name)).collect();
        let can_be_sent = |(name, value): &(&str, &str)| is_token(name) && value.bytes().all(is_printable);
        if custom.iter().all(can_be_sent) { Ok(custom) } else { Err(ServiceError::Header) }
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

const OWN_HEADERS: [&str; 4] = ["accept", "authorization", "content-type", "x-ms-client-request-id"];

/// RFC 9110, 5.6.2.
fn is_token(name: &str) -> bool {
    let is_of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_a_token)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

/// What an observer of answers is told. `Debug` shows the status only.
pub struct RawResponse<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The headers, as far as the transport gives them.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// The `x-ms-client-request-id` that was sent.
    pub request_id: &'a str,
}

impl fmt::Debug for RawResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawResponse({} ..)", self.status)
    }
}

/// A function of the caller's.
pub(super) struct Observer<F: ?Sized>(pub(super) Arc<F>);

impl<F: ?Sized> Clone for Observer<F> {
    fn clone(&self) -> Self {
        Observer(Arc::clone(&self.0))
    }
}

impl<F: ?Sized> fmt::Debug for Observer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
