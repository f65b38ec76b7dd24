//! Builds the Cloudflare Worker: cargo compiles it, and `worker/pack` makes the module that wrangler bundles.

use std::process::Command;

use super::{inputs, pack, page};
use crate::run::{run, step};
use crate::toolchain::{Toolchain, WASM};
use crate::{Result, files, toolchain};

#[derive(Clone, Copy)]
pub enum Environment {
    /// With the emulator, compiled for a short wait.
    Local,
    /// Without it, compiled for size.
    Production,
}

impl Environment {
    pub fn name(self) -> &'static str {
        match self {
            Environment::Local => "local",
            Environment::Production => "production",
        }
    }

    fn cargo_options(self) -> &'static [&'static str] {
        match self {
            Environment::Local => &["--features", "emulator"],
            Environment::Production => &["--profile", "worker"],
        }
    }

    fn profile_folder(self) -> &'static str {
        match self {
            Environment::Local => "debug",
            Environment::Production => "worker",
        }
    }
}

/// Builds into `worker/build/ENV`, and the client of the page into www/. Quick, and silent, when nothing changed.
pub fn build(environment: Environment) -> Result {
    page::build()?;
    let name = environment.name();
    let toolchain = Toolchain::for_wasm()?;
    step(&format!("Compiling the {name} Worker"), || {
        run(toolchain
            .cargo("build")
            .args(["--package", "webpubsub-edge-worker", "--target", WASM])
            .args(environment.cargo_options()))
    })?;
    let wasm = files::target().join(WASM).join(environment.profile_folder()).join("webpubsub_edge_worker.wasm");
    let packer = toolchain::program("worker-pack")?;

    let output = files::root().join("worker/build").join(name);
    pack(&output, &inputs(&wasm, &packer)?, &format!("Packing the {name} Worker"), |staging| {
        run(Command::new(&packer).arg(&wasm).arg(staging))
    })
}
