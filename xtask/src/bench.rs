//! `cargo xtask bench service|client|size|emulator`: speed and size beside the official SDKs, other signers and bare
//! `ws`, each in one run.

use crate::build::pkg;
use crate::node::Node;
use crate::run::run_guarded;
use crate::{Result, files};

pub fn command(arguments: &[String]) -> Result {
    let script = match arguments {
        [what] if what == "service" => "service.mjs",
        [what] if what == "client" => "client.mjs",
        [what] if what == "size" => "size.mjs",
        [what] if what == "emulator" => "emulator.mjs",
        _ => return Err("say what to measure: `bench service`, `client`, `size` or `emulator`".into()),
    };
    pkg::build()?;
    let node = Node::version_24()?;
    node.install("bench")?;
    run_guarded(node.command().arg(script).current_dir(files::root().join("bench")))
}
