//! The npm package: the smallest and fastest wasm that this compiler makes, then TypeScript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs;
use crate::node::Node;
use crate::run::{run, step};
use crate::toolchain::{self, Toolchain, WASM};
use crate::{Result, files};

/// Builds `pkg/build` (the wasm), then lets `npm run build` in pkg make `pkg/dist` of it.
pub fn build() -> Result {
    let node = Node::system()?;
    node.install("pkg")?;
    build_small(&node, "service", "webpubsub-edge-wasm", "webpubsub_edge.wasm")?;
    build_small(&node, "client", "webpubsub-edge-wasm-client", "webpubsub_edge_client.wasm")?;
    build_emulator(&node)?;
    step("Building the npm package", || run(node.npm("pkg").args(["run", "--silent", "build"])))
}

/// A module without bindings, as small as it gets.
fn build_small(node: &Node, name: &str, package: &str, module: &str) -> Result {
    let wasm = compile(package, &format!("Compiling the npm package's {name} (with the standard library)"))?;
    let inputs = files::stamp_of(&[&wasm, &std::env::current_exe()?])?;
    pack(name, &inputs, &format!("Shrinking the npm package's {name}"), |staging| {
        optimize(node, &wasm, &staging.join(module), &SMALL)
    })
}

/// The module of the emulator, with what wasm-bindgen makes to call it: fast rather than small.
fn build_emulator(node: &Node) -> Result {
    let wasm = compile("webpubsub-edge-emulator-wasm", "Compiling the npm package's emulator")?;
    let bindgen = toolchain::program("xtask-bindgen")?;
    let inputs = inputs(&wasm, &bindgen)?;
    pack("emulator", &inputs, "Optimizing the npm package's emulator", |staging| {
        run(Command::new(&bindgen).arg("web").arg(&wasm).arg(staging).arg("glue"))?;
        let bound = staging.join("glue_bg.wasm");
        optimize(node, &bound, &staging.join("emulator.wasm"), &["-O3"])?;
        Ok(fs::remove_file(bound)?)
    })
}

fn compile(package: &str, what: &str) -> Result<PathBuf> {
    let toolchain = Toolchain::for_build_std()?;
    // A folder of its own: these flags fit no other build, and cargo would rebuild everything at each change of them.
    let target = files::target().join("npm");
    step(what, || {
        run(toolchain
            .cargo()
            .env("CARGO_TARGET_DIR", &target)
            // Lets a stable compiler build the library, without panic messages: a third of the size is theirs.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort")
            .args(["build", "--quiet", "--package", package, "--target", WASM, "--profile", "npm"])
            .args(["-Zbuild-std=std,panic_abort", "-Zprofile-rustflags"])
            // SHA-256 has a wasm SIMD back end, smaller and faster; only this crate needs the feature.
            .args(["--config", "profile.npm.package.sha2.rustflags=['-Ctarget-feature=+simd128']"]))
    })?;
    Ok(target.join(WASM).join("npm").join(package.replace('-', "_")).with_extension("wasm"))
}

/// Makes `pkg/build/NAME`, unless it was made of these inputs.
fn pack(name: &str, inputs: &str, what: &str, work: impl FnOnce(&Path) -> Result) -> Result {
    let output = files::root().join("pkg/build").join(name);
    if files::holds(&output.join(STAMP), inputs) {
        return Ok(());
    }
    step(what, || {
        let staging = files::fresh_staging(&format!("pkg-{name}"))?;
        work(&staging)?;
        fs::write(staging.join(STAMP), inputs)?;
        files::mirror(&staging, &output)
    })
}

const STAMP: &str = "inputs.txt";

fn optimize(node: &Node, from: &Path, to: &Path, passes: &[&str]) -> Result {
    let optimizer = files::root().join("pkg/node_modules/binaryen/bin/wasm-opt");
    run(node.command().arg(optimizer).arg(from).arg("-o").arg(to).args(passes).args(STRIP).args(FEATURES))
}

/// Flattened, and its loops and blocks found anew, code compresses better than after `-Oz` alone; so do functions in the
/// order of their use.
const SMALL: [&str; 6] = ["-O3", "--flatten", "--rereloop", "-Oz", "-Oz", "--reorder-functions"];

/// Nothing that only names things.
const STRIP: [&str; 3] = ["--strip-debug", "--strip-producers", "--strip-target-features"];

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
