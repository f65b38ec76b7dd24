//! The WebAssembly module of `WebPubSubClient` in the npm package. It only converts numbers; every rule is in
//! `webpubsub_edge::client`. The other side is `pkg/src/client/core/core.ts`.
//!
//! Only numbers cross. One module holds many sessions, each under a number from [`exports`]`::create` to `destroy`.
//! An input is the arguments of `handle` ([`input`]). An action is 16 bytes of memory.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(any(target_arch = "wasm32", test))]
mod input;
#[cfg(any(target_arch = "wasm32", test))]
mod options;
#[cfg(any(target_arch = "wasm32", test))]
mod table;
