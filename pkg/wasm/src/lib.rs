//! The WebAssembly module inside the npm package. It converts and nothing else: every rule is in `webpubsub-edge`.
//!
//! There is one way across the boundary, by hand, because that of wasm-bindgen takes 3 kB more. JavaScript asks
//! [`input`] for room, writes packed values there ([`packed`]), and tells [`call`] which function of [`service`] to run
//! and how many bytes it wrote. The answer is text that ends with a zero byte: the result, or the line of an error.
//! Nothing outlives a call but the key used last ([`key`]).

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

/// Runs a function with what was written to `input`.
///
/// # Safety
/// `input` must hold `length` bytes of UTF-8.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
unsafe extern "C" fn call(function: u32, input: *const u8, length: usize) -> *const u8 {
    // SAFETY: as above; JavaScript's TextEncoder wrote it.
    let input = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(input, length)) };
    let mut answer = service::answer(function, input);
    answer.push('\0');
    answer.leak().as_ptr()
}
