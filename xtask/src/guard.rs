//! `xtask __guard -- PROGRAM ARGUMENT...`: runs a program that must not outlive xtask.
//!
//! xtask cannot clean up when it is killed, so it starts itself a second time as a guard, in a process group of its
//! own, and holds the other end of the guard's standard input. Whatever ends xtask closes that pipe; the guard then
//! ends the program's whole process group: politely, and after five seconds by force.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io, thread};

use crate::Result;

pub const COMMAND: &str = "__guard";
const POLITE: Duration = Duration::from_secs(5);

/// Starts the program under a guard. The guard's output is the program's; it lives while the child's stdin is open.
pub fn spawn(program: &Command) -> Result<Child> {
    let mut guard = Command::new(env::current_exe()?);
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
    guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    own_group(&mut guard);
    Ok(guard.spawn()?)
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

    let ended = AtomicBool::new(false);
    let id = child.id();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Ends when xtask does, or lets go.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            end_group(id, &ended);
        });
        let status = child.wait();
        ended.store(true, Ordering::Relaxed);
        // What the program started may still run, and the thread above waits for a pipe: this ends both.
        signal(id, "KILL");
        std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1))
    })
}

fn end_group(id: u32, ended: &AtomicBool) {
    signal(id, "INT");
    let step = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    while waited < POLITE && !ended.load(Ordering::Relaxed) {
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

/// The shell's own `kill` is everywhere; the program of that name is not.
#[cfg(unix)]
fn signal(group: u32, name: &str) {
    let script = format!("kill -{name} -{group}");
    let _ = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
}

#[cfg(windows)]
fn signal(process: u32, _name: &str) {
    let quiet = || Stdio::null();
    let id = process.to_string();
    let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).stdout(quiet()).stderr(quiet()).status();
}
