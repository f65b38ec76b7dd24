//! Time as a session lives it.

/// Stands for "at no time".
pub(super) const NEVER: u64 = u64::MAX;

/// How late a call may be, in milliseconds, before the host counts as having slept.
const LATE_MS: u64 = 5_000;

/// The host's clock without sleep and without steps back. A laptop that slept for an hour has heard nothing, but
/// neither was anything late: limits run on from where they were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// What the host's clock showed last.
    host: u64,
    /// The time that has passed for the session.
    pub(super) now: u64,
}

impl Clock {
    /// Takes in what the host's clock shows. `due` is when the session wanted to be called at the latest. Says whether
    /// that was missed by so much that the host must have slept, or its clock have been set.
    pub(super) fn advance(&mut self, host: u64, due: u64) -> bool {
        let passed = host.saturating_sub(self.host);
        self.host = host;
        let left = due.saturating_sub(self.now);
        let is_late = passed > left.saturating_add(LATE_MS);
        self.now = self.now.wrapping_add(if is_late { left } else { passed });
        is_late
    }

    /// When something is due that is due at `at`, on the host's clock.
    pub(super) fn on_host(&self, at: u64) -> u64 {
        self.host.wrapping_add(at.saturating_sub(self.now))
    }

    /// So many milliseconds from now; never, for 0. Not inlined, for the size of the npm package's module.
    #[inline(never)]
    pub(super) fn limit(&self, ms: u32) -> u64 {
        if ms == 0 { NEVER } else { self.after(ms.into()) }
    }

    /// So many milliseconds from now. What only grows by what it counts wraps, here and elsewhere in the session: it never
    /// comes so far, and each look whether it has weighs some bytes of the npm package.
    pub(super) fn after(&self, ms: u64) -> u64 {
        self.now.wrapping_add(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_does_not_count_and_nothing_goes_back() {
        let mut clock = Clock::default();
        assert!(!clock.advance(1_000_000, NEVER));
        assert!(!clock.advance(1_000_100, 1_001_000));
        assert_eq!(clock.now, 1_000_100);
        // A little late is how timers are.
        assert!(!clock.advance(1_005_999, 1_001_000));
        assert_eq!(clock.now, 1_005_999);
        // An hour of sleep is the wait that was left.
        assert!(clock.advance(4_600_000, 1_006_999));
        assert_eq!((clock.now, clock.on_host(1_007_000)), (1_006_999, 4_600_001));
        // Somebody set the clock back: no time has passed.
        assert!(!clock.advance(1_000, 1_008_000));
        assert_eq!((clock.now, clock.on_host(1_008_000)), (1_006_999, 2_001));
    }
}
