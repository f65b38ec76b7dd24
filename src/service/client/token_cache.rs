//! Keeps the token of a credential, and refreshes it once however many calls want it.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::authorization::Challenge;
use crate::service::{AccessToken, CredentialError, GetTokenOptions, TokenCredential};

/// What the service's tokens are for.
const SCOPE: &str = "https://webpubsub.azure.com/.default";

/// A token this close to its end is refreshed.
const REFRESH_MS: u64 = 2 * 60_000;

/// A credential and its token.
pub(super) struct TokenCache<C> {
    credential: C,
    state: Mutex<State>,
}

impl<C: TokenCredential> TokenCache<C> {
    pub(super) fn new(credential: C) -> Self {
        TokenCache { credential, state: Mutex::default() }
    }

    /// A token that is good for a while. For a challenge it is one with its claims, and not the one that was refused.
    ///
    /// The first call that needs a new token gets it, and the others wait for it. When that call is given up, one of
    /// those that wait takes its place.
    pub(super) async fn get(
        &self,
        now_ms: impl Fn() -> u64,
        challenge: Option<&Challenge>,
    ) -> Result<String, CredentialError> {
        let since = self.lock().ended;
        let want = Want { challenge, since };
        let turn = poll_fn(|context| {
            let now = now_ms();
            self.lock().turn(&want, now, context)
        });
        match turn.await {
            Turn::Settled(result) => result,
            Turn::Refresh => self.refresh(&want, now_ms).await,
        }
    }

    async fn refresh(&self, want: &Want<'_>, now_ms: impl Fn() -> u64) -> Result<String, CredentialError> {
        let _turn = Refreshing(&self.state);
        let claims = want.claims();
        let result = self.credential.get_token(&[SCOPE], &GetTokenOptions { claims }).await.and_then(usable);
        let now = now_ms();
        let mut state = self.lock();
        let settled = state.settle(&result, want, now);
        state.ended = state.ended.wrapping_add(1);
        if let Ok(token) = &result {
            state.token = Some(token.clone());
        }
        state.last = Some(Last { claims: claims.map(str::to_owned), result });
        settled
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// No work that can panic is done under the lock.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call wants.
struct Want<'a> {
    challenge: Option<&'a Challenge>,
    /// How many refreshes had ended when it came.
    since: u64,
}

impl Want<'_> {
    fn claims(&self) -> Option<&str> {
        self.challenge.map(|challenge| challenge.claims.as_str())
    }
}

/// What a call does next.
enum Turn {
    Settled(Result<String, CredentialError>),
    Refresh,
}

#[derive(Default)]
struct State {
    token: Option<AccessToken>,
    /// How the last refresh ended.
    last: Option<Last>,
    /// How many refreshes have ended.
    ended: u64,
    is_refreshing: bool,
    waiting: Vec<Waker>,
}

struct Last {
    claims: Option<String>,
    result: Result<AccessToken, CredentialError>,
}

impl State {
    fn turn(&mut self, want: &Want<'_>, now_ms: u64, context: &Context<'_>) -> Poll<Turn> {
        if let Some(settled) = self.settled(want, now_ms) {
            return Poll::Ready(Turn::Settled(settled));
        }
        if self.is_refreshing {
            if !self.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                self.waiting.push(context.waker().clone());
            }
            return Poll::Pending;
        }
        self.is_refreshing = true;
        Poll::Ready(Turn::Refresh)
    }

    /// The answer, when no refresh is needed for it.
    fn settled(&self, want: &Want<'_>, now_ms: u64) -> Option<Result<String, CredentialError>> {
        let last = self.last.as_ref().filter(|last| last.claims.as_deref() == want.claims());
        let is_fresh = |token: &&AccessToken| token.expires_on_ms.saturating_sub(now_ms) > REFRESH_MS;
        let token = match want.challenge {
            None => self.token.as_ref().filter(is_fresh),
            Some(challenge) => last
                .and_then(|last| last.result.as_ref().ok())
                .filter(is_fresh)
                .filter(|token| token.token != challenge.refused),
        };
        if let Some(token) = token {
            return Some(Ok(token.token.clone()));
        }
        // A refresh that ended while the call waited is its own, however short its token lives.
        last.filter(|_| self.ended != want.since).map(|last| self.settle(&last.result, want, now_ms))
    }

    /// What the end of a refresh means for a call: where it failed, a token that is still good is better than none.
    fn settle(
        &self,
        result: &Result<AccessToken, CredentialError>,
        want: &Want<'_>,
        now_ms: u64,
    ) -> Result<String, CredentialError> {
        let old = self.token.as_ref().filter(|token| want.challenge.is_none() && token.expires_on_ms > now_ms);
        match (result, old) {
            (Ok(token), _) | (Err(_), Some(token)) => Ok(token.token.clone()),
            (Err(failure), None) => Err(failure.clone()),
        }
    }
}

/// The turn of the call that refreshes. It ends with the call, however that ends, and wakes those that wait.
struct Refreshing<'a>(&'a Mutex<State>);

impl Drop for Refreshing<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = lock(self.0);
            state.is_refreshing = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// It goes into a header.
fn usable(token: AccessToken) -> Result<AccessToken, CredentialError> {
    if token.token.is_empty() {
        Err(CredentialError::new("the token is empty."))
    } else if !token.token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(CredentialError::new("the token holds a character that no header can carry."))
    } else {
        Ok(token)
    }
}
