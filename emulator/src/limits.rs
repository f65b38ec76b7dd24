//! The numbers of the service, in one place.

use std::ops::RangeInclusive;

pub use webpubsub_edge::protocol::limits::{MAX_GROUP_LENGTH, MAX_MESSAGE_BYTES, MAX_MESSAGE_TTL_SECONDS};

/// How long a reliable connection can be recovered after its socket was lost, in milliseconds.
pub const RECOVERY_WINDOW_MS: u64 = 30_000;

/// How many messages a reliable client may leave unacknowledged.
pub const MAX_UNACKNOWLEDGED_MESSAGES: usize = 1000;

/// How many bytes of messages a reliable client may leave unacknowledged.
pub const MAX_UNACKNOWLEDGED_BYTES: usize = 16 * 1024 * 1024;

/// How many frames may wait for a client that reads slowly.
pub const MAX_BACKLOG_MESSAGES: usize = 1000;

/// How many bytes of frames may wait for a client that reads slowly.
pub const MAX_BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// The default of [`Settings::max_retained_bytes`](crate::Settings::max_retained_bytes).
pub const DEFAULT_MAX_RETAINED_BYTES: u64 = 512 * 1024 * 1024;

/// The values that [`Settings::max_retained_bytes`](crate::Settings::max_retained_bytes) may have: from the size of one
/// message to half of what WebAssembly can address.
pub const MAX_RETAINED_BYTES_RANGE: RangeInclusive<u64> = 1024 * 1024..=2 * 1024 * 1024 * 1024;

/// How many faults can be in force.
pub const MAX_FAULTS: usize = 100;

/// How many ack ids of a connection are remembered, so that a repeated one is not carried out twice.
pub const REMEMBERED_ACK_IDS: usize = 1000;

/// How many groups one connection may be in, and in how many it may have or watch a state. The service publishes no such
/// number; without one, a client that joins for ever would take all memory.
pub const MAX_GROUPS_PER_CONNECTION: usize = 10_000;

/// How long a stream may be idle when its publisher says nothing, in milliseconds.
pub const DEFAULT_STREAM_IDLE_MS: u64 = 300_000;

/// How many streams one connection may have open. The service publishes no such number.
pub const MAX_STREAMS_PER_CONNECTION: usize = 100;

/// The largest state of a connection in a group, names and texts together, in bytes. The service publishes no such
/// number.
pub const MAX_GROUP_STATE_BYTES: usize = 8 * 1024;

/// How long a host may take to answer an event, in milliseconds: as long as the service waits for a web server.
pub const HANDLER_TIMEOUT_MS: u64 = 100_000;

/// How many events may wait for the host's answer. The service publishes no such number.
pub const MAX_PENDING_EVENTS: usize = 10_000;

/// How far the clock of whoever signed a token may be off, in seconds.
pub const CLOCK_SKEW_SECONDS: u64 = 300;

/// How deep a filter may nest: brackets, `not` and the arguments of functions each count as a level.
pub const MAX_FILTER_DEPTH: usize = 100;

/// How far one request may set the clock forward, in milliseconds: a day.
pub const MAX_ADVANCE_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest filter, in bytes of UTF-8.
pub const MAX_FILTER_BYTES: usize = 16 * 1024;

/// The number of steps that the filter of one request may take, for all connections of the hub together. A step is the
/// evaluation of one expression, or of 16 UTF-16 code units of a text.
pub const MAX_FILTER_STEPS: usize = 5_000_000;

/// The largest number that JavaScript and every JSON parser represent exactly: 2^53 - 1.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How many groups of a connection may be allowed or denied by name, for each kind of permission.
pub const MAX_NAMED_PERMISSIONS: usize = 1000;

/// How many patterns of group names a token may allow, for each kind of permission.
pub const MAX_PATTERNS: usize = 9;

/// How many asterisks a pattern may hold.
pub const MAX_PATTERN_ASTERISKS: usize = 5;

/// The longest pattern, in UTF-16 code units.
pub const MAX_PATTERN_LENGTH: usize = 1024;

/// The most members of a group that one page lists, and how many it lists when nothing is said.
pub const MAX_PAGE_SIZE: u32 = 200;

/// How long a generated client token is good for when nothing is said, in minutes.
pub const DEFAULT_TOKEN_MINUTES: u32 = 60;

/// The longest that a generated client token is good for, in minutes: about 136 years, what 32 bits of seconds hold.
pub const MAX_TOKEN_MINUTES: u32 = u32::MAX / 60;

/// The time to live of a message in milliseconds: zero and nothing mean for ever. `Err` when it is out of range.
pub(crate) fn message_ttl_ms(seconds: Option<u64>) -> Result<Option<u64>, ()> {
    match seconds {
        None | Some(0) => Ok(None),
        Some(seconds) if seconds <= MAX_MESSAGE_TTL_SECONDS => Ok(Some(seconds.saturating_mul(1000))),
        Some(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live() {
        assert_eq!(message_ttl_ms(None), Ok(None));
        assert_eq!(message_ttl_ms(Some(0)), Ok(None));
        assert_eq!(message_ttl_ms(Some(300)), Ok(Some(300_000)));
        assert_eq!(message_ttl_ms(Some(301)), Err(()));
    }
}
