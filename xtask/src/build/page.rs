//! Builds the WebSocket client of the page: one file in `www/webpubsub-edge`, as `worker/standalone/package.json` does.

use std::path::Path;

use super::pkg;
use crate::node::Node;
use crate::run::{run, step};
use crate::{Result, files};

/// The client's entry below `pkg/dist`, which is also its place below `www/webpubsub-edge`.
const ENTRY: &str = "entrypoints/client.js";

/// Builds the client if it is old, and bundles it for the page.
pub fn build() -> Result {
    let staging = files::fresh_staging(&format!("page-{}", std::process::id()))?;
    pkg::with_client(|node| bundle(node, &staging.join(ENTRY)))?;
    files::mirror(&staging, &files::root().join("www/webpubsub-edge"))?;
    Ok(std::fs::remove_dir_all(staging)?)
}

fn bundle(node: &Node, output: &Path) -> Result {
    let mut npm = node.npm("pkg");
    npm.args(["exec", "--no", "--silent", "--", "esbuild"])
        .arg(files::root().join("pkg/dist").join(ENTRY))
        .args(["--bundle", "--minify", "--format=esm", "--log-level=warning"])
        .arg(format!("--outfile={}", output.display()));
    step("Bundling the client for the page", || run(&mut npm))
}
