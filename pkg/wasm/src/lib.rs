//! The WebAssembly module inside the npm package. It converts and nothing else: every rule is in `webpubsub-edge`.
//!
//! There is one way across the boundary, by hand, because that of wasm-bindgen takes 3 kB more. JavaScript asks
//! [`input`] for room, writes packed values there ([`packed`]), and tells [`call`] which function of [`service`] to run
//! and how many bytes it wrote. The answer is text: the result, or the line of an error. `call` gives its address and
//! [`length`] its length. Nothing outlives a call but the key used last ([`key`]).

#[cfg(target_arch = "wasm32")]
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[cfg(target_arch = "wasm32")]
mod heap;
#[cfg(any(target_arch = "wasm32", test))]
mod key;
#[cfg(any(target_arch = "wasm32", test))]
mod packed;
#[cfg(any(target_arch = "wasm32", test))]
mod service;

/// Starts a call: room for so many bytes.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn input(length: usize) -> *mut u8 {
    heap::start();
    Vec::with_capacity(length).leak().as_mut_ptr()
}

/// Runs a function with what was written to `input`: so many bytes, and so many UTF-16 code units.
///
/// # Safety
/// `input` must hold `length` bytes of UTF-8.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
unsafe extern "C" fn call(function: u32, input: *const u8, length: usize, units: usize) -> *const u8 {
    // SAFETY: as above; JavaScript's TextEncoder wrote it.
    let input = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(input, length)) };
    let answer = service::answer(function, packed::Reader::new(input, length == units));
    LENGTH.store(answer.len(), Relaxed);
    answer.leak().as_ptr()
}

/// How many bytes the last answer has. JavaScript would take longer to find its end than for all else of its own.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn length() -> usize {
    LENGTH.load(Relaxed)
}

/// Atomic because a static has to be; there is one thread.
#[cfg(target_arch = "wasm32")]
static LENGTH: AtomicUsize = AtomicUsize::new(0);
