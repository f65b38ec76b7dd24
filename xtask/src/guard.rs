//! `xtask __guard -- PROGRAM ARGUMENT...`: runs a program that must not outlive xtask.
//!
//! xtask cannot clean up when it is killed, so it starts itself a second time as a guard, in a process group of its
//! own, and holds the other end of the guard's standard input. Whatever ends xtask closes that pipe; the guard then
//! ends the program's whole process group: politely, and what is left after five seconds by force.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io, thread};

use crate::Result;

pub const COMMAND: &str = "__guard";
const POLITE: Duration = Duration::from_secs(5);

/// Runs the program under a guard to its end. What it printed is in the output where `stdio` makes pipes.
pub fn output(program: &Command, stdio: fn() -> Stdio) -> Result<Output> {
    let mut guard = spawn(program, stdio)?;
    // Kept apart, because waiting closes the input that it finds.
    let _input = guard.stdin.take();
    Ok(guard.wait_with_output()?)
}

/// Starts the program under a guard. The guard's output is the program's; it lives while the child's stdin is open.
pub fn spawn(program: &Command, stdio: fn() -> Stdio) -> Result<Child> {
    let mut guard = Command::new(this_program()?);
    guard.arg(COMMAND).arg("--").arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => guard.env(name, value),
            None => guard.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        guard.current_dir(folder);
    }
    guard.stdin(Stdio::piped()).stdout(stdio()).stderr(stdio());
    own_group(&mut guard);
    Ok(guard.spawn()?)
}

/// On Linux this stays xtask even after cargo, called in another terminal, has put a newer one in its place.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { env::current_exe() }
}

/// The guard itself.
pub fn command(arguments: &[String]) -> Result {
    let [dashes, program, rest @ ..] = arguments else {
        return Err("the guard needs a program".into());
    };
    if dashes != "--" {
        return Err("the guard's program follows \"--\"".into());
    }
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null());
    own_group(&mut command);
    let mut child = command.spawn().map_err(|error| format!("cannot run `{program}`: {error}"))?;

    let is_alone = AtomicBool::new(false);
    let id = child.id();
    thread::scope(|scope| {
        let ending = scope.spawn(|| {
            // Ends when xtask does, or lets go.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            is_alone.store(true, Ordering::Relaxed);
            end_group(id);
        });
        let status = child.wait();
        if is_alone.load(Ordering::Relaxed) {
            // The program is gone, but what it started may still be cleaning up.
            let _ = ending.join();
        }
        // Otherwise the thread waits for its pipe, and what the program started may run on: this ends both.
        signal(id, "KILL");
        std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1))
    })
}

fn end_group(id: u32) {
    signal(id, "INT");
    let step = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    // Signal 0 only asks whether anyone is there.
    while waited < POLITE && signal(id, "0") {
        thread::sleep(step);
        waited += step;
    }
    signal(id, "KILL");
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Windows has no process groups that std can name; `taskkill /T` follows the tree instead.
#[cfg(windows)]
fn own_group(_command: &mut Command) {}

/// Tells whether it reached anyone. The shell's own `kill` is everywhere; the program of that name is not.
#[cfg(unix)]
fn signal(group: u32, name: &str) -> bool {
    let script = format!("kill -{name} -{group}");
    let status = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(windows)]
fn signal(process: u32, _name: &str) -> bool {
    let quiet = || Stdio::null();
    let id = process.to_string();
    let status = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).stdout(quiet()).stderr(quiet()).status();
    status.is_ok_and(|status| status.success())
}
