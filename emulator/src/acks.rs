//! Remembers which acknowledged requests of a client were carried out.

use std::collections::{BTreeSet, VecDeque};

use crate::limits::REMEMBERED_ACK_IDS;

/// An estimate of the memory that an ack id takes in both collections.
const BYTES_OF_ID: usize = 32;

/// The latest ack ids of one connection. Only a success is remembered: a failed request may be tried again under
/// its id.
#[derive(Debug, Default)]
pub(crate) struct AckMemory {
    known: BTreeSet<u64>,
    oldest_first: VecDeque<u64>,
}

impl AckMemory {
    pub(crate) fn contains(&self, ack_id: u64) -> bool {
        self.known.contains(&ack_id)
    }

    /// Estimates the bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.known.len().saturating_mul(BYTES_OF_ID)
    }

    pub(crate) fn remember(&mut self, ack_id: u64) {
        if !self.known.insert(ack_id) {
            return;
        }
        self.oldest_first.push_back(ack_id);
        if self.oldest_first.len() > REMEMBERED_ACK_IDS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_thousand_are_remembered() {
        let mut acks = AckMemory::default();
        for ack_id in 0..=1000 {
            acks.remember(ack_id);
            acks.remember(ack_id);
        }
        assert!(!acks.contains(0));
        assert!((1..=1000).all(|ack_id| acks.contains(ack_id)));
        assert_eq!(acks.oldest_first.len(), acks.known.len());
    }
}
