//! Sends, joins and invocations, from the caller's wish until they are settled.

use super::clock::NEVER;
use super::index::Index;
use super::{AckOutcome, Action, Input, NEXT_ACK_ID, Outcome, Session};

/// Ids of callers beyond what JavaScript counts exactly do not move ours on.
const MAX_COUNTED: u64 = (1 << 53) - 1;

/// Set in the ack ids of rejoins. A caller who numbers messages must not come to such an id next: the service would take
/// the message for a repetition.
const REJOIN: u64 = 1 << 52;

/// The number of a rejoin, which is no message of the caller.
const NO_MESSAGE: u32 = u32::MAX;

/// How long the service may take to join the groups again, in milliseconds, with all retries. The caller is told of a
/// new connection at the latest after this time.
const REJOIN_MS: u64 = 30_000;

/// The messages that are not settled, oldest first.
#[derive(Debug)]
pub(super) struct Messages {
    entries: Vec<Entry>,
    /// How many entries at the front are settled.
    settled: usize,
    /// How many entries are not settled.
    open: usize,
    next_ack_id: u64,
    /// The places of the ack ids in the entries. Callers may use an id for several messages at once.
    ack_ids: Index,
    /// When the groups that are still being joined again count as failed.
    rejoin_until: u64,
    /// How many groups are being joined again.
    pub(super) rejoins: u32,
    /// No entry is due earlier.
    pub(super) due: u64,
}

impl Default for Messages {
    fn default() -> Self {
        Messages {
            entries: Vec::new(),
            settled: 0,
            open: 0,
            next_ack_id: 1,
            ack_ids: Index::default(),
            rejoin_until: NEVER,
            rejoins: 0,
            due: NEVER,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    message: u32,
    /// The group that it joins or leaves, or whose state it sets.
    group: Option<u32>,
    ack_id: u64,
    kind: Kind,
    state: State,
    /// Whether the caller chose the ack id, which others may then share.
    is_shared: bool,
    /// How often it was written.
    writes: u32,
    /// How often it has failed.
    failures: u32,
    /// How it failed last.
    failure: Outcome,
    /// When the state ends by itself.
    due: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Post,
    Send,
    Join,
    Leave,
    State,
    /// A state that was set again since.
    OldState,
    /// A join of our own.
    Rejoin,
    Invoke,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for a connection.
    Queued,
    /// Waits for its retry.
    Delayed,
    /// Waits for its answer.
    Sent,
    /// Was sent on a socket that is gone, its answer unknown.
    Unsure,
    Settled,
}

impl Session {
    /// Takes the inputs that are about messages; the others are about streams.
    pub(super) fn take_message(&mut self, input: Input) -> bool {
        match input {
            Input::Send { message, ack_id } => self.add(Kind::Send, message, ack_id, None),
            Input::Post { message } => self.add(Kind::Post, message, NEXT_ACK_ID, None),
            Input::Invoke { message } => self.add(Kind::Invoke, message, NEXT_ACK_ID, None),
            Input::Join { message, ack_id, group } => {
                self.groups.want(group, message);
                self.add(Kind::Join, message, ack_id, Some(group))
            }
            Input::Leave { message, ack_id, group } => {
                self.groups.forget(group);
                self.add(Kind::Leave, message, ack_id, Some(group))
            }
            Input::SetState { message, ack_id, group } => {
                self.messages.overtake_state(group);
                self.add(Kind::State, message, ack_id, Some(group))
            }
            Input::Response { message } => self.heard() && self.finish(message, Outcome::Done),
            Input::Unsent { message } => self.unsent(message),
            Input::Abort { message } => self.finish(message, Outcome::Aborted),
            _ => self.take_stream(input),
        }
    }

    fn add(&mut self, kind: Kind, message: u32, ack_id: u64, group: Option<u32>) -> bool {
        if !self.is_running() {
            if let Some(group) = group
                && kind == Kind::Join
            {
                self.groups.refused(group, message);
            }
            self.push(Action::Settle { message, outcome: Outcome::NotConnected });
            self.forget_unused(group);
            return false;
        }
        let limit = match kind {
            Kind::Invoke => self.options.invoke_timeout_ms,
            _ => self.options.ack_timeout_ms,
        };
        let due = self.clock.limit(limit);
        self.enqueue(kind, message, ack_id, group, due);
        true
    }

    /// Adds an entry at the end, and writes it if messages can be written.
    fn enqueue(&mut self, kind: Kind, message: u32, mut ack_id: u64, group: Option<u32>, due: u64) {
        if let Some(group) = group {
            self.groups.hold(group);
        }
        let messages = &mut self.messages;
        let is_shared = ack_id != NEXT_ACK_ID;
        if is_shared {
            if ack_id >= messages.next_ack_id && ack_id < MAX_COUNTED {
                messages.next_ack_id = ack_id.wrapping_add(1);
            }
        } else if kind.has_ack() {
            ack_id = messages.next_ack_id;
            messages.next_ack_id = ack_id.wrapping_add(1);
            if kind == Kind::Rejoin {
                ack_id |= REJOIN;
            }
        }
        messages.sweep();
        messages.due = messages.due.min(due);
        messages.open = messages.open.wrapping_add(1);
        messages.ack_ids.push(kind.has_ack().then_some(ack_id));
        messages.entries.push(Entry {
            message,
            group,
            ack_id,
            kind,
            state: State::Queued,
            is_shared,
            writes: 0,
            failures: 0,
            failure: Outcome::Lost,
            due,
        });
        let last = messages.entries.len().wrapping_sub(1);
        if self.is_writable() {
            self.write(last);
        }
    }

    /// Joins the groups again that were joined on the connection before.
    pub(super) fn rejoin(&mut self) {
        let groups: Vec<u32> = self.groups.joined_groups().collect();
        for group in groups {
            if self.options.auto_rejoin_groups {
                self.messages.rejoins = self.messages.rejoins.wrapping_add(1);
                self.enqueue(Kind::Rejoin, NO_MESSAGE, NEXT_ACK_ID, Some(group), NEVER);
            } else {
                self.groups.forget(group);
                self.forget_unused(Some(group));
            }
        }
    }

    /// Tells the host that the number of a group is free, if nothing here needs the group.
    fn forget_unused(&mut self, group: Option<u32>) {
        if let Some(group) = group
            && self.groups.remove_unused(group)
        {
            self.push(Action::ForgetGroup { group });
        }
    }

    /// Writes the messages that wait for a connection. The rejoins come first, because the other messages may need them.
    pub(super) fn flush_messages(&mut self) {
        self.messages.rejoin_until = self.clock.after(REJOIN_MS);
        for rejoins in [true, false] {
            let mut at = self.messages.settled;
            while let Some(entry) = self.messages.entries.get(at) {
                let waits = matches!(entry.state, State::Queued | State::Unsure);
                if waits && (entry.kind == Kind::Rejoin) == rejoins {
                    self.write(at);
                }
                at = at.wrapping_add(1);
            }
        }
    }

    fn write(&mut self, at: usize) {
        let due = self.clock.limit(self.options.ack_timeout_ms);
        let Some(entry) = self.messages.entries.get(at).copied() else {
            return;
        };
        let Entry { message, group, ack_id, kind, .. } = entry;
        match kind {
            Kind::Post | Kind::Invoke => self.push(Action::Post { message }),
            // A retry must not undo what the caller asked for later.
            _ if entry.failures > 0 && self.is_overtaken(&entry) => return self.settle(at, entry.failure),
            Kind::Rejoin => match group {
                Some(group) if self.groups.is_wanted(group) => self.push(Action::Rejoin { group, ack_id }),
                // The caller has left the group since.
                _ => return self.settle(at, Outcome::Lost),
            },
            _ if entry.is_shared && self.messages.oldest_in_flight(ack_id).is_some() => {}
            _ => self.push(Action::Send { message, ack_id }),
        }
        if let Some(entry) = self.messages.entries.get_mut(at) {
            entry.writes = entry.writes.wrapping_add(1);
            (entry.state, entry.due) = match kind {
                Kind::Post => {
                    self.messages.open = self.messages.open.wrapping_sub(1);
                    (State::Settled, NEVER)
                }
                // The wait for the retry has replaced the time limit.
                Kind::Invoke if entry.failures > 0 => (State::Sent, self.clock.limit(self.options.invoke_timeout_ms)),
                Kind::Invoke => (State::Sent, entry.due),
                Kind::Rejoin => (State::Sent, due.min(self.messages.rejoin_until)),
                _ => (State::Sent, due),
            };
            self.messages.due = self.messages.due.min(entry.due);
        }
    }

    /// Whether the caller has asked for something else since.
    fn is_overtaken(&self, entry: &Entry) -> bool {
        let is_wanted = entry.group.is_some_and(|group| self.groups.is_wanted(group));
        match entry.kind {
            Kind::Join => !is_wanted,
            Kind::Leave => is_wanted,
            kind => kind == Kind::OldState,
        }
    }

    /// Takes in an ack; says whether anything waited for it.
    pub(super) fn acknowledged(&mut self, ack_id: u64, outcome: AckOutcome) -> bool {
        self.messages.sweep();
        let mut is_known = false;
        while let Some((at, entry)) = self.messages.oldest_in_flight(ack_id) {
            is_known = true;
            match outcome {
                AckOutcome::Success => self.settle(at, Outcome::Done),
                // The service had the first try of this message. The caller sent the message once.
                AckOutcome::Duplicate if entry.writes > 1 => self.settle(at, Outcome::Done),
                AckOutcome::Duplicate => self.settle(at, Outcome::Duplicate),
                AckOutcome::Transient => self.retry(at, Outcome::Refused),
                AckOutcome::Refused => self.settle(at, Outcome::Refused),
            }
        }
        is_known
    }

    /// Tries a message again later, or settles it if its retries or its time are used up.
    fn retry(&mut self, at: usize, outcome: Outcome) {
        let retry = self.options.message_retry;
        let rejoin_until = self.messages.rejoin_until;
        let Some(entry) = self.messages.entries.get_mut(at) else {
            return;
        };
        if entry.state == State::Settled {
            self.messages.open = self.messages.open.wrapping_add(1);
        }
        entry.failures = entry.failures.wrapping_add(1);
        entry.failure = outcome;
        if entry.failures > retry.max_retries {
            return self.settle(at, outcome);
        }
        entry.state = State::Delayed;
        entry.due = self.clock.after(retry.wait(entry.failures, &mut self.random));
        if entry.kind == Kind::Rejoin && entry.due >= rejoin_until {
            return self.settle(at, outcome);
        }
        self.messages.due = self.messages.due.min(entry.due);
    }

    /// Settles the message that has this number; says whether there is one.
    fn finish(&mut self, message: u32, outcome: Outcome) -> bool {
        // Responses mostly come in the order of the invocations, so the first open entry is mostly the right one.
        self.messages.sweep();
        let is_it = |(_, entry): &(usize, &Entry)| entry.message == message && entry.state != State::Settled;
        let entries = self.messages.entries.iter().enumerate();
        let Some((at, _)) = entries.skip(self.messages.settled).find(is_it) else {
            return false;
        };
        self.cancel(at, outcome);
        self.settle(at, outcome);
        true
    }

    /// A message that was to be written just now was not.
    fn unsent(&mut self, message: u32) -> bool {
        let was_written = |entry: &Entry| {
            entry.message == message && (entry.state == State::Sent || entry.kind == Kind::Post && entry.writes > 0)
        };
        let Some(at) = self.messages.entries.iter().rposition(was_written) else {
            return false;
        };
        self.retry(at, Outcome::NotConnected);
        true
    }

    /// Tells the service that nobody waits for an invocation any more.
    fn cancel(&mut self, at: usize, outcome: Outcome) {
        if let Some(entry) = self.messages.entries.get(at)
            && entry.kind == Kind::Invoke
            && entry.state == State::Sent
            && outcome != Outcome::Done
            && self.is_writable()
        {
            let message = entry.message;
            self.push(Action::Cancel { message });
        }
    }

    fn settle(&mut self, at: usize, outcome: Outcome) {
        let Some(entry) = self.messages.entries.get_mut(at) else {
            return;
        };
        entry.state = State::Settled;
        entry.due = NEVER;
        let Entry { message, group, kind, .. } = *entry;
        self.messages.open = self.messages.open.wrapping_sub(1);
        if let Some(group) = group {
            self.groups.release(group);
            self.settle_group(group, kind, message, outcome);
        }
        if kind == Kind::Rejoin {
            self.messages.rejoins = self.messages.rejoins.wrapping_sub(1);
            self.tell_connected();
        } else {
            self.push(Action::Settle { message, outcome });
        }
        self.forget_unused(group);
    }

    /// Records what the outcome of a message means for its group.
    fn settle_group(&mut self, group: u32, kind: Kind, message: u32, outcome: Outcome) {
        let is_done = matches!(outcome, Outcome::Done | Outcome::Duplicate);
        match kind {
            Kind::Join if is_done => self.groups.joined(group),
            Kind::Join => self.groups.refused(group, message),
            // A lost connection ends a rejoin, but the next connection joins the group again.
            Kind::Rejoin if !is_done && outcome != Outcome::Lost && self.is_running() => {
                self.groups.forget(group);
                self.push(Action::RejoinFailed { group, outcome });
            }
            _ => {}
        }
    }

    /// The socket is gone.
    pub(super) fn pause_messages(&mut self) {
        let mut at = self.messages.settled;
        while let Some(entry) = self.messages.entries.get_mut(at) {
            if entry.state == State::Sent {
                entry.state = State::Unsure;
                // A response has no sequence id, so it is not sent again.
                if entry.kind == Kind::Invoke {
                    self.settle(at, Outcome::Lost);
                }
            }
            at = at.wrapping_add(1);
        }
    }

    /// The connection is gone. A message that was under way is tried again on the next one as its policy says. The
    /// service then no longer knows its ack id: it may be carried out twice.
    pub(super) fn lose_messages(&mut self) {
        let mut at = self.messages.settled;
        while let Some(entry) = self.messages.entries.get(at) {
            match (entry.kind, entry.state) {
                (_, State::Settled) => {}
                (Kind::Rejoin, _) => self.settle(at, Outcome::Lost),
                (_, State::Unsure) => self.retry(at, Outcome::Lost),
                _ => {}
            }
            at = at.wrapping_add(1);
        }
    }

    pub(super) fn settle_all(&mut self, outcome: Outcome) {
        let mut at = self.messages.settled;
        while let Some(entry) = self.messages.entries.get(at) {
            if entry.state != State::Settled {
                self.settle(at, outcome);
            }
            at = at.wrapping_add(1);
        }
        self.messages.due = NEVER;
    }

    /// Goes through all whose time is over, and finds out when the next is.
    pub(super) fn expire_messages(&mut self) {
        let now = self.clock.now;
        let limit = self.clock.limit(self.options.ack_timeout_ms);
        self.messages.due = NEVER;
        let mut at = self.messages.settled;
        while let Some(entry) = self.messages.entries.get(at).copied() {
            if entry.due <= now {
                match (entry.state, entry.kind) {
                    (State::Settled, _) => {}
                    (State::Queued | State::Unsure, Kind::Invoke) => self.settle(at, Outcome::NotConnected),
                    (State::Sent, Kind::Invoke) => {
                        self.cancel(at, Outcome::TimedOut);
                        self.settle(at, Outcome::TimedOut);
                    }
                    (State::Sent, _) => {
                        // What is heard may come over a connection that carries nothing the other way.
                        self.probe();
                        self.retry(at, Outcome::TimedOut);
                    }
                    (State::Delayed, _) if self.is_writable() => self.write(at),
                    (State::Queued | State::Unsure, _) if !self.is_held() => self.settle(at, Outcome::NotConnected),
                    (State::Delayed | State::Queued | State::Unsure, _) => self.requeue(at, limit),
                }
            }
            if let Some(entry) = self.messages.entries.get(at) {
                self.messages.due = self.messages.due.min(entry.due);
            }
            at = at.wrapping_add(1);
        }
    }

    /// Waits for a connection, from now.
    fn requeue(&mut self, at: usize, due: u64) {
        if let Some(entry) = self.messages.entries.get_mut(at) {
            if entry.state == State::Delayed {
                entry.state = State::Queued;
            }
            entry.due = due;
        }
    }
}

impl Messages {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Checks that the count matches the entries.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.open, self.entries.iter().filter(|entry| entry.state != State::Settled).count());
    }

    /// Finds the oldest message with this ack id that was sent on this socket and waits for its ack.
    fn oldest_in_flight(&self, ack_id: u64) -> Option<(usize, Entry)> {
        let entries = self.ack_ids.places(ack_id).filter_map(|at| Some((at, *self.entries.get(at)?)));
        entries.filter(|(_, entry)| entry.state == State::Sent).last()
    }

    /// The state of a group is set again. Those before the last one are old already.
    fn overtake_state(&mut self, group: u32) {
        let is_it = |entry: &&mut Entry| entry.kind == Kind::State && entry.group == Some(group);
        if let Some(entry) = self.entries.iter_mut().rev().find(is_it) {
            entry.kind = Kind::OldState;
        }
    }

    /// Lets go of what is settled, once that is half of all: whatever the oldest waits for, a message costs the same.
    fn sweep(&mut self) {
        while self.entries.get(self.settled).is_some_and(|entry| entry.state == State::Settled) {
            self.settled = self.settled.wrapping_add(1);
        }
        if self.entries.len() / 2 > self.open {
            self.entries.retain(|entry| entry.state != State::Settled);
            self.ack_ids.rebuild(self.entries.iter().map(|entry| entry.kind.has_ack().then_some(entry.ack_id)));
            self.settled = 0;
        }
    }
}

impl Kind {
    /// Whether the service answers with an ack.
    fn has_ack(self) -> bool {
        !matches!(self, Kind::Post | Kind::Invoke)
    }
}
