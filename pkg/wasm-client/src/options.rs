//! The options of a session, in words of 32 bits. `pkg/src/client/core/core.ts` writes them in the same order.

use webpubsub_edge::client::{Options, Protocol, Retry, RetryMode};

/// The number of words.
pub const OPTION_COUNT: usize = 22;

/// Reads the options. Flags are 0 for false; modes and protocols that do not exist count as the last one.
pub fn read(words: &[u32; OPTION_COUNT]) -> Options {
    let [
        protocol,
        auto_reconnect,
        auto_rejoin_groups,
        message_max_retries,
        message_retry_delay_ms,
        message_max_retry_delay_ms,
        message_retry_mode,
        connect_max_retries,
        connect_retry_delay_ms,
        connect_max_retry_delay_ms,
        connect_retry_mode,
        reconnect_max_retries,
        reconnect_retry_delay_ms,
        reconnect_max_retry_delay_ms,
        reconnect_retry_mode,
        keep_alive_interval_ms,
        keep_alive_timeout_ms,
        open_timeout_ms,
        ack_timeout_ms,
        invoke_timeout_ms,
        _seed_high,
        _seed_low,
    ] = *words;
    Options {
        protocol: match protocol {
            0 => Protocol::Simple,
            1 => Protocol::Standard,
            _ => Protocol::Reliable,
        },
        auto_reconnect: auto_reconnect != 0,
        auto_rejoin_groups: auto_rejoin_groups != 0,
        message_retry: Retry {
            max_retries: message_max_retries,
            delay_ms: message_retry_delay_ms,
            max_delay_ms: message_max_retry_delay_ms,
            mode: mode(message_retry_mode),
        },
        connect_retry: Retry {
            max_retries: connect_max_retries,
            delay_ms: connect_retry_delay_ms,
            max_delay_ms: connect_max_retry_delay_ms,
            mode: mode(connect_retry_mode),
        },
        reconnect_retry: Retry {
            max_retries: reconnect_max_retries,
            delay_ms: reconnect_retry_delay_ms,
            max_delay_ms: reconnect_max_retry_delay_ms,
            mode: mode(reconnect_retry_mode),
        },
        keep_alive_interval_ms,
        keep_alive_timeout_ms,
        open_timeout_ms,
        ack_timeout_ms,
        invoke_timeout_ms,
    }
}

/// Reads the seed of the session's random numbers.
pub fn seed(words: &[u32; OPTION_COUNT]) -> u64 {
    let [.., high, low] = *words;
    u64::from(high) << 32 | u64::from(low)
}

fn mode(word: u32) -> RetryMode {
    if word == 0 { RetryMode::Fixed } else { RetryMode::Exponential }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_one_option() {
        let words = std::array::from_fn(|index| index as u32);
        let retry =
            |max_retries, mode| Retry { max_retries, delay_ms: max_retries + 1, max_delay_ms: max_retries + 2, mode };
        let expected = Options {
            protocol: Protocol::Simple,
            auto_reconnect: true,
            auto_rejoin_groups: true,
            message_retry: retry(3, RetryMode::Exponential),
            connect_retry: retry(7, RetryMode::Exponential),
            reconnect_retry: retry(11, RetryMode::Exponential),
            keep_alive_interval_ms: 15,
            keep_alive_timeout_ms: 16,
            open_timeout_ms: 17,
            ack_timeout_ms: 18,
            invoke_timeout_ms: 19,
        };
        assert_eq!(read(&words), expected);
        assert_eq!(seed(&words), 20 << 32 | 21);
    }
}
