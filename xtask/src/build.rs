//! `cargo xtask build worker --env ENV`, `cargo xtask build pkg`, and what the tests of `Fetch` run.

use std::fs;
use std::path::Path;

use crate::run::step;
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

/// Makes the folder `output`, unless it was made of these inputs.
fn pack(output: &Path, inputs: &str, what: &str, work: impl FnOnce(&Path) -> Result) -> Result {
    const STAMP: &str = "inputs.txt";
    if files::holds(&output.join(STAMP), inputs) {
        return Ok(());
    }
    step(what, || {
        let staging = files::fresh_staging(&what.replace(' ', "-"))?;
        work(&staging)?;
        fs::write(staging.join(STAMP), inputs)?;
        files::mirror(&staging, output)
    })
}

/// What makes the output of a build old: the wasm, and the programs that work on it.
fn inputs(wasm: &Path, bindgen: &Path) -> Result<String> {
    files::stamp_of(&[wasm, bindgen, &std::env::current_exe()?])
}
