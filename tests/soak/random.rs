//! Seeded randomness, and the loop that tries one case after the other.
//!
//! In `cargo test` each loop takes a moment and the same seeds every time. `cargo xtask soak` sets `SOAK_SECONDS`, and
//! each run has seeds of its own; `SOAK_SEED` (its `--seed`) repeats one case.

use std::time::{Duration, Instant, SystemTime};

/// Tries cases until the time is over. A case that fails tells its seed.
pub fn soak(name: &str, mut case: impl FnMut(&mut Random)) {
    if let Some(seed) = variable("SOAK_SEED") {
        return run(name, seed, &mut case);
    }
    let (first, time) = match variable("SOAK_SECONDS") {
        None => (0, Duration::from_secs(1)),
        Some(seconds) => {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            (since.as_secs() << 24, Duration::from_secs(seconds))
        }
    };
    let started = Instant::now();
    let mut seed = first;
    while started.elapsed() < time {
        run(name, seed, &mut case);
        seed += 1;
    }
    println!("{name}: {} cases from seed {first}", seed - first);
}

fn run(name: &str, seed: u64, case: &mut impl FnMut(&mut Random)) {
    /// Speaks up when the case panics.
    struct Seed<'a>(&'a str, u64);
    impl Drop for Seed<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("{}: `cargo xtask soak --seed {}` repeats this", self.0, self.1);
            }
        }
    }
    let _seed = Seed(name, seed);
    case(&mut Random::new(seed));
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text}")))
}

/// SplitMix64: any seed will do.
pub struct Random(u64);

impl Random {
    /// The same values for the same seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Up to `most` of these pieces, one behind the other.
    pub fn joined(&mut self, most: usize, pieces: &[&str]) -> String {
        (0..self.below(most + 1)).map(|_| self.pick(pieces)).collect()
    }

    /// A text of what breaks URLs, quotes, JSON and lengths, and of any other characters.
    pub fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(6) {
            match self.below(3) {
                0 => text.extend(char::from_u32(self.below(0x11_0000) as u32)),
                _ => text.push_str(self.pick(&NASTY)),
            }
        }
        text
    }

    /// A text that is not empty.
    pub fn name(&mut self) -> String {
        self.text() + self.pick(&["a", "'", "..", "%2e", "🦀", "z"])
    }

    /// Bytes that were a text once, mostly.
    pub fn bytes(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(3) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                _ => bytes.extend_from_slice(self.pick(&NASTY).as_bytes()),
            }
        }
        bytes
    }
}

const NASTY: [&str; 40] = [
    ".", "..", "/", "\\", "%", "%2e", "%2F", "%zz", "?", "#", "&", "=", "+", " ", "\t", "\n", "\r", "\0", "'", "''",
    "\"", "`", "{", "}", "[", "]", "|", "^", "<", ">", ":", ";", "@", ",", "é", "e\u{301}", "🦀", "\u{2028}",
    "\u{feff}", "\u{7f}",
];
