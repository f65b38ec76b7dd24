//! `cargo xtask`: the only task runner of this repository. Each command is a file of its own.

use std::process::ExitCode;

mod apt;
mod bench;
mod build;
mod debian;
mod files;
mod guard;
mod node;
mod run;
mod session;
mod soak;
mod start;
mod test;
mod toolchain;

/// A failure is a sentence for the developer: what went wrong and what to do.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const HELP: &str = "\
Usage: cargo xtask COMMAND

  start [--port N]     Build everything and serve the demo with the local emulator; no Azure account is needed.
                       Without --port: 8787, or the next free port.
  test [FILTER]        Check and test everything, as CI does. FILTER runs only the steps and test files whose
                       name contains it (for example: test clippy, test browser).
  bench service|client|size|emulator
                       Measure beside the official SDKs or bare ws: speed, what they weigh, the emulator.
  soak [FILTER] [--minutes N] [--seed S]
                       Try random inputs for N minutes each, 10 unless said otherwise; --seed repeats one case. FILTER
                       is a part of a name (for example: soak simulation, soak client).
  build worker --env local|production
                       Build the Cloudflare Worker into worker/build/ENV.
  build pkg            Build the npm package into pkg/dist.
  session --sub ID [--group NAME]... [--broadcast] [--minutes N]
                       Print a session token for the Worker, signed with SESSION_SECRET (from the environment or
                       .dev.vars). Valid for 60 minutes unless --minutes says otherwise.
  help                 This text.

Options of every command:
  --yes                As root on Debian, install missing packages with apt-get without asking: chromium for the browser
                       tests, and rustc-web cargo-web rust-web-src lld-22 if rustup cannot add the wasm target.
                       Without --yes and without a terminal, nothing is installed.
";

fn main() -> ExitCode {
    run::clock();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // The guard passes on the arguments of another program.
    if arguments.first().is_none_or(|command| command != guard::COMMAND) {
        apt::take_yes(&mut arguments);
    }
    let Some((command, rest)) = arguments.split_first() else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    if ["help", "--help", "-h"].contains(&command.as_str()) || rest.iter().any(|word| word == "--help" || word == "-h")
    {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let done = match command.as_str() {
        "start" => start::command(rest),
        "bench" => bench::command(rest),
        "build" => build::command(rest),
        "test" => test::command(rest),
        "session" => session::command(rest),
        "soak" => soak::command(rest),
        guard::COMMAND => guard::command(rest),
        other => Err(format!("there is no command \"{other}\".\n\n{HELP}").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // In one piece, for the reason that `run::say` has.
            let line = format!("cargo xtask {command}: {failure}\n");
            eprint!("{line}");
            ExitCode::FAILURE
        }
    }
}
