//! The messages a reliable client has not acknowledged yet.

use std::collections::VecDeque;

use crate::budget::{Budget, Charge, ENTRY_BYTES, Kind};
use crate::frame::{Body, Frame};
use crate::limits::{MAX_UNACKNOWLEDGED_BYTES, MAX_UNACKNOWLEDGED_MESSAGES};

/// Numbers the messages of one connection and keeps each until the client acknowledges it.
pub(crate) struct Unacknowledged {
    last_id: u64,
    bytes: usize,
    /// Counts the entries. The bodies count themselves, once for all connections that share them.
    entries: Charge,
    oldest_first: VecDeque<Pending>,
}

struct Pending {
    sequence_id: u64,
    body: Body,
    expires_at: Option<u64>,
}

/// The client has left too much unacknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Unacknowledged {
    pub(crate) fn new(budget: &Budget) -> Unacknowledged {
        let mut entries = budget.charge(Kind::Unacknowledged, 0);
        entries.set(0);
        Unacknowledged { last_id: 0, bytes: 0, entries, oldest_first: VecDeque::new() }
    }

    /// Numbers a message, keeps it, and says its number.
    pub(crate) fn push(&mut self, now: u64, body: Body, ttl_ms: Option<u64>) -> Result<u64, Full> {
        if self.is_full_with(&body) {
            self.drop_expired(now);
        }
        if self.is_full_with(&body) {
            return Err(Full);
        }
        self.last_id = self.last_id.saturating_add(1);
        self.bytes = self.bytes.saturating_add(body.len());
        let expires_at = ttl_ms.map(|ttl| now.saturating_add(ttl));
        self.oldest_first.push_back(Pending { sequence_id: self.last_id, body, expires_at });
        self.count_entries();
        Ok(self.last_id)
    }

    /// Lets go of every message up to and including this id.
    pub(crate) fn acknowledge(&mut self, sequence_id: u64) {
        while self.oldest_first.front().is_some_and(|oldest| oldest.sequence_id <= sequence_id) {
            self.pop_front();
        }
        self.count_entries();
    }

    /// What a client that has come back still needs, in order. Messages whose time is over are dropped.
    pub(crate) fn replay(&mut self, now: u64) -> impl Iterator<Item = Frame> {
        self.drop_expired(now);
        self.oldest_first
            .iter()
            .map(|pending| Frame::Numbered { body: pending.body.clone(), sequence_id: pending.sequence_id })
    }

    /// Estimates the bytes that it takes, including bytes that other connections keep too.
    pub(crate) fn retained_bytes(&self) -> usize {
        self.bytes.saturating_add(self.oldest_first.len().saturating_mul(ENTRY_BYTES))
    }

    fn is_full_with(&self, body: &Body) -> bool {
        self.oldest_first.len() >= MAX_UNACKNOWLEDGED_MESSAGES
            || self.bytes.saturating_add(body.len()) > MAX_UNACKNOWLEDGED_BYTES
    }

    fn drop_expired(&mut self, now: u64) {
        self.oldest_first.retain(|pending| pending.expires_at.is_none_or(|expires_at| now < expires_at));
        self.bytes = self.oldest_first.iter().map(|pending| pending.body.len()).sum();
        self.count_entries();
    }

    fn count_entries(&mut self) {
        self.entries.set(self.oldest_first.len().saturating_mul(ENTRY_BYTES));
    }

    fn pop_front(&mut self) {
        if let Some(pending) = self.oldest_first.pop_front() {
            self.bytes = self.bytes.saturating_sub(pending.body.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Unnumbered;

    fn body(json: &str) -> Body {
        Body::new(Unnumbered::Json(json.into()), &Budget::new(0))
    }

    fn head() -> Body {
        body("head")
    }

    fn empty() -> Unacknowledged {
        Unacknowledged::new(&Budget::new(0))
    }

    fn ids(buffer: &mut Unacknowledged, now: u64) -> Vec<u64> {
        let id = |frame| {
            if let Frame::Numbered { sequence_id, .. } = frame { sequence_id } else { 0 }
        };
        buffer.replay(now).map(id).collect()
    }

    #[test]
    fn acknowledging_is_cumulative() {
        let mut buffer = empty();
        for _ in 0..3 {
            assert!(buffer.push(0, head(), None).is_ok());
        }
        buffer.acknowledge(2);
        buffer.acknowledge(1);
        assert_eq!(ids(&mut buffer, 0), [3]);
        buffer.acknowledge(u64::MAX);
        assert!(ids(&mut buffer, 0).is_empty());
        assert_eq!(buffer.bytes, 0);
        assert_eq!(buffer.push(0, head(), None), Ok(4));
    }

    #[test]
    fn a_message_past_its_time_is_not_replayed() {
        let mut buffer = empty();
        assert!(buffer.push(0, head(), Some(1000)).is_ok());
        assert!(buffer.push(0, head(), None).is_ok());
        assert_eq!(ids(&mut buffer, 999), [1, 2]);
        assert_eq!(ids(&mut buffer, 1000), [2]);
    }

    #[test]
    fn it_is_full_at_a_thousand_messages_or_sixteen_mebibytes() {
        let mut buffer = empty();
        for _ in 0..1000 {
            assert!(buffer.push(0, head(), Some(1000)).is_ok());
        }
        assert!(buffer.push(0, head(), None) == Err(Full));
        assert!(buffer.push(1000, head(), None).is_ok(), "expired messages make room");

        let mut buffer = empty();
        let large = body(&"x".repeat(1024 * 1024));
        for _ in 0..16 {
            assert!(buffer.push(0, large.clone(), None).is_ok());
        }
        assert!(buffer.push(0, head(), None) == Err(Full));
    }
}
