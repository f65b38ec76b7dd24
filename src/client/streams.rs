//! Streams: outbound ones with a window of parts that may be sent again, inbound ones that notice what is missing.

use super::clock::NEVER;
use super::{Action, Input, Session, StreamClosing, StreamProblem};

/// The first wait after the service refused a part; it doubles up to the longest.
const RETRY_MS: u64 = 10;

/// The longest such wait.
const MAX_RETRY_MS: u64 = 5_000;

/// The streams that are open.
#[derive(Debug)]
pub(super) struct Streams {
    outbound: Vec<Outbound>,
    inbound: Vec<Inbound>,
    /// No stream is due earlier.
    pub(super) due: u64,
}

impl Default for Streams {
    fn default() -> Self {
        Streams { outbound: Vec::new(), inbound: Vec::new(), due: NEVER }
    }
}

#[derive(Debug)]
struct Outbound {
    stream: u32,
    is_open: bool,
    /// The number of the part that the caller writes next.
    next: u64,
    /// The number of the part that is sent next.
    cursor: u64,
    /// The oldest part that is not acknowledged.
    oldest: u64,
    /// Whether the caller has ended it.
    is_ended: bool,
    /// Whether the end was sent.
    is_end_sent: bool,
    /// Whether it was sent on a socket that is gone: the service may have carried it out.
    may_be_over: bool,
    refusals: u32,
    /// Nothing is sent before this.
    retry_at: u64,
    /// When the service has taken too long to open or close it.
    until: u64,
}

#[derive(Debug)]
struct Inbound {
    stream: u32,
    /// The number of the next part; 0 before the first, which may be any.
    expected: u64,
    idle_timeout_ms: u32,
    until: u64,
}

/// Removes the entry that is meant, if it is there. `Vec::retain` would weigh three times as much.
fn remove<T>(list: &mut Vec<T>, is_meant: impl FnMut(&T) -> bool) -> bool {
    let found = list.iter().position(is_meant);
    if let Some(at) = found {
        list.remove(at);
    }
    found.is_some()
}

impl Session {
    /// Takes the inputs that are about streams.
    pub(super) fn take_stream(&mut self, input: Input) -> bool {
        match input {
            Input::StreamOpen { stream } => self.open_stream(stream),
            Input::StreamWrite { stream } => self.write_stream(stream, false),
            Input::StreamEnd { stream } => self.write_stream(stream, true),
            Input::StreamAck { stream, expected } => self.heard() && self.stream_expects(stream, expected, false),
            Input::StreamNack { stream, expected } => self.heard() && self.stream_expects(stream, expected, true),
            Input::StreamClosed { stream, closing } => {
                // After a recovery, that the stream is not known any more is the answer to the end that was sent
                // before. (Or it was idle for too long in between, which nobody can tell from it.)
                let is_over = closing == StreamClosing::Ended
                    || closing == StreamClosing::NotFound
                        && self.find_stream(stream).is_some_and(|outbound| outbound.may_be_over);
                let problem = if is_over { StreamProblem::None } else { StreamProblem::Refused };
                self.heard() && self.close_stream(stream, problem)
            }
            Input::ReadStream { stream, idle_timeout_ms } => {
                let until = self.clock.limit(idle_timeout_ms);
                self.streams.due = self.streams.due.min(until);
                self.streams.inbound.push(Inbound { stream, expected: 0, idle_timeout_ms, until });
                true
            }
            Input::Part { stream, sequence_id, is_end } => self.part(stream, sequence_id, is_end),
            Input::ForgetStream { stream } => {
                remove(&mut self.streams.inbound, |inbound| inbound.stream == stream);
                true
            }
            _ => false,
        }
    }

    fn open_stream(&mut self, stream: u32) -> bool {
        if !self.is_running() {
            self.push(Action::StreamClosed { stream, problem: StreamProblem::Lost });
            return false;
        }
        let until = self.clock.limit(self.options.ack_timeout_ms);
        self.streams.outbound.push(Outbound {
            stream,
            is_open: false,
            next: 1,
            cursor: 1,
            oldest: 1,
            is_ended: false,
            is_end_sent: false,
            may_be_over: false,
            refusals: 0,
            retry_at: 0,
            until,
        });
        self.streams.due = self.streams.due.min(until);
        if self.is_writable() {
            self.push(Action::StreamStart { stream });
        }
        true
    }

    /// Adds a part to a stream, or its end, and sends what can be sent then.
    fn write_stream(&mut self, stream: u32, is_end: bool) -> bool {
        let Some(outbound) = self.find_stream(stream) else {
            return false;
        };
        if is_end {
            outbound.is_ended = true;
        } else {
            outbound.next = outbound.next.wrapping_add(1);
        }
        self.pump(stream);
        true
    }

    fn find_stream(&mut self, stream: u32) -> Option<&mut Outbound> {
        self.streams.outbound.iter_mut().find(|outbound| outbound.stream == stream)
    }

    /// Sends the parts that were not sent yet, and then the end.
    fn pump(&mut self, stream: u32) {
        if !self.is_writable() {
            return;
        }
        let (now, limit) = (self.clock.now, self.clock.limit(self.options.ack_timeout_ms));
        let Session { streams, actions, .. } = self;
        let Some(outbound) = streams.outbound.iter_mut().find(|outbound| outbound.stream == stream) else {
            return;
        };
        if !outbound.is_open || outbound.retry_at > now {
            return;
        }
        while outbound.cursor < outbound.next {
            actions.push(Action::StreamData { stream, sequence_id: outbound.cursor });
            outbound.cursor = outbound.cursor.wrapping_add(1);
        }
        if outbound.is_ended {
            // Only what the service takes gives it more time: a refusal does not, nor that it is sent again.
            outbound.until = outbound.until.min(limit);
            streams.due = streams.due.min(outbound.until);
            if !outbound.is_end_sent {
                outbound.is_end_sent = true;
                actions.push(Action::StreamEnd { stream });
            }
        }
    }

    /// The service says which part it expects next, and whether it refused one.
    fn stream_expects(&mut self, stream: u32, expected: u64, is_refusal: bool) -> bool {
        let now = self.clock.now;
        let Some(outbound) = self.find_stream(stream) else {
            return false;
        };
        if expected < outbound.oldest || expected > outbound.next {
            return self.close_stream(stream, StreamProblem::ProtocolViolation);
        }
        let is_progress = expected > outbound.oldest;
        let opens = !outbound.is_open && (is_progress || !is_refusal);
        outbound.oldest = expected;
        outbound.cursor = outbound.cursor.max(expected);
        if is_progress {
            outbound.refusals = 0;
        }
        if is_progress || opens {
            outbound.is_open = true;
            outbound.until = NEVER;
        }
        if is_refusal {
            outbound.cursor = expected;
            outbound.is_end_sent = false;
            // Every part under way is refused, and only the first refusal counts.
            if outbound.retry_at <= now {
                // So many steps are more than the longest.
                let wait = RETRY_MS.wrapping_shl(outbound.refusals.min(10));
                outbound.refusals = outbound.refusals.wrapping_add(1);
                outbound.retry_at = now.wrapping_add(wait.min(MAX_RETRY_MS));
                let retry_at = outbound.retry_at;
                self.streams.due = self.streams.due.min(retry_at);
            }
        }
        if is_progress {
            self.push(Action::StreamTrim { stream, sequence_id: expected });
        }
        if opens {
            self.push(Action::StreamOpened { stream });
        }
        self.pump(stream);
        true
    }

    fn close_stream(&mut self, stream: u32, problem: StreamProblem) -> bool {
        let was_open = remove(&mut self.streams.outbound, |outbound| outbound.stream == stream);
        if was_open {
            self.push(Action::StreamClosed { stream, problem });
        }
        was_open
    }

    /// The connection is ready: what was not acknowledged is sent again.
    pub(super) fn resume_streams(&mut self) {
        let mut at = 0usize;
        while let Some(outbound) = self.streams.outbound.get_mut(at) {
            let (stream, is_open) = (outbound.stream, outbound.is_open);
            outbound.cursor = outbound.oldest;
            outbound.may_be_over |= outbound.is_end_sent;
            outbound.is_end_sent = false;
            outbound.retry_at = 0;
            // It keeps its limit: what the service does not take may end the connection each time.
            if is_open {
                self.pump(stream);
            } else {
                self.push(Action::StreamStart { stream });
            }
            at = at.wrapping_add(1);
        }
    }

    /// The connection is lost for good, and the streams with it, save outbound ones that the service has not seen; when
    /// the session stops, these too.
    pub(super) fn lose_streams(&mut self, all: bool) {
        while let Some(stream) = self.streams.outbound.iter().find(|one| all || one.is_open).map(|one| one.stream) {
            self.close_stream(stream, StreamProblem::Lost);
        }
        while let Some(stream) = self.streams.inbound.first().map(|one| one.stream) {
            self.end_reading(stream, StreamProblem::Lost);
        }
        // When the next is due is found out at the end of this call.
        self.streams.due = 0;
    }

    /// A part of an inbound stream: whether it is the next one.
    fn part(&mut self, stream: u32, sequence_id: u64, is_end: bool) -> bool {
        let clock = self.clock;
        let Some(inbound) = self.streams.inbound.iter_mut().find(|inbound| inbound.stream == stream) else {
            return false;
        };
        if sequence_id < inbound.expected {
            return false;
        }
        let is_gap = inbound.expected != 0 && sequence_id > inbound.expected;
        inbound.expected = sequence_id.saturating_add(1);
        inbound.until = clock.limit(inbound.idle_timeout_ms);
        if is_gap || is_end {
            let problem = if is_gap { StreamProblem::Gap } else { StreamProblem::None };
            self.end_reading(stream, problem);
        }
        !is_gap
    }

    fn end_reading(&mut self, stream: u32, problem: StreamProblem) {
        remove(&mut self.streams.inbound, |inbound| inbound.stream == stream);
        self.push(Action::ReadEnded { stream, problem });
    }

    /// Goes through all whose time is over, and finds out when the next is.
    pub(super) fn expire_streams(&mut self) {
        let now = self.clock.now;
        let late = |one: &&Inbound| one.until <= now;
        while let Some(stream) = self.streams.inbound.iter().find(late).map(|one| one.stream) {
            self.end_reading(stream, StreamProblem::IdleTimeout);
        }
        let late = |one: &&mut Outbound| one.until <= now || (one.retry_at > 0 && one.retry_at <= now);
        while let Some(one) = self.streams.outbound.iter_mut().find(late) {
            one.retry_at = 0;
            let (stream, is_over, is_open) = (one.stream, one.until <= now, one.is_open);
            if is_over {
                self.close_stream(stream, StreamProblem::TimedOut);
            } else if is_open {
                self.pump(stream);
            } else if self.is_writable() {
                self.push(Action::StreamStart { stream });
            }
        }
        let mut due = NEVER;
        for one in &self.streams.outbound {
            due = due.min(one.until).min(if one.retry_at > 0 { one.retry_at } else { NEVER });
        }
        for one in &self.streams.inbound {
            due = due.min(one.until);
        }
        self.streams.due = due;
    }
}
