//! `ServiceClient`: the loop that runs a [`Call`] over a [`Transport`].

use std::fmt;

use super::{
    Call, Failure, Message, Next, Operation, Request, RestError, RetryAfter, RetryOptions, SendOptions, TryOutcome,
};
use crate::Error;
use crate::endpoint::{AccessKey, ConnectionString, Endpoint};
use crate::jwt::Key;
use crate::names::Name;
use crate::token::{ClientAccess, ClientTokenOptions, client_access};

/// What a host gives the client: HTTP, a timer, a clock and chance. [`crate::fetch::Fetch`] is one, over the fetch
/// API.
pub trait Transport {
    /// Sends one request and reads the whole answer. Redirects must not be followed: the token is bound to the URL.
    fn send(&self, request: &Outgoing<'_>) -> impl Future<Output = Result<Response, Failure>>;
    /// Waits.
    fn sleep(&self, milliseconds: u64) -> impl Future<Output = ()>;
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
    /// A number from 0 up to 1. It spreads retries and makes request ids; no secret depends on it.
    fn random(&self) -> f64;
}

/// One request as it goes out. `Debug` does not show it.
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'static str,
    /// The URL, to be sent exactly so.
    pub url: &'a str,
    /// The headers, the signed `authorization` among them.
    pub headers: [(&'static str, &'a str); 4],
    /// The body.
    pub body: &'a [u8],
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} ..)", self.method)
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status; 0 for a redirect that a browser hides.
    pub status: u16,
    /// At least the headers of [`Response::HEADERS_READ`], where the answer has them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The headers that the client looks at.
    pub const HEADERS_READ: [&'static str; 4] =
        ["retry-after-ms", "x-ms-retry-after-ms", "retry-after", "x-ms-error-code"];

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// An argument was refused; nothing was sent.
    Argument(Error),
    /// The service refused.
    Rest(RestError),
    /// No answer came.
    Network(Failure),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceError::Argument(error) => error.fmt(f),
            ServiceError::Rest(error) => error.fmt(f),
            ServiceError::Network(Failure::NotSent) => {
                f.write_str("The service could not be reached: check the endpoint and that it is running.")
            }
            ServiceError::Network(Failure::Timeout) => f.write_str("The service did not answer in time."),
            ServiceError::Network(Failure::Unknown) => f.write_str("The connection to the service failed."),
        }
    }
}

impl std::error::Error for ServiceError {}

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        ServiceError::Argument(error)
    }
}

/// Mints client URLs for a hub and sends to its clients.
#[derive(Debug, Clone)]
pub struct ServiceClient<T> {
    endpoint: Endpoint,
    hub: String,
    key: Key,
    transport: T,
    retry: RetryOptions,
    allow_insecure_connection: bool,
}

impl<T: Transport> ServiceClient<T> {
    /// A client for `hub` at the endpoint of a connection string.
    ///
    /// # Errors
    /// [`Error`], when the connection string or the hub name cannot be used.
    pub fn from_connection_string(connection_string: &str, hub: &str, transport: T) -> Result<Self, Error> {
        let ConnectionString { endpoint, access_key } = ConnectionString::parse(connection_string)?;
        ServiceClient::new(endpoint, &access_key, hub, transport)
    }

    /// A client for `hub` at an endpoint.
    ///
    /// # Errors
    /// [`Error::Name`], when the hub name cannot be used.
    pub fn new(endpoint: Endpoint, access_key: &AccessKey, hub: &str, transport: T) -> Result<Self, Error> {
        Name::Hub.check(hub)?;
        Ok(ServiceClient {
            endpoint,
            hub: hub.to_owned(),
            key: access_key.key(),
            transport,
            retry: RetryOptions::default(),
            allow_insecure_connection: false,
        })
    }

    /// Replaces the retry options.
    #[must_use]
    pub fn with_retry_options(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    /// Allows plain http to another machine than this one. Tokens and messages can then be read on the way.
    #[must_use]
    pub fn with_allow_insecure_connection(mut self, allow: bool) -> Self {
        self.allow_insecure_connection = allow;
        self
    }

    /// Mints the URL with which a client connects. Nothing is sent.
    ///
    /// # Errors
    /// Those of [`client_access`].
    pub fn client_access(&self, options: &ClientTokenOptions<'_>) -> Result<ClientAccess, Error> {
        client_access(&self.endpoint, &self.hub, &self.key, options, self.now())
    }

    /// Sends to every connection of the hub.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn send_to_all(&self, message: Message<'_>, options: &SendOptions<'_>) -> Result<(), ServiceError> {
        self.send(Operation::SendToAll, "", message, options).await
    }

    /// Sends to every connection in a group. A group that has none is no error.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn send_to_group(
        &self,
        group: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToGroup, group, message, options).await
    }

    /// Sends to every connection of a user. A user that has none is no error.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn send_to_user(
        &self,
        user_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToUser, user_id, message, options).await
    }

    /// Sends to one connection. One that does not exist is no error.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn send_to_connection(
        &self,
        connection_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToConnection, connection_id, message, options).await
    }

    async fn send(
        &self,
        operation: Operation,
        target: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        message.check()?;
        let request = Request::send(&self.endpoint, &self.hub, operation, target, options)?;
        self.endpoint.check_secure(self.allow_insecure_connection)?;
        self.run(&request, message).await
    }

    async fn run(&self, request: &Request, message: Message<'_>) -> Result<(), ServiceError> {
        let request_id = self.request_id();
        let mut call = Call::new(request.operation(), self.retry);
        loop {
            let authorization = ["Bearer ", &request.bearer(&self.key, self.now())?].concat();
            let outgoing = Outgoing {
                method: request.operation().method(),
                url: request.url(),
                headers: [
                    ("accept", "application/json"),
                    ("authorization", &authorization),
                    ("content-type", message.content_type()),
                    ("x-ms-client-request-id", &request_id),
                ],
                body: message.bytes(),
            };
            let answer = self.transport.send(&outgoing).await;
            match call.next(outcome(&answer), self.transport.now_ms(), self.transport.random()) {
                Next::Done => return Ok(()),
                Next::Wait(milliseconds) => self.transport.sleep(milliseconds).await,
                Next::Fail => return Err(failure(&answer, &request_id)),
            }
        }
    }

    fn now(&self) -> u64 {
        self.transport.now_ms() / 1000
    }

    /// A random UUID (version 4).
    fn request_id(&self) -> String {
        let word = || (self.transport.random() * 4_294_967_296.0) as u32;
        let (a, b, c, d) = (word(), word(), word(), word());
        format!("{a:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{d:08x}", b >> 16, b & 0xfff, 0x8000 | (c >> 18), c & 0xffff)
    }
}

fn outcome(answer: &Result<Response, Failure>) -> TryOutcome<'_> {
    match answer {
        Err(failure) => TryOutcome::Failure(*failure),
        Ok(response) => TryOutcome::Response {
            status: response.status,
            retry_after: RetryAfter {
                retry_after_ms: response.header("retry-after-ms"),
                x_ms_retry_after_ms: response.header("x-ms-retry-after-ms"),
                retry_after: response.header("retry-after"),
            },
        },
    }
}

fn failure(answer: &Result<Response, Failure>, request_id: &str) -> ServiceError {
    match answer {
        Err(failure) => ServiceError::Network(*failure),
        Ok(response) => ServiceError::Rest(RestError::read(
            response.status,
            response.header("x-ms-error-code"),
            &response.body,
            request_id,
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::jwt::{Rules, verify};
    use std::cell::{Cell, RefCell};
    use std::task::{Context, Poll, Waker};

    /// Answers from a list, and keeps what it was sent. Its clock moves only while it sleeps.
    struct Script {
        answers: RefCell<Vec<Result<Response, Failure>>>,
        sent: RefCell<Vec<Vec<String>>>,
        now: Cell<u64>,
    }

    impl Transport for &Script {
        async fn send(&self, request: &Outgoing<'_>) -> Result<Response, Failure> {
            let mut sent = vec![request.method.to_owned(), request.url.to_owned()];
            sent.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
            sent.push(String::from_utf8_lossy(request.body).into_owned());
            self.sent.borrow_mut().push(sent);
            self.answers.borrow_mut().remove(0)
        }
        async fn sleep(&self, milliseconds: u64) {
            self.now.set(self.now.get().saturating_add(milliseconds));
        }
        fn now_ms(&self) -> u64 {
            self.now.get()
        }
        fn random(&self) -> f64 {
            0.5
        }
    }

    fn script(answers: Vec<Result<Response, Failure>>) -> Script {
        Script { answers: answers.into(), sent: RefCell::default(), now: Cell::new(1_700_000_000_000) }
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response, Failure> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Response { status, headers, body: body.as_bytes().to_vec() })
    }

    /// Nothing here ever waits, so one poll is enough.
    fn run<F: Future>(future: F) -> F::Output {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("the script never waits"),
        }
    }

    fn send(script: &Script, endpoint: &str) -> Result<(), ServiceError> {
        let client =
            ServiceClient::from_connection_string(&format!("Endpoint={endpoint};AccessKey=k"), "h", script).unwrap();
        run(client.send_to_all(Message::Json("1"), &SendOptions::default()))
    }

    #[test]
    fn a_throttled_send_waits_and_is_signed_again_under_the_same_id() {
        let script = script(vec![answer(429, &[("Retry-After", "7")], ""), answer(202, &[], "")]);
        send(&script, "https://x").unwrap();
        let sent = script.sent.borrow();
        assert_eq!(sent.len(), 2);
        for (index, request) in sent.iter().enumerate() {
            assert_eq!(request[..2], ["POST", "https://x/api/hubs/h/:send?api-version=2024-12-01"]);
            let token = request[3].strip_prefix("authorization: Bearer ").unwrap();
            let now = 1_700_000_000 + 7 * index as u64;
            let rules = Rules { audience: &|aud| aud == request[1], now, clock_skew: 0, max_lifetime: Some(300) };
            let claims = verify(token, &[&Key::new(b"k")], &rules).unwrap();
            assert_eq!(claims.expires, now + 300);
            assert_eq!(request[4], "content-type: application/json");
            assert_eq!(request[6], "1");
        }
        assert_eq!(sent[0][5], sent[1][5]);
        let id = sent[0][5].strip_prefix("x-ms-client-request-id: ").unwrap();
        assert_eq!(id, "80000000-8000-4000-a000-000080000000");
    }

    #[test]
    fn errors_are_told_apart() {
        let refused = script(vec![answer(400, &[("x-ms-error-code", "E")], r#"{"message":"No."}"#)]);
        let Err(ServiceError::Rest(error)) = send(&refused, "https://x") else { unreachable!("a RestError") };
        assert_eq!((error.status, error.code.as_deref(), error.message.as_str()), (400, Some("E"), "No."));
        let lost = script(vec![Err(Failure::Unknown)]);
        assert_eq!(send(&lost, "https://x"), Err(ServiceError::Network(Failure::Unknown)));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let local = script(vec![answer(202, &[], "")]);
        assert_eq!(send(&local, "http://localhost:1"), Ok(()));
        let remote = script(vec![answer(202, &[], "")]);
        assert_eq!(send(&remote, "http://x"), Err(Error::InsecureEndpoint.into()));
        assert!(remote.sent.borrow().is_empty());
        let client = ServiceClient::from_connection_string("Endpoint=http://x;AccessKey=k", "h", &remote).unwrap();
        assert!(client.client_access(&ClientTokenOptions::default()).is_ok(), "minting sends nothing");
        let client = client.with_allow_insecure_connection(true);
        assert_eq!(run(client.send_to_all(Message::Text(""), &SendOptions::default())), Ok(()));
    }

    #[test]
    fn a_message_over_one_mebibyte_is_not_sent() {
        let script = script(vec![answer(202, &[], "")]);
        let client = ServiceClient::from_connection_string("Endpoint=https://x;AccessKey=k", "h", &script).unwrap();
        let large = vec![0; 1024 * 1024 + 1];
        let none = SendOptions::default();
        assert_eq!(run(client.send_to_user("u", Message::Binary(&large), &none)), Err(Error::MessageTooLarge.into()));
        assert_eq!(run(client.send_to_user("u", Message::Binary(&large[1..]), &none)), Ok(()));
    }
}
