//! Debian's package manager. It is used only as root on Debian, and only if the person agrees.

use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::Result;
use crate::run::{output, run, step};

/// The option with which a person agrees beforehand.
pub const YES: &str = "--yes";

static IS_AGREED: OnceLock<bool> = OnceLock::new();

/// Removes `--yes` from the arguments of any command, and remembers whether it was there.
pub fn take_yes(arguments: &mut Vec<String>) {
    let count = arguments.len();
    arguments.retain(|argument| argument != YES);
    IS_AGREED.get_or_init(|| arguments.len() < count);
}

/// Returns whether packages can be installed at all: as root on Debian.
pub fn is_usable() -> bool {
    Path::new("/etc/debian_version").exists() && output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Returns whether packages may be installed: `--yes` was given, or the person at the terminal says so. Without a terminal
/// the answer is no.
pub fn is_allowed(why: &str, packages: &[&str]) -> bool {
    if IS_AGREED.get().copied().unwrap_or(false) {
        return true;
    }
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        return false;
    }
    print!("{why}\nInstall with apt-get: {}? [y/N] ", packages.join(" "));
    let mut answer = String::new();
    let is_read = stdout().flush().is_ok() && stdin().read_line(&mut answer).is_ok();
    is_read && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

/// Installs packages.
pub fn install(what: &str, packages: &[&str]) -> Result {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    };
    step(what, || {
        run(apt().arg("update"))?;
        run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages))
    })
}
