//! A browser for the browser tests.

use std::env;
use std::path::PathBuf;

use crate::apt;
use crate::run::say;

const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Where the installers of macOS and Windows put it, which is not on PATH.
const PLACES: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/// Finds the browser that CHROME names or that is installed, or installs Debian's package if that is possible and allowed.
/// Without a browser the browser tests are skipped, each with its reason.
pub fn find_or_install() -> Option<PathBuf> {
    if let Some(browser) = find() {
        return Some(browser);
    }
    if !apt::is_usable() || !apt::is_allowed("The browser tests need Chromium, which is not installed.", &["chromium"])
    {
        say("No Chromium is installed, so the browser tests are skipped. Install it, or set CHROME to its path.");
        return None;
    }
    if let Err(failure) = apt::install("Installing Chromium", &["chromium"]) {
        say(&format!("Chromium could not be installed: {failure}"));
    }
    find()
}

fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROME").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).flat_map(|folder| PROGRAMS.map(|program| folder.join(program)));
    on_path.chain(PLACES.map(PathBuf::from)).find(|browser| browser.is_file())
}
