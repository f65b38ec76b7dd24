//! The WebAssembly module of `WebPubSubServiceClient` in the npm package. It only converts values; every rule is in
//! `webpubsub-edge`.
//!
//! A call takes three steps, all in `pkg/src/wasm/core.ts`:
//!
//! 1. `input` returns the address of a buffer, and JavaScript writes the packed fields there ([`packed`]).
//! 2. `call` runs a function of [`service`] with these fields. It returns the address of the answer, which is UTF-8: a
//!    result, or the code and the message of an error.
//! 3. `length` returns the length of the answer in bytes. The answer is valid until the next call.
//!
//! The module keeps the two buffers and the last key ([`key`]) between calls, and nothing else.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(any(target_arch = "wasm32", test))]
mod key;
#[cfg(any(target_arch = "wasm32", test))]
mod packed;
#[cfg(any(target_arch = "wasm32", test))]
mod service;
