//! Makes an input out of numbers.

use webpubsub_edge::client::{AckOutcome, Input, StreamClosing};

/// Decodes an input: its tag, which is the position of its variant in [`Input`], and its fields.
///
/// Fields that a variant does not have are ignored. Returns `None` for a tag that does not exist, and for a number that
/// the type of its field does not have.
#[rustfmt::skip]
pub fn decode(tag: u32, a: u32, id: u64, b: u32) -> Option<Input> {
    Some(match tag {
        0 => Input::Tick,
        1 => Input::Start,
        2 => Input::Stop,
        3 => Input::Wake,
        4 => Input::Offline,
        5 => Input::Opened { socket: a },
        6 => Input::Closed { socket: a, code: id.try_into().ok()? },
        7 => Input::Connected { socket: a, recoverable: flag(id)? },
        8 => Input::Pong { socket: a },
        9 => Input::Heard { socket: a },
        10 => Input::Data { socket: a, sequence_id: id },
        11 => Input::Ack { socket: a, ack_id: id, outcome: ack_outcome(b)? },
        12 => Input::Response { message: a },
        13 => Input::Send { message: a, ack_id: id },
        14 => Input::Post { message: a },
        15 => Input::Join { message: a, ack_id: id, group: b },
        16 => Input::Leave { message: a, ack_id: id, group: b },
        17 => Input::Invoke { message: a },
        18 => Input::Unsent { message: a },
        19 => Input::Abort { message: a },
        20 => Input::StreamOpen { stream: a },
        21 => Input::StreamWrite { stream: a },
        22 => Input::StreamEnd { stream: a },
        23 => Input::StreamAck { stream: a, expected: id },
        24 => Input::StreamNack { stream: a, expected: id },
        25 => Input::StreamClosed { stream: a, closing: stream_closing(id)? },
        26 => Input::Part { stream: a, sequence_id: id, is_end: flag(b.into())? },
        27 => Input::ReadStream { stream: a, idle_timeout_ms: id.try_into().ok()? },
        28 => Input::ForgetStream { stream: a },
        29 => Input::SetState { message: a, ack_id: id, group: b },
        _ => return None,
    })
}

fn flag(number: u64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn ack_outcome(number: u32) -> Option<AckOutcome> {
    Some(match number {
        0 => AckOutcome::Success,
        1 => AckOutcome::Duplicate,
        2 => AckOutcome::Transient,
        3 => AckOutcome::Refused,
        _ => return None,
    })
}

fn stream_closing(number: u64) -> Option<StreamClosing> {
    Some(match number {
        0 => StreamClosing::Ended,
        1 => StreamClosing::NotFound,
        2 => StreamClosing::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_fields_of_their_input() {
        assert_eq!(decode(6, 1, 1006, 9), Some(Input::Closed { socket: 1, code: 1006 }));
        assert_eq!(decode(26, 1, u64::MAX, 1), Some(Input::Part { stream: 1, sequence_id: u64::MAX, is_end: true }));
    }

    #[test]
    fn numbers_that_a_field_does_not_have_are_refused() {
        assert_eq!(decode(26, 1, 1, 2), None, "a flag");
        assert_eq!(decode(7, 1, 2, 0), None, "a flag");
        assert_eq!(decode(6, 1, 65_536, 0), None, "a code");
        assert_eq!(decode(11, 1, 1, 4), None, "the outcome of an ack");
        assert_eq!(decode(25, 1, 3, 0), None, "the end of a stream");
        assert_eq!(decode(27, 1, 1 << 32, 0), None, "a time");
        assert_eq!(decode(30, 0, 0, 0), None, "a tag");
        assert_eq!(decode(u32::MAX, 0, 0, 0), None, "a tag");
    }
}
