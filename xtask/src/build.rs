//! `cargo xtask build worker --env ENV`, `cargo xtask build pkg`, and what the tests of `Fetch` run.

use std::path::Path;

use crate::{Result, files};

pub mod fetch;
mod page;
pub mod pkg;
pub mod worker;

pub fn command(arguments: &[String]) -> Result {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["worker", "--env", "local"] => worker::build(worker::Environment::Local),
        ["worker", "--env", "production"] => worker::build(worker::Environment::Production),
        ["pkg"] => pkg::build(),
        _ => {
            Err("say what to build: `build worker --env local`, `build worker --env production` or `build pkg`".into())
        }
    }
}

/// What makes the output of a build old: the wasm, and the programs that work on it.
fn inputs(wasm: &Path, bindgen: &Path) -> Result<String> {
    files::stamp_of(&[wasm, bindgen, &std::env::current_exe()?])
}
