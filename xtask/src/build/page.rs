//! The WebSocket client that the page uses: the files of the npm package that make it, in `www/webpubsub-edge`.

use std::fs;

use super::pkg;
use crate::{Result, files};

/// The folders of `pkg/dist` that hold the client, and of each the files: all, or those named.
const PARTS: [(&str, &[&str]); 4] = [
    ("client", &[]),
    ("client/core", &[]),
    ("entrypoints", &["client.js"]),
    ("wasm", &["base64.js", "inline-client.js", "text.js"]),
];

/// Builds the client when it is old, and copies it.
pub fn build() -> Result {
    pkg::build_client()?;
    let staging = files::fresh_staging(&format!("page-{}", std::process::id()))?;
    for (folder, names) in PARTS {
        fs::create_dir_all(staging.join(folder))?;
        for entry in fs::read_dir(files::root().join("pkg/dist").join(folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let is_wanted = names.is_empty() || names.iter().any(|wanted| name == *wanted);
            if is_wanted && name.to_string_lossy().ends_with(".js") {
                fs::copy(entry.path(), staging.join(folder).join(name))?;
            }
        }
    }
    files::mirror(&staging, &files::root().join("www/webpubsub-edge"))?;
    Ok(fs::remove_dir_all(staging)?)
}
