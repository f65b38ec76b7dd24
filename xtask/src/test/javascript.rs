//! The cross-language tests: `tests/**/*.test.mjs` under Node 24, which starts the other runtimes itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::counts::Counts;
use crate::node::Node;
use crate::run::capture_guarded;
use crate::toolchain::Toolchain;
use crate::{Result, files};

/// Longer than any test of ours takes on two busy cores: it only ends one that hangs.
const TIMEOUT_MS: &str = "300000";

/// What the test files find in their environment.
pub struct Runtimes {
    node_24: Node,
    node_20: Option<PathBuf>,
    chromium: Option<PathBuf>,
    wasm_toolchain: Toolchain,
}

impl Runtimes {
    /// Node 24, which finds the others in its environment.
    pub fn command(&self) -> Command {
        let mut node = self.node_24.command();
        node.current_dir(files::root().join("tests"))
            .env("NODE24", &self.node_24.program)
            .env("WASM_TOOLCHAIN", self.wasm_toolchain.as_json())
            // wrangler's and Chromium's own files stay inside the clone.
            .env("XDG_CONFIG_HOME", files::root().join(".wrangler/config"));
        for (name, program) in [("NODE20", &self.node_20), ("CHROME", &self.chromium)] {
            match program {
                Some(program) => node.env(name, program),
                None => node.env_remove(name),
            };
        }
        node
    }
}

/// The test files whose path under tests/ contains the filter.
pub fn test_files(filter: &str) -> Result<Vec<PathBuf>> {
    let home = files::root().join("tests");
    let mut found = Vec::new();
    collect(&home, &mut found)?;
    found.retain(|file| file.strip_prefix(&home).is_ok_and(|path| path.to_string_lossy().contains(filter)));
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() && name != "node_modules" {
            collect(&path, found)?;
        } else if name.to_string_lossy().ends_with(".test.mjs") {
            found.push(path);
        }
    }
    Ok(())
}

/// Installs the tests' peers and finds the runtimes.
pub fn prepare(chromium: Option<PathBuf>) -> Result<Runtimes> {
    let node_24 = Node::version_24()?;
    node_24.install(".")?;
    node_24.install("tests")?;
    Ok(Runtimes { node_20: Node::program_20("tests")?, chromium, wasm_toolchain: Toolchain::for_wasm()?, node_24 })
}

/// Runs the files, two at a time, and shows what Node reports.
pub fn run(runtimes: &Runtimes, test_files: &[PathBuf]) -> Result<Counts> {
    // Its own file for each run, so that two runs in one clone do not read each other's.
    let staging = files::fresh_staging(&format!("tests-{}", std::process::id()))?;
    let tap = staging.join("results.tap");
    let mut node = runtimes.command();
    node.args(["--test", "--test-concurrency=2"])
        .arg(format!("--test-timeout={TIMEOUT_MS}"))
        .args(["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=tap"])
        .arg(format!("--test-reporter-destination={}", tap.display()))
        .args(test_files);
    let (is_ok, output) = capture_guarded(&node)?;
    let counts = Counts::of_tap(&fs::read_to_string(tap)?);
    fs::remove_dir_all(staging)?;
    if counts == Counts::default() {
        return Err(format!("Node ran none of {} test files\n{output}", test_files.len()).into());
    }
    Ok(counts.explained(is_ok, &output))
}
