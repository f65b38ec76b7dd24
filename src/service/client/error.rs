//! Why a call failed.

use std::fmt;

use crate::Error;
use crate::service::{CredentialError, Failure, RestError};

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
    /// The whole call took longer than
    /// [`with_total_timeout_ms`](crate::service::ServiceClient::with_total_timeout_ms) allows. It may have arrived.
    DeadlineExceeded,
    /// The service answered with success and a body that is not what it should be.
    UnreadableAnswer,
    /// A credential gave no token; nothing was sent with this try.
    Credential(CredentialError),
    /// A token of Entra ID would go over plain http; nothing was sent.
    InsecureToken,
    /// Custom claims or headers of a client token were asked of the service, which mints none; nothing was sent.
    ClaimsNeedKey,
    /// A custom header cannot be sent; nothing was.
    Header,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceError::Argument(error) => error.fmt(f),
            ServiceError::Rest(error) => error.fmt(f),
            ServiceError::Network(Failure::NotSent) => {
                f.write_str("The service could not be reached: check the endpoint and that it is running.")
            }
            ServiceError::Network(Failure::Timeout) => {
                f.write_str("The service did not answer in time; the request may have arrived.")
            }
            ServiceError::Network(Failure::Unknown) => {
                f.write_str("The connection to the service failed; the request may have arrived.")
            }
            ServiceError::Network(Failure::AnswerTooLarge) => {
                f.write_str("The body of the answer is larger than 4 MiB: check the endpoint. The request has arrived.")
            }
            ServiceError::DeadlineExceeded => {
                f.write_str("The call took longer than its total timeout; the request may have arrived.")
            }
            ServiceError::UnreadableAnswer => f.write_str("The service answered with a body that cannot be read."),
            ServiceError::Credential(error) => write!(f, "The credential gave no token: {error}"),
            ServiceError::InsecureToken => f.write_str(
                "A token of Entra ID goes over https only; for a service on this machine set allow_insecure_connection.",
            ),
            ServiceError::ClaimsNeedKey => {
                f.write_str("Custom claims and headers need an access key: the service mints no such tokens.")
            }
            ServiceError::Header => f.write_str(
                "A custom header cannot be sent: its name must be a token of HTTP, its value printable ASCII.",
            ),
        }
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ServiceError::Argument(error) => Some(error),
            ServiceError::Rest(error) => Some(error),
            ServiceError::Credential(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CredentialError> for ServiceError {
    fn from(error: CredentialError) -> Self {
        ServiceError::Credential(error)
    }
}

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        ServiceError::Argument(error)
    }
}
