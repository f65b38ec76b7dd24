//! What a client shows to the service: an access key, or tokens of Microsoft Entra ID.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Authorization, EntraId};
use crate::endpoint::AccessKey;
use crate::jwt::Key;

/// What [`ServiceClient::new`](super::ServiceClient::new) takes: an [`AccessKey`] of a connection string, an [`AzureKeyCredential`], or any
/// [`TokenCredential`]; an [`EntraId`] where several clients share the tokens of one.
pub trait Credential {
    /// What the client becomes generic over.
    type Authorization: Authorization;

    /// Makes it.
    fn into_authorization(self) -> Self::Authorization;
}

impl Credential for &AccessKey {
    type Authorization = AzureKeyCredential;

    fn into_authorization(self) -> AzureKeyCredential {
        self.into()
    }
}

impl Credential for AzureKeyCredential {
    type Authorization = Self;

    fn into_authorization(self) -> Self {
        self
    }
}

impl<C: TokenCredential> Credential for C {
    type Authorization = EntraId<C>;

    fn into_authorization(self) -> EntraId<C> {
        EntraId::new(self)
    }
}

impl<C: TokenCredential> Credential for EntraId<C> {
    type Authorization = Self;

    fn into_authorization(self) -> Self {
        self
    }
}

/// An access key that can be replaced while clients use it; the next call signs with the new one. Its clones are the
/// same key. `Debug` does not show it.
///
/// ```
/// use webpubsub_edge::endpoint::Endpoint;
/// use webpubsub_edge::service::{AzureKeyCredential, ServiceClient};
/// # use webpubsub_edge::service::{Failure, Outgoing, Response, Transport};
/// # struct Memory;
/// # impl Transport for Memory {
/// #     async fn send(&self, _request: &Outgoing<'_>) -> Result<Response, Failure> { Err(Failure::NotSent) }
/// #     async fn sleep(&self, _milliseconds: u64) {}
/// #     fn now_ms(&self) -> u64 { 1_700_000_000_000 }
/// #     fn random(&self) -> f64 { 0.5 }
/// # }
/// # let transport = Memory;
///
/// let key = AzureKeyCredential::new("the primary key")?;
/// let endpoint = Endpoint::parse("https://example.webpubsub.azure.com")?;
/// let service = ServiceClient::new(endpoint, key.clone(), "chat", transport)?;
///
/// let before = service.client_access(&Default::default())?;
/// key.update("the secondary key")?;
/// assert_ne!(service.client_access(&Default::default())?.token(), before.token());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AzureKeyCredential {
    key: Arc<RwLock<Key>>,
}

impl AzureKeyCredential {
    /// Takes a key as the Azure portal shows it.
    ///
    /// # Errors
    /// [`CredentialError`], when it is blank or holds a control character.
    pub fn new(key: &str) -> Result<Self, CredentialError> {
        Ok(AzureKeyCredential { key: Arc::new(RwLock::new(usable(key)?)) })
    }

    /// Replaces the key.
    ///
    /// # Errors
    /// As [`AzureKeyCredential::new`]; the key then stays as it was.
    pub fn update(&self, key: &str) -> Result<(), CredentialError> {
        let key = usable(key)?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// Signs with the key that is in use now.
    pub(super) fn sign_with<T>(&self, sign: impl FnOnce(&Key) -> T) -> T {
        sign(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn usable(key: &str) -> Result<Key, CredentialError> {
    if key.trim().is_empty() {
        Err(CredentialError::new("The access key is blank."))
    } else if key.chars().any(char::is_control) {
        Err(CredentialError::new("The access key holds a control character: copy it again."))
    } else {
        Ok(Key::new(key.as_bytes()))
    }
}

impl From<&AccessKey> for AzureKeyCredential {
    fn from(key: &AccessKey) -> Self {
        AzureKeyCredential { key: Arc::new(RwLock::new(key.key())) }
    }
}

impl fmt::Debug for AzureKeyCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AzureKeyCredential(..)")
    }
}

/// Anything that gets tokens from Microsoft Entra ID: [`ClientSecretCredential`](crate::service::ClientSecretCredential),
/// [`ClientAssertionCredential`](crate::service::ClientAssertionCredential), or one of your own.
///
/// It is asked once however many calls want a token, and again two minutes before the token expires.
///
/// ```
/// use webpubsub_edge::service::{AccessToken, CredentialError, GetTokenOptions, TokenCredential};
///
/// /// The tokens that another part of the program gets.
/// struct Shared(std::sync::Mutex<Option<AccessToken>>);
///
/// impl TokenCredential for Shared {
///     async fn get_token(&self, _: &[&str], _: &GetTokenOptions<'_>) -> Result<AccessToken, CredentialError> {
///         let token = self.0.lock().map_err(|_| CredentialError::new("its owner is gone"))?;
///         token.clone().ok_or_else(|| CredentialError::new("nobody is signed in"))
///     }
/// }
/// ```
pub trait TokenCredential {
    /// Gets a token for the scopes. When the future is dropped, the call was given up.
    fn get_token(
        &self,
        scopes: &[&str],
        options: &GetTokenOptions<'_>,
    ) -> impl Future<Output = Result<AccessToken, CredentialError>>;
}

impl<C: TokenCredential> TokenCredential for &C {
    fn get_token(
        &self,
        scopes: &[&str],
        options: &GetTokenOptions<'_>,
    ) -> impl Future<Output = Result<AccessToken, CredentialError>> {
        C::get_token(self, scopes, options)
    }
}

impl<C: TokenCredential> TokenCredential for Arc<C> {
    fn get_token(
        &self,
        scopes: &[&str],
        options: &GetTokenOptions<'_>,
    ) -> impl Future<Output = Result<AccessToken, CredentialError>> {
        C::get_token(self, scopes, options)
    }
}

/// What a [`TokenCredential`] is told beside the scopes.
#[derive(Debug, Clone, Copy, Default)]
pub struct GetTokenOptions<'a> {
    /// The claims of a challenge of the service, JSON, to be passed on to Entra ID.
    pub claims: Option<&'a str>,
}

/// A token of Microsoft Entra ID. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub token: String,
    /// When it expires, in milliseconds since 1970.
    pub expires_on_ms: u64,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(.. expires on {})", self.expires_on_ms)
    }
}

/// Why a credential cannot be used, or gave no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialError {
    message: String,
}

impl CredentialError {
    /// `message` says what was wrong and what to do. It is shown and logged: no secret belongs into it.
    pub fn new(message: impl Into<String>) -> Self {
        CredentialError { message: message.into() }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CredentialError {}
