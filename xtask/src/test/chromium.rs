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

/// The browser that CHROME names, one that is installed, or Debian's package where that can be installed. Without
/// any the browser tests are skipped, each with its reason.
pub fn find_or_install() -> Option<PathBuf> {
    if let Some(browser) = find() {
        return Some(browser);
    }
    if !apt::is_usable() {
        return None;
    }
    say("No Chromium is installed; this is Debian and you are root, so its package is: chromium");
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
