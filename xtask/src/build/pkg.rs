//! The npm package: the smallest and fastest wasm that this compiler makes, then TypeScript.

use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::node::Node;
use crate::run::{run, step};
use crate::toolchain::{Toolchain, WASM};
use crate::{Result, files};

const STAMP: &str = "inputs.txt";

/// One build at a time: the tests want the package and the page that holds a part of it side by side.
static BUILDING: Mutex<()> = Mutex::new(());

/// Builds `pkg/build` (the wasm), then lets `npm run build` in pkg make `pkg/dist` of it.
pub fn build() -> Result {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    build_now()
}

/// Builds the package unless it is there and no source of its TypeScript is newer.
pub fn build_if_old() -> Result {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let built = files::root().join("pkg/dist/entrypoints/client.js");
    let is_new = || Result::Ok(fs::metadata(&built)?.modified()? >= files::newest(&files::root().join("pkg/src"))?);
    if built.exists() && is_new()? { Ok(()) } else { build_now() }
}

fn build_now() -> Result {
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
        MODULES.iter().try_for_each(|module| {
            run(toolchain
                .cargo()
                .env("CARGO_TARGET_DIR", &target)
                // Lets a stable compiler build the library, without panic messages: a third of the size is theirs.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort")
                .args(["build", "--quiet", "--package", module.package, "--target", WASM, "--profile", "npm"])
                .args(["-Zbuild-std=std,panic_abort", "-Zprofile-rustflags"])
                // SHA-256 has a wasm SIMD back end, smaller and faster; only this crate needs the feature.
                .args(["--config", "profile.npm.package.sha2.rustflags=['-Ctarget-feature=+simd128']"])
                .args(["--config", &format!("profile.npm.opt-level='{}'", module.opt_level)]))
        })
    })?;
    let compiled: Vec<_> = MODULES
        .iter()
        .map(|module| target.join(WASM).join("npm").join(format!("{}.wasm", module.package.replace('-', "_"))))
        .collect();

    let output = files::root().join("pkg/build");
    let inputs = files::stamp_of(&[&compiled[0], &compiled[1], &std::env::current_exe()?])?;
    if files::holds(&output.join(STAMP), &inputs) {
        return Ok(());
    }
    step("Shrinking the npm package's wasm", || {
        let staging = files::fresh_staging("pkg")?;
        let optimizer = files::root().join("pkg/node_modules/binaryen/bin/wasm-opt");
        for (wasm, Module { name, .. }) in compiled.iter().zip(&MODULES) {
            let module = staging.join(name);
            run(node.command().arg(&optimizer).arg(wasm).arg("-o").arg(&module).args(PASSES).args(FEATURES))?;
        }
        fs::write(staging.join(STAMP), inputs)?;
        files::mirror(&staging, &output)
    })
}

/// A module of the package, each of a crate of its own, so that nobody ships what they do not use.
struct Module {
    package: &'static str,
    name: &'static str,
    /// What makes the smallest module once it is compressed: measured.
    opt_level: char,
}

const MODULES: [Module; 2] = [
    Module { package: "webpubsub-edge-wasm", name: "webpubsub_edge.wasm", opt_level: 'z' },
    Module { package: "webpubsub-edge-wasm-client", name: "webpubsub_edge_client.wasm", opt_level: 's' },
];

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
