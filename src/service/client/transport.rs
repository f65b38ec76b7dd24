//! What a host gives the client.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::service::Failure;

/// What a host gives the client: HTTP, a timer, a clock and chance. `webpubsub_edge::fetch::Fetch` (feature `fetch`) is
/// one, over the fetch API of a wasm host; one over reqwest is in `docs/rust.md` of the repository.
///
/// This one answers from memory, for tests:
///
/// ```
/// use std::cell::RefCell;
/// use webpubsub_edge::service::{Failure, Message, Outgoing, Response, SendOptions, ServiceClient, Transport};
///
/// #[derive(Default)]
/// struct Memory {
///     sent: RefCell<Vec<String>>,
/// }
///
/// impl Transport for &Memory {
///     async fn send(&self, request: &Outgoing<'_>) -> Result<Response, Failure> {
///         self.sent.borrow_mut().push(format!("{} {}", request.method, request.url));
///         Ok(Response { status: 202, headers: Vec::new(), body: Vec::new() })
///     }
///     async fn sleep(&self, _milliseconds: u64) {}
///     fn now_ms(&self) -> u64 {
///         1_700_000_000_000
///     }
///     fn random(&self) -> f64 {
///         0.5
///     }
/// }
///
/// let memory = Memory::default();
/// let connection_string = "Endpoint=https://example.webpubsub.azure.com;AccessKey=secret;Version=1.0;";
/// let service = ServiceClient::from_connection_string(connection_string, "chat", &memory)?;
/// # // Memory never waits, so one poll is enough.
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(output) = std::pin::pin!(future).poll(&mut context) else { panic!("it waits") };
/// #     output
/// # }
/// block_on(service.send_to_user("ann", Message::Text("hello"), &SendOptions::default()))?;
/// assert_eq!(
///     memory.sent.borrow()[..],
///     ["POST https://example.webpubsub.azure.com/api/hubs/chat/users/ann/:send?api-version=2024-12-01"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transport {
    /// Sends one request and reads the whole answer. Redirects must not be followed: the token is bound to the URL.
    /// A body of more than [`MAX_ANSWER_BYTES`](crate::service::MAX_ANSWER_BYTES) must not be read to its end: return
    /// [`Failure::AnswerTooLarge`].
    ///
    /// When the future is dropped before its end, the call was given up: let go of the connection.
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
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body, where there is one.
    pub body: Option<&'a [u8]>,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} ..)", self.method)
    }
}

/// One answer. `Debug` shows its status only: the body may hold a token.
#[derive(Clone, PartialEq, Eq)]
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
    pub const HEADERS_READ: [&'static str; 5] =
        ["retry-after-ms", "x-ms-retry-after-ms", "retry-after", "x-ms-error-code", "www-authenticate"];

    /// The value of a header; `name` in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} ..)", self.status)
    }
}

/// Does something for at most so many milliseconds, 0 for as long as it takes. `None` when the time was over first: the
/// work is then dropped.
pub(crate) async fn within<T>(
    milliseconds: u64,
    transport: &impl Transport,
    work: impl Future<Output = T>,
) -> Option<T> {
    if milliseconds == 0 {
        return Some(work.await);
    }
    let mut work = pin!(work);
    let mut timer = pin!(transport.sleep(milliseconds));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}
