//! Tokens of Microsoft Entra ID for a program: the client credentials grant of OAuth 2.0.

use std::fmt;

use crate::endpoint::Endpoint;
use crate::names::push_query_value;
use crate::service::{AccessToken, CredentialError, Failure, GetTokenOptions, Outgoing, TokenCredential, Transport};

/// Gets tokens from Microsoft Entra ID with a client secret. `Debug` does not show it.
///
/// ```
/// use webpubsub_edge::endpoint::Endpoint;
/// use webpubsub_edge::service::{ClientSecretCredential, Message, SendOptions, ServiceClient, Transport};
///
/// async fn hello<T: Transport + Clone>(secret: &str, transport: T) -> Result<(), Box<dyn std::error::Error>> {
///     let credential = ClientSecretCredential::new("contoso.example", "the client id", secret, transport.clone())?;
///     let endpoint = Endpoint::parse("https://example.webpubsub.azure.com")?;
///     let service = ServiceClient::new(endpoint, credential, "chat", transport)?;
///     service.send_to_all(Message::Text("hello"), &SendOptions::default()).await?;
///     Ok(())
/// }
/// # #[derive(Clone, Copy)]
/// # struct Memory;
/// # impl Transport for Memory {
/// #     async fn send(&self, request: &webpubsub_edge::service::Outgoing<'_>)
/// #         -> Result<webpubsub_edge::service::Response, webpubsub_edge::service::Failure> {
/// #         let is_entra = request.url == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token";
/// #         let body = if is_entra { r#"{"access_token":"t","expires_in":3599}"# } else { "" };
/// #         let status = if is_entra { 200 } else { 202 };
/// #         Ok(webpubsub_edge::service::Response { status, headers: Vec::new(), body: body.into() })
/// #     }
/// #     async fn sleep(&self, _milliseconds: u64) {}
/// #     fn now_ms(&self) -> u64 { 1_700_000_000_000 }
/// #     fn random(&self) -> f64 { 0.5 }
/// # }
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(matches!(std::pin::pin!(hello("s", Memory)).poll(&mut context), std::task::Poll::Ready(Ok(()))));
/// ```
pub struct ClientSecretCredential<T> {
    source: Source<T>,
    secret: Box<str>,
}

impl<T: Transport> ClientSecretCredential<T> {
    /// `tenant_id` is the id or the domain of the tenant.
    ///
    /// # Errors
    /// [`CredentialError`], when an argument cannot be used.
    pub fn new(tenant_id: &str, client_id: &str, client_secret: &str, transport: T) -> Result<Self, CredentialError> {
        let secret = filled(client_secret, "The client secret")?.into();
        Ok(ClientSecretCredential { source: Source::new(tenant_id, client_id, transport)?, secret })
    }

    /// Where Entra ID is, `https://login.microsoftonline.com` else: other clouds have other hosts.
    ///
    /// # Errors
    /// [`CredentialError`], when it is no https URL. Plain http is taken for this machine only, such as a test's server.
    pub fn with_authority_host(mut self, host: &str) -> Result<Self, CredentialError> {
        self.source.authority = authority(host)?;
        Ok(self)
    }
}

impl<T: Transport> TokenCredential for ClientSecretCredential<T> {
    async fn get_token(&self, scopes: &[&str], options: &GetTokenOptions<'_>) -> Result<AccessToken, CredentialError> {
        self.source.token(scopes, &[("client_secret", &self.secret)], options).await
    }
}

impl<T> fmt::Debug for ClientSecretCredential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretCredential(..)")
    }
}

/// Gets tokens from Microsoft Entra ID with an assertion of another identity provider (workload identity federation):
/// no secret is kept anywhere.
///
/// ```
/// use webpubsub_edge::service::{ClientAssertionCredential, CredentialError, TokenCredential, Transport};
///
/// /// Kubernetes writes it anew before it expires.
/// async fn from_file() -> Result<String, CredentialError> {
///     std::fs::read_to_string("/var/run/secrets/azure/tokens/azure-identity-token")
///         .map_err(|error| CredentialError::new(format!("the assertion cannot be read: {}", error.kind())))
/// }
///
/// fn credential<T: Transport>(transport: T) -> Result<impl TokenCredential, CredentialError> {
///     ClientAssertionCredential::new("contoso.example", "the client id", from_file, transport)
/// }
/// ```
pub struct ClientAssertionCredential<T, A> {
    source: Source<T>,
    assertion: A,
}

impl<T: Transport, A: Assertion> ClientAssertionCredential<T, A> {
    /// The assertion is a string, or an async function that is asked at each refresh.
    ///
    /// # Errors
    /// [`CredentialError`], when an argument cannot be used.
    pub fn new(tenant_id: &str, client_id: &str, assertion: A, transport: T) -> Result<Self, CredentialError> {
        Ok(ClientAssertionCredential { source: Source::new(tenant_id, client_id, transport)?, assertion })
    }

    /// As [`ClientSecretCredential::with_authority_host`].
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn with_authority_host(mut self, host: &str) -> Result<Self, CredentialError> {
        self.source.authority = authority(host)?;
        Ok(self)
    }
}

impl<T: Transport, A: Assertion> TokenCredential for ClientAssertionCredential<T, A> {
    async fn get_token(&self, scopes: &[&str], options: &GetTokenOptions<'_>) -> Result<AccessToken, CredentialError> {
        let assertion = self.assertion.get().await?;
        let form = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", filled(&assertion, "The assertion")?),
        ];
        self.source.token(scopes, &form, options).await
    }
}

impl<T, A> fmt::Debug for ClientAssertionCredential<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAssertionCredential(..)")
    }
}

/// Where an assertion comes from: a [`String`], or a function that gets one.
pub trait Assertion {
    /// Gets it.
    fn get(&self) -> impl Future<Output = Result<String, CredentialError>>;
}

impl Assertion for String {
    async fn get(&self) -> Result<String, CredentialError> {
        Ok(self.clone())
    }
}

impl<F, A> Assertion for F
where
    F: Fn() -> A,
    A: Future<Output = Result<String, CredentialError>>,
{
    fn get(&self) -> impl Future<Output = Result<String, CredentialError>> {
        self()
    }
}

/// The token endpoint of a tenant.
struct Source<T> {
    authority: Endpoint,
    tenant_id: Box<str>,
    client_id: Box<str>,
    transport: T,
}

impl<T: Transport> Source<T> {
    fn new(tenant_id: &str, client_id: &str, transport: T) -> Result<Self, CredentialError> {
        let tenant_id = filled(tenant_id, "The tenant id")?;
        let is_of_a_tenant = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        if !tenant_id.bytes().all(is_of_a_tenant) || tenant_id.bytes().all(|byte| byte == b'.') {
            return Err(CredentialError::new("The tenant id must be the id or the domain of a tenant."));
        }
        Ok(Source {
            authority: authority("https://login.microsoftonline.com")?,
            tenant_id: tenant_id.into(),
            client_id: filled(client_id, "The client id")?.into(),
            transport,
        })
    }

    async fn token(
        &self,
        scopes: &[&str],
        proof: &[(&str, &str)],
        options: &GetTokenOptions<'_>,
    ) -> Result<AccessToken, CredentialError> {
        let url = [self.authority.as_str(), "/", &self.tenant_id, "/oauth2/v2.0/token"].concat();
        let scope = scopes.join(" ");
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", &*self.client_id), ("scope", &scope)];
        form.extend(proof);
        form.extend(options.claims.map(|claims| ("claims", claims)));
        let body = encoded(&form);
        let asked = self.transport.now_ms();
        let outgoing = Outgoing {
            method: "POST",
            url: &url,
            headers: vec![("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")],
            body: Some(body.as_bytes()),
        };
        let answer = self.transport.send(&outgoing).await.map_err(|failure| {
            CredentialError::new(match failure {
                Failure::NotSent => "Entra ID could not be reached: check the authority host.",
                Failure::Timeout => "Entra ID did not answer in time.",
                Failure::Unknown => "The connection to Entra ID failed.",
                Failure::AnswerTooLarge => "The answer of Entra ID is larger than 4 MiB: check the authority host.",
            })
        })?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
        let lifetime = body.get("expires_in").and_then(seconds).filter(|&lifetime| lifetime > 0);
        match (answer.status, text("access_token"), lifetime) {
            (200, Some(token), Some(seconds)) => Ok(AccessToken {
                token: token.to_owned(),
                expires_on_ms: asked.saturating_add(seconds.saturating_mul(1000)),
            }),
            (status, _, _) => {
                // A code of OAuth; its description may repeat what was sent.
                let is_code =
                    |why: &&str| why.len() <= 64 && why.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                let why = text("error").filter(is_code).unwrap_or("no reason given");
                Err(CredentialError::new(format!("Entra ID gave no token (status {status}, {why}).")))
            }
        }
    }
}

/// A number, or the same as text, as older endpoints write it.
fn seconds(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The secret goes there: only a server on this machine, such as a test's, may be plain http.
fn authority(host: &str) -> Result<Endpoint, CredentialError> {
    Endpoint::parse(host)
        .ok()
        .filter(|endpoint| endpoint.check_secure(false).is_ok())
        .ok_or_else(|| CredentialError::new("The authority host must be an https URL."))
}

fn filled<'a>(text: &'a str, what: &str) -> Result<&'a str, CredentialError> {
    if text.is_empty() { Err(CredentialError::new(format!("{what} is empty."))) } else { Ok(text) }
}

/// As `application/x-www-form-urlencoded`.
fn encoded(form: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in form {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        push_query_value(&mut body, value);
    }
    body
}
