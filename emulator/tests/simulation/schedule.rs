//! What happens when: made of a seed.

use std::fmt;

use webpubsub_edge::client::{Options, Protocol, Retry, RetryMode};

use crate::frames::Encoding;
use crate::random::Random;

#[derive(Clone)]
pub struct Schedule {
    pub seed: u64,
    pub clients: usize,
    pub options: Options,
    pub encoding: Encoding,
    /// Whether the service pings and drops who does not answer. Without, what goes silent is for the client to notice.
    pub has_pings: bool,
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
    /// A send that is not worth anything after so many seconds.
    SendShortLived(usize, u64),
    SetState(usize),
    ClearState(usize),
    Watch(usize),
    Unwatch(usize),
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
    /// For so long what one side sends waits, and then arrives.
    Slow {
        up: bool,
        ms: u64,
    },
    /// The process does nothing for so long; whether its host then says so.
    Sleep {
        ms: u64,
        wakes: bool,
    },
    /// The page is hidden for so long: its timers fire once a minute.
    Hidden(u64),
    /// The clock of the client is set, forward or back.
    SetClock(i64),
    Wake,
    /// A false alarm.
    Offline,
    /// There is no network for so long, and the host says so.
    OfflineFor(u64),
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
    /// For so long the host gets no URL.
    NoUrl(u64),
    /// For so long, acks and changes of states come twice and in any order.
    Jumble(u64),
    /// For so long, no ack of a group that is joined again arrives.
    LoseRejoins(u64),
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
        let encoding = if random.one_in(2) { Encoding::Protobuf } else { Encoding::Json };
        let (has_pings, has_handler) = (random.one_in(2), random.one_in(2));
        let latency = [1, 20, 400][random.below(3)];
        Schedule { seed, clients, options, encoding, has_pings, has_handler, latency, steps }
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
        connect_retry: Retry { max_retries: [0, 3][random.below(2)], ..retry },
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
    match random.below(100) {
        0..9 => What::Join(group),
        9..12 => What::Leave(group),
        12..24 => What::Send(group),
        24..26 => What::SendTwice(group),
        26..29 => What::Post(group),
        29..32 => What::SendShortLived(group, 1 + random.below(30) as u64),
        32 => What::Event,
        33 => What::Invoke,
        34 => What::AbortOldest,
        35..39 => What::Broadcast(1 + random.below(many)),
        39 => What::LoseRejoins(random.below(120_000) as u64),
        40..47 => What::Cut,
        47 => What::HalfOpen { up: true, down: true },
        48 => What::HalfOpen { up: random.one_in(2), down: random.one_in(2) },
        49 | 50 => What::Sleep { ms: random.below(long) as u64, wakes: random.one_in(2) },
        51 => What::Hidden(random.below(long) as u64),
        52 => What::SetClock(random.below(20_000_000) as i64 - 10_000_000),
        53 => What::Wake,
        54 => What::Offline,
        55 => What::OfflineFor(random.below(60_000) as u64),
        56 => What::Stop,
        57 | 58 => What::Start,
        59 => What::Restart { keeps_state: !random.one_in(3) },
        60 => What::Unreachable(random.below(60_000) as u64),
        61 => What::Flapping(random.below(60_000) as u64),
        62 => What::Hanging(random.below(60_000) as u64),
        63 => What::NoUrl(random.below(60_000) as u64),
        64 | 65 => What::Jumble(random.below(10_000) as u64),
        66 => What::Close { code: [1000, 1001, 1008, 1011, 1012][random.below(5)] },
        67 | 68 => What::Slow { up: random.one_in(2), ms: random.below(long) as u64 / 4 },
        69..72 => What::OpenStream(group),
        72..79 => What::WriteStream(1 + random.below(4)),
        79..82 => What::EndStream,
        82..90 => What::SetState(group),
        90..92 => What::ClearState(group),
        92..99 => What::Watch(group),
        _ => What::Unwatch(group),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { clients, encoding, has_pings, has_handler, latency, options, .. } = self;
        writeln!(
            out,
            "{clients} clients, {encoding:?}, latency {latency} ms, pings {has_pings}, handler {has_handler}"
        )?;
        writeln!(out, "{options:?}")?;
        self.steps.iter().try_for_each(|Step { at, client, what }| writeln!(out, "{at:>8} client {client} {what:?}"))
    }
}
