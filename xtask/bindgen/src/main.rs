//! `xtask-bindgen TARGET INPUT.wasm OUTPUT_DIR NAME`: runs wasm-bindgen as a library, for the emulator in the npm package
//! (TARGET `web`) and for the tests of `Fetch` (`module`).
//!
//! It is a program of its own because it takes a minute to compile: `xtask` builds it only when it is needed. Cargo.toml
//! pins its version to that of the crate `wasm-bindgen`.

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
        "module" => bindgen.module(true)?,
        "web" => bindgen.web(true)?.typescript(false),
        other => return Err(format!("there is no target {other}").into()),
    };
    Ok(bindgen.generate(output)?)
}
