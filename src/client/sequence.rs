//! Which messages are new, and when they are acknowledged.

use super::clock::NEVER;
use super::{Action, Protocol, Session};

/// How long the service may wait for an acknowledgement, in milliseconds.
const ACKNOWLEDGE_AFTER_MS: u64 = 1_000;

/// More messages than this are acknowledged at once: the service keeps only 1000.
const ACKNOWLEDGE_OVER: u64 = 300;

/// What arrived on a reliable connection.
#[derive(Debug)]
pub(super) struct Sequence {
    largest: u64,
    acknowledged: u64,
    /// When the next acknowledgement is due.
    pub(super) due: u64,
}

impl Default for Sequence {
    fn default() -> Self {
        Sequence { largest: 0, acknowledged: 0, due: NEVER }
    }
}

impl Session {
    /// Takes in a message; says whether it is new.
    pub(super) fn data(&mut self, sequence_id: u64) -> bool {
        if self.options.protocol != Protocol::Reliable {
            return true;
        }
        // A message that comes again has not been acknowledged, or that was lost.
        if self.sequence.due == NEVER {
            self.sequence.due = self.clock.after(ACKNOWLEDGE_AFTER_MS);
        }
        if sequence_id <= self.sequence.largest {
            return false;
        }
        self.sequence.largest = sequence_id;
        if sequence_id.wrapping_sub(self.sequence.acknowledged) > ACKNOWLEDGE_OVER {
            self.acknowledge_sequence();
        }
        true
    }

    /// Acknowledges all that arrived, if anything did.
    pub(super) fn acknowledge_sequence(&mut self) {
        let sequence_id = self.sequence.largest;
        self.sequence.acknowledged = sequence_id;
        self.sequence.due = NEVER;
        if sequence_id > 0 {
            self.push(Action::SequenceAck { sequence_id });
        }
    }
}
