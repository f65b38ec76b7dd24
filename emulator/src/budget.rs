//! Counts the bytes that one service retains for later.
//!
//! Whatever keeps bytes holds a [`Charge`] for them. Dropping the charge gives the bytes back, so the count is right
//! wherever the bytes are dropped. Bytes that several connections share have one charge. What to give up when the count
//! exceeds the budget is decided in `eviction`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What bytes are retained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Messages that reliable clients have not acknowledged.
    Unacknowledged,
    /// The groups, states and streams of connections that lost their socket.
    LostConnection,
    /// Frames and REST answers that a fault holds back.
    Delayed,
    /// Events that wait for the event handler.
    Event,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Unacknowledged, "unacknowledged messages"),
    (Kind::LostConnection, "lost connections"),
    (Kind::Delayed, "delayed frames"),
    (Kind::Event, "pending events"),
];

/// An estimate of the memory that an entry of a collection takes in addition to its bytes.
pub(crate) const ENTRY_BYTES: usize = 96;

/// The number of bytes that a service may retain, and the number that it retains. Clones count together.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Counts>);

struct Counts {
    limit: usize,
    used: [AtomicUsize; KINDS.len()],
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Budget {
        Budget(Arc::new(Counts { limit, used: Default::default() }))
    }

    /// Counts this many bytes, and [`ENTRY_BYTES`] for the entry, until the charge is dropped.
    pub(crate) fn charge(&self, kind: Kind, bytes: usize) -> Charge {
        let mut charge = Charge { counts: Arc::clone(&self.0), kind, bytes: 0 };
        charge.set(bytes.saturating_add(ENTRY_BYTES));
        charge
    }

    /// Whether more is retained than may be.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.used() > self.0.limit
    }

    /// Whether enough was given up. That is less than the limit, so that a service near its limit does not have to look
    /// for something to give up at each message.
    pub(crate) fn is_relieved(&self) -> bool {
        self.used() <= self.0.limit.saturating_sub(self.0.limit / 16)
    }

    /// Describes what is retained, for the log.
    pub(crate) fn describe(&self) -> String {
        let parts = KINDS.map(|(kind, name)| format!("{name}: {}", self.0.used_for(kind).load(Ordering::Relaxed)));
        format!("{} bytes of at most {} ({})", self.used(), self.0.limit, parts.join(", "))
    }

    fn used(&self) -> usize {
        self.0.used.iter().map(|used| used.load(Ordering::Relaxed)).fold(0, usize::saturating_add)
    }
}

impl Counts {
    fn used_for(&self, kind: Kind) -> &AtomicUsize {
        let [unacknowledged, lost, delayed, events] = &self.used;
        match kind {
            Kind::Unacknowledged => unacknowledged,
            Kind::LostConnection => lost,
            Kind::Delayed => delayed,
            Kind::Event => events,
        }
    }
}

/// Bytes that count until this is dropped.
pub(crate) struct Charge {
    counts: Arc<Counts>,
    kind: Kind,
    bytes: usize,
}

impl Charge {
    /// Changes the number of bytes that count.
    pub(crate) fn set(&mut self, bytes: usize) {
        let used = self.counts.used_for(self.kind);
        used.fetch_sub(self.bytes, Ordering::Relaxed);
        used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_until_it_is_dropped() {
        let budget = Budget::new(1600 + ENTRY_BYTES);
        let mut first = budget.charge(Kind::Event, 1000);
        let second = budget.clone().charge(Kind::Delayed, 600);
        assert!(budget.is_exceeded() && !budget.is_relieved());
        first.set(900);
        assert!(!budget.is_exceeded() && !budget.is_relieved());
        drop(second);
        assert!(budget.is_relieved());
        drop(first);
        assert_eq!(budget.used(), 0);
    }
}
