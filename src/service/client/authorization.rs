//! Who signs a try: an access key here, or a token of Entra ID.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::token_cache::TokenCache;
use crate::service::{AzureKeyCredential, Request, ServiceError, TokenCredential, Transport};

/// How a [`ServiceClient`](crate::service::ServiceClient) authorizes its requests: with an [`AzureKeyCredential`], or with an
/// [`EntraId`]. There are no others.
pub trait Authorization: Bearer {}

impl Authorization for AzureKeyCredential {}
impl<C: TokenCredential> Authorization for EntraId<C> {}

/// The tokens of a [`TokenCredential`]: kept, refreshed two minutes before they expire, once however many calls want
/// one. Clones share them, so clients of several hubs can.
///
/// ```
/// use webpubsub_edge::endpoint::Endpoint;
/// use webpubsub_edge::service::{EntraId, ServiceClient, TokenCredential, Transport};
///
/// fn of_two_hubs<T, C>(endpoint: Endpoint, credential: C, transport: T) -> Result<(), webpubsub_edge::Error>
/// where
///     T: Transport + Clone,
///     C: TokenCredential,
/// {
///     let entra = EntraId::new(credential);
///     let chat = ServiceClient::new(endpoint.clone(), entra.clone(), "chat", transport.clone())?;
///     let news = ServiceClient::new(endpoint, entra, "news", transport)?;
///     # let _ = (chat, news);
///     Ok(())
/// }
/// ```
pub struct EntraId<C> {
    cache: Arc<TokenCache<C>>,
}

impl<C: TokenCredential> EntraId<C> {
    /// Keeps the tokens of `credential`.
    pub fn new(credential: C) -> Self {
        EntraId { cache: Arc::new(TokenCache::new(credential)) }
    }
}

impl<C> Clone for EntraId<C> {
    fn clone(&self) -> Self {
        EntraId { cache: Arc::clone(&self.cache) }
    }
}

impl<C> fmt::Debug for EntraId<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntraId(..)")
    }
}

/// What the loop of a call asks. Private in effect: nobody outside can name it, so [`Authorization`] is sealed.
pub trait Bearer {
    /// Whether its tokens are good for more than one request: such a token never goes over plain http to another
    /// machine, and the service may challenge it.
    const IS_TOKEN: bool;

    /// The bearer token of one try.
    fn bearer(
        &self,
        request: &Request,
        transport: &impl Transport,
        challenge: Option<&Challenge>,
    ) -> impl Future<Output = Result<String, ServiceError>>;
}

impl Bearer for AzureKeyCredential {
    const IS_TOKEN: bool = false;

    async fn bearer(
        &self,
        request: &Request,
        transport: &impl Transport,
        _challenge: Option<&Challenge>,
    ) -> Result<String, ServiceError> {
        Ok(self.sign_with(|key| request.bearer(key, transport.now_ms() / 1000))?)
    }
}

impl<C: TokenCredential> Bearer for EntraId<C> {
    const IS_TOKEN: bool = true;

    async fn bearer(
        &self,
        _request: &Request,
        transport: &impl Transport,
        challenge: Option<&Challenge>,
    ) -> Result<String, ServiceError> {
        Ok(self.cache.get(|| transport.now_ms(), challenge).await?)
    }
}

/// A 401 that says which claims a token must have.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The claims, JSON.
    pub(super) claims: String,
    /// The token that was refused.
    pub(super) refused: String,
}

impl Challenge {
    /// Reads `WWW-Authenticate`: the claims are base64, of either alphabet, in `claims="..."`.
    pub(super) fn read(header: Option<&str>, refused: &str) -> Option<Self> {
        const NAME: &str = "claims=\"";
        let header = header?;
        let follows_a_word = |at: &usize| {
            let before = header.get(..*at).and_then(|before| before.chars().next_back());
            before.is_some_and(|before| before.is_ascii_alphanumeric() || before == '_')
        };
        let (at, _) = header.match_indices(NAME).find(|(at, _)| !follows_a_word(at))?;
        let (claims, _) = header.get(at.saturating_add(NAME.len())..)?.split_once('"')?;
        let claims = BASE64.decode(claims.replace('-', "+").replace('_', "/")).ok()?;
        let claims = String::from_utf8(claims).ok().filter(|claims| !claims.is_empty())?;
        Some(Challenge { claims, refused: refused.to_owned() })
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_a_challenge_are_read() {
        for (header, claims) in [
            (r#"Bearer error="x", claims="eyJhIjoxfQ==""#, Some(r#"{"a":1}"#)),
            (r#"Bearer claims="eyJhIjoxfQ""#, Some(r#"{"a":1}"#)),
            (r#"Bearer claims="Pz8_Pj4-""#, Some("???>>>")),
            (r#"Bearer myclaims="eyJhIjoxfQ==""#, None),
            (r#"Bearer my_claims="eA", claims="eQ""#, Some("y")),
            (r#"Bearer claims="""#, None),
            (r#"Bearer claims="eyJh"#, None),
            (r#"Bearer claims="***""#, None),
            (r#"Bearer claims="/w==""#, None),
            ("Bearer", None),
        ] {
            let read = Challenge::read(Some(header), "token");
            assert_eq!(read.as_ref().map(|challenge| challenge.claims.as_str()), claims, "{header}");
        }
        assert!(Challenge::read(None, "token").is_none());
    }
}
