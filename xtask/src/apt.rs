//! Debian's package manager, used only for root on Debian and only after saying what is installed.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::run::{output, run, step};

pub fn is_usable() -> bool {
    Path::new("/etc/debian_version").exists() && output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs packages without asking anything.
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
