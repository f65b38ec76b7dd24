//! `xtask-bindgen TARGET INPUT.wasm OUTPUT_DIR NAME`: wasm-bindgen as a library, for the Worker (TARGET `module`) and for
//! the emulator in the npm package (`web`).
//!
//! A program of its own because it takes a minute to compile: `xtask` builds and runs it when it is needed, and the
//! version cannot drift from the crate's because Cargo.toml pins both.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, input, output, name] = arguments.as_slice() else {
        eprintln!("usage: xtask-bindgen module|web INPUT.wasm OUTPUT_DIR NAME");
        return ExitCode::from(2);
    };
    match generate(target, input, output, name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen could not read {input}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn generate(target: &str, input: &str, output: &str, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name(name);
    match target {
        // The entry starts a new instance after a panic, which needs the last two.
        "module" => bindgen.module(true)?.reset_state_function(true).force_enable_abort_handler(true),
        "web" => bindgen.web(true)?.typescript(false),
        other => return Err(format!("there is no target {other}").into()),
    };
    Ok(bindgen.generate(output)?)
}
