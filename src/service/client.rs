//! `ServiceClient`: the loop that runs a [`Call`] over a [`Transport`].

use std::fmt;

use super::{
    Call, Failure, Message, Next, Operation, Parameter, Request, RestError, RetryAfter, RetryOptions, TryOutcome,
    groups_body,
};
use crate::Error;
use crate::endpoint::{AccessKey, ConnectionString, Endpoint};
use crate::jwt::Key;
use crate::names::Name;
use crate::token::{ClientAccess, ClientTokenOptions, client_access};

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
    pub headers: Vec<(&'static str, &'a str)>,
    /// The body, where there is one.
    pub body: Option<&'a [u8]>,
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
///
/// ```
/// use webpubsub_edge::service::{Failure, ServiceError};
///
/// fn is_worth_another_try_later(error: &ServiceError) -> bool {
///     match error {
///         ServiceError::Network(Failure::NotSent) => true,
///         ServiceError::Rest(error) => error.status == 429 || error.status == 503,
///         _ => false,
///     }
/// }
/// assert!(is_worth_another_try_later(&ServiceError::Network(Failure::NotSent)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// An argument was refused; nothing was sent.
    Argument(Error),
    /// The service refused.
    Rest(RestError),
    /// No answer came.
    Network(Failure),
    /// The service answered with success and a body that is not what it should be.
    UnreadableAnswer,
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
            ServiceError::UnreadableAnswer => f.write_str("The service answered with a body that cannot be read."),
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

/// Options of a send.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'a> {
    /// Connection ids that do not get the message. For a send to all or to a group.
    pub excluded_connections: &'a [&'a str],
    /// An OData filter over the connections; see [`crate::filter`]. Not for a send to one connection.
    pub filter: Option<&'a str>,
    /// How long the message may wait for a client that is slow or recovering: 0 (for ever) to 300 seconds.
    pub message_ttl_seconds: Option<u32>,
}

impl<'a> SendOptions<'a> {
    fn query(&self, ttl: &'a str) -> Vec<(Parameter, &'a str)> {
        let mut query = repeated(Parameter::Excluded, self.excluded_connections);
        query.extend(self.filter.map(|filter| (Parameter::Filter, filter)));
        query.extend(self.message_ttl_seconds.map(|_| (Parameter::MessageTtlSeconds, ttl)));
        query
    }
}

/// Options of closing connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloseOptions<'a> {
    /// Connection ids that stay open. Not for closing one connection.
    pub excluded: &'a [&'a str],
    /// Why; the clients see it.
    pub reason: Option<&'a str>,
}

impl<'a> CloseOptions<'a> {
    fn query(&self) -> Vec<(Parameter, &'a str)> {
        let mut query = repeated(Parameter::Excluded, self.excluded);
        query.extend(self.reason.map(|reason| (Parameter::Reason, reason)));
        query
    }
}

/// Options of listing connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListOptions<'a> {
    /// How many entries a page has at most: 1 to 200.
    pub max_page_size: Option<u32>,
    /// How many entries all pages have together at most.
    pub top: Option<u32>,
    /// Where to go on, from an earlier listing.
    pub continuation_token: Option<&'a str>,
}

/// A permission of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// To join and leave a group.
    JoinLeaveGroup,
    /// To send to a group.
    SendToGroup,
}

impl Permission {
    const fn name(self) -> &'static str {
        match self {
            Permission::JoinLeaveGroup => "joinLeaveGroup",
            Permission::SendToGroup => "sendToGroup",
        }
    }
}

/// A page of the connections in a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The connections.
    pub connections: Vec<GroupMember>,
    /// Pass it to [`ServiceClient::next_page`]; `None` on the last page. It holds no secret.
    pub next_link: Option<String>,
}

/// A connection in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The connection id.
    pub connection_id: String,
    /// The user id; `None` for an anonymous connection.
    pub user_id: Option<String>,
}

/// Everything the REST API does with a hub, and the minting of client URLs.
///
/// It holds no connection. Arguments are checked before anything is sent; every try is signed anew; a send is tried again
/// only when it surely did not arrive, unless [`RetryOptions::sends`] says otherwise.
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
pub struct ServiceClient<T> {
    endpoint: Endpoint,
    hub: String,
    key: Key,
    transport: T,
    retry: RetryOptions,
    allow_insecure_connection: bool,
    reverse_proxy: Option<Endpoint>,
    strict: bool,
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
        ServiceClient::with_names(endpoint, access_key, hub, transport, true)
    }

    /// The same for a hub or groups whose names do not follow the service's patterns. A name may still not be empty,
    /// `.` or `..`.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new_lenient(endpoint: Endpoint, access_key: &AccessKey, hub: &str, transport: T) -> Result<Self, Error> {
        ServiceClient::with_names(endpoint, access_key, hub, transport, false)
    }

    fn with_names(
        endpoint: Endpoint,
        access_key: &AccessKey,
        hub: &str,
        transport: T,
        strict: bool,
    ) -> Result<Self, Error> {
        Name::Hub.check(hub, strict)?;
        Ok(ServiceClient {
            endpoint,
            hub: hub.to_owned(),
            key: access_key.key(),
            transport,
            retry: RetryOptions::default(),
            allow_insecure_connection: false,
            reverse_proxy: None,
            strict,
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

    /// Sends requests to a reverse proxy, scheme and base path included; tokens stay bound to the service's endpoint.
    #[must_use]
    pub fn with_reverse_proxy(mut self, proxy: Endpoint) -> Self {
        self.reverse_proxy = Some(proxy);
        self
    }

    /// Replaces the access key, from the next call on.
    pub fn update_key(&mut self, access_key: &AccessKey) {
        self.key = access_key.key();
    }

    /// Mints the URL with which a client connects. Nothing is sent.
    ///
    /// # Errors
    /// Those of [`client_access`].
    pub fn client_access(&self, options: &ClientTokenOptions<'_>) -> Result<ClientAccess, Error> {
        let options = ClientTokenOptions { strict: options.strict && self.strict, ..*options };
        client_access(&self.endpoint, &self.hub, &self.key, &options, self.now())
    }

    /// Sends to every connection of the hub.
    ///
    /// # Errors
    /// [`ServiceError`], as of every method below.
    pub async fn send_to_all(&self, message: Message<'_>, options: &SendOptions<'_>) -> Result<(), ServiceError> {
        self.send(Operation::SendToAll, &[], message, options).await
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
        self.send(Operation::SendToGroup, &[group], message, options).await
    }

    /// Sends to every connection of a user. A user that has none is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`] for excluded connections, which the service does not take here.
    pub async fn send_to_user(
        &self,
        user_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToUser, &[user_id], message, options).await
    }

    /// Sends to one connection. One that does not exist is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`] for excluded connections or a filter.
    pub async fn send_to_connection(
        &self,
        connection_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToConnection, &[connection_id], message, options).await
    }

    /// Whether a connection exists.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn connection_exists(&self, connection_id: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::ConnectionExists, &[connection_id], &[]).await
    }

    /// Whether a group has a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn group_exists(&self, group: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::GroupExists, &[group], &[]).await
    }

    /// Whether a user has a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn user_exists(&self, user_id: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::UserExists, &[user_id], &[]).await
    }

    /// Whether a connection holds a permission for a group, or for every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn has_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<bool, ServiceError> {
        self.ask(Operation::CheckPermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Gives a connection a permission for a group, or for every group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`] with status 404 when the connection does not exist.
    pub async fn grant_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.order(Operation::GrantPermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Takes a permission for a group from a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn revoke_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.order(Operation::RevokePermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Closes a connection. One that does not exist is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`] for excluded connections.
    pub async fn close_connection(&self, connection_id: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.order(Operation::CloseConnection, &[connection_id], &options.query()).await
    }

    /// Closes every connection of the hub.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_all_connections(&self, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.order(Operation::CloseAllConnections, &[], &options.query()).await
    }

    /// Closes every connection in a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_group_connections(&self, group: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.order(Operation::CloseGroupConnections, &[group], &options.query()).await
    }

    /// Closes every connection of a user.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_user_connections(&self, user_id: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.order(Operation::CloseUserConnections, &[user_id], &options.query()).await
    }

    /// Adds a connection to a group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`] with status 404 when the connection does not exist.
    pub async fn add_connection_to_group(&self, group: &str, connection_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::AddConnectionToGroup, &[group, connection_id], &[]).await
    }

    /// Removes a connection from a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connection_from_group(&self, group: &str, connection_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::RemoveConnectionFromGroup, &[group, connection_id], &[]).await
    }

    /// Removes a connection from every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connection_from_all_groups(&self, connection_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::RemoveConnectionFromAllGroups, &[connection_id], &[]).await
    }

    /// Adds the connections that a user has now to a group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`] with status 404 when the user has none.
    pub async fn add_user_to_group(&self, group: &str, user_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::AddUserToGroup, &[user_id, group], &[]).await
    }

    /// Removes the connections of a user from a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_user_from_group(&self, group: &str, user_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::RemoveUserFromGroup, &[user_id, group], &[]).await
    }

    /// Removes the connections of a user from every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_user_from_all_groups(&self, user_id: &str) -> Result<(), ServiceError> {
        self.order(Operation::RemoveUserFromAllGroups, &[user_id], &[]).await
    }

    /// Adds every connection that a filter selects to groups. An empty filter selects all.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn add_connections_to_groups(&self, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        self.bulk(Operation::AddConnectionsToGroups, groups, filter).await
    }

    /// Removes every connection that a filter selects from groups. An empty filter selects all.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connections_from_groups(&self, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        self.bulk(Operation::RemoveConnectionsFromGroups, groups, filter).await
    }

    /// The first page of the connections in a group. A group that has none gives an empty page.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn list_connections(&self, group: &str, options: &ListOptions<'_>) -> Result<Page, ServiceError> {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let (max_page_size, top) = (number(options.max_page_size), number(options.top));
        let query: Vec<_> = [
            (Parameter::MaxPageSize, max_page_size.as_deref()),
            (Parameter::Top, top.as_deref()),
            (Parameter::ContinuationToken, options.continuation_token),
        ]
        .into_iter()
        .filter_map(|(parameter, value)| Some((parameter, value?)))
        .collect();
        let request = self.request(Operation::ListConnectionsInGroup, &[group], &query)?;
        self.page(&request).await
    }

    /// The page after one that has a [`Page::next_link`].
    ///
    /// ```
    /// # use webpubsub_edge::service::{GroupMember, ListOptions, ServiceClient, ServiceError, Transport};
    /// async fn everybody<T: Transport>(service: &ServiceClient<T>) -> Result<Vec<GroupMember>, ServiceError> {
    ///     let mut page = service.list_connections("news", &ListOptions::default()).await?;
    ///     let mut members = page.connections;
    ///     while let Some(link) = page.next_link {
    ///         page = service.next_page(&link).await?;
    ///         members.append(&mut page.connections);
    ///     }
    ///     Ok(members)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::ContinuationToken`] when the link leads to another endpoint.
    pub async fn next_page(&self, next_link: &str) -> Result<Page, ServiceError> {
        self.page(&Request::next_page(&self.endpoint, next_link)?).await
    }

    /// Whether the service is healthy: `Ok` when it is.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_status(&self) -> Result<(), ServiceError> {
        self.order(Operation::GetServiceStatus, &[], &[]).await
    }

    async fn send(
        &self,
        operation: Operation,
        targets: &[&str],
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        message.check()?;
        let ttl = options.message_ttl_seconds.unwrap_or_default().to_string();
        let request = self.request(operation, targets, &options.query(&ttl))?;
        self.run(&request, Some(message)).await.map(|_| ())
    }

    async fn ask(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<bool, ServiceError> {
        Ok(self.run(&self.request(operation, targets, query)?, None).await?.is_some())
    }

    async fn order(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<(), ServiceError> {
        self.ask(operation, targets, query).await.map(|_| ())
    }

    async fn bulk(&self, operation: Operation, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        let body = groups_body(groups, filter, self.strict)?;
        self.run(&self.request(operation, &[], &[])?, Some(Message::Json(&body))).await.map(|_| ())
    }

    async fn page(&self, request: &Request) -> Result<Page, ServiceError> {
        let body = self.run(request, None).await?.unwrap_or_default();
        read_page(&body).ok_or(ServiceError::UnreadableAnswer)
    }

    fn request(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<Request, ServiceError> {
        Ok(Request::new(
            &self.endpoint,
            &self.hub,
            operation,
            targets.iter().copied(),
            query.iter().copied(),
            self.strict,
        )?)
    }

    /// Runs a request: its body on success, or `None` where the answer is "no".
    async fn run(&self, request: &Request, message: Option<Message<'_>>) -> Result<Option<Vec<u8>>, ServiceError> {
        let target = self.reverse_proxy.as_ref().unwrap_or(&self.endpoint);
        target.check_secure(self.allow_insecure_connection)?;
        let path = request.url().strip_prefix(self.endpoint.as_str()).unwrap_or_default();
        let url = [target.as_str(), path].concat();
        let request_id = self.request_id();
        let mut call = Call::new(request.operation(), self.retry);
        loop {
            let authorization = ["Bearer ", &request.bearer(&self.key, self.now())?].concat();
            let mut headers = vec![
                ("accept", "application/json"),
                ("authorization", authorization.as_str()),
                ("x-ms-client-request-id", request_id.as_str()),
            ];
            headers.extend(message.map(|message| ("content-type", message.content_type())));
            let outgoing = Outgoing {
                method: request.operation().method(),
                url: &url,
                headers,
                body: message.map(Message::bytes),
            };
            let answer = self.transport.send(&outgoing).await;
            match call.next(outcome(&answer), self.transport.now_ms(), self.transport.random()) {
                Next::Done => return Ok(Some(answer.map(|response| response.body).unwrap_or_default())),
                Next::Absent => return Ok(None),
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

fn repeated<'a>(parameter: Parameter, values: &[&'a str]) -> Vec<(Parameter, &'a str)> {
    values.iter().map(|value| (parameter, *value)).collect()
}

fn target(group: Option<&str>) -> Vec<(Parameter, &str)> {
    group.map(|group| (Parameter::TargetName, group)).into_iter().collect()
}

fn read_page(body: &[u8]) -> Option<Page> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_str).map(str::to_owned);
    let member = |entry: &serde_json::Value| {
        Some(GroupMember { connection_id: text(entry.get("connectionId"))?, user_id: text(entry.get("userId")) })
    };
    let connections = body.get("value")?.as_array()?.iter().map(member).collect::<Option<_>>()?;
    Some(Page { connections, next_link: text(body.get("nextLink")) })
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
            sent.push(String::from_utf8_lossy(request.body.unwrap_or_default()).into_owned());
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
            assert_eq!(request[5..], ["content-type: application/json", "1"]);
        }
        assert_eq!(sent[0][4], sent[1][4]);
        let id = sent[0][4].strip_prefix("x-ms-client-request-id: ").unwrap();
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
