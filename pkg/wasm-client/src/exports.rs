//! The functions that JavaScript calls.
#![expect(unsafe_code, reason = "the attribute that exports a function is unsafe; nothing else here is")]

use std::cell::{Cell, RefCell};

use webpubsub_edge::client::{Action, Session};

use crate::options::{self, OPTION_COUNT};
use crate::table::Table;
use crate::{input, options::seed};

/// The answer of [`handle`] to an invalid input, or to the number of a session that does not exist.
const INVALID: i32 = -1;

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    static OPTIONS: [Cell<u32>; OPTION_COUNT] = const { [const { Cell::new(0) }; OPTION_COUNT] };
    static SESSIONS: RefCell<Table<Session>> = const { RefCell::new(Table::new()) };
}

/// Returns the address of the words that [`create`] reads; [`options`] names them.
#[unsafe(no_mangle)]
extern "C" fn options() -> *const Cell<u32> {
    OPTIONS.with(|words| words.as_ptr())
}

/// Creates a session with the options that JavaScript wrote. Returns its number.
#[unsafe(no_mangle)]
extern "C" fn create() -> u32 {
    let words = OPTIONS.with(|words| words.each_ref().map(Cell::get));
    SESSIONS.with_borrow_mut(|sessions| sessions.insert(Session::new(options::read(&words), seed(&words))))
}

/// Removes a session. Its number may be given to another one.
#[unsafe(no_mangle)]
extern "C" fn destroy(session: u32) {
    SESSIONS.with_borrow_mut(|sessions| sessions.remove(session));
}

/// Gives a session an input, whose tag and fields [`input::decode`] names.
///
/// Returns [`INVALID`], or a number whose lowest bit is the session's answer. The next bit says whether [`wake_at`] has
/// changed. The other bits are the number of [`actions`].
#[unsafe(no_mangle)]
extern "C" fn handle(session: u32, now_ms: f64, tag: u32, a: u32, low: u32, high: u32, b: u32) -> i32 {
    let id = u64::from(high) << 32 | u64::from(low);
    SESSIONS.with_borrow_mut(|sessions| {
        let (Some(session), Some(input)) = (sessions.get_mut(session), input::decode(tag, a, id, b)) else {
            return INVALID;
        };
        session.clear_actions();
        let woke_at = session.wake_at();
        let answer = session.handle(now_ms as u64, input);
        let wake_changed = session.wake_at() != woke_at;
        (session.actions().len() << 2) as i32 | i32::from(wake_changed) << 1 | i32::from(answer)
    })
}

/// Returns the address of the actions that followed from the last input. They are valid until the next call of `handle`.
///
/// An action has 16 bytes: its number, a number of 32 bits, and one of 64 bits or less (`repr(u32)`).
#[unsafe(no_mangle)]
extern "C" fn actions(session: u32) -> *const Action {
    const { assert!(size_of::<Action>() == 16) };
    SESSIONS.with_borrow_mut(|sessions| sessions.get_mut(session).map_or(&[][..], |session| session.actions()).as_ptr())
}

/// Returns the time of the session's next tick in milliseconds since 1970, or infinity.
#[unsafe(no_mangle)]
extern "C" fn wake_at(session: u32) -> f64 {
    SESSIONS.with_borrow_mut(|sessions| {
        let wake_at = sessions.get_mut(session).and_then(|session| session.wake_at());
        wake_at.map_or(f64::INFINITY, |time| time as f64)
    })
}
