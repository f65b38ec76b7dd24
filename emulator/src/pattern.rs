//! Patterns of group names, as roles hold them: `?` stands for one character, `*` for any number, both without the
//! dot; `**` for any number with dots; a backslash takes the special meaning from what follows.

use crate::limits::{MAX_PATTERN_ASTERISKS, MAX_PATTERN_LENGTH};

/// A pattern that is within the limits.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Exactly(char),
    AnyButDot,
    Run,
    RunWithDots,
}

impl Pattern {
    /// Reads a pattern; `None` when it is beyond a limit.
    pub(crate) fn read(text: &str) -> Option<Pattern> {
        let mut parts: Vec<Part> = Vec::new();
        let mut asterisks: usize = 0;
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let part = match character {
                '?' => Part::AnyButDot,
                '*' => {
                    asterisks = asterisks.saturating_add(1);
                    match parts.pop() {
                        // Three and more are as good as two.
                        Some(Part::Run | Part::RunWithDots) => Part::RunWithDots,
                        before => {
                            parts.extend(before);
                            Part::Run
                        }
                    }
                }
                '\\' => {
                    let mut ahead = rest.clone();
                    match ahead.next() {
                        Some(escaped @ ('\\' | '*' | '?')) => {
                            rest = ahead;
                            Part::Exactly(escaped)
                        }
                        _ => Part::Exactly('\\'),
                    }
                }
                other => Part::Exactly(other),
            };
            parts.push(part);
        }
        let fits = asterisks <= MAX_PATTERN_ASTERISKS && text.encode_utf16().count() <= MAX_PATTERN_LENGTH;
        fits.then_some(Pattern(parts))
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        // Which beginnings of the pattern match what was read so far: to try one possibility after the other could
        // take for ever.
        let mut reached = vec![false; self.0.len().saturating_add(1)];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        self.pass_runs(&mut reached);
        for character in name.chars() {
            let mut next = vec![false; reached.len()];
            for (at, part) in self.0.iter().enumerate().filter(|(at, _)| reached.get(*at) == Some(&true)) {
                let (takes, stays) = match part {
                    Part::Exactly(expected) => (*expected == character, false),
                    Part::AnyButDot => (character != '.', false),
                    Part::Run => (character != '.', true),
                    Part::RunWithDots => (true, true),
                };
                let lands_at = if stays { at } else { at.saturating_add(1) };
                if let Some(landed) = next.get_mut(lands_at).filter(|_| takes) {
                    *landed = true;
                }
            }
            self.pass_runs(&mut next);
            reached = next;
        }
        reached.last() == Some(&true)
    }

    /// A run may be empty.
    fn pass_runs(&self, reached: &mut [bool]) {
        for (at, part) in self.0.iter().enumerate() {
            if matches!(part, Part::Run | Part::RunWithDots)
                && reached.get(at) == Some(&true)
                && let Some(after) = reached.get_mut(at.saturating_add(1))
            {
                *after = true;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, matching, others) in [
            ("room.?", &["room.1", "room.é", "room.𝄞"][..], &["room.", "room.12", "room..", "Room.1"][..]),
            ("room.*", &["room.", "room.12"], &["room", "room.1.2", "xroom.1"]),
            ("a*c", &["ac", "abc", "abcc"], &["abcd", "a.c", "abd"]),
            ("**", &["a", "a.b", "."], &[]),
            ("****", &["a", "a.b"], &[]),
            ("a.**.z", &["a.b.z", "a.b.c.z", "a..z"], &["a.z", "a.b.zz"]),
            (r"\*\?\\", &[r"*?\"], &[r"a?\", r"\*\?\\"]),
            (r"a\b\", &[r"a\b\"], &["ab"]),
            ("", &[""], &["a"]),
        ] {
            let pattern = Pattern::read(pattern).unwrap();
            assert!(matching.iter().all(|name| pattern.matches(name)), "{pattern:?}");
            assert!(!others.iter().any(|name| pattern.matches(name)), "{pattern:?}");
        }
    }

    #[test]
    fn patterns_have_limits() {
        assert!(Pattern::read("a*b*c*d*e*").is_some());
        assert!(Pattern::read("a*b*c*d*e*f*").is_none());
        assert!(Pattern::read("******").is_none());
        assert!(Pattern::read(&r"\*".repeat(100)).is_some(), "escaped asterisks do not count");
        assert!(Pattern::read(&"x".repeat(1024)).is_some());
        assert!(Pattern::read(&"𝄞".repeat(513)).is_none());
    }

    #[test]
    fn the_worst_pattern_is_quick() {
        let pattern = Pattern::read(&format!("*a*a*a*a*{}b", "?".repeat(900))).unwrap();
        assert!(!pattern.matches(&"a".repeat(1024)));
    }
}
