//! What happens when: made of a seed.

use std::fmt;

use webpubsub_edge::client::{Options, Protocol, Retry, RetryMode};

use crate::random::Random;

#[derive(Clone)]
pub struct Schedule {
    pub seed: u64,
    pub clients: usize,
    pub options: Options,
    /// Whether events and invocations are answered.
    pub has_handler: bool,
    /// The longest that a frame is under way, in milliseconds.
    pub latency: usize,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub at: u64,
    pub client: usize,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Join(usize),
    Leave(usize),
    Send(usize),
    /// A send with an ack id of the caller's, twice.
    SendTwice(usize),
    Post(usize),
    Event,
    Invoke,
    OpenStream(usize),
    /// Writes so many parts to the stream that was opened last.
    WriteStream(usize),
    EndStream,
    AbortOldest,
    /// The service sends so many messages to everybody.
    Broadcast(usize),
    /// Both sides learn of it, sooner or later.
    Cut,
    /// Nobody learns of it: what is sent disappears.
    HalfOpen {
        up: bool,
        down: bool,
    },
    /// The process does nothing for so long.
    Sleep(u64),
    /// The clock of the client is set, forward or back.
    SetClock(i64),
    Wake,
    Offline,
    Stop,
    Start,
    /// All sockets are cut.
    Restart {
        keeps_state: bool,
    },
    /// For so long no socket opens.
    Unreachable(u64),
    /// For so long sockets open and are dropped at once.
    Flapping(u64),
    /// For so long nothing comes of an attempt.
    Hanging(u64),
    /// The service sends its next acks twice and in any order.
    JumbleAcks(u64),
    /// The service closes the connection.
    Close {
        code: u16,
    },
}

pub const GROUPS: [&str; 4] = ["g0", "g1", "g2", "forbidden"];

impl Schedule {
    pub fn new(seed: u64) -> Schedule {
        let mut random = Random::new(seed);
        let options = options(&mut random);
        let clients = 1 + random.below(2);
        let mut at = 0;
        let calm = 1 + random.below(4) as u64;
        let steps = (0..5 + random.below(40))
            .map(|_| {
                at += if random.one_in(6) { random.below(8_000) as u64 * calm } else { random.below(300) as u64 };
                Step { at, client: random.below(clients), what: what(&mut random) }
            })
            .collect();
        let has_handler = random.one_in(2);
        Schedule { seed, clients, options, has_handler, latency: [1, 20, 400][random.below(3)], steps }
    }
}

fn options(random: &mut Random) -> Options {
    let keep_alive = [(20_000, 120_000), (5_000, 15_000), (3_000, 9_000)][random.below(3)];
    let retry = Retry {
        max_retries: [0, 3, 3, 10][random.below(4)],
        delay_ms: [1000, 1000, 50][random.below(3)],
        max_delay_ms: 30_000,
        mode: RetryMode::Fixed,
    };
    Options {
        protocol: if random.one_in(4) { Protocol::Standard } else { Protocol::Reliable },
        auto_reconnect: !random.one_in(10),
        auto_rejoin_groups: !random.one_in(10),
        message_retry: retry,
        keep_alive_interval_ms: keep_alive.0,
        keep_alive_timeout_ms: keep_alive.1,
        open_timeout_ms: [30_000, 5_000][random.below(2)],
        ack_timeout_ms: [30_000, 5_000][random.below(2)],
        invoke_timeout_ms: 10_000,
        ..Options::default()
    }
}

fn what(random: &mut Random) -> What {
    let group = random.below(GROUPS.len());
    let (many, long) = (if random.one_in(16) { 400 } else { 5 }, if random.one_in(3) { 600_000 } else { 20_000 });
    match random.below(72) {
        0..8 => What::Join(group),
        8..11 => What::Leave(group),
        11..23 => What::Send(group),
        23..25 => What::SendTwice(group),
        25..28 => What::Post(group),
        28 => What::Event,
        29 => What::Invoke,
        30 => What::AbortOldest,
        31..36 => What::Broadcast(1 + random.below(many)),
        36..41 => What::Cut,
        41 => What::HalfOpen { up: true, down: true },
        42 => What::HalfOpen { up: random.one_in(2), down: random.one_in(2) },
        43..45 => What::Sleep(random.below(long) as u64),
        45 => What::SetClock(random.below(20_000_000) as i64 - 10_000_000),
        46 => What::Wake,
        47 => What::Offline,
        48 => What::Stop,
        49 | 50 => What::Start,
        51 => What::Restart { keeps_state: !random.one_in(3) },
        52 => What::Unreachable(random.below(60_000) as u64),
        53 => What::Flapping(random.below(60_000) as u64),
        54 => What::Hanging(random.below(60_000) as u64),
        55..57 => What::JumbleAcks(random.below(10_000) as u64),
        57 => What::Close { code: [1000, 1001, 1008, 1011, 1012][random.below(5)] },
        58..60 => What::Cut,
        60..63 => What::OpenStream(group),
        63..70 => What::WriteStream(1 + random.below(4)),
        _ => What::EndStream,
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} clients, latency {} ms, {:?}", self.clients, self.latency, self.options)?;
        self.steps.iter().try_for_each(|Step { at, client, what }| writeln!(out, "{at:>8} client {client} {what:?}"))
    }
}
