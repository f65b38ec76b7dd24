//! The npm package: the smallest and fastest wasm that this compiler makes, then TypeScript.

use std::fs;

use crate::node::Node;
use crate::run::{run, step};
use crate::toolchain::{Toolchain, WASM};
use crate::{Result, files};

const STAMP: &str = "inputs.txt";

/// Builds `pkg/build` (the wasm), then lets `npm run build` in pkg make `pkg/dist` of it.
pub fn build() -> Result {
    let node = Node::system()?;
    node.install("pkg")?;
    build_wasm(&node)?;
    step("Building the npm package", || run(node.npm("pkg").args(["run", "--silent", "build"])))
}

fn build_wasm(node: &Node) -> Result {
    let toolchain = Toolchain::for_build_std()?;
    // A folder of its own: these flags fit no other build, and cargo would rebuild everything at each change of them.
    let target = files::target().join("npm");
    step("Compiling the npm package's wasm (with the standard library)", || {
        run(toolchain
            .cargo()
            .env("CARGO_TARGET_DIR", &target)
            // Lets a stable compiler build the library, without panic messages: a third of the size is theirs.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort")
            .args(["build", "--quiet", "--package", "webpubsub-edge-wasm", "--package", "webpubsub-edge-wasm-client"])
            .args(["--target", WASM, "--profile", "npm"])
            .args(["-Zbuild-std=std,panic_abort", "-Zprofile-rustflags"])
            // SHA-256 has a wasm SIMD back end, smaller and faster; only this crate needs the feature.
            .args(["--config", "profile.npm.package.sha2.rustflags=['-Ctarget-feature=+simd128']"]))
    })?;
    let compiled = |name: &str| target.join(WASM).join("npm").join(name);
    let modules = [
        (compiled("webpubsub_edge_wasm.wasm"), "webpubsub_edge.wasm"),
        (compiled("webpubsub_edge_wasm_client.wasm"), "webpubsub_edge_client.wasm"),
    ];

    let output = files::root().join("pkg/build");
    let inputs = files::stamp_of(&[&modules[0].0, &modules[1].0, &std::env::current_exe()?])?;
    if files::holds(&output.join(STAMP), &inputs) {
        return Ok(());
    }
    step("Shrinking the npm package's wasm", || {
        let staging = files::fresh_staging("pkg")?;
        let optimizer = files::root().join("pkg/node_modules/binaryen/bin/wasm-opt");
        for (wasm, name) in &modules {
            let module = staging.join(name);
            run(node.command().arg(&optimizer).arg(wasm).arg("-o").arg(&module).args(PASSES).args(FEATURES))?;
        }
        fs::write(staging.join(STAMP), inputs)?;
        files::mirror(&staging, &output)
    })
}

/// Small code, and nothing that only names things.
const PASSES: [&str; 4] = ["-Oz", "--strip-debug", "--strip-producers", "--strip-target-features"];

/// What the compiler uses, and every current runtime has.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
];
