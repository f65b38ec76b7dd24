//! The Cloudflare Worker: cargo, wasm-bindgen, and an entry that wrangler bundles.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{inputs, pack, page};
use crate::run::{run, step};
use crate::toolchain::{Toolchain, WASM};
use crate::{Result, files, toolchain};

/// The entry of every Worker; the lines of its Durable Objects are added to it.
const ENTRY: &str = include_str!("entry.js");

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
            .cargo()
            .args(["build", "--quiet", "--package", "webpubsub-edge-worker", "--target", WASM])
            .args(environment.cargo_options()))
    })?;
    let wasm = files::target().join(WASM).join(environment.profile_folder()).join("webpubsub_edge_worker.wasm");
    let bindgen = toolchain::program("xtask-bindgen")?;

    let output = files::root().join("worker/build").join(name);
    pack(&output, &inputs(&wasm, &bindgen)?, &format!("Packing the {name} Worker"), |staging| {
        run(Command::new(&bindgen).arg("module").arg(&wasm).arg(staging).arg("index"))?;
        write_entry(staging)
    })
}

/// Puts our entry in the place of wasm-bindgen's module, which becomes `rust.js` beside it.
fn write_entry(folder: &Path) -> Result {
    let glue = fs::read_to_string(folder.join("index.js"))?;
    // wrangler gives a module for `import`, and does not know `import source`.
    fs::write(folder.join("rust.js"), glue.replace("import source ", "import "))?;
    let mut entry = ENTRY.to_owned();
    for class in durable_objects(&glue) {
        entry.push_str(&format!("export const {class} = durableObject(rust.{class});\n"));
    }
    Ok(fs::write(folder.join("index.js"), entry)?)
}

/// The exported classes that answer requests: of all classes that Rust exports, only Durable Objects have `fetch`.
fn durable_objects(glue: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut class = None;
    for line in glue.lines() {
        if let Some(rest) = line.strip_prefix("export class ") {
            class = rest.split([' ', '{']).next();
        } else if line == "}" {
            class = None;
        } else if line.trim_start().starts_with("fetch(") {
            found.extend(class.take());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_classes_with_fetch_are_durable_objects() {
        let glue = "export class Plain {\n    free() {\n    }\n}\n\
                    export class Hub {\n    free() {\n    }\n    fetch(request) {\n    }\n}\n\
                    export function fetch(request) {\n}\n    fetch(stray)\n";
        assert_eq!(durable_objects(glue), ["Hub"]);
    }
}
