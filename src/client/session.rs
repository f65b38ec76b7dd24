//! The connection: open, recover, reconnect, keep alive, sleep, stop.

use super::clock::{Clock, NEVER};
use super::groups::Groups;
use super::messages::Messages;
use super::retry::Random;
use super::sequence::Sequence;
use super::streams::Streams;
use super::{Action, Input, Options, Outcome, Protocol};

/// How long the service keeps a lost connection, and so how long a client tries to recover it, measured from the first
/// drop: a socket that opens and drops again buys no more time.
const RECOVERY_MS: u64 = 30_000;

/// How long one attempt to recover may take: a few must fit into the time there is.
const RECOVERY_ATTEMPT_MS: u64 = 10_000;

/// The wait between attempts to recover: up to a second, and at least this.
const RECOVERY_WAIT_MS: (u64, u64) = (750, 251);

/// A connection that has lasted this long counts as good. The next attempt after it is made at once.
const STABLE_MS: u64 = 5_000;

/// How long to wait for a refusal on a recovered socket where pings, whose answer would prove it, are off.
const UNPROVED_MS: u64 = 1_000;

/// How long a probe of the connection may stay unanswered, at most.
const PROBE_MS: u32 = 10_000;

/// The least time between two attempts, whatever the policy or the host says.
const ATTEMPT_GAP_MS: u64 = 100;

/// How long a close handshake may take before a stop no longer waits for it.
const STOP_MS: u64 = 2_000;

/// The close code with which the service refuses a recovery.
const POLICY_VIOLATION: u16 = 1008;

/// The close code of a socket that was lost without one.
const ABNORMAL: u16 = 1006;

/// One client, from start to stop and again. See the [module](super).
#[derive(Debug)]
pub struct Session {
    pub(super) options: Options,
    pub(super) random: Random,
    pub(super) clock: Clock,
    pub(super) actions: Vec<Action>,
    phase: Phase,
    /// Whether messages can be written.
    is_writable: bool,
    /// The socket that is opened or open, or the number that the next one will have.
    socket: u32,
    /// When the phase ends by itself.
    until: u64,
    /// Earliest time that anything is due, as of the last call.
    due: u64,

    /// Whether the attempts are to get the old connection back.
    is_recovering: bool,
    recover_until: u64,
    /// Whether the connection has a reconnection token.
    has_token: bool,
    /// Whether a recovery was tried since the connection was last good.
    tried_recovery: bool,
    /// Failed and running attempts: of the first connection since the start, of a new one since the connection was last
    /// good.
    attempts: u32,
    attempted_at: u64,
    ready_at: u64,

    /// Whether the first connection since the start is still to be made.
    is_first: bool,
    /// Whether the caller was told of this connection.
    is_told: bool,
    /// Whether the caller was told of any since the start.
    was_told: bool,

    heard_at: u64,
    ping_at: u64,
    /// When a connection that was asked for a sign of life counts as lost.
    probe_until: u64,
    /// Whether it is asked again, once, if the host sleeps meanwhile: the answer may lie in a buffer.
    may_probe_again: bool,
    /// Whether the service answers pings: then only that is a sign of life, for other frames may have been waiting
    /// in a buffer for long.
    hears_pongs: bool,

    pub(super) sequence: Sequence,
    pub(super) messages: Messages,
    pub(super) groups: Groups,
    pub(super) streams: Streams,
}

/// What a session does, for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing.
    Stopped,
    /// It connects for the first time.
    Connecting,
    /// It is connected.
    Connected,
    /// It has lost the connection and tries to get it back.
    Recovering,
    /// It has lost the connection for good and tries to make another.
    Reconnecting,
    /// It disconnects.
    Stopping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Stopped,
    /// For the next attempt.
    Waiting,
    /// The host asks for a URL and opens a socket.
    Opening,
    /// A new socket is open, its `connected` frame has not come.
    Greeting,
    /// A recovered socket is open; whether the service knows the connection, the first frame will show.
    Proving,
    /// It is connected.
    Ready,
    /// A close handshake is under way.
    Stopping,
}

impl Session {
    /// A session that is stopped. The seed is for the jitter, and best different in each client.
    pub fn new(mut options: Options, seed: u64) -> Session {
        if options.protocol == Protocol::Simple {
            // It has no frame for pings.
            options.keep_alive_interval_ms = 0;
        }
        Session {
            options,
            random: Random::new(seed),
            clock: Clock::default(),
            actions: Vec::new(),
            phase: Phase::Stopped,
            is_writable: false,
            socket: 1,
            until: NEVER,
            due: NEVER,
            is_recovering: false,
            recover_until: 0,
            has_token: false,
            tried_recovery: false,
            attempts: 0,
            attempted_at: 0,
            ready_at: 0,
            is_first: true,
            is_told: false,
            was_told: false,
            heard_at: 0,
            ping_at: NEVER,
            probe_until: NEVER,
            may_probe_again: false,
            hears_pongs: false,
            sequence: Sequence::default(),
            messages: Messages::default(),
            groups: Groups::default(),
            streams: Streams::default(),
        }
    }

    /// Takes in what happened at `now_ms`, in milliseconds of any clock. It may jump or be set: what is missed by
    /// sleep does not count, and is looked after.
    ///
    /// Says whether the input meant anything: false for a message that was delivered before, a frame of a socket that
    /// is no longer ours, a start of a session that runs.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> bool {
        if self.clock.advance(now_ms, self.due) {
            let probes_again = self.probe_until != NEVER && std::mem::take(&mut self.may_probe_again);
            if probes_again && self.phase == Phase::Ready {
                self.ask_for_life();
            }
            self.check(true);
        }
        let is_taken = self.take(input);
        self.run_timers();
        self.due = self.next_due();
        is_taken
    }

    /// When to hand in [`Input::Tick`] at the latest, on the clock of [`Session::handle`]. It changes with every call.
    pub fn wake_at(&self) -> Option<u64> {
        (self.due != NEVER).then(|| self.clock.on_host(self.due))
    }

    /// What is to be done, in order.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Forgets the actions, which the host has read.
    pub fn clear_actions(&mut self) {
        self.actions.clear();
    }

    /// What is to be done, in order, and forgotten here.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The socket that is opened or open; when there is none, the number that the next one will have.
    pub fn socket(&self) -> u32 {
        self.socket
    }

    /// What the session does.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Stopped => Status::Stopped,
            Phase::Stopping => Status::Stopping,
            Phase::Ready if self.is_told => Status::Connected,
            _ if self.is_told => Status::Recovering,
            _ if self.was_told => Status::Reconnecting,
            _ => Status::Connecting,
        }
    }

    /// Whether messages can be written.
    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Whether a message makes sense at all.
    pub(super) fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Stopped | Phase::Stopping)
    }

    /// Whether the service still holds our connection, as far as we know.
    pub(super) fn is_held(&self) -> bool {
        self.is_recovering || self.phase == Phase::Ready
    }

    /// Inlined, its allocation would stand in the module of the npm package some thirty times.
    #[inline(never)]
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn take(&mut self, input: Input) -> bool {
        if input.socket().is_some_and(|socket| socket != self.socket) {
            return false;
        }
        match input {
            Input::Tick => true,
            Input::Start => self.start(),
            Input::Stop => self.stop(),
            Input::Wake => self.check(true),
            Input::Offline => self.check(false),
            Input::Opened { .. } => self.opened(),
            Input::Closed { code, .. } => self.closed(code),
            Input::Connected { recoverable, .. } => self.connected(recoverable),
            Input::Pong { .. } => {
                self.hears_pongs = true;
                self.probe_until = NEVER;
                self.heard()
            }
            Input::Heard { .. } => self.heard(),
            Input::Data { sequence_id, .. } => self.heard() && self.data(sequence_id),
            Input::Ack { ack_id, outcome, .. } => self.heard() && self.acknowledged(ack_id, outcome),
            _ => self.take_message(input),
        }
    }

    fn start(&mut self) -> bool {
        if self.phase != Phase::Stopped {
            return false;
        }
        self.is_first = true;
        self.was_told = false;
        self.attempts = 0;
        self.tried_recovery = false;
        self.hears_pongs = false;
        self.open();
        true
    }

    fn open(&mut self) {
        self.phase = Phase::Opening;
        self.attempted_at = self.clock.now;
        if self.is_recovering {
            self.tried_recovery = true;
            self.until = self.clock.after(RECOVERY_ATTEMPT_MS).min(self.recover_until);
        } else {
            self.has_token = false;
            self.attempts = self.attempts.wrapping_add(1);
            self.until = self.clock.limit(self.options.open_timeout_ms);
        }
        self.push(Action::Open { socket: self.socket, recover: self.is_recovering });
    }

    fn opened(&mut self) -> bool {
        if self.phase != Phase::Opening {
            return false;
        }
        if self.options.connect_retry.max_retries == 0 {
            self.first_connection_made();
        }
        self.heard_at = self.clock.now;
        if self.is_recovering {
            self.phase = Phase::Proving;
            self.keep_alive();
            self.acknowledge_sequence();
            self.until = if self.probe() { NEVER } else { self.clock.after(UNPROVED_MS) };
            self.probe_until = self.probe_until.min(self.recover_until);
        } else if self.options.protocol == Protocol::Simple {
            self.greeted();
        } else {
            self.phase = Phase::Greeting;
            // The service takes frames before it greets; but what is sent to a group may need the group.
            if self.groups.joined_groups().next().is_none() {
                self.resume();
            }
        }
        true
    }

    fn connected(&mut self, recoverable: bool) -> bool {
        self.has_token = recoverable;
        if self.phase == Phase::Greeting {
            self.greeted();
            return true;
        }
        self.heard()
    }

    /// From now on, a lost connection is replaced as [`Options::reconnect_retry`] says.
    fn first_connection_made(&mut self) {
        if self.is_first {
            self.is_first = false;
            self.attempts = 0;
        }
    }

    /// A new connection is there.
    fn greeted(&mut self) {
        self.first_connection_made();
        self.sequence = Sequence::default();
        self.heard_at = self.clock.now;
        self.probe_until = NEVER;
        self.keep_alive();
        if !self.is_writable {
            self.rejoin();
        }
        self.ready();
    }

    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.until = NEVER;
        self.ready_at = self.clock.now;
        self.is_recovering = false;
        self.resume();
        self.tell_connected();
    }

    /// Messages can be written again.
    fn resume(&mut self) {
        if !self.is_writable {
            self.is_writable = true;
            self.flush_messages();
            self.resume_streams();
        }
    }

    /// Tells the caller of the connection as soon as the groups are joined again.
    pub(super) fn tell_connected(&mut self) {
        if self.phase == Phase::Ready && !self.is_told && self.messages.rejoins == 0 {
            self.push(Action::Connected { possible_gap: self.was_told });
            self.is_told = true;
            self.was_told = true;
        }
    }

    pub(super) fn heard(&mut self) -> bool {
        if !matches!(self.phase, Phase::Greeting | Phase::Proving | Phase::Ready) {
            return false;
        }
        self.heard_at = self.clock.now;
        if !self.hears_pongs {
            self.probe_until = NEVER;
        }
        if self.phase == Phase::Proving {
            self.recovered();
        }
        true
    }

    fn recovered(&mut self) {
        if self.probe_until != NEVER {
            // The pong has the time it needs, not what was left of the time for the recovery.
            self.probe_until = self.probe_limit();
        }
        if self.is_told {
            self.push(Action::Recovered);
        }
        self.ready();
    }

    fn closed(&mut self, code: u16) -> bool {
        match self.phase {
            Phase::Stopped | Phase::Waiting => return false,
            Phase::Stopping => self.stopped(Outcome::Stopped),
            _ => self.lost(code),
        }
        true
    }

    /// The socket is gone, or an attempt has failed.
    fn lost(&mut self, code: u16) {
        self.forget_socket();
        self.pause_messages();
        if self.phase == Phase::Ready {
            if self.clock.now.saturating_sub(self.ready_at) >= STABLE_MS {
                self.tried_recovery = false;
                self.attempts = 0;
            }
            if self.options.protocol == Protocol::Reliable && self.has_token && code != POLICY_VIOLATION {
                self.is_recovering = true;
                self.recover_until = self.clock.after(RECOVERY_MS);
                if self.is_told {
                    self.push(Action::Recovering);
                }
            }
        }
        if self.is_recovering && code != POLICY_VIOLATION {
            let (least, range) = RECOVERY_WAIT_MS;
            let wait = if self.tried_recovery { least.saturating_add(self.random.below(range)) } else { 0 };
            if self.clock.after(wait) < self.recover_until {
                return self.wait(wait);
            }
        }
        self.lost_for_good();
    }

    /// The service does not hold our connection any more.
    fn lost_for_good(&mut self) {
        self.is_recovering = false;
        self.phase = Phase::Waiting;
        self.lose_messages();
        self.lose_streams(false);
        self.tell_disconnected();
        let (may_retry, retry) = match self.is_first {
            true => (true, self.options.connect_retry),
            false => (self.options.auto_reconnect, self.options.reconnect_retry),
        };
        if !may_retry || self.attempts > retry.max_retries {
            return self.stopped(Outcome::NotConnected);
        }
        let wait = match self.attempts {
            0 => 0,
            attempts => retry.wait(attempts, &mut self.random).max(ATTEMPT_GAP_MS),
        };
        self.wait(wait);
    }

    fn wait(&mut self, ms: u64) {
        if ms == 0 {
            return self.open();
        }
        self.phase = Phase::Waiting;
        self.until = self.clock.after(ms);
    }

    fn stop(&mut self) -> bool {
        match self.phase {
            Phase::Stopped => return false,
            Phase::Stopping => {}
            Phase::Waiting => self.stopped(Outcome::Stopped),
            Phase::Opening | Phase::Greeting => {
                self.push(Action::Close { socket: self.socket, clean: true });
                self.stopped(Outcome::Stopped);
            }
            Phase::Proving | Phase::Ready => {
                self.push(Action::Close { socket: self.socket, clean: true });
                self.phase = Phase::Stopping;
                self.is_writable = false;
                self.until = self.clock.after(STOP_MS);
                self.settle_all(Outcome::Stopped);
                self.lose_streams(true);
            }
        }
        true
    }

    fn stopped(&mut self, outcome: Outcome) {
        self.forget_socket();
        self.phase = Phase::Stopped;
        self.until = NEVER;
        self.is_recovering = false;
        self.settle_all(outcome);
        self.lose_streams(true);
        self.tell_disconnected();
        self.push(Action::Stopped);
    }

    fn tell_disconnected(&mut self) {
        if self.is_told {
            self.is_told = false;
            self.push(Action::Disconnected);
        }
    }

    /// Whatever still comes from the socket is ignored.
    fn forget_socket(&mut self) {
        self.socket = self.socket.wrapping_add(1);
        self.is_writable = false;
        self.probe_until = NEVER;
    }

    /// Gives up a socket that may look open.
    fn abandon(&mut self) {
        self.push(Action::Close { socket: self.socket, clean: false });
        self.lost(ABNORMAL);
    }

    fn keep_alive(&mut self) {
        self.ping_at = self.clock.limit(self.options.keep_alive_interval_ms);
    }

    /// Looks whether the connection is alive; with a network that may be back, does not wait for the next attempt.
    fn check(&mut self, may_hurry: bool) -> bool {
        match self.phase {
            Phase::Ready => _ = self.probe(),
            Phase::Waiting if may_hurry => {
                let soon = self.attempted_at.wrapping_add(RECOVERY_WAIT_MS.0);
                self.until = self.until.min(soon.max(self.clock.now));
            }
            _ => {}
        }
        true
    }

    /// Asks for a sign of life, which must come soon. Says whether it can be asked for.
    pub(super) fn probe(&mut self) -> bool {
        let interval = self.options.keep_alive_interval_ms;
        if interval == 0 {
            return false;
        }
        if self.probe_until == NEVER {
            self.may_probe_again = true;
            self.ask_for_life();
        }
        true
    }

    fn ask_for_life(&mut self) {
        self.push(Action::Ping);
        self.probe_until = self.probe_limit();
    }

    fn probe_limit(&self) -> u64 {
        self.clock.limit(self.options.keep_alive_interval_ms.min(PROBE_MS))
    }

    fn run_timers(&mut self) {
        let now = self.clock.now;
        if now >= self.until {
            match self.phase {
                Phase::Waiting => self.open(),
                Phase::Opening | Phase::Greeting => self.abandon(),
                Phase::Proving => self.recovered(),
                Phase::Stopping => self.stopped(Outcome::Stopped),
                Phase::Stopped | Phase::Ready => self.until = NEVER,
            }
        }
        if now >= self.socket_due() {
            self.run_socket_timers();
        }
        if now >= self.messages.due {
            self.expire_messages();
        }
        if now >= self.streams.due {
            self.expire_streams();
        }
    }

    fn run_socket_timers(&mut self) {
        let now = self.clock.now;
        if now >= self.probe_until || now >= self.silent_at() {
            return self.abandon();
        }
        if now >= self.ping_at {
            self.keep_alive();
            self.push(Action::Ping);
        }
        if now >= self.sequence.due {
            self.acknowledge_sequence();
        }
    }

    /// When an open socket needs attention.
    fn socket_due(&self) -> u64 {
        if !matches!(self.phase, Phase::Proving | Phase::Ready) {
            return NEVER;
        }
        self.probe_until.min(self.silent_at()).min(self.ping_at).min(self.sequence.due)
    }

    /// When silence has lasted too long.
    fn silent_at(&self) -> u64 {
        match self.options.keep_alive_timeout_ms {
            0 => NEVER,
            // Without pings nobody promises that the service says anything.
            _ if self.ping_at == NEVER => NEVER,
            timeout => self.heard_at.wrapping_add(timeout.into()),
        }
    }

    fn next_due(&self) -> u64 {
        self.until.min(self.socket_due()).min(self.messages.due).min(self.streams.due)
    }
}
