//! Holds back what wrangler prints while it starts, because it only matters then if the start fails, and shows the rest.

use std::io::{BufRead, BufReader, IsTerminal, Read, stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

#[derive(Default)]
pub struct Log {
    state: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    lines: Vec<String>,
    is_live: bool,
}

impl Log {
    /// Reads one of wrangler's outputs to its end.
    pub fn follow(&self, output: impl Read) {
        let mut filter = Filter { keeps_colours: stdout().is_terminal(), is_in_dump: false };
        for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
            let Some(line) = filter.pass(line) else { continue };
            let mut state = self.state();
            if state.is_live { println!("{line}") } else { state.lines.push(line) }
        }
    }

    /// Shows what was held back, and everything that follows.
    pub fn show(&self) {
        let mut state = self.state();
        for line in state.lines.drain(..) {
            println!("{line}");
        }
        state.is_live = true;
    }

    /// Waits for a line that begins so, and returns its rest. It may come a moment after the Worker answers.
    pub fn wait_for(&self, beginning: &str) -> Result<String> {
        let started = Instant::now();
        loop {
            let found = self
                .state()
                .lines
                .iter()
                .find_map(|line| without_colours(line).strip_prefix(beginning).map(str::to_owned));
            if let Some(rest) = found {
                return Ok(rest);
            }
            if started.elapsed() > Duration::from_secs(10) {
                return Err(format!("the Worker did not print a line that begins with \"{beginning}\"").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Forgets what was held back, and shows everything that follows.
    pub fn discard(&self) {
        let mut state = self.state();
        state.lines.clear();
        state.is_live = true;
    }

    fn state(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a build fails, wrangler prints the build's own messages, then the object that stood for the process, on a
/// hundred lines, then that the build failed. Nobody needs the object.
struct Filter {
    keeps_colours: bool,
    is_in_dump: bool,
}

/// How the dump begins. Its other lines are blank or indented.
const DUMP: &str = "Process exited with non-zero status";

impl Filter {
    /// The line as it is to be shown, if it is.
    fn pass(&mut self, line: String) -> Option<String> {
        let plain = without_colours(&line);
        let goes_on = plain.is_empty() || plain.starts_with(char::is_whitespace);
        self.is_in_dump = plain.contains(DUMP) || (self.is_in_dump && goes_on);
        if self.is_in_dump {
            return None;
        }
        Some(if self.keeps_colours { line } else { plain })
    }
}

/// The text without its codes for colours, `ESC [ ... m`: wrangler colours its errors whatever it is told.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shortened from what wrangler 4.153 prints.
    const FAILED_BUILD: &str = "\
[custom build] error: cannot find value `x` in this scope
[custom build]     --> worker/src/cors.rs:100:34

\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mk [Error]: Process exited with non-zero status (1)\x1b[0m

      at async runCommand (cli.js:191681:26) {
    result: I {
      spawnfile: \x1b[32m'/bin/sh'\x1b[39m,
    },
  }


\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mRunning custom build `x` failed.\x1b[0m

The file worker/src/cors.rs changed, restarting build...";

    fn passed(keeps_colours: bool) -> Vec<String> {
        let mut filter = Filter { keeps_colours, is_in_dump: false };
        FAILED_BUILD.lines().filter_map(|line| filter.pass(line.to_owned())).collect()
    }

    #[test]
    fn a_failed_build_shows_the_compilers_message_and_no_object() {
        let shown = [
            "[custom build] error: cannot find value `x` in this scope",
            "[custom build]     --> worker/src/cors.rs:100:34",
            "",
            "✘ [ERROR] Running custom build `x` failed.",
            "",
            "The file worker/src/cors.rs changed, restarting build...",
        ];
        assert_eq!(passed(false), shown);
    }

    #[test]
    fn colours_stay_for_a_terminal() {
        let coloured = passed(true);
        assert_eq!(coloured.len(), passed(false).len());
        assert!(coloured.iter().any(|line| line.contains("\x1b[31m")));
    }
}
