//! The signed session that a caller of the Worker template shows: who it is, which groups it may use, and whether
//! it may broadcast. The owner of the Worker issues it where people log in; `npx webpubsub-edge session` makes one by hand.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::jwt::{Key, Rejection, Rules, verify};
use crate::names;
use crate::token::Payload;

/// What `aud` holds in a session.
pub const AUDIENCE: &str = "webpubsub-edge";

/// The shortest secret that signs sessions, in bytes: as long as the hash.
pub const MIN_SECRET_BYTES: usize = 32;

/// The fewest different bytes in a secret. A random secret has more; a placeholder such as `xxxx` has fewer.
pub const MIN_DIFFERENT_BYTES: usize = 6;

/// How far ahead a session may expire.
pub const MAX_LIFETIME_SECONDS: u64 = 24 * 60 * 60;

/// How far the clock of the issuer may be off.
const CLOCK_SKEW_SECONDS: u64 = 30;

/// The key of sessions. It is its own type so that no other key is taken for it.
#[derive(Debug, Clone)]
pub struct SessionKey(Key);

impl SessionKey {
    /// Takes the secret.
    ///
    /// # Errors
    /// [`WeakSecret`] if the secret has fewer than [`MIN_SECRET_BYTES`] bytes, or fewer than [`MIN_DIFFERENT_BYTES`]
    /// different ones.
    pub fn new(secret: &str) -> Result<Self, WeakSecret> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(WeakSecret::TooShort);
        }
        if secret.bytes().collect::<BTreeSet<_>>().len() < MIN_DIFFERENT_BYTES {
            return Err(WeakSecret::TooUniform);
        }
        Ok(SessionKey(Key::new(secret.as_bytes())))
    }
}

/// Why a secret cannot sign sessions: it could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeakSecret {
    /// It has fewer than [`MIN_SECRET_BYTES`] bytes.
    TooShort,
    /// It has fewer than [`MIN_DIFFERENT_BYTES`] different bytes.
    TooUniform,
}

impl fmt::Display for WeakSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WeakSecret::TooShort => {
                "SESSION_SECRET is shorter than 32 bytes; make one with `openssl rand -base64 32`"
            }
            WeakSecret::TooUniform => {
                "SESSION_SECRET has fewer than 6 different characters, so it can be guessed; make one with `openssl rand \
                 -base64 32`"
            }
        })
    }
}

impl std::error::Error for WeakSecret {}

/// Who calls the Worker, and what the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// The caller's user id (`sub`).
    pub user_id: String,
    /// The groups the caller may join and send to (`groups`).
    pub groups: Vec<String>,
    /// Whether the caller may send to everybody (`broadcast`).
    pub broadcast: bool,
}

impl Session {
    /// Signs the session; it expires at `expires`, in seconds since 1970.
    pub fn sign(&self, key: &SessionKey, expires: u64) -> String {
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let mut payload = Payload::new();
        payload.string("sub", &self.user_id);
        payload.strings("groups", &groups);
        if self.broadcast {
            payload.json("broadcast", "true");
        }
        payload.string("aud", AUDIENCE);
        payload.number("exp", expires);
        key.0.sign(&payload.finish())
    }

    /// Verifies a session: HS256, `aud` is [`AUDIENCE`], `exp` at most 24 hours ahead, `sub` a user id, `groups` a
    /// list of group names, `broadcast` a boolean; the last two may be absent. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(token: &str, key: &SessionKey, now: u64) -> Result<Self, Rejection> {
        let rules = Rules {
            audience: &|audience| audience == AUDIENCE,
            now,
            clock_skew: CLOCK_SKEW_SECONDS,
            max_lifetime: Some(MAX_LIFETIME_SECONDS.saturating_add(CLOCK_SKEW_SECONDS)),
        };
        let claims = verify(token, &[&key.0], &rules)?;
        let user_id = claims.subject.ok_or(Rejection::Malformed)?;
        names::check_user_id(&user_id).map_err(|_| Rejection::Malformed)?;
        let groups = match claims.all.get("groups") {
            None => Vec::new(),
            Some(Value::Array(groups)) => groups.iter().map(group).collect::<Result<_, _>>()?,
            Some(_) => return Err(Rejection::Malformed),
        };
        let broadcast = match claims.all.get("broadcast") {
            None => false,
            Some(Value::Bool(broadcast)) => *broadcast,
            Some(_) => return Err(Rejection::Malformed),
        };
        Ok(Session { user_id, groups, broadcast })
    }
}

fn group(value: &Value) -> Result<String, Rejection> {
    let group = value.as_str().ok_or(Rejection::Malformed)?;
    names::check_group(group).map_err(|_| Rejection::Malformed)?;
    Ok(group.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::string_slice)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn key() -> SessionKey {
        SessionKey::new(SECRET).unwrap()
    }

    fn verdict(payload: &str) -> Result<Session, Rejection> {
        Session::verify(&key().0.sign(payload), &key(), NOW)
    }

    #[test]
    fn a_session_comes_back_as_it_was_signed() {
        for session in [
            Session { user_id: "ann".into(), groups: vec!["a\nb".into(), "\"".into()], broadcast: true },
            Session { user_id: "ünn".into(), ..Default::default() },
        ] {
            assert_eq!(Session::verify(&session.sign(&key(), NOW + 60), &key(), NOW), Ok(session));
        }
    }

    #[test]
    fn what_is_not_a_session_is_refused() {
        let exp = NOW + 60;
        for payload in [
            format!(r#"{{"aud":"webpubsub-edge","exp":{exp}}}"#),
            format!(r#"{{"sub":"a","exp":{exp}}}"#),
            format!(r#"{{"aud":"other","sub":"a","exp":{exp}}}"#),
            r#"{"aud":"webpubsub-edge","sub":"a"}"#.to_owned(),
            format!(r#"{{"aud":"webpubsub-edge","sub":"","exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"..","exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":7,"exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","groups":"g","exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","groups":[1],"exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","groups":[""],"exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","broadcast":"true","exp":{exp}}}"#),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","exp":{}}}"#, NOW + 24 * 3600 + 31),
            format!(r#"{{"aud":"webpubsub-edge","sub":"a","exp":{}}}"#, NOW - 30),
        ] {
            assert!(verdict(&payload).is_err(), "{payload}");
        }
        assert!(verdict(&format!(r#"{{"aud":"webpubsub-edge","sub":"a","exp":{exp}}}"#)).is_ok());
        let other = SessionKey::new("another secret of thirty-two bytes").unwrap();
        let session = Session { user_id: "a".into(), ..Default::default() };
        assert_eq!(Session::verify(&session.sign(&other, exp), &key(), NOW), Err(Rejection::Signature));
    }

    #[test]
    fn secrets_that_can_be_guessed_are_refused() {
        let weak = |secret: &str| SessionKey::new(secret).err();
        assert_eq!(weak(&SECRET[..31]), Some(WeakSecret::TooShort));
        assert_eq!(weak(&"s".repeat(32)), Some(WeakSecret::TooUniform));
        assert_eq!(weak(&"abcde".repeat(7)), Some(WeakSecret::TooUniform));
        assert_eq!(weak(SECRET), None);
    }

    /// The npm package signs the same sessions; `tests/session.test.mjs` reads the same file.
    #[test]
    fn sessions_are_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../tests/vectors/session.json")).unwrap();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        for vector in vectors["sessions"].as_array().unwrap() {
            let session = Session {
                user_id: text(vector, "sub"),
                groups: vector["groups"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|group| group.as_str().unwrap().into())
                    .collect(),
                broadcast: vector["broadcast"].as_bool().unwrap(),
            };
            let key = SessionKey::new(&text(vector, "secret")).unwrap();
            let expires = vector["now"].as_u64().unwrap() + vector["minutes"].as_u64().unwrap() * 60;
            assert_eq!(session.sign(&key, expires), text(vector, "token"));
        }
        for vector in vectors["secrets"].as_array().unwrap() {
            let problem = SessionKey::new(&text(vector, "secret")).err().map(|weak| weak.to_string());
            assert_eq!(problem.as_deref(), vector["problem"].as_str(), "{vector}");
        }
        for name in ["groups", "users"] {
            for vector in vectors[name].as_array().unwrap() {
                let check = if name == "groups" { names::check_group } else { names::check_user_id };
                assert_eq!(check(&text(vector, "name")).is_ok(), vector["valid"].as_bool().unwrap(), "{vector}");
            }
        }
    }
}
