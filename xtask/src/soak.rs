//! `cargo xtask soak [--minutes N] [--seed S]`: the loops of random inputs that a test run only starts, for longer.
//!
//! Each Rust loop is a test of its own, and all of them run at once on the cores there are; then each file of
//! [`FILES`]. A loop that finds something tells the seed of the case, which `--seed` repeats.

use std::process::Command;

use crate::build::pkg;
use crate::run::{run_guarded, say};
use crate::test::javascript;
use crate::{Result, files, toolchain};

/// The package, the test target and the tests in it.
const LOOPS: [(&str, &str, &str); 4] = [
    ("webpubsub-edge", "soak", ""),
    ("webpubsub-edge-emulator", "hub", "random_garbage"),
    ("webpubsub-edge-emulator", "hub", "soak::"),
    ("webpubsub-edge-emulator", "simulation", ""),
];

const FILES: [&str; 4] = [
    "tests/soak/memory.test.mjs",
    "tests/soak/urls.test.mjs",
    "tests/emulator/loss.test.mjs",
    "tests/client/runtimes.test.mjs",
];

pub fn command(arguments: &[String]) -> Result {
    let how = How::read(arguments)?;
    pkg::build()?;
    let mut failures = Vec::new();
    for (package, target, filter) in LOOPS {
        let mut test = toolchain::cargo();
        // In release they try ten times as much; overflow is checked all the same.
        test.args(["test", "--quiet", "--release", "--package", package, "--test", target])
            .args(["--", "--nocapture", filter])
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
        failures.extend(how.run(&mut test, &format!("{package} {target} {filter}")));
    }
    let runtimes = javascript::prepare()?;
    for file in FILES {
        failures.extend(how.run(runtimes.command().arg(files::root().join(file)), file));
    }
    let (loops, seconds) = (LOOPS.len() + FILES.len(), &how.seconds);
    if failures.is_empty() {
        say(&format!("{loops} groups of loops, {seconds} s for each loop: nothing found"));
        return Ok(());
    }
    Err(format!("{} of {loops} groups of loops found something: {}", failures.len(), failures.join(", ")).into())
}

/// What the loops find in their environment.
struct How {
    seconds: String,
    seed: Option<String>,
}

impl How {
    fn read(arguments: &[String]) -> Result<How> {
        let mut how = How { seconds: "600".to_owned(), seed: None };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            let number: u64 = rest
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("{option} needs a whole number after it"))?;
            match option.as_str() {
                "--minutes" => how.seconds = (number * 60).to_string(),
                "--seed" => how.seed = Some(number.to_string()),
                other => return Err(format!("soak does not know {other}; it takes --minutes N and --seed S").into()),
            }
        }
        Ok(how)
    }

    /// Runs it, and names it when it fails: the others are still worth their time.
    fn run(&self, command: &mut Command, name: &str) -> Option<String> {
        say(name);
        command.env("SOAK_SECONDS", &self.seconds);
        if let Some(seed) = &self.seed {
            command.env("SOAK_SEED", seed);
        }
        run_guarded(command).err().map(|failure| {
            eprintln!("{failure}");
            name.to_owned()
        })
    }
}
