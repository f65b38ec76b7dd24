//! The limits and policies of a session.

/// How a session behaves. The names and defaults are those of the official client, save where the text says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What the subprotocol can do.
    pub protocol: Protocol,
    /// Whether a lost connection that cannot be recovered is replaced by a new one. Default true.
    pub auto_reconnect: bool,
    /// Whether the joined groups are joined again on a new connection, before the caller is told of the connection.
    /// Default true. A group that the service has not joined again within 30 seconds, with all retries, counts as failed
    /// ([`Action::RejoinFailed`](super::Action::RejoinFailed)), so the caller is told within 30 seconds.
    pub auto_rejoin_groups: bool,
    /// How often, and when, a message is sent again. Default: 3 times, 1 second apart.
    pub message_retry: Retry,
    /// When the first connection is tried again after [`Input::Start`](super::Input::Start). Default: never. With
    /// retries, the first connection is made when the service has greeted; without, when its socket is open.
    pub connect_retry: Retry,
    /// When a new connection is tried again. Default: without end, and other than the official client exponential,
    /// with full jitter, from 1 second to 30.
    pub reconnect_retry: Retry,
    /// How often a ping is sent, in milliseconds; 0 for never. Default 20 000.
    pub keep_alive_interval_ms: u32,
    /// After how many milliseconds of silence a connection counts as lost; 0 for never. Default 120 000.
    pub keep_alive_timeout_ms: u32,
    /// How long an attempt to connect may take, from asking for the URL to the `connected` frame; 0 for any time.
    /// Default 30 000; the official client has no limit.
    pub open_timeout_ms: u32,
    /// How long an ack may take before the message is sent again or fails, and how long a message may wait for a
    /// connection, other than one that is being recovered; 0 for any time. Default 30 000; the official client has no
    /// limit.
    pub ack_timeout_ms: u32,
    /// How long an invocation may take; 0 for any time. Default 30 000; the official client has no limit.
    pub invoke_timeout_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        let retry = Retry { max_retries: 3, delay_ms: 1000, max_delay_ms: 30_000, mode: RetryMode::Fixed };
        Options {
            protocol: Protocol::Reliable,
            auto_reconnect: true,
            auto_rejoin_groups: true,
            message_retry: retry,
            connect_retry: Retry { max_retries: 0, mode: RetryMode::Exponential, ..retry },
            reconnect_retry: Retry { max_retries: u32::MAX, mode: RetryMode::Exponential, ..retry },
            keep_alive_interval_ms: 20_000,
            keep_alive_timeout_ms: 120_000,
            open_timeout_ms: 30_000,
            ack_timeout_ms: 30_000,
            invoke_timeout_ms: 30_000,
        }
    }
}

/// What a subprotocol can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// No subprotocol: no `connected` frame, no acks, no pings. A connection is ready when its socket is open, and
    /// only [`Input::Post`](super::Input::Post) can be used.
    Simple,
    /// Acks and pings: `json.webpubsub.azure.v1`, `protobuf.webpubsub.azure.v1`.
    Standard,
    /// The same with sequence ids and recovery: `json.reliable.webpubsub.azure.v1`,
    /// `protobuf.reliable.webpubsub.azure.v1`.
    Reliable,
}

/// When something that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many times at most; `u32::MAX` is without end.
    pub max_retries: u32,
    /// The delay in milliseconds; with [`RetryMode::Exponential`] the first one.
    pub delay_ms: u32,
    /// The longest delay in milliseconds.
    pub max_delay_ms: u32,
    /// How the delay grows.
    pub mode: RetryMode,
}

/// How a delay grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryMode {
    /// Not at all.
    Fixed,
    /// It doubles, and is drawn at random between a tenth of the first delay and what it has grown to, so that
    /// clients that were lost together do not come back together.
    Exponential,
}
