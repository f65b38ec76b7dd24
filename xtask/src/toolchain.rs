//! A Rust toolchain that can build for wasm32-unknown-unknown.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{output, run, say, step};
use crate::{Result, debian, files};

pub const WASM: &str = "wasm32-unknown-unknown";

/// How to call cargo for wasm. Every wasm build uses the same one: a changed variable would rebuild every crate.
pub struct Toolchain {
    pub cargo: OsString,
    pub variables: Vec<(&'static str, &'static str)>,
    pub has_clippy: bool,
}

impl Toolchain {
    /// Makes sure that wasm32 can be built for.
    pub fn for_wasm() -> Result<Toolchain> {
        if has_target() {
            return Ok(Toolchain::usual());
        }
        if let Some(toolchain) = debian::installed() {
            return Ok(toolchain);
        }
        say(&format!("Rust has no {WASM} target yet: running `rustup target add {WASM}`"));
        let failure = match step("Adding the wasm32 target", || rustup(&["target", "add", WASM])) {
            Ok(()) if has_target() => return Ok(Toolchain::usual()),
            Ok(()) => format!("`rustup target add {WASM}` worked, but the rustc on PATH is not rustup's.").into(),
            Err(failure) => failure,
        };
        debian::install(&failure.to_string())
    }

    /// Makes sure that the standard library can be built from source, which the npm package needs.
    pub fn for_build_std() -> Result<Toolchain> {
        if has_library_source() {
            return Ok(Toolchain::usual());
        }
        if let Some(toolchain) = debian::installed() {
            return Ok(toolchain);
        }
        say("Rust has no library source yet: running `rustup component add rust-src`");
        match step("Adding the library source", || rustup(&["component", "add", "rust-src"])) {
            Ok(()) => Ok(Toolchain::usual()),
            Err(failure) => debian::install(&failure.to_string()),
        }
    }

    /// Returns a call of a cargo command for wasm.
    pub fn cargo(&self, command: &str) -> Command {
        let mut command = cargo_at(&self.cargo, command);
        command.envs(self.variables.iter().copied());
        command
    }

    /// The program and the variables, for tests that call cargo themselves.
    pub fn as_json(&self) -> String {
        let variables: Vec<String> =
            self.variables.iter().map(|(name, value)| format!("[{name:?},{value:?}]")).collect();
        format!("{{\"program\":{:?},\"variables\":[{}]}}", self.cargo.to_string_lossy(), variables.join(","))
    }

    fn usual() -> Toolchain {
        Toolchain { cargo: own_cargo(), variables: Vec::new(), has_clippy: true }
    }
}

/// Returns a call of a cargo command for this machine.
pub fn cargo(command: &str) -> Command {
    cargo_at(&own_cargo(), command)
}

/// Returns a call of `cargo fmt`, the one command that resolves no dependencies.
pub fn fmt() -> Command {
    let mut command = Command::new(own_cargo());
    command.current_dir(files::root()).arg("fmt");
    command
}

/// Builds a package of this repository for this machine and tells where its program is.
pub fn program(package: &str) -> Result<PathBuf> {
    step(&format!("Compiling {package}"), || run(cargo("build").args(["--package", package])))?;
    Ok(files::target().join("debug").join(format!("{package}{}", std::env::consts::EXE_SUFFIX)))
}

/// Every call uses the versions in Cargo.lock, and fails if a manifest needs others.
fn cargo_at(program: &OsString, subcommand: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(files::root()).env("CARGO_TARGET_DIR", files::target());
    command.args([subcommand, "--quiet", "--locked"]);
    command
}

/// The cargo that runs xtask, so that one toolchain does everything.
fn own_cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn has_target() -> bool {
    let query = output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]));
    query.is_ok_and(|folder| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
        })
    })
}

fn has_library_source() -> bool {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]));
    sysroot.is_ok_and(|sysroot| Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock").exists())
}

fn rustup(arguments: &[&str]) -> Result {
    output(Command::new("rustup").args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_builds_with_the_versions_of_the_lock_file() {
        let toolchain = Toolchain { cargo: "cargo".into(), variables: vec![("A", "b")], has_clippy: true };
        for call in [cargo("build"), cargo("test"), toolchain.cargo("build"), toolchain.cargo("clippy")] {
            assert!(call.get_args().any(|argument| argument == "--locked"), "{call:?}");
        }
        assert_eq!(toolchain.as_json(), r#"{"program":"cargo","variables":[["A","b"]]}"#);
    }
}
