//! The REST side: an operation becomes a signed request, an answer becomes the next step.
//!
//! | file | what it does |
//! | --- | --- |
//! | `operation.rs` | the table of operations: method, path, query, what counts as success |
//! | `parameter.rs` | the query parameters, and what each may hold |
//! | `request.rs` | checks the arguments, writes the URL, signs it |
//! | `message.rs` | what can be sent, and its content type |
//! | `call.rs` | after each try: done, failed, or wait and try again |
//! | `rest_error.rs` | reads what the service says when it refuses |
//! | `client/` | [`ServiceClient`]: runs all this over a [`Transport`], with an access key or tokens of Entra ID |

mod call;
#[cfg(feature = "json")]
mod client;
mod message;
mod operation;
mod parameter;
mod request;
mod rest_error;

pub use call::{Call, Failure, MAX_ANSWER_BYTES, Next, RetryAfter, RetryOptions, SendRetries, TryOutcome};
#[cfg(feature = "fetch")]
pub(crate) use client::within;
#[cfg(feature = "json")]
pub use client::{
    AccessToken, Assertion, Authorization, AzureKeyCredential, ClientAssertionCredential, ClientSecretCredential,
    CloseOptions, Credential, CredentialError, EntraId, GetTokenOptions, GroupMember, ListOptions, Outgoing, Page,
    Permission, RawResponse, Response, SendOptions, ServiceClient, ServiceError, TokenCredential, Transport,
};
pub use message::{MAX_MESSAGE_BYTES, Message};
pub use operation::{Answers, Operation};
pub use parameter::Parameter;
pub use request::{Request, groups_body};
#[cfg(feature = "json")]
pub use rest_error::RestError;
pub use rest_error::default_message;

/// The version of the REST API that is spoken.
pub const API_VERSION: &str = "2024-12-01";
