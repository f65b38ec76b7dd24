//! The WebAssembly module of the npm package's WebSocket client. It converts and nothing else: every rule is in
//! `webpubsub_edge::client`.
//!
//! A session lives from [`create`] to [`destroy`], and many live in one module. Only numbers cross: an input is the
//! arguments of [`handle`], an action is 16 bytes of memory. The other side is `pkg/src/client/core/`, which knows the
//! numbers of the variants; a test compares them.
#![cfg(target_arch = "wasm32")]

mod heap;

use std::cell::Cell;

use webpubsub_edge::client::{Action, Input, Options, Protocol, Retry, RetryMode, Session};

/// What `create` is told: see [`options`].
struct Words([Cell<u32>; 22]);

// SAFETY: the module has one thread.
unsafe impl Sync for Words {}

static WORDS: Words = Words([const { Cell::new(0) }; 22]);

/// Where to write the options before [`create`].
#[unsafe(no_mangle)]
extern "C" fn words() -> *const Cell<u32> {
    WORDS.0.as_ptr()
}

/// Makes a session with the options that were written to [`words`].
#[unsafe(no_mangle)]
extern "C" fn create() -> *mut Session {
    let word = |index: usize| WORDS.0[index].get();
    let seed = u64::from(word(16)) << 32 | u64::from(word(17));
    Box::into_raw(Box::new(Session::new(options(word), seed)))
}

/// Ends a session, which must not be used any more.
///
/// # Safety
/// `session` is one that [`create`] gave and that was not ended.
#[unsafe(no_mangle)]
unsafe extern "C" fn destroy(session: *mut Session) {
    // SAFETY: as above.
    drop(unsafe { Box::from_raw(session) });
}

/// Tells a session something. The lowest bit of the answer is the session's, the next says whether [`wake_at`] has
/// changed, and the others are how many actions follow, which are read before the next call.
///
/// # Safety
/// `session` is as in [`destroy`]; the other numbers are an input: its number, and its fields where it has them.
#[unsafe(no_mangle)]
unsafe extern "C" fn handle(session: *mut Session, now: f64, tag: u32, a: u32, low: u32, high: u32, b: u32) -> usize {
    let words = [u64::from(a) << 32 | u64::from(tag), u64::from(high) << 32 | u64::from(low), u64::from(b)];
    const { assert!(size_of::<Input>() == size_of::<[u64; 3]>() && align_of::<Input>() == align_of::<u64>()) };
    const { assert!(size_of::<Action>() == 16) };
    // SAFETY: an input is its number and up to three fields, which have these places in memory (`repr(u32)`).
    let (session, input) = unsafe { (&mut *session, words.as_ptr().cast::<Input>().read()) };
    session.clear_actions();
    let before = session.wake_at();
    let taken = session.handle(now as u64, input);
    session.actions().len() << 2 | usize::from(session.wake_at() != before) << 1 | usize::from(taken)
}

/// Where the actions lie that the last input led to.
///
/// # Safety
/// As in [`destroy`].
#[unsafe(no_mangle)]
unsafe extern "C" fn actions(session: *const Session) -> *const Action {
    // SAFETY: as above.
    unsafe { &*session }.actions().as_ptr()
}

/// When the session wants to be told the time, or infinity.
///
/// # Safety
/// As in [`destroy`].
#[unsafe(no_mangle)]
unsafe extern "C" fn wake_at(session: *const Session) -> f64 {
    // SAFETY: as above.
    unsafe { &*session }.wake_at().map_or(f64::INFINITY, |time| time as f64)
}

fn options(word: impl Fn(usize) -> u32) -> Options {
    let retry = |from: usize| Retry {
        max_retries: word(from),
        delay_ms: word(from + 1),
        max_delay_ms: word(from + 2),
        mode: if word(from + 3) == 0 { RetryMode::Fixed } else { RetryMode::Exponential },
    };
    Options {
        protocol: match word(0) {
            0 => Protocol::Simple,
            1 => Protocol::Standard,
            _ => Protocol::Reliable,
        },
        auto_reconnect: word(1) != 0,
        auto_rejoin_groups: word(2) != 0,
        message_retry: retry(3),
        reconnect_retry: retry(7),
        connect_retry: retry(18),
        keep_alive_interval_ms: word(11),
        keep_alive_timeout_ms: word(12),
        open_timeout_ms: word(13),
        ack_timeout_ms: word(14),
        invoke_timeout_ms: word(15),
    }
}
