//! How long to wait before the next try.

use super::{Retry, RetryMode};

/// Random numbers for jitter: xorshift, for no secret depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// A number from 0 up to and without `limit`; 0 for 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16).checked_rem(limit).unwrap_or(0)
    }
}

impl Retry {
    /// How long to wait before retry number `retry`, which counts from 1. Never for no time at all: a socket that takes
    /// nothing would be tried until its close is heard, which then never is.
    pub(super) fn wait(&self, retry: u32, random: &mut Random) -> u64 {
        let (delay, most) = (u64::from(self.delay_ms), u64::from(self.max_delay_ms));
        let wait = match self.mode {
            RetryMode::Fixed => delay.min(most),
            RetryMode::Exponential => {
                // The delay has 32 bits: none is lost, and after so many steps it is over the most in any case.
                let doubled = delay.wrapping_shl(retry.wrapping_sub(1).min(32));
                let least = delay.min(most) / 10;
                let range = doubled.min(most).saturating_sub(least);
                least.saturating_add(random.below(range.saturating_add(1)))
            }
        };
        wait.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_delay_is_itself() {
        let retry = Retry { max_retries: 9, delay_ms: 1000, max_delay_ms: 30_000, mode: RetryMode::Fixed };
        let mut random = Random::new(1);
        assert_eq!([1, 2, 60].map(|nth| retry.wait(nth, &mut random)), [1000; 3]);
        assert_eq!(Retry { max_delay_ms: 400, ..retry }.wait(1, &mut random), 400);
    }

    #[test]
    fn an_exponential_delay_is_anywhere_below_what_it_has_grown_to() {
        let retry = Retry { max_retries: 9, delay_ms: 1000, max_delay_ms: 30_000, mode: RetryMode::Exponential };
        let mut random = Random::new(7);
        for (nth, grown) in
            [(1, 1000), (2, 2000), (3, 4000), (5, 16_000), (6, 30_000), (90, 30_000), (u32::MAX, 30_000)]
        {
            let waits: Vec<u64> = (0..2000).map(|_| retry.wait(nth, &mut random)).collect();
            assert!(waits.iter().all(|wait| (100..=grown).contains(wait)), "{nth}");
            let (least, most) = (waits.iter().min().copied().unwrap_or(0), waits.iter().max().copied().unwrap_or(0));
            assert!(least < 100 + grown / 20 && most > grown - grown / 20, "{nth}: {least} to {most}");
        }
    }
}
