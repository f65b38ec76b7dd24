//! What tests/fetch calls in a wasm host: the core's `Fetch`, for hosts that JavaScript starts.

use std::process::Command;

use super::{inputs, pack};
use crate::run::{run, step};
use crate::toolchain::{self, Toolchain, WASM};
use crate::{Result, files};

/// Builds into `target/fetch`.
pub fn build() -> Result {
    let toolchain = Toolchain::for_wasm()?;
    step("Compiling the tests of Fetch", || {
        run(toolchain.cargo("build").args(["--package", "webpubsub-edge-fetch-tests", "--target", WASM]))
    })?;
    let bindgen = toolchain::program("xtask-bindgen")?;
    let wasm = files::target().join(WASM).join("debug/webpubsub_edge_fetch_tests.wasm");
    pack(&files::target().join("fetch"), &inputs(&wasm, &bindgen)?, "Packing the tests of Fetch", |staging| {
        run(Command::new(&bindgen).arg("module").arg(&wasm).arg(staging).arg("index"))
    })
}
