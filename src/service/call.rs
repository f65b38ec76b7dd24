//! After each try of a call: is it done, has it failed, or is it tried again, and when?

use super::{Answers, Operation};
use crate::text::{decimal, trim};

/// When a call is tried again. The names and defaults are those of the official SDK, save `sends`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryOptions {
    /// How many times a call is tried again. 0 turns it off. Default 3.
    pub max_retries: u32,
    /// The first delay; it doubles with every further try. In milliseconds, default 1000.
    pub retry_delay_ms: u64,
    /// The longest delay, in milliseconds, default 64000. A service that asks for a longer one with `Retry-After`
    /// is not called again: the answer is the result.
    pub max_retry_delay_ms: u64,
    /// What is known to be safe for a send, which could arrive twice.
    pub sends: SendRetries,
}

impl Default for RetryOptions {
    fn default() -> Self {
        RetryOptions { max_retries: 3, retry_delay_ms: 1000, max_retry_delay_ms: 64_000, sends: SendRetries::Safe }
    }
}

/// Which failures of a send are tried again. The REST API has no way to tell a repeated send from a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendRetries {
    /// Only those after which the message surely was not delivered: 429, 503 with `Retry-After`, and a connection that
    /// was never made.
    #[default]
    Safe,
    /// All that the official SDK tries again: a message may arrive twice.
    Always,
}

/// The largest body of an answer that is read: 4 MiB. The largest that the service sends, a page of 200 connections, is far
/// smaller.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How one try ended.
#[derive(Debug, Clone, Copy)]
pub enum TryOutcome<'a> {
    /// The service answered.
    Response {
        /// The status. 0 stands for a redirect that a browser hides.
        status: u16,
        /// What the answer says about waiting.
        retry_after: RetryAfter<'a>,
    },
    /// No answer came.
    Failure(Failure),
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection was refused or the name not found: the request was never sent.
    NotSent,
    /// The try took too long. It may have arrived.
    Timeout,
    /// Anything else. The request may have arrived.
    Unknown,
    /// The body of the answer is larger than [`MAX_ANSWER_BYTES`]. The request has arrived.
    AnswerTooLarge,
}

/// The three headers that say how long to wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryAfter<'a> {
    /// `retry-after-ms`: milliseconds.
    pub retry_after_ms: Option<&'a str>,
    /// `x-ms-retry-after-ms`: milliseconds.
    pub x_ms_retry_after_ms: Option<&'a str>,
    /// `Retry-After`: seconds, or a date.
    pub retry_after: Option<&'a str>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It succeeded.
    Done,
    /// What was asked about does not exist: the "no" of the operations that ask.
    Absent,
    /// It failed, and this outcome is the result.
    Fail,
    /// Wait so many milliseconds, sign the request again and send it again.
    Wait(u64),
}

/// One call: it counts the tries and holds the policy.
#[derive(Debug, Clone)]
pub struct Call {
    operation: Operation,
    options: RetryOptions,
    retries: u32,
    deadline_ms: Option<u64>,
}

impl Call {
    /// A call that has not been tried yet.
    pub const fn new(operation: Operation, options: RetryOptions) -> Self {
        Call::after(operation, options, 0)
    }

    /// A call that has been tried again so many times, for hosts that keep the count themselves.
    pub const fn after(operation: Operation, options: RetryOptions, retries: u32) -> Self {
        Call { operation, options, retries, deadline_ms: None }
    }

    /// Sets when the whole call must be over, in milliseconds since 1970: no wait goes beyond it.
    #[must_use]
    pub const fn until(mut self, deadline_ms: Option<u64>) -> Self {
        self.deadline_ms = deadline_ms;
        self
    }

    /// Takes the outcome of a try. `now_ms` is in milliseconds since 1970, `random` is from 0 up to 1.
    pub fn next(&mut self, outcome: TryOutcome<'_>, now_ms: u64, random: f64) -> Next {
        match outcome {
            TryOutcome::Response { status, .. } if status == self.operation.success_status() => return Next::Done,
            TryOutcome::Response { status: 404, .. } if self.operation.answers() == Answers::YesOrNo => {
                return Next::Absent;
            }
            _ => {}
        }
        if self.retries >= self.options.max_retries {
            return Next::Fail;
        }
        let in_time = |delay: &u64| self.deadline_ms.is_none_or(|deadline| now_ms.saturating_add(*delay) < deadline);
        let Some(delay) = self.delay(outcome, now_ms, random).filter(in_time) else {
            return Next::Fail;
        };
        self.retries = self.retries.saturating_add(1);
        Next::Wait(delay)
    }

    fn delay(&self, outcome: TryOutcome<'_>, now_ms: u64, random: f64) -> Option<u64> {
        if let TryOutcome::Response { status: 429 | 503, retry_after } = outcome
            && let Some(asked_for) = retry_after.milliseconds(now_ms)
        {
            return Some(asked_for).filter(|&asked_for| asked_for <= self.options.max_retry_delay_ms);
        }
        let may_have_arrived = match outcome {
            TryOutcome::Failure(Failure::NotSent) | TryOutcome::Response { status: 429, .. } => false,
            TryOutcome::Failure(Failure::Timeout | Failure::AnswerTooLarge) => return None,
            TryOutcome::Failure(Failure::Unknown) => true,
            TryOutcome::Response { status: 408 | 500 | 502..=504 | 506.., .. } => true,
            TryOutcome::Response { .. } => return None,
        };
        let is_send = self.operation.answers() == Answers::Sent;
        if is_send && may_have_arrived && self.options.sends == SendRetries::Safe {
            return None;
        }
        Some(self.exponential(random))
    }

    /// `retry_delay_ms` doubled per retry, capped; half of it fixed and half random.
    fn exponential(&self, random: f64) -> u64 {
        let doubled = self.options.retry_delay_ms.saturating_mul(1u64.checked_shl(self.retries).unwrap_or(u64::MAX));
        let half = doubled.min(self.options.max_retry_delay_ms) as f64 / 2.0;
        (half + half * random.clamp(0.0, 1.0)) as u64
    }
}

impl RetryAfter<'_> {
    /// How long to wait, in milliseconds. A date in the past is 0; what cannot be read counts as absent.
    fn milliseconds(&self, now_ms: u64) -> Option<u64> {
        let number = |text: Option<&str>| decimal(trim(text?));
        let seconds = |seconds: u64| seconds.saturating_mul(1000);
        number(self.retry_after_ms)
            .or_else(|| number(self.x_ms_retry_after_ms))
            .or_else(|| number(self.retry_after).map(seconds))
            .or_else(|| Some(seconds(http_date(trim(self.retry_after?))?).saturating_sub(now_ms)))
    }
}

/// A host that reads dates hands them over as `@` and seconds since 1970.
#[cfg(not(feature = "parsers"))]
fn http_date(text: &str) -> Option<u64> {
    text.strip_prefix('@').and_then(decimal)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7, the form that must be sent) into seconds since 1970.
#[cfg(feature = "parsers")]
#[allow(clippy::arithmetic_side_effects, reason = "every number is checked to be in its range first")]
fn http_date(text: &str) -> Option<u64> {
    const FORM: &str = "aaa, 00 aaa 0000 00:00:00 GMT";
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let fits = |(byte, form): (u8, u8)| match form {
        b'a' | b'0' => byte.is_ascii_alphanumeric(),
        _ => byte == form,
    };
    if text.len() != FORM.len() || !text.bytes().zip(FORM.bytes()).all(fits) {
        return None;
    }
    let number = |at: usize, most: u64| decimal(text.get(at..at + 2)?).filter(|&number| number <= most);
    let month = (0..12).find(|place| MONTHS.get(place * 3..place * 3 + 3) == text.get(8..11))? as u64;
    let day = number(5, 31).filter(|&day| day > 0)?;
    let year = (number(12, 99)? * 100 + number(14, 99)?).checked_sub(1970)? + 1970;
    let time = (number(17, 23)? * 60 + number(20, 59)?) * 60 + number(23, 60)?;
    Some(days_since_1970(year, month, day) * 86_400 + time)
}

/// `month` counts from 0. The year is made to begin in March, so that the day of a leap year is its last; the months
/// then have 31, 30, 31, 30, 31 days, again and again, which the division by 5 gives.
#[cfg(feature = "parsers")]
#[allow(clippy::arithmetic_side_effects, reason = "see http_date")]
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: Option<&'static str>) -> TryOutcome<'static> {
        TryOutcome::Response { status, retry_after: RetryAfter { retry_after, ..RetryAfter::default() } }
    }

    fn first(sends: SendRetries, outcome: TryOutcome<'_>) -> Next {
        let options = RetryOptions { sends, ..RetryOptions::default() };
        Call::new(Operation::SendToAll, options).next(outcome, 0, 0.0)
    }

    #[test]
    fn one_status_is_success() {
        assert_eq!(first(SendRetries::Safe, response(202, None)), Next::Done);
        for status in [200, 201, 204, 206, 300, 301, 307, 400, 401, 404, 0] {
            assert_eq!(first(SendRetries::Always, response(status, None)), Next::Fail, "{status}");
        }
    }

    #[test]
    fn not_found_is_the_no_of_those_that_ask() {
        for operation in Operation::ALL {
            let next = Call::new(operation, RetryOptions::default()).next(response(404, None), 0, 0.0);
            let no = if operation.answers() == Answers::YesOrNo { Next::Absent } else { Next::Fail };
            assert_eq!(next, no, "{operation:?}");
        }
    }

    #[test]
    fn what_is_no_send_is_tried_again_as_in_the_official_sdk() {
        let mut call = Call::new(Operation::CloseConnection, RetryOptions::default());
        assert_eq!(call.next(response(500, None), 0, 0.0), Next::Wait(500));
        assert_eq!(call.next(TryOutcome::Failure(Failure::Unknown), 0, 0.0), Next::Wait(1000));
    }

    #[test]
    fn no_wait_goes_beyond_the_deadline() {
        let call = |deadline| Call::new(Operation::SendToAll, RetryOptions::default()).until(Some(deadline));
        assert_eq!(call(8000).next(response(429, Some("7")), 1000, 0.0), Next::Fail);
        assert_eq!(call(8001).next(response(429, Some("7")), 1000, 0.0), Next::Wait(7000));
    }

    #[test]
    fn a_safe_send_is_tried_again_only_when_it_surely_was_not_delivered() {
        for again in [
            response(429, None),
            response(429, Some("1")),
            response(503, Some("0")),
            TryOutcome::Failure(Failure::NotSent),
        ] {
            assert!(matches!(first(SendRetries::Safe, again), Next::Wait(_)), "{again:?}");
        }
        for never in [
            response(503, None),
            response(500, Some("1")),
            response(408, None),
            TryOutcome::Failure(Failure::Unknown),
            TryOutcome::Failure(Failure::Timeout),
            TryOutcome::Failure(Failure::AnswerTooLarge),
        ] {
            assert_eq!(first(SendRetries::Safe, never), Next::Fail, "{never:?}");
        }
    }

    #[test]
    fn always_follows_the_table_of_the_official_sdk() {
        for status in [408, 500, 502, 503, 504, 506, 599] {
            assert_eq!(first(SendRetries::Always, response(status, None)), Next::Wait(500), "{status}");
        }
        for status in [501, 505, 400, 409] {
            assert_eq!(first(SendRetries::Always, response(status, None)), Next::Fail, "{status}");
        }
        assert_eq!(first(SendRetries::Always, TryOutcome::Failure(Failure::Unknown)), Next::Wait(500));
        assert_eq!(first(SendRetries::Always, TryOutcome::Failure(Failure::Timeout)), Next::Fail);
    }

    #[test]
    fn delays_double_up_to_the_cap_and_tries_end() {
        let options = RetryOptions { max_retries: 8, max_retry_delay_ms: 10_000, ..RetryOptions::default() };
        let mut call = Call::new(Operation::SendToAll, options);
        let mut delays = Vec::new();
        while let Next::Wait(delay) = call.next(TryOutcome::Failure(Failure::NotSent), 0, 1.0) {
            delays.push(delay);
        }
        assert_eq!(delays, [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
        let mut far = Call::after(Operation::SendToAll, RetryOptions { max_retries: 100, ..options }, 90);
        assert_eq!(far.next(TryOutcome::Failure(Failure::NotSent), 0, 0.0), Next::Wait(5000));
    }

    #[test]
    fn retry_after_is_obeyed_or_the_call_fails() {
        assert_eq!(first(SendRetries::Safe, response(429, Some("7"))), Next::Wait(7000));
        assert_eq!(first(SendRetries::Safe, response(429, Some("65"))), Next::Fail);
        assert_eq!(first(SendRetries::Safe, response(503, Some("Thu, 01 Jan 1970 00:00:09 GMT"))), Next::Wait(9000));
        let both = RetryAfter { retry_after_ms: Some("5"), x_ms_retry_after_ms: Some("6"), retry_after: Some("7") };
        let outcome = TryOutcome::Response { status: 429, retry_after: both };
        assert_eq!(first(SendRetries::Safe, outcome), Next::Wait(5));
    }

    #[test]
    fn throttling_without_a_readable_retry_after_follows_the_retry_policy() {
        for retry_after in [None, Some("soon")] {
            let mut call = Call::new(Operation::SendToAll, RetryOptions::default());
            assert_eq!(call.next(response(429, retry_after), 0, 0.0), Next::Wait(500));
            assert_eq!(call.next(response(429, retry_after), 0, 0.0), Next::Wait(1000));
            assert_eq!(call.next(response(429, retry_after), 0, 0.0), Next::Wait(2000));
            assert_eq!(call.next(response(429, retry_after), 0, 0.0), Next::Fail);
        }
    }

    #[test]
    fn http_dates() {
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Sat, 01 Mar 2100 00:00:00 GMT", Some(4_107_542_400)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), seconds, "{text}");
        }
        let past = RetryAfter { retry_after: Some("Sun, 06 Nov 1994 08:49:37 GMT"), ..RetryAfter::default() };
        assert_eq!(past.milliseconds(1_700_000_000_000), Some(0));
    }
}
