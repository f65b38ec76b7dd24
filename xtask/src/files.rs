//! Where things are, and writing only what changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Result;

/// The root of the repository.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Where cargo builds; every call of cargo here is given it.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Tells when these inputs are the same as last time: their sizes and times as one text.
pub fn stamp_of(inputs: &[&Path]) -> Result<String> {
    let mut stamp = String::new();
    for input in inputs {
        let metadata = fs::metadata(input).map_err(|error| format!("cannot read {}: {error}", input.display()))?;
        let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        stamp.push_str(&format!("{} {}\n", metadata.len(), changed.as_nanos()));
    }
    Ok(stamp)
}

/// When the newest file below a folder was changed.
pub fn newest(folder: &Path) -> Result<SystemTime> {
    let mut newest = UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        newest = newest.max(if is_folder { self::newest(&entry.path())? } else { entry.metadata()?.modified()? });
    }
    Ok(newest)
}

/// Whether the file holds exactly this text.
pub fn holds(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|found| found == text.as_bytes())
}

/// An empty folder for what is being made, next to cargo's own output.
pub fn fresh_staging(name: &str) -> Result<PathBuf> {
    let staging = target().join("xtask").join(name);
    if staging.exists() {
        fs::remove_dir_all(&staging)?;
    }
    fs::create_dir_all(&staging)?;
    Ok(staging)
}

/// Makes `to` hold the same files as `from`. A file that is the same already is left alone, and a changed one is
/// replaced at once, so that whoever watches `to` never reads half of one.
pub fn mirror(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let old = entry?.path();
        if !old.file_name().is_some_and(|name| from.join(name).exists()) {
            if old.is_dir() { fs::remove_dir_all(&old)? } else { fs::remove_file(&old)? }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &target)?;
        } else {
            write(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Writes a file unless it holds exactly that already.
pub fn write(file: &Path, bytes: &[u8]) -> Result {
    if fs::read(file).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let mut half = file.as_os_str().to_owned();
    half.push(".new");
    fs::write(&half, bytes)?;
    Ok(fs::rename(&half, file)?)
}
