//! `cargo xtask session`: a session token for the Worker. `xtask/session` does it, with the code of the core.

use std::process::{Command, exit};

use crate::{Result, files, toolchain};

pub fn command(arguments: &[String]) -> Result {
    let signer = toolchain::program("xtask-session")?;
    let status = Command::new(signer).args(arguments).current_dir(files::root()).status()?;
    // The signer has said what was wrong.
    if status.success() { Ok(()) } else { exit(status.code().unwrap_or(1)) }
}
