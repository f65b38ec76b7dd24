//! `cargo xtask soak [FILTER] [--minutes N] [--seed S]`: the loops of random inputs that a test run only starts, for longer.
//!
//! Each Rust loop is a test of its own, and all of them run at once on the cores there are; then each file of
//! [`FILES`]. A loop that finds something tells the seed of the case, which `--seed` repeats.

use std::process::Command;

use crate::build::pkg;
use crate::run::{run_guarded, say};
use crate::test::{chromium, javascript};
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
    let loops = LOOPS.map(|one| (format!("{} {} {}", one.0, one.1, one.2).trim().to_owned(), one));
    let names: Vec<_> = loops.iter().map(|(name, _)| name.clone()).chain(FILES.map(str::to_owned)).collect();
    let loops: Vec<_> = loops.into_iter().filter(|(name, _)| how.wants(name)).collect();
    let files: Vec<_> = FILES.into_iter().filter(|file| how.wants(file)).collect();
    let groups = loops.len() + files.len();
    if groups == 0 {
        return Err(format!("no loops have {} in their name; there are {}", how.filter, names.join(", ")).into());
    }
    pkg::build()?;
    let mut failures = Vec::new();
    for (name, (package, target, filter)) in loops {
        let mut test = toolchain::cargo("test");
        // In release they try ten times as much; overflow is checked all the same.
        test.args(["--release", "--package", package, "--test", target])
            .args(["--", "--nocapture", filter])
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
        failures.extend(how.run(&mut test, &name));
    }
    let runtimes = javascript::prepare(chromium::find_or_install())?;
    for file in files {
        failures.extend(how.run(runtimes.command().arg(files::root().join(file)), file));
    }
    if failures.is_empty() {
        say(&format!("{groups} groups of loops, {} s for each loop: nothing found", how.seconds));
        return Ok(());
    }
    Err(format!("{} of {groups} groups of loops found something: {}", failures.len(), failures.join(", ")).into())
}

/// Which loops are run, and what they find in their environment.
struct How {
    filter: String,
    seconds: String,
    seed: Option<String>,
}

impl How {
    fn read(arguments: &[String]) -> Result<How> {
        let mut how = How { filter: String::new(), seconds: "600".to_owned(), seed: None };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            if !option.starts_with('-') {
                if !how.filter.is_empty() {
                    return Err(format!("soak takes one FILTER, not {} and {option}", how.filter).into());
                }
                how.filter.clone_from(option);
                continue;
            }
            let number: u64 = rest
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("{option} needs a whole number after it"))?;
            match option.as_str() {
                "--minutes" => how.seconds = (number * 60).to_string(),
                "--seed" => how.seed = Some(number.to_string()),
                other => {
                    return Err(format!("soak does not know {other}; it takes FILTER, --minutes N and --seed S").into());
                }
            }
        }
        Ok(how)
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
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
