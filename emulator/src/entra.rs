//! Tokens of Microsoft Entra. The emulator cannot validate them; a host may choose to take them unvalidated.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// What Entra tokens for Web PubSub are meant for.
const AUDIENCE: &str = "https://webpubsub.azure.com";

/// What an Entra token says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntraToken {
    /// In seconds since 1970.
    pub(crate) expires: Option<u64>,
}

/// Reads a token; `None` when it is not one for Web PubSub. Its signature is not looked at.
pub(crate) fn read(token: &str) -> Option<EntraToken> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    object(header)?;
    BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let claims = object(payload)?;
    let is_ours = |audience: &Value| audience.as_str().is_some_and(|text| text.eq_ignore_ascii_case(AUDIENCE));
    let is_for_us = match claims.get("aud")? {
        Value::Array(several) => several.iter().any(is_ours),
        one => is_ours(one),
    };
    // A NumericDate may have a fraction; this cast drops it, and saturates.
    let expires = claims.get("exp").and_then(Value::as_f64).map(|expires| expires as u64);
    is_for_us.then_some(EntraToken { expires })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        format!("{header}.{}.c2lnbmVk", BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_token_for_the_service_is_read() {
        for audience in [r#""https://webpubsub.azure.com""#, r#"["x","HTTPS://webpubsub.azure.com"]"#] {
            let payload = format!(r#"{{"aud":{audience},"exp":12.5}}"#);
            assert_eq!(read(&token(&payload)), Some(EntraToken { expires: Some(12) }));
        }
        let payload = r#"{"aud":"https://webpubsub.azure.com","exp":"soon"}"#;
        assert_eq!(read(&token(payload)), Some(EntraToken { expires: None }));
    }

    #[test]
    fn others_are_not() {
        let good = token(r#"{"aud":"https://webpubsub.azure.com","exp":12}"#);
        for other in [
            String::new(),
            "..".to_owned(),
            format!("{good}.x"),
            format!("{good}!"),
            good.replacen("ey", "xx", 1),
            good.rsplit_once('.').map(|(signed, _)| signed.to_owned()).unwrap_or_default(),
            token("{}"),
            token("[]"),
            token(r#"{"aud":"https://webpubsub.azure.com.example.com","exp":12}"#),
            token(r#"{"aud":7}"#),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}
