//! `xtask-bindgen INPUT.wasm OUTPUT_DIR NAME`: wasm-bindgen as a library, for the Worker.
//!
//! A program of its own because it takes a minute to compile: `xtask` builds and runs it when it is needed, and the
//! version cannot drift from the crate's because Cargo.toml pins both.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, name] = arguments.as_slice() else {
        eprintln!("usage: xtask-bindgen INPUT.wasm OUTPUT_DIR NAME");
        return ExitCode::from(2);
    };
    match generate(input, output, name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen could not read {input}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn generate(input: &str, output: &str, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name(name);
    // The entry starts a new instance after a panic, which needs the last two.
    bindgen.module(true)?.reset_state_function(true).force_enable_abort_handler(true);
    Ok(bindgen.generate(output)?)
}
