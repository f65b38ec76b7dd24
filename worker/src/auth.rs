//! Who calls, and what the caller may do.

use webpubsub_edge::session::{Session, SessionKey};

use crate::refusal::Refusal;

/// **Your own check goes here.** It says who calls, or refuses with [`Refusal::unauthorized`].
///
/// As it stands, the caller shows a session that was signed with `SESSION_SECRET`, as
/// `Authorization: Bearer <session>`. To use your own log-in, read its cookie or token with `header` and return
/// [`Caller::Session`] with the user id, the groups and the broadcast right that you know the caller to have; make
/// the function `async` if you must look them up.
///
/// `sessions` is `None` only in the local emulator, where everybody is let in. `now` is in seconds since 1970.
pub fn authorize(
    header: &dyn Fn(&str) -> Option<String>,
    sessions: Option<&SessionKey>,
    now: u64,
) -> Result<Caller, Refusal> {
    let Some(key) = sessions else {
        return Ok(Caller::Anybody);
    };
    let header = header("authorization").unwrap_or_default();
    let Some(token) = bearer(&header) else {
        return Err(Refusal::unauthorized("Send a session as Authorization: Bearer <session>."));
    };
    match Session::verify(token, key, now) {
        Ok(session) => Ok(Caller::Session(session)),
        Err(rejection) => Err(Refusal::unauthorized(format!("The session was refused: {rejection}."))),
    }
}

/// Who calls.
#[derive(Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody who is known, with the rights that the session grants.
    Session(Session),
    /// Whoever reaches the local emulator: may do everything, as anybody.
    Anybody,
}

impl Caller {
    /// The user id to connect as, when `asked` is asked for: nobody connects as somebody else.
    pub fn user_id(&self, asked: Option<String>) -> Result<Option<String>, Refusal> {
        match (self, asked) {
            (Caller::Anybody, asked) => Ok(asked),
            (Caller::Session(session), Some(asked)) if asked != session.user_id => {
                Err(Refusal::forbidden("\"userId\" is not the user of the session; leave it out."))
            }
            (Caller::Session(session), _) => Ok(Some(session.user_id.clone())),
        }
    }

    /// Whether the caller may join a group and send to it.
    pub fn use_group(&self, group: &str) -> Result<(), Refusal> {
        match self {
            Caller::Session(session) if !session.groups.iter().any(|granted| granted == group) => {
                Err(Refusal::forbidden(format!("The session does not grant the group {group:?}.")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the caller may send to everybody.
    pub fn broadcast(&self) -> Result<(), Refusal> {
        match self {
            Caller::Session(session) if !session.broadcast => {
                Err(Refusal::forbidden("The session does not grant \"broadcast\"."))
            }
            _ => Ok(()),
        }
    }
}

/// The credentials of `Bearer <credentials>`; the scheme is written in any case (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, credentials) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn key() -> SessionKey {
        SessionKey::new("0123456789abcdef0123456789abcdef").unwrap()
    }

    fn ann() -> Session {
        Session { user_id: "ann".into(), groups: vec!["blue".into()], broadcast: false }
    }

    fn call(authorization: Option<&str>, sessions: Option<&SessionKey>) -> Result<Caller, Refusal> {
        let header = |name: &str| authorization.filter(|_| name == "authorization").map(str::to_owned);
        authorize(&header, sessions, NOW)
    }

    #[test]
    fn a_session_says_who_calls() {
        let token = ann().sign(&key(), NOW + 60);
        for header in [format!("Bearer {token}"), format!("bearer  {token} ")] {
            assert_eq!(call(Some(&header), Some(&key())), Ok(Caller::Session(ann())));
        }
    }

    #[test]
    fn without_a_good_session_nobody_is_let_in() {
        let (good, expired) = (ann().sign(&key(), NOW + 60), ann().sign(&key(), NOW - 60));
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer x"),
            Some(good.as_str()),
            Some(&format!("Basic {good}")),
            Some(&format!("Bearer {expired}")),
        ] {
            let refusal = call(header, Some(&key())).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (401, "unauthorized"));
            assert!(!refusal.message.contains(&expired), "{}", refusal.message);
        }
    }

    #[test]
    fn the_emulator_lets_everybody_in() {
        assert_eq!(call(None, None), Ok(Caller::Anybody));
        assert_eq!(Caller::Anybody.user_id(None), Ok(None));
        assert_eq!(Caller::Anybody.user_id(Some("bob".into())), Ok(Some("bob".into())));
        assert_eq!(Caller::Anybody.use_group("any"), Ok(()));
        assert_eq!(Caller::Anybody.broadcast(), Ok(()));
    }

    #[test]
    fn nobody_connects_as_somebody_else() {
        let caller = Caller::Session(ann());
        assert_eq!(caller.user_id(None), Ok(Some("ann".into())));
        assert_eq!(caller.user_id(Some("ann".into())), Ok(Some("ann".into())));
        for other in ["bob", "Ann", "ann "] {
            assert_eq!(caller.user_id(Some(other.into())).unwrap_err().status, 403);
        }
    }

    #[test]
    fn rights_are_those_of_the_session() {
        let caller = Caller::Session(ann());
        assert_eq!(caller.use_group("blue"), Ok(()));
        for other in ["red", "Blue", "blu", ""] {
            assert_eq!(caller.use_group(other).unwrap_err().status, 403);
        }
        assert_eq!(caller.broadcast().unwrap_err().status, 403);
        assert_eq!(Caller::Session(Session { broadcast: true, ..ann() }).broadcast(), Ok(()));
    }
}
