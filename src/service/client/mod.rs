//! [`ServiceClient`]: how it is made and set up, and the minting of client URLs.
//!
//! | file | what it does |
//! | --- | --- |
//! | `calls.rs` | the calls, one for each operation |
//! | `options.rs` | their arguments and answers |
//! | `run.rs` | the loop that runs a call over a [`Transport`] |
//! | `settings.rs` | what that loop obeys |
//! | `transport.rs` | what a host gives: HTTP, a timer, a clock, chance |
//! | `error.rs` | why a call failed |
//! | `credential.rs` | access keys that can be replaced, and anything that gets tokens of Entra ID |
//! | `authorization.rs` | how a try is authorized; the challenge for a token that was refused |
//! | `token_cache.rs` | keeps a token, and refreshes it once however many calls want it |
//! | `entra.rs` | gets tokens of Entra ID with a secret or an assertion |

use std::sync::Arc;

use super::{Operation, Parameter, RetryOptions};
use crate::Error;
use crate::endpoint::{ConnectionString, Endpoint};
use crate::names::Name;
use crate::token::{
    ClientAccess, ClientProtocol, ClientTokenOptions, MAX_LIFETIME_SECONDS, client_access, client_base_url,
};

mod authorization;
mod calls;
mod credential;
mod entra;
mod error;
mod options;
mod run;
mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
mod token_cache;
mod transport;

pub use authorization::{Authorization, EntraId};
pub use credential::{AccessToken, AzureKeyCredential, Credential, CredentialError, GetTokenOptions, TokenCredential};
pub use entra::{Assertion, ClientAssertionCredential, ClientSecretCredential};
pub use error::ServiceError;
pub use options::{CloseOptions, GroupMember, ListOptions, Page, Permission, SendOptions};
pub use settings::RawResponse;
use settings::{Observer, Settings};
#[cfg(feature = "fetch")]
pub(crate) use transport::within;
pub use transport::{Outgoing, Response, Transport};

/// Everything the REST API does with a hub, and the minting of client URLs.
///
/// It holds no connection. Arguments are checked before anything is sent; every try is signed anew; a send is tried again
/// only when it surely did not arrive, unless [`RetryOptions::sends`] says otherwise.
///
/// **To give a call up, drop its future**: that ends the request, the wait between tries, and the wait for a token, at
/// once. There is a limit of time for a try ([`with_timeout_ms`](Self::with_timeout_ms)) and for a whole call
/// ([`with_total_timeout_ms`](Self::with_total_timeout_ms)). What shall hold for one call only is set on a clone, which is
/// cheap: `service.clone().with_timeout_ms(500).user_exists("ann").await`.
///
/// ```
/// use webpubsub_edge::filter::user_id;
/// use webpubsub_edge::service::{ListOptions, Message, SendOptions, ServiceClient, ServiceError};
/// use webpubsub_edge::token::ClientTokenOptions;
/// # use webpubsub_edge::service::{Failure, Outgoing, Response, Transport};
/// # struct Memory;
/// # impl Transport for Memory {
/// #     async fn send(&self, request: &Outgoing<'_>) -> Result<Response, Failure> {
/// #         let (status, body) = match (request.method, request.url.contains("nobody")) {
/// #             (_, true) => (404, ""),
/// #             ("GET", _) => (200, r#"{"value":[{"connectionId":"c1","userId":"ann"}]}"#),
/// #             ("POST", _) => (202, ""),
/// #             _ => (200, ""),
/// #         };
/// #         Ok(Response { status, headers: Vec::new(), body: body.into() })
/// #     }
/// #     async fn sleep(&self, _milliseconds: u64) {}
/// #     fn now_ms(&self) -> u64 { 1_700_000_000_000 }
/// #     fn random(&self) -> f64 { 0.5 }
/// # }
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(output) = std::pin::pin!(future).poll(&mut context) else { panic!("it waits") };
/// #     output
/// # }
/// # let transport = Memory;
/// # block_on(async {
///
/// let connection_string = "Endpoint=https://example.webpubsub.azure.com;AccessKey=secret;Version=1.0;";
/// let service = ServiceClient::from_connection_string(connection_string, "chat", transport)?;
///
/// // What a client opens its WebSocket with. Nothing is sent for it.
/// let access = service.client_access(&ClientTokenOptions { user_id: Some("ann"), ..Default::default() })?;
/// assert_eq!(access.base_url(), "wss://example.webpubsub.azure.com/client/hubs/chat");
///
/// let not_to_ann = user_id().ne("ann");
/// let options = SendOptions { filter: Some(not_to_ann.as_str()), ..Default::default() };
/// service.send_to_all(Message::Json(r#"{"text":"hello"}"#), &options).await?;
///
/// assert!(service.user_exists("ann").await?);
/// assert!(!service.user_exists("nobody").await?);
///
/// let page = service.list_connections("news", &ListOptions::default()).await?;
/// assert_eq!(page.connections[0].user_id.as_deref(), Some("ann"));
/// assert_eq!(page.next_link, None);
///
/// let refused = service.add_connection_to_group("news", "nobody").await;
/// assert!(matches!(refused, Err(ServiceError::Rest(error)) if error.status == 404));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ServiceClient<T, A = AzureKeyCredential> {
    endpoint: Endpoint,
    hub: String,
    authorization: A,
    transport: T,
    settings: Settings,
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

    /// Mints the URL with which a client connects. Nothing is sent.
    ///
    /// # Errors
    /// Those of [`client_access`].
    pub fn client_access(&self, options: &ClientTokenOptions<'_>) -> Result<ClientAccess, Error> {
        let options = ClientTokenOptions { strict: options.strict && self.settings.strict, ..*options };
        let now = self.transport.now_ms() / 1000;
        self.authorization.sign_with(|key| client_access(&self.endpoint, &self.hub, key, &options, now))
    }
}

impl<T: Transport, C: TokenCredential> ServiceClient<T, EntraId<C>> {
    /// Lets the service mint the URL with which a client connects: without an access key nobody else can.
    ///
    /// The service takes whole minutes: the lifetime is rounded down, to at least one.
    ///
    /// # Errors
    /// [`ServiceError`]; [`ServiceError::ClaimsNeedKey`] for custom claims or headers.
    pub async fn client_access(&self, options: &ClientTokenOptions<'_>) -> Result<ClientAccess, ServiceError> {
        if !options.claims.is_empty() || !options.header.is_empty() {
            return Err(ServiceError::ClaimsNeedKey);
        }
        if options.lifetime_seconds == 0 || options.lifetime_seconds > MAX_LIFETIME_SECONDS {
            return Err(Error::Lifetime.into());
        }
        let minutes = (options.lifetime_seconds / 60).max(1);
        let minutes_text = minutes.to_string();
        let mut query = Vec::new();
        query.extend(options.user_id.filter(|user| !user.is_empty()).map(|user| (Parameter::UserId, user)));
        query.extend(options.roles.iter().map(|role| (Parameter::Role, *role)));
        query.push((Parameter::MinutesToExpire, &minutes_text));
        query.extend(options.groups.iter().map(|group| (Parameter::Group, *group)));
        match options.protocol {
            ClientProtocol::Default => {}
            ClientProtocol::Mqtt => query.push((Parameter::ClientType, "mqtt")),
            ClientProtocol::SocketIo => query.push((Parameter::ClientType, "socketio")),
        }
        let base_url = client_base_url(&self.endpoint, &self.hub, options.protocol, self.settings.strict)?;
        let request = self.request(Operation::GenerateClientToken, &[], &query)?;
        let asked = self.transport.now_ms() / 1000;
        let body = self.run(&request, None).await?.unwrap_or_default();
        let body: serde_json::Value = serde_json::from_slice(&body).map_err(|_| ServiceError::UnreadableAnswer)?;
        let token = body.get("token").and_then(serde_json::Value::as_str).filter(|token| !token.is_empty());
        let expires_on = asked.saturating_add(minutes.saturating_mul(60));
        Ok(ClientAccess::minted(base_url, token.ok_or(ServiceError::UnreadableAnswer)?, expires_on))
    }
}

impl<T: Transport, A: Authorization> ServiceClient<T, A> {
    /// A client for `hub` at an endpoint, with an access key or a credential for Microsoft Entra ID.
    ///
    /// The endpoint of a connection string without a key (`Endpoint=...;AuthType=azure;`) is read by
    /// [`ConnectionString::parse_keyless`].
    ///
    /// # Errors
    /// [`Error::Name`], when the hub name cannot be used.
    pub fn new(
        endpoint: Endpoint,
        credential: impl Credential<Authorization = A>,
        hub: &str,
        transport: T,
    ) -> Result<Self, Error> {
        ServiceClient::with_names(endpoint, credential, hub, transport, true)
    }

    /// The same for a hub or groups whose names do not follow the service's patterns. A name may still not be empty,
    /// `.` or `..`.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new_lenient(
        endpoint: Endpoint,
        credential: impl Credential<Authorization = A>,
        hub: &str,
        transport: T,
    ) -> Result<Self, Error> {
        ServiceClient::with_names(endpoint, credential, hub, transport, false)
    }

    fn with_names(
        endpoint: Endpoint,
        credential: impl Credential<Authorization = A>,
        hub: &str,
        transport: T,
        strict: bool,
    ) -> Result<Self, Error> {
        Name::Hub.check(hub, strict)?;
        let authorization = credential.into_authorization();
        Ok(ServiceClient { endpoint, hub: hub.to_owned(), authorization, transport, settings: Settings::new(strict) })
    }

    /// Replaces the retry options.
    #[must_use]
    pub fn with_retry_options(mut self, retry: RetryOptions) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Limits one try, in milliseconds; 0, the default, is no limit. A try that took too long is not repeated: the
    /// result is [`Failure::Timeout`](crate::service::Failure::Timeout).
    #[must_use]
    pub fn with_timeout_ms(mut self, milliseconds: u64) -> Self {
        self.settings.timeout_ms = milliseconds;
        self
    }

    /// Limits a whole call, in milliseconds: all tries, the waits between them, and the getting of a token. The default is
    /// 100,000, which is 100 seconds; 0 is no limit. The result is [`ServiceError::DeadlineExceeded`]; when a wait would go beyond the limit, it
    /// is the last answer.
    #[must_use]
    pub fn with_total_timeout_ms(mut self, milliseconds: u64) -> Self {
        self.settings.total_timeout_ms = milliseconds;
        self
    }

    /// Adds a header to every request, such as `traceparent`, or replaces the one of that name. Those that the client
    /// sets itself (`authorization`, `content-type`, `accept`, `x-ms-client-request-id`) stay as they are. One that
    /// cannot be sent is [`ServiceError::Header`] at the call.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.settings.headers.set(name, value);
        self
    }

    /// Is called with each answer of the service, those before a further try included.
    #[must_use]
    pub fn with_on_response(mut self, observe: impl Fn(&RawResponse<'_>) + Send + Sync + 'static) -> Self {
        self.settings.on_response = Some(Observer(Arc::new(observe)));
        self
    }

    /// Is told a line for each try: operation, outcome, and how long it waits. No name, token or URL is in it.
    #[must_use]
    pub fn with_logger(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.logger = Some(Observer(Arc::new(log)));
        self
    }

    /// Allows plain http to another machine than this one. Tokens and messages can then be read on the way. A token of
    /// Entra ID never goes there; for it this allows plain http to this machine.
    #[must_use]
    pub fn with_allow_insecure_connection(mut self, allow: bool) -> Self {
        self.settings.allow_insecure_connection = allow;
        self
    }

    /// Sends requests to a reverse proxy, scheme and base path included; tokens stay bound to the service's endpoint.
    #[must_use]
    pub fn with_reverse_proxy(mut self, proxy: Endpoint) -> Self {
        self.settings.reverse_proxy = Some(proxy);
        self
    }
}
