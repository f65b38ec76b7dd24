//! Debian's own Rust, for root on Debian where rustup cannot reach its server. Nothing else depends on this file;
//! without it, `toolchain.rs` would end with the error that [`install`] gives to everyone else.

use std::path::Path;
use std::process::Command;

use crate::run::output;
use crate::toolchain::{Toolchain, WASM};
use crate::{Result, apt};

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const LINKER: &str = "/usr/bin/wasm-ld-22";

/// Debian's toolchain, if it is there. It has no wasm32 library, so every build makes its own from source.
pub fn installed() -> Option<Toolchain> {
    let sysroot = output(Command::new(RUSTC).args(["--print", "sysroot"])).ok()?;
    let source = Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock");
    let complete = source.exists() && Path::new(CARGO).exists() && Path::new(LINKER).exists();
    complete.then(|| Toolchain {
        cargo: CARGO.into(),
        has_clippy: false,
        variables: vec![
            ("RUSTC", RUSTC),
            // Building the library is an unstable option, which Debian's stable compiler allows only when told to.
            ("RUSTC_BOOTSTRAP", "1"),
            ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER),
        ],
    })
}

/// Installs it as root on Debian if the person agrees, and tells everyone else what to run.
pub fn install(failure: &str) -> Result<Toolchain> {
    let why = format!("{failure}\nThis Rust cannot build for {WASM}, but Debian's own can.");
    if !apt::is_usable() || !apt::is_allowed(&why, &PACKAGES) {
        return Err(advice(failure).into());
    }
    apt::install("Installing Debian's Rust for wasm32", &PACKAGES)?;
    installed().ok_or_else(|| advice("Debian's packages are installed but incomplete.").into())
}

fn advice(failure: &str) -> String {
    format!(
        "this Rust cannot build for {WASM}.\n{failure}\n\nInstall Rust with rustup (rustup.rs), then run:\n\
         \n    rustup target add {WASM}\n    rustup component add rust-src\n\
         \nOr on Debian 12, without rustup's server:\n\
         \n    sudo apt-get update\n    sudo apt-get install --no-install-recommends {}\n\
         \nThen call `cargo xtask` again. As root on Debian, `cargo xtask COMMAND --yes` installs these packages itself.",
        PACKAGES.join(" ")
    )
}
