//! The WebAssembly module inside the npm package. It converts and nothing else: every rule is in `webpubsub-edge`.
//!
//! What crosses the boundary is scalars and one packed string each way ([`packed`]). An error is thrown as a string:
//! its code, a blank, its message. Nothing outlives a call but the bounded cache of [`account`].

mod account;
mod packed;
mod service;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// What a failed call throws.
fn thrown(error: webpubsub_edge::Error) -> String {
    let mut text = String::from(error.code());
    text.push(' ');
    text.push_str(&error.message());
    text
}
