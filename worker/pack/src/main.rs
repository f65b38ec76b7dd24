//! `worker-pack INPUT.wasm OUTPUT_DIR`: writes the module that wrangler deploys.
//!
//! The output is `index.js` (the entry), `rust.js` and `index_bg.wasm`. wasm-bindgen is used as a library, so nothing
//! has to be installed, and Cargo.lock keeps it at the version of the crate `wasm-bindgen`.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

/// The entry of every Worker. [`write_entry`] appends a line for each Durable Object.
const ENTRY: &str = include_str!("entry.js");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: worker-pack INPUT.wasm OUTPUT_DIR");
        return ExitCode::from(2);
    };
    match bind(input, output).and_then(|()| write_entry(Path::new(output))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker-pack cannot read {input} or write to {output}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn bind(input: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let mut bindgen = Bindgen::new();
    // The entry starts a new instance after a panic, which needs the last two.
    bindgen
        .input_path(input)
        .out_name("index")
        .module(true)?
        .reset_state_function(true)
        .force_enable_abort_handler(true);
    Ok(bindgen.generate(output)?)
}

/// Renames the module of wasm-bindgen to `rust.js`, and writes the entry in its place.
fn write_entry(folder: &Path) -> Result<(), Box<dyn Error>> {
    let glue = fs::read_to_string(folder.join("index.js"))?;
    // wrangler gives a module for `import`, and does not know `import source`.
    fs::write(folder.join("rust.js"), glue.replace("import source ", "import "))?;
    let mut entry = ENTRY.to_owned();
    for class in durable_objects(&glue) {
        entry.push_str(&format!("export const {class} = durableObject(rust.{class});\n"));
    }
    Ok(fs::write(folder.join("index.js"), entry)?)
}

/// Finds the exported classes that answer requests. Only Durable Objects have a method `fetch`.
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
