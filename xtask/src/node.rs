//! Node and npm: which Node runs what, and the npm packages of a folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::run::{output, step};
use crate::{Result, files};

/// npm installs with this or newer, and the npm package supports it.
const OLDEST: Version = Version(20, 19, 0);
/// What wrangler asks for in its `engines`.
const WRANGLER: Version = Version(22, 0, 0);
/// The folder whose package.json brings Node 24.
const NODE_24: &str = "xtask/node";

#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Version(u32, u32, u32);

/// One Node: its program's folder leads PATH, so that npm scripts and what they start use it too.
pub struct Node {
    pub program: PathBuf,
    path: OsString,
}

impl Node {
    /// The Node on PATH; an error says what is missing.
    pub fn system() -> Result<Node> {
        let version = system_version()?;
        if version < OLDEST {
            let Version(major, minor, _) = version;
            return Err(format!("Node {major}.{minor} is too old: {ADVICE}").into());
        }
        output(Command::new(npm()).arg("--version")).map_err(|error| format!("npm is missing: {ADVICE}\n{error}"))?;
        Ok(Node { program: "node".into(), path: env::var_os("PATH").unwrap_or_default() })
    }

    /// The system's Node where wrangler takes it, otherwise Node 24 out of npm.
    pub fn for_wrangler() -> Result<Node> {
        let system = Node::system()?;
        if system_version()? >= WRANGLER { Ok(system) } else { Node::version_24() }
    }

    /// Node 24 out of npm: what the tests run on.
    pub fn version_24() -> Result<Node> {
        Node::system()?.install(NODE_24)?;
        let found = fs::read_dir(files::root().join(NODE_24).join("node_modules"))?
            .filter_map(|package| Some(program_in(&package.ok()?.path())))
            .find(|program| program.exists());
        let Some(program) = found else {
            return Err("npm has no Node 24 for this platform. Install Node 24 from nodejs.org and call again.".into());
        };
        Node::at(program)
    }

    /// The program of a Node 20: the system's, or the one that `folder` installed under the name `node-v20`.
    pub fn program_20(folder: &str) -> Result<Option<PathBuf>> {
        if matches!(system_version()?, Version(20, ..)) {
            return Ok(Some(output(Command::new("node").args(["--print", "process.execPath"]))?.into()));
        }
        let program = program_in(&files::root().join(folder).join("node_modules/node-v20"));
        Ok(program.exists().then_some(program))
    }

    fn at(program: PathBuf) -> Result<Node> {
        let folder = program.parent().map(PathBuf::from);
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(folder.into_iter().chain(env::split_paths(&inherited)))?;
        Ok(Node { program, path })
    }

    /// The folder that has to lead PATH for this Node; `None` for the system's.
    pub fn folder(&self) -> Option<&Path> {
        self.program.parent().filter(|folder| !folder.as_os_str().is_empty())
    }

    /// This Node, for a script.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("PATH", &self.path).current_dir(files::root());
        command
    }

    /// npm under this Node, in a folder of the repository.
    pub fn npm(&self, folder: &str) -> Command {
        let mut command = Command::new(npm());
        command.env("PATH", &self.path).current_dir(files::root().join(folder));
        command
    }

    /// `npm ci` in a folder, unless its lock file is the one that was installed last.
    pub fn install(&self, folder: &str) -> Result {
        let home = files::root().join(folder);
        let lock = fs::read_to_string(home.join("package-lock.json"))
            .map_err(|error| format!("cannot read {folder}/package-lock.json: {error}"))?;
        let installed = home.join("node_modules/.installed-lock.json");
        if files::holds(&installed, &lock) {
            return Ok(());
        }
        let what = if folder == "." { "Installing wrangler with npm".into() } else { format!("npm ci in {folder}") };
        let mut install = self.npm(folder);
        install.args(["ci", "--no-audit", "--no-fund", "--no-progress"]);
        step(&what, || output(&mut install).map(drop))?;
        files::write(&installed, lock.as_bytes())
    }
}

const ADVICE: &str = "install Node 20.19 or newer with npm (nodejs.org, or your system's packages), then call again.";

/// Where an npm package that holds a Node has it.
fn program_in(package: &Path) -> PathBuf {
    package.join("bin").join(if cfg!(windows) { "node.exe" } else { "node" })
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn system_version() -> Result<Version> {
    let said =
        output(Command::new("node").arg("--version")).map_err(|error| format!("Node is missing: {ADVICE}\n{error}"))?;
    version(&said).ok_or_else(|| format!("`node --version` said \"{said}\", which is no version: {ADVICE}").into())
}

/// Reads `v20.19.1`.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some(Version(numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number() {
        assert!(version("v20.9.0").is_some_and(|version| version < OLDEST));
        assert!(version("v20.19.0").is_some_and(|version| version >= OLDEST && version < WRANGLER));
        assert!(version("v22.0.0").is_some_and(|version| version >= WRANGLER));
        assert!(version("20.19.0").is_none());
        assert!(version("v20").is_none());
    }
}
