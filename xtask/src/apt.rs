//! Debian's package manager. It is used only as root on Debian, and only if the person agrees.

use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::Result;
use crate::run::{output, run, step};

/// Whether the person agreed beforehand.
static IS_AGREED: OnceLock<bool> = OnceLock::new();

/// Removes `--yes` from the arguments of any command, and remembers whether it was there.
pub fn take_yes(arguments: &mut Vec<String>) {
    let count = arguments.len();
    arguments.retain(|argument| argument != "--yes");
    IS_AGREED.get_or_init(|| arguments.len() < count);
}

/// Returns whether packages can be installed at all: as root on Debian.
pub fn is_usable() -> bool {
    Path::new("/etc/debian_version").exists() && output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Returns whether packages may be installed: `--yes` was given, or the person at the terminal says so. Without a terminal
/// the answer is no.
pub fn is_allowed(why: &str, packages: &[&str]) -> bool {
    let is_agreed = IS_AGREED.get().copied().unwrap_or(false);
    let has_terminal = stdin().is_terminal() && stdout().is_terminal();
    is_agreed || (has_terminal && agrees(&ask(&format!("{why}\nInstall with apt-get: {}? [y/N] ", packages.join(" ")))))
}

/// Asks the person at the terminal. The answer is empty if it cannot be read.
fn ask(question: &str) -> String {
    print!("{question}");
    let mut answer = String::new();
    let is_read = stdout().flush().is_ok() && stdin().read_line(&mut answer).is_ok();
    if is_read { answer } else { String::new() }
}

fn agrees(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_installed_without_a_clear_yes() {
        for yes in ["y\n", "Yes\r\n", " y "] {
            assert!(agrees(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no", "yep", "y y"] {
            assert!(!agrees(no), "{no:?}");
        }
    }

    #[test]
    fn any_command_takes_yes() {
        let mut arguments = ["test", "--yes", "browser"].map(str::to_owned).to_vec();
        take_yes(&mut arguments);
        assert_eq!(arguments, ["test", "browser"]);
        assert!(is_allowed("", &[]));
    }
}
