//! `cargo xtask test [FILTER]` checks everything that CI checks, from nothing, on both cores.
//!
//! A failed check does not stop the others. The last line is always `N passed, N failed, N skipped`.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::Result;
use crate::build::worker::{self, Environment};
use crate::build::{fetch, pkg};
use crate::node::Node;
use crate::run::{capture_guarded, clock, line, say, show_life};
use crate::toolchain::{self, Toolchain, WASM};

pub mod chromium;
mod counts;
pub mod javascript;

use counts::Counts;
use javascript::Runtimes;

pub fn command(arguments: &[String]) -> Result {
    let filter = match arguments {
        [] => "",
        [filter] => filter.as_str(),
        _ => return Err("test takes one filter at most".into()),
    };
    let wanted = Wanted { filter, test_files: javascript::test_files(filter)? };
    // Before the threads below: each of these may have to install something, and may ask.
    Toolchain::for_wasm()?;
    Toolchain::for_build_std()?;
    let chromium = (!wanted.test_files.is_empty()).then(chromium::find_or_install).flatten();

    // Side by side, because each often keeps only one core busy.
    let mut total = Counts::default();
    let runtimes = thread::scope(|scope| {
        let npm_side = scope.spawn(|| npm_side(&wanted, chromium));
        total.add(cargo_side(&wanted));
        let (counts, runtimes) = npm_side.join().map_err(|_| "the checks of the npm package ended in a panic")?;
        total.add(counts);
        Result::Ok(runtimes)
    })?;
    if let Some(runtimes) = runtimes {
        total.add(check("node tests", || javascript::run(&runtimes?, &wanted.test_files)));
    }
    close(&total, filter)
}

/// What the filter leaves.
struct Wanted<'a> {
    filter: &'a str,
    test_files: Vec<PathBuf>,
}

impl Wanted<'_> {
    fn has(&self, check: &str) -> bool {
        check.contains(self.filter)
    }

    /// The test files need everything that is built.
    fn has_build(&self, build: &str) -> bool {
        self.has(build) || !self.test_files.is_empty()
    }
}

/// Everything in cargo's usual target folder.
fn cargo_side(wanted: &Wanted) -> Counts {
    let mut total = Counts::default();
    for (name, work) in CARGO_CHECKS.into_iter().filter(|(name, _)| wanted.has(name)) {
        total.add(check(name, work));
    }
    for (name, environment) in
        [("build worker local", Environment::Local), ("build worker production", Environment::Production)]
    {
        if wanted.has_build(name) {
            total.add(build(name, || worker::build(environment)));
        }
    }
    if wanted.has_build("build fetch") {
        total.add(build("build fetch", fetch::build));
    }
    total
}

/// What npm installs and builds; its Rust is compiled in a folder of its own.
fn npm_side(wanted: &Wanted, chromium: Option<PathBuf>) -> (Counts, Option<Result<Runtimes>>) {
    let mut total = Counts::default();
    let needs_package = wanted.has_build("build pkg") || wanted.has("tsc");
    if needs_package {
        total.add(build("build pkg", pkg::build));
    }
    if wanted.has("tsc") {
        total.add(check("tsc", types));
    }
    (total, (!wanted.test_files.is_empty()).then(|| javascript::prepare(chromium)))
}

/// A name for the filter and the report, and the work.
type Check = (&'static str, fn() -> Result<Counts>);

/// What cargo alone can check. Clippy sees the code as it is compiled for this machine and for wasm, where the Worker
/// is compiled with the emulator and without.
const CARGO_CHECKS: [Check; 5] = [
    ("fmt", || all_or_nothing(toolchain::fmt().args(["--all", "--check"]))),
    ("clippy", || all_or_nothing(&clippy(toolchain::cargo("clippy"), &["--workspace", "--all-targets"]))),
    ("clippy wasm", || {
        let packages = ["webpubsub-edge-worker", "webpubsub-edge-wasm", "webpubsub-edge-wasm-client"];
        clippy_for_wasm(&packages.map(|package| ["--package", package]).concat())
    }),
    ("clippy wasm emulator", || {
        let packages = ["--package", "webpubsub-edge-worker", "--package", "webpubsub-edge-emulator-wasm"];
        clippy_for_wasm(&[&packages[..], &["--features", "webpubsub-edge-worker/emulator"]].concat())
    }),
    ("rust tests", || {
        let (is_ok, output) = capture_guarded(toolchain::cargo("test").args(["--workspace", "--no-fail-fast"]))?;
        Ok(Counts::of_libtest(&output).explained(is_ok, &output))
    }),
];

fn clippy_for_wasm(packages: &[&str]) -> Result<Counts> {
    let toolchain = Toolchain::for_wasm()?;
    if !toolchain.has_clippy {
        return Ok(Counts::one_skipped("clippy for wasm: this toolchain has no clippy"));
    }
    all_or_nothing(&clippy(toolchain.cargo("clippy"), &[packages, &["--target", WASM]].concat()))
}

fn clippy(mut cargo: Command, what: &[&str]) -> Command {
    cargo.args(what).args(["--", "--deny", "warnings"]);
    cargo
}

fn types() -> Result<Counts> {
    all_or_nothing(Node::system()?.npm("pkg").args(["run", "--silent", "check"]))
}

/// A check that passes or fails as a whole.
fn all_or_nothing(command: &Command) -> Result<Counts> {
    let (is_ok, output) = capture_guarded(command)?;
    if is_ok { Ok(Counts::one_passed()) } else { Err(format!("`{}` failed\n{output}", line(command)).into()) }
}

/// Does one check and tells how it went and how long it took.
fn check(name: &str, work: impl FnOnce() -> Result<Counts>) -> Counts {
    let started = Instant::now();
    outcome(name, started, show_life(name, work).0)
}

/// A build is a check that passes or fails, and shows its own steps.
fn build(name: &str, work: impl FnOnce() -> Result) -> Counts {
    let started = Instant::now();
    outcome(name, started, work().map(|()| Counts::one_passed()))
}

fn outcome(name: &str, started: Instant, result: Result<Counts>) -> Counts {
    let seconds = started.elapsed().as_secs_f64();
    let mut counts = result.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        Counts::one_failed()
    });
    say(&format!("{name}: {} ({seconds:.1} s)", counts.summary()));
    if counts.failed > 0 {
        counts.notes.push(format!("failed: {name}"));
    }
    counts
}

/// The closing lines, and the exit code. Nothing is printed after the last of them.
fn close(total: &Counts, filter: &str) -> Result {
    if *total == Counts::default() {
        return Err(format!("no check and no test file has \"{filter}\" in its name").into());
    }
    say(&format!("everything took {:.0} s", clock().elapsed().as_secs_f64()));
    for note in &total.notes {
        println!("{note}");
    }
    println!("{}", total.summary());
    if total.failed == 0 { Ok(()) } else { std::process::exit(1) }
}
