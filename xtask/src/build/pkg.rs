//! The npm package: the smallest and fastest wasm that this compiler makes, then TypeScript.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::{inputs, pack};
use crate::node::Node;
use crate::run::{run, step};
use crate::toolchain::{self, Toolchain, WASM};
use crate::{Result, files};

/// One build at a time: the tests want the package and the page that holds a part of it side by side.
static BUILDING: Mutex<()> = Mutex::new(());

/// Builds `pkg/build` (the wasm), lets `npm run build` in pkg make `pkg/dist` of it, and writes the notice of what others
/// wrote.
pub fn build() -> Result {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let node = Node::system()?;
    node.install("pkg")?;
    build_small(&node, &SERVICE)?;
    build_small(&node, &CLIENT)?;
    build_emulator(&node)?;
    complete(&node, &[])?;
    let toolchain = Toolchain::for_build_std()?;
    let mut notices = node.command();
    notices.arg("pkg/third-party.mjs").env("CARGO", &toolchain.cargo).envs(toolchain.variables);
    step("Collecting the licences of the npm package", || run(&mut notices))
}

/// Builds the files of the WebSocket client if a source is newer, and calls `work`, during which no other build changes
/// them.
pub fn with_client(work: impl FnOnce(&Node) -> Result) -> Result {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let node = Node::system()?;
    node.install("pkg")?;
    build_small(&node, &CLIENT)?;
    let pkg = files::root().join("pkg");
    let sources = files::newest(&pkg.join("src"))?.max(files::newest(&output("client"))?);
    let is_new = |made: Metadata| made.modified().is_ok_and(|made| made >= sources);
    // The last file that is made of the client.
    if !fs::metadata(pkg.join("dist/wasm/inline-client.js")).is_ok_and(is_new) {
        complete(&node, &["--", "client"])?;
    }
    work(&node)
}

fn complete(node: &Node, arguments: &[&str]) -> Result {
    let mut npm = node.npm("pkg");
    npm.args(["run", "--silent", "build"]).args(arguments);
    step("Building the npm package", || run(&mut npm))
}

fn output(name: &str) -> PathBuf {
    files::root().join("pkg/build").join(name)
}

/// A module without bindings, each of a crate of its own, so that nobody ships what they do not use.
struct Module {
    name: &'static str,
    package: &'static str,
    file: &'static str,
    /// Of wasm-opt, as they make the smallest bundle once it is compressed: measured. Flattened, and its loops and
    /// blocks found anew, code compresses better than after `-Oz` alone.
    passes: &'static [&'static str],
}

const SERVICE: Module = Module {
    name: "service",
    package: "webpubsub-edge-wasm",
    file: "webpubsub_edge.wasm",
    // Functions in the order of their use compress better.
    passes: &["-O4", "--flatten", "--rereloop", "-Oz", "-Oz", "--reorder-functions"],
};

const CLIENT: Module = Module {
    name: "client",
    package: "webpubsub-edge-wasm-client",
    file: "webpubsub_edge_client.wasm",
    passes: &["-O2", "--flatten", "--rereloop", "-Oz", "-Os"],
};

fn build_small(node: &Node, module: &Module) -> Result {
    let Module { name, package, file, passes } = *module;
    let wasm = compile(name, package, &[])?;
    let inputs = files::stamp_of(&[&wasm, &std::env::current_exe()?])?;
    pack(&output(name), &inputs, &format!("Shrinking the npm package's {name}"), |staging| {
        optimize(node, &wasm, &staging.join(file), passes)
    })
}

/// Builds the module of the emulator, with what wasm-bindgen makes to call it. It is fast rather than small: the profile
/// in Cargo.toml has exceptions for its crates, and here the core is compiled for speed too, which has the protocol.
fn build_emulator(node: &Node) -> Result {
    let fast_core = ["--config", "profile.npm.package.webpubsub-edge.opt-level=3"];
    let wasm = compile("emulator", "webpubsub-edge-emulator-wasm", &fast_core)?;
    let bindgen = toolchain::program("xtask-bindgen")?;
    let inputs = inputs(&wasm, &bindgen)?;
    pack(&output("emulator"), &inputs, "Optimizing the npm package's emulator", |staging| {
        run(Command::new(&bindgen).arg("web").arg(&wasm).arg(staging).arg("glue"))?;
        let bound = staging.join("glue_bg.wasm");
        optimize(node, &bound, &staging.join("emulator.wasm"), &["-O3"])?;
        Ok(fs::remove_file(bound)?)
    })
}

fn compile(name: &str, package: &str, options: &[&str]) -> Result<PathBuf> {
    let toolchain = Toolchain::for_build_std()?;
    // A folder of its own: these flags fit no other build, and cargo would rebuild everything at each change of them.
    let target = files::target().join("npm");
    step(&format!("Compiling the npm package's {name} (with the standard library)"), || {
        run(toolchain
            .cargo("build")
            .env("CARGO_TARGET_DIR", &target)
            // Lets a stable compiler build the library, without panic messages: a third of the size is theirs.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort")
            .args(["--package", package, "--target", WASM, "--profile", "npm"])
            .args(["-Zbuild-std=std,panic_abort", "-Zprofile-rustflags"])
            // SHA-256 has a wasm SIMD back end, smaller and faster; only this crate needs the feature.
            .args(["--config", "profile.npm.package.sha2.rustflags=['-Ctarget-feature=+simd128']"])
            .args(options))
    })?;
    Ok(target.join(WASM).join("npm").join(package.replace('-', "_")).with_extension("wasm"))
}

fn optimize(node: &Node, from: &Path, to: &Path, passes: &[&str]) -> Result {
    let optimizer = files::root().join("pkg/node_modules/binaryen/bin/wasm-opt");
    run(node.command().arg(optimizer).arg(from).arg("-o").arg(to).args(passes).args(STRIP).args(FEATURES))
}

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
