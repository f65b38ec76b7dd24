//! JSON Web Tokens with HMAC-SHA256 ("HS256"), and no other algorithm: RFC 7515, RFC 7519.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A signing key. It stores the state of HMAC after the first block, which halves the cost of a signature.
/// `Debug` hides the key.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
}

impl Key {
    /// Prepares a key. For an access key of Azure, pass the characters of its text: the text looks like base64, but must
    /// not be decoded.
    pub fn new(bytes: &[u8]) -> Self {
        // RFC 2104: a key is padded with zeros to one block; a longer one is hashed first.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        let hashed;
        let bytes = if bytes.len() > block.len() {
            hashed = Sha256::digest(bytes);
            hashed.as_slice()
        } else {
            bytes
        };
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        Key { mac: Hmac::new(&block) }
    }

    /// Signs a payload, which must be JSON, and returns the token.
    pub fn sign(&self, payload: &str) -> String {
        let mut token = Vec::with_capacity(payload.len().saturating_mul(2).saturating_add(128));
        self.push_token(&mut token, HEADER, payload);
        ascii(token)
    }

    /// Appends a token with a custom header.
    pub(crate) fn push_token(&self, out: &mut Vec<u8>, header: &str, payload: &str) {
        let start = out.len();
        push_base64(out, header.as_bytes());
        out.push(b'.');
        push_base64(out, payload.as_bytes());
        let signature = self.signature(out.get(start..).unwrap_or_default());
        out.push(b'.');
        push_base64(out, &signature);
    }

    /// Returns the HMAC-SHA256 of `message`.
    pub fn signature(&self, message: &[u8]) -> [u8; 32] {
        self.mac.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// Returns true if `signature` is the HMAC-SHA256 of `message`. The comparison takes constant time.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.mac.clone().chain_update(message).verify_slice(signature).is_ok()
    }
}

/// Converts a token, or a URL with a token, to text.
pub(crate) fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// Encodes 24 bytes at a time. The fixed length removes 2 kB of code for other lengths from the WebAssembly module.
fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(24) {
        let (mut from, mut to) = ([0; 24], [0; 32]);
        if let Some(from) = from.get_mut(..chunk.len()) {
            from.copy_from_slice(chunk);
        }
        BASE64_URL_SAFE_NO_PAD.encode_slice(from, &mut to).unwrap_or_default();
        // The characters of padding bytes are removed.
        let length = chunk.len().saturating_mul(4).div_ceil(3);
        out.extend_from_slice(to.get(..length).unwrap_or_default());
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(feature = "json")]
pub use verify::{Claims, Rejection, Rules, verify};

#[cfg(feature = "json")]
mod verify {
    use super::*;
    use serde_json::{Map, Value};

    /// The rules for a token besides its signature. Times are in seconds since 1970.
    pub struct Rules<'a> {
        /// Returns true for an accepted value of `aud`. A token may list several values; one accepted value is enough.
        pub audience: &'a dyn Fn(&str) -> bool,
        /// The current time.
        pub now: u64,
        /// The tolerated difference between the signer's clock and this clock, for `exp` and `nbf`.
        pub clock_skew: u64,
        /// The maximum time from now to `exp`.
        pub max_lifetime: Option<u64>,
    }

    /// The claims of an accepted token. `Debug` hides them.
    #[derive(Clone)]
    pub struct Claims {
        /// The claim `sub`.
        pub subject: Option<String>,
        /// The claim `exp`, in whole seconds since 1970.
        pub expires: u64,
        /// All claims, including `sub` and `exp`.
        pub all: Map<String, Value>,
    }

    impl fmt::Debug for Claims {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Claims(..)")
        }
    }

    /// The reason why a token was refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Rejection {
        /// The token is not three parts of base64url, or a part is not valid JSON.
        Malformed,
        /// The algorithm is not HS256, or the token requires an extension (`crit`).
        Algorithm,
        /// The token was signed with another key, or changed after signing.
        Signature,
        /// The token is for another audience.
        Audience,
        /// The token has no expiry.
        NoExpiry,
        /// The expiry is later than `max_lifetime` allows.
        TooLong,
        /// The token has expired.
        Expired,
        /// The token is not valid yet.
        NotYetValid,
    }

    impl fmt::Display for Rejection {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                Rejection::Malformed => "the token is malformed",
                Rejection::Algorithm => "the token's algorithm is not HS256",
                Rejection::Signature => "the token's signature does not match",
                Rejection::Audience => "the token is for another audience",
                Rejection::NoExpiry => "the token has no expiry",
                Rejection::TooLong => "the token's expiry lies too far ahead",
                Rejection::Expired => "the token has expired",
                Rejection::NotYetValid => "the token is not valid yet",
            })
        }
    }

    impl std::error::Error for Rejection {}

    /// Verifies a token: algorithm and signature first, then `aud`, `exp`, `nbf`.
    ///
    /// A token signed with any of the keys is accepted, so that keys can be rotated.
    ///
    /// # Errors
    /// [`Rejection`]: the first rule that the token breaks.
    pub fn verify(token: &str, keys: &[&Key], rules: &Rules<'_>) -> Result<Claims, Rejection> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::Malformed)?;
        let header = json_object(header)?;
        if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.contains_key("crit") {
            return Err(Rejection::Algorithm);
        }
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| Rejection::Malformed)?;
        if !keys.iter().any(|key| key.verify(signed.as_bytes(), &signature)) {
            return Err(Rejection::Signature);
        }
        let all = json_object(payload)?;
        check_audience(all.get("aud"), rules.audience)?;
        let expires = check_times(&all, rules)?;
        let subject = match all.get("sub") {
            None => None,
            Some(Value::String(subject)) => Some(subject.clone()),
            Some(_) => return Err(Rejection::Malformed),
        };
        Ok(Claims { subject, expires, all })
    }

    fn json_object(part: &str) -> Result<Map<String, Value>, Rejection> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::Malformed)?;
        serde_json::from_slice(&bytes).map_err(|_| Rejection::Malformed)
    }

    fn check_audience(claim: Option<&Value>, accepts: &dyn Fn(&str) -> bool) -> Result<(), Rejection> {
        let accepted = match claim {
            Some(Value::String(one)) => accepts(one),
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(accepts),
            _ => false,
        };
        if accepted { Ok(()) } else { Err(Rejection::Audience) }
    }

    fn check_times(claims: &Map<String, Value>, rules: &Rules<'_>) -> Result<u64, Rejection> {
        let expires = seconds(claims, "exp")?.ok_or(Rejection::NoExpiry)?;
        if expires.saturating_add(rules.clock_skew) <= rules.now {
            return Err(Rejection::Expired);
        }
        if rules.max_lifetime.is_some_and(|most| expires > rules.now.saturating_add(most)) {
            return Err(Rejection::TooLong);
        }
        let not_before = seconds(claims, "nbf")?.unwrap_or(0);
        if not_before > rules.now.saturating_add(rules.clock_skew) {
            return Err(Rejection::NotYetValid);
        }
        Ok(expires)
    }

    /// Reads a NumericDate and drops its fraction.
    fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, Rejection> {
        match claims.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                // This cast saturates.
                Some(number) if number >= 0.0 => Ok(Some(number as u64)),
                _ => Err(Rejection::Malformed),
            },
        }
    }
}

#[cfg(all(test, feature = "json"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn rules() -> Rules<'static> {
        Rules { audience: &|audience| audience == "me", now: NOW, clock_skew: 10, max_lifetime: None }
    }

    fn verdict(payload: &str) -> Result<Claims, Rejection> {
        let key = Key::new(b"key");
        verify(&key.sign(payload), &[&key], &rules())
    }

    fn with_header(header: &str, payload: &str) -> String {
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = Key::new(b"key").signature(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
        token
    }

    #[test]
    fn rfc_4231_keys_shorter_and_longer_than_a_block() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(Key::new(b"Jefe").signature(b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(Key::new(&[0xaa; 131]).signature(b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_good_token_is_accepted_by_any_of_its_keys() {
        let (old, new) = (Key::new(b"old"), Key::new(b"new"));
        let token = new.sign(r#"{"aud":["you","me"],"exp":1700000001.9,"nbf":1700000010,"sub":"ann","x":1}"#);
        let claims = verify(&token, &[&old, &new], &rules()).unwrap();
        assert_eq!((claims.subject.as_deref(), claims.expires), (Some("ann"), NOW + 1));
        assert_eq!(claims.all["x"], 1);
        assert_eq!(verify(&token, &[&old], &rules()).unwrap_err(), Rejection::Signature);
        assert_eq!(verify(&token, &[], &rules()).unwrap_err(), Rejection::Signature);
    }

    #[test]
    fn each_rule_rejects() {
        for (payload, rejection) in [
            (r#"{"aud":"you","exp":1700000001}"#, Rejection::Audience),
            (r#"{"exp":1700000001}"#, Rejection::Audience),
            (r#"{"aud":{},"exp":1700000001}"#, Rejection::Audience),
            (r#"{"aud":"me"}"#, Rejection::NoExpiry),
            (r#"{"aud":"me","exp":"1700000001"}"#, Rejection::Malformed),
            (r#"{"aud":"me","exp":-1}"#, Rejection::Malformed),
            (r#"{"aud":"me","exp":1699999990}"#, Rejection::Expired),
            (r#"{"aud":"me","exp":1700000001,"nbf":1700000011}"#, Rejection::NotYetValid),
            (r#"{"aud":"me","exp":1700000001,"sub":1}"#, Rejection::Malformed),
            (r#"["me"]"#, Rejection::Malformed),
            ("", Rejection::Malformed),
        ] {
            assert_eq!(verdict(payload).unwrap_err(), rejection, "{payload}");
        }
        assert!(verdict(r#"{"aud":"me","exp":1699999991}"#).is_ok(), "the clock may be off by the skew");
        let short = Rules { max_lifetime: Some(60), ..rules() };
        let key = Key::new(b"key");
        assert!(verify(&key.sign(r#"{"aud":"me","exp":1700000060}"#), &[&key], &short).is_ok());
        let long = verify(&key.sign(r#"{"aud":"me","exp":1700000061}"#), &[&key], &short);
        assert_eq!(long.unwrap_err(), Rejection::TooLong);
    }

    #[test]
    fn only_hs256_counts() {
        let payload = r#"{"aud":"me","exp":1700000001}"#;
        let key = Key::new(b"key");
        for header in
            [r#"{"alg":"none"}"#, r#"{"alg":"hs256"}"#, r#"{"typ":"JWT"}"#, r#"{"alg":"HS256","crit":["b64"]}"#]
        {
            let token = with_header(header, payload);
            assert_eq!(verify(&token, &[&key], &rules()).unwrap_err(), Rejection::Algorithm, "{header}");
        }
        assert!(verify(&with_header(r#"{"alg":"HS256","kid":"1"}"#, payload), &[&key], &rules()).is_ok());
    }

    #[test]
    fn a_changed_or_broken_token_is_refused() {
        let key = Key::new(b"key");
        let token = key.sign(r#"{"aud":"me","exp":1700000001}"#);
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(verify(&changed, &[&key], &rules()).is_err(), "character {index}");
        }
        for broken in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "....",
            &token[..token.len() - 1],
            &format!("{token}="),
            &format!("{token}."),
        ] {
            assert!(verify(broken, &[&key], &rules()).is_err(), "{broken:?}");
        }
    }
}
