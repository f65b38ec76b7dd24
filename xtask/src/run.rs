//! Running programs, and telling the developer about it: each long step with the time since the call.

use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Result, guard};

/// A step that ends sooner than this says nothing.
const QUICK: Duration = Duration::from_secs(1);
/// How often a long step shows that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The moment of the call; the first use sets it.
pub fn clock() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// One line of progress, with the time since the call.
pub fn say(text: &str) {
    // In one piece: wrangler, which runs our builds, would show every piece as a line.
    let line = format!("[{:6.1} s] {text}\n", clock().elapsed().as_secs_f64());
    eprint!("{line}");
}

/// Does `work`; while it lasts, says what it is doing, and afterwards how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let (result, has_spoken) = show_life(what, work);
    if has_spoken {
        let outcome = if result.is_ok() { "done" } else { "FAILED" };
        say(&format!("{what}: {outcome} in {:.1} s", started.elapsed().as_secs_f64()));
    }
    result
}

/// Does `work` and shows that it is alive, once it is not quick. Tells whether anything was shown.
pub fn show_life<T>(what: &str, work: impl FnOnce() -> T) -> (T, bool) {
    let (done, ended) = channel::<()>();
    let started = Instant::now();
    thread::scope(|scope| {
        let reporter = scope.spawn(move || {
            let mut wait = QUICK;
            let mut has_spoken = false;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let so_far = if has_spoken { format!(" {} s", started.elapsed().as_secs()) } else { String::new() };
                say(&format!("{what} ...{so_far}"));
                has_spoken = true;
                wait = SIGN_OF_LIFE;
            }
            has_spoken
        });
        let result = work();
        // The reporter sees the closed channel and ends.
        drop(done);
        (result, reporter.join().unwrap_or(false))
    })
}

/// Runs a program with its output shown as it comes.
pub fn run(command: &mut Command) -> Result {
    let status = command.stdin(Stdio::null()).status().map_err(|error| cannot_start(command, &error))?;
    succeeded(command, status)
}

/// Does the same with one that may run for long, and so must not outlive xtask, whatever ends it.
pub fn run_guarded(command: &Command) -> Result {
    succeeded(command, guard::output(command, Stdio::inherit)?.status)
}

/// Runs a program and returns what it printed on standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}` ended with {}\n{}", line(command), output.status, said.trim()).into())
}

/// Runs a program, which does not outlive xtask, and returns whether it succeeded, with everything it printed.
pub fn capture_guarded(command: &Command) -> Result<(bool, String)> {
    let output = guard::output(command, Stdio::piped)?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result {
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", line(command)).into()) }
}

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run `{}`: {error}", command.get_program().to_string_lossy())
}
