//! How many tests passed, failed and were skipped, read from what the test runners print.

#[derive(Debug, Default, PartialEq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Lines for the end of the run: what failed, and why something was skipped.
    pub notes: Vec<String>,
}

impl Counts {
    pub fn one_passed() -> Counts {
        Counts { passed: 1, ..Counts::default() }
    }

    pub fn one_failed() -> Counts {
        Counts { failed: 1, ..Counts::default() }
    }

    pub fn one_skipped(reason: &str) -> Counts {
        Counts { skipped: 1, notes: vec![format!("skipped: {reason}")], ..Counts::default() }
    }

    pub fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes);
    }

    pub fn summary(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }

    /// The sum of cargo's lines `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, one a test binary.
    pub fn of_libtest(output: &str) -> Counts {
        let mut counts = Counts::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            let numbers = line.split(['.', ';']).filter_map(|part| part.trim().split_once(' '));
            for (number, what) in numbers {
                let number = number.parse().unwrap_or(0);
                match what {
                    "passed" => counts.passed += number,
                    "failed" => counts.failed += number,
                    "ignored" => counts.skipped += number,
                    _ => {}
                }
            }
        }
        if counts.skipped > 0 {
            counts.notes.push(format!("skipped: {} Rust tests marked #[ignore]", counts.skipped));
        }
        counts
    }

    /// The closing lines of Node's TAP reporter (`# pass 3`), and the reasons of its skipped tests.
    pub fn of_tap(tap: &str) -> Counts {
        let closing = |name: &str| {
            let number = tap.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name)?.trim().parse().ok());
            number.unwrap_or(0)
        };
        let notes = tap.lines().filter_map(|line| {
            let (test, reason) = line.split_once(" # SKIP")?;
            let (_, name) = test.split_once(" - ")?;
            let because = if reason.is_empty() { "" } else { ":" };
            Some(format!("skipped: {name}{because}{reason}"))
        });
        Counts {
            passed: closing("pass "),
            failed: closing("fail ") + closing("cancelled "),
            skipped: closing("skipped ") + closing("todo "),
            notes: notes.collect(),
        }
    }

    /// Shows the output of a run that failed, and counts a failure that no line counted: a compile error, or a crash.
    pub fn explained(mut self, is_ok: bool, output: &str) -> Counts {
        if !is_ok {
            eprintln!("{output}");
            self.failed = self.failed.max(1);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_results_are_added_up() {
        let output = "running 3 tests\n...\n\
                      test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
                      test result: FAILED. 1 passed; 2 failed; 4 ignored; 0 measured; 0 filtered out\n";
        let counts = Counts::of_libtest(output);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (4, 2, 4));
        assert_eq!(counts.notes.len(), 1);
    }

    #[test]
    fn tap_totals_and_skip_reasons_are_read() {
        let tap = "TAP version 13\n    ok 1 - joins # SKIP no browser\nok 2 - a - b # SKIP\n1..2\n\
                   # tests 9\n# suites 0\n# pass 4\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 1\n";
        let counts = Counts::of_tap(tap);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (4, 2, 3));
        assert_eq!(counts.notes, ["skipped: joins: no browser", "skipped: a - b"]);
    }

    #[test]
    fn a_failure_without_a_count_is_one() {
        assert_eq!(Counts::default().explained(false, "crashed").failed, 1);
        assert_eq!(Counts { failed: 2, ..Counts::default() }.explained(false, "two").failed, 2);
        assert_eq!(Counts::default().explained(true, "").failed, 0);
    }
}
