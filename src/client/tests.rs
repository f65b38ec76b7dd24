//! The rules of the session one by one, among them those that the official client gets wrong: each such defect has a
//! test with its name. What many rules do together is tried in `emulator/tests/simulation`.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;

/// A session, its clock, and a host that does what the test says.
struct Host {
    session: Session,
    now: u64,
    actions: Vec<Action>,
}

impl Host {
    fn new(options: Options) -> Host {
        Host { session: Session::new(options, 7), now: 1_000_000, actions: Vec::new() }
    }

    /// One that is connected, on socket 1.
    fn connected(options: Options) -> Host {
        let mut host = Host::new(options);
        host.hand(Input::Start);
        host.open();
        assert_eq!(host.taken(), [open(1, false), Action::Connected { possible_gap: false }]);
        host
    }

    fn hand(&mut self, input: Input) -> bool {
        let is_taken = self.session.handle(self.now, input);
        self.session.messages.check();
        self.actions.extend(self.session.take_actions());
        is_taken
    }

    /// The socket opens and the service greets.
    fn open(&mut self) {
        let socket = self.session.socket();
        self.hand(Input::Opened { socket });
        self.hand(Input::Connected { socket, recoverable: self.session.options.protocol == Protocol::Reliable });
    }

    fn opened(&mut self) {
        let socket = self.session.socket();
        self.hand(Input::Opened { socket });
    }

    fn drop(&mut self, code: u16) {
        let socket = self.session.socket();
        assert!(self.hand(Input::Closed { socket, code }));
    }

    fn ack(&mut self, ack_id: u64, outcome: AckOutcome) -> bool {
        let socket = self.session.socket();
        self.hand(Input::Ack { socket, ack_id, outcome })
    }

    fn data(&mut self, sequence_id: u64) -> bool {
        let socket = self.session.socket();
        self.hand(Input::Data { socket, sequence_id })
    }

    fn pong(&mut self) {
        let socket = self.session.socket();
        self.hand(Input::Pong { socket });
    }

    /// Time passes and the timer fires when it should.
    fn pass(&mut self, ms: u64) {
        let end = self.now.saturating_add(ms);
        while let Some(wake_at) = self.session.wake_at()
            && wake_at <= end
        {
            self.now = self.now.max(wake_at);
            self.hand(Input::Tick);
        }
        self.now = end;
    }

    /// The process does nothing for so long.
    fn sleep(&mut self, ms: u64) {
        self.now = self.now.saturating_add(ms);
    }

    /// What came out since the last time.
    fn taken(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The same without pings.
    fn actions(&mut self) -> Vec<Action> {
        self.taken().into_iter().filter(|action| *action != Action::Ping).collect()
    }
}

fn open(socket: u32, recover: bool) -> Action {
    Action::Open { socket, recover }
}

fn settle(message: u32, outcome: Outcome) -> Action {
    Action::Settle { message, outcome }
}

fn forget(group: u32) -> Action {
    Action::ForgetGroup { group }
}

fn send(message: u32) -> Input {
    Input::Send { message, ack_id: NEXT_ACK_ID }
}

fn standard() -> Options {
    Options { protocol: Protocol::Standard, ..Options::default() }
}

// The defects of section 8.2, by their numbers.

#[test]
fn defect_8_stop_during_recovery_stops() {
    let mut host = Host::connected(Options::default());
    host.drop(1006);
    host.hand(Input::Stop);
    let close = Action::Close { socket: 2, clean: true };
    let ended = [Action::Disconnected, Action::Stopped];
    assert_eq!(host.taken(), [&[Action::Recovering, open(2, true), close], &ended[..]].concat());
    assert_eq!((host.session.status(), host.session.wake_at()), (Status::Stopped, None));
    assert!(!host.hand(Input::Opened { socket: 2 }), "the late socket is nobody's");
}

#[test]
fn defect_8_stop_between_attempts_to_reconnect_stops() {
    let mut host = Host::connected(standard());
    host.drop(1006);
    host.drop(1006);
    host.taken();
    host.hand(Input::Stop);
    assert_eq!(host.taken(), [Action::Stopped]);
    host.pass(1_000_000);
    assert_eq!(host.taken(), []);
}

#[test]
fn defect_8_stop_does_not_wait_for_a_close_that_never_comes() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Stop);
    assert_eq!(host.taken(), [Action::Close { socket: 1, clean: true }]);
    host.pass(2_000);
    assert_eq!(host.taken(), [Action::Disconnected, Action::Stopped]);
}

#[test]
fn a_session_that_stopped_wants_no_time() {
    let mut host = Host::connected(Options::default());
    host.hand(send(1));
    host.hand(Input::StreamOpen { stream: 1 });
    host.hand(Input::ReadStream { stream: 2, idle_timeout_ms: 60_000 });
    assert!(host.session.wake_at().is_some());
    host.hand(Input::Stop);
    host.drop(1000);
    assert_eq!(host.session.wake_at(), None);
}

#[test]
fn defect_9_sockets_that_open_and_drop_buy_no_time() {
    let mut host = Host::connected(Options::default());
    host.drop(1006);
    let lost_at = host.now;
    let mut attempts = 0;
    while host.session.status() == Status::Recovering {
        if host.taken().iter().any(|action| matches!(action, Action::Open { .. })) {
            host.opened();
            host.drop(1006);
            attempts += 1;
        }
        host.pass(50);
    }
    let took = host.now.saturating_sub(lost_at);
    assert!((28_000..=31_000).contains(&took) && attempts <= 41, "{attempts} attempts in {took} ms");
}

#[test]
fn defect_9_a_service_that_greets_and_drops_is_asked_ever_more_seldom() {
    let mut host = Host::connected(standard());
    let start = host.now;
    for _ in 0..40 {
        host.drop(1006);
        while host.session.status() != Status::Connecting
            && !host.actions.iter().any(|a| matches!(a, Action::Open { .. }))
        {
            host.pass(50);
        }
        host.taken();
        host.open();
    }
    let took = host.now.saturating_sub(start);
    assert!(took > 200_000, "40 connections in {took} ms");
}

#[test]
fn defect_9_silence_does_not_make_a_hot_loop() {
    let mut host = Host::connected(Options::default());
    // Every recovered socket is dead: nothing is heard on it.
    let mut attempts = Vec::new();
    for _ in 0..600 {
        host.pass(1_000);
        for action in host.taken() {
            if matches!(action, Action::Open { .. }) {
                attempts.push(host.now);
                host.opened();
            }
        }
    }
    let within_a_minute = attempts
        .iter()
        .map(|from| attempts.iter().filter(|at| (*from..from.saturating_add(60_000)).contains(*at)).count());
    assert!(attempts.len() > 5 && within_a_minute.max() < Some(40), "{attempts:?}");
}

#[test]
fn defect_10_a_retry_keeps_its_ack_id() {
    let mut host = Host::connected(Options::default());
    host.hand(send(70));
    for _ in 0..3 {
        assert_eq!(host.taken(), [Action::Send { message: 70, ack_id: 1 }]);
        assert!(host.ack(1, AckOutcome::Transient));
        assert_eq!(host.taken(), []);
        host.pass(1_000);
    }
    // Over a recovery too, and that costs no retry.
    host.taken();
    host.drop(1006);
    host.opened();
    host.pong();
    assert!(host.actions().ends_with(&[Action::Recovered, Action::Send { message: 70, ack_id: 1 }]));
    // That the first of our frames had arrived is a success.
    host.ack(1, AckOutcome::Duplicate);
    assert_eq!(host.taken(), [settle(70, Outcome::Done)]);
}

#[test]
fn defect_11_a_refusal_is_final() {
    let mut host = Host::connected(Options::default());
    host.hand(send(1));
    host.taken();
    host.ack(1, AckOutcome::Refused);
    assert_eq!(host.taken(), [settle(1, Outcome::Refused)]);
    assert!(!host.ack(1, AckOutcome::Success));
}

#[test]
fn defect_12_a_malformed_frame_is_a_sign_of_life_and_nothing_else() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 50_000, ..Options::default() });
    host.pass(119_000);
    assert!(host.hand(Input::Heard { socket: 1 }));
    host.pass(119_000);
    assert_eq!(host.actions(), []);
    host.pass(1_000);
    assert!(host.actions().contains(&Action::Recovering));
}

#[test]
fn defect_13_an_attempt_has_a_limit_before_and_after_the_socket_opens() {
    for opens in [false, true] {
        let mut host = Host::new(Options::default());
        host.hand(Input::Start);
        if opens {
            host.opened();
        }
        host.pass(30_000);
        let closed = Action::Close { socket: 1, clean: false };
        // A first start that never got a socket has failed; one that did goes on.
        let then = if opens { open(2, false) } else { Action::Stopped };
        assert_eq!(host.taken(), [open(1, false), closed, then]);
    }
}

#[test]
fn defect_13_an_ack_has_a_limit() {
    let retry = Retry { max_retries: 1, ..Options::default().message_retry };
    let mut host = Host::connected(Options { message_retry: retry, keep_alive_interval_ms: 0, ..Options::default() });
    host.hand(send(1));
    host.pass(30_000 + 1_000 + 30_000);
    let sent = Action::Send { message: 1, ack_id: 1 };
    assert_eq!(host.taken(), [sent, sent, settle(1, Outcome::TimedOut)]);
}

#[test]
fn defect_13_an_invocation_has_a_limit() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Invoke { message: 5 });
    assert_eq!(host.actions(), [Action::Post { message: 5 }]);
    host.pass(30_000);
    assert_eq!(host.actions(), [Action::Cancel { message: 5 }, settle(5, Outcome::TimedOut)]);
}

#[test]
fn defect_15_ids_are_of_64_bits() {
    let mut host = Host::connected(Options::default());
    let large = (1 << 60) + 1;
    host.hand(Input::Send { message: 1, ack_id: large });
    host.hand(send(2));
    host.taken();
    assert!(!host.ack(1 << 60, AckOutcome::Success));
    assert!(host.ack(large, AckOutcome::Success) && host.ack(1, AckOutcome::Success));
    assert_eq!(host.taken(), [settle(1, Outcome::Done), settle(2, Outcome::Done)]);
    assert!(host.data(large) && !host.data(large) && host.data(large + 1));
    assert_eq!(host.taken(), [Action::SequenceAck { sequence_id: large }]);
    host.pass(1_000);
    assert_eq!(host.taken(), [Action::SequenceAck { sequence_id: large + 1 }]);
}

// Recovery and reconnection.

#[test]
fn a_recovery_delivers_once_and_acknowledges_what_it_had() {
    let mut host = Host::connected(Options::default());
    assert!(host.data(1) && host.data(2));
    host.drop(1000);
    assert_eq!(host.taken(), [Action::Recovering, open(2, true)]);
    assert!(!host.hand(Input::Data { socket: 1, sequence_id: 3 }), "the old socket is nobody's");
    host.opened();
    assert_eq!(host.taken(), [Action::SequenceAck { sequence_id: 2 }, Action::Ping]);
    assert_eq!(host.session.status(), Status::Recovering);
    assert!(!host.data(2) && host.data(3));
    assert_eq!(host.taken(), [Action::Recovered]);
    host.hand(Input::Connected { socket: 2, recoverable: true });
    assert_eq!(host.taken(), [], "a greeting on a recovered socket is no new connection");
}

#[test]
fn a_recovery_in_the_last_moment_has_time_for_its_pong() {
    let mut host = Host::connected(Options::default());
    host.pass(10_000);
    host.hand(Input::Wake);
    host.pong();
    host.drop(1006);
    while host.now < 1_000_000 + 10_000 + 28_000 {
        host.pass(1_000);
        host.drop(1006);
    }
    host.pass(1_000);
    host.opened();
    host.data(1);
    assert!(host.taken().contains(&Action::Recovered));
    host.pass(5_000);
    assert_eq!(host.session.status(), Status::Connected);
    host.pass(5_000);
    assert_eq!(host.session.status(), Status::Recovering);
}

#[test]
fn code_1008_is_no_recovery() {
    let mut host = Host::connected(Options::default());
    host.drop(1008);
    assert_eq!(host.taken(), [Action::Disconnected, open(2, false)]);
    host.open();
    assert_eq!(host.taken(), [Action::Connected { possible_gap: true }]);
    assert!(host.data(1), "a new connection counts anew");
    host.drop(1006);
    host.opened();
    host.drop(1008);
    assert_eq!(host.actions().last(), Some(&Action::Disconnected));
    host.pass(1_000);
    assert_eq!(host.actions(), [open(4, false)]);
}

#[test]
fn without_a_token_or_a_reliable_protocol_there_is_no_recovery() {
    let mut host = Host::new(Options::default());
    host.hand(Input::Start);
    host.opened();
    host.hand(Input::Connected { socket: 1, recoverable: false });
    host.drop(1006);
    assert!(host.taken().ends_with(&[Action::Disconnected, open(2, false)]));
    let mut host = Host::connected(Options { auto_reconnect: false, ..standard() });
    host.drop(1006);
    assert_eq!(host.taken(), [Action::Disconnected, Action::Stopped]);
}

#[test]
fn attempts_to_recover_are_up_to_a_second_apart() {
    let mut host = Host::connected(Options::default());
    host.drop(1006);
    for socket in [3, 4, 5] {
        host.taken();
        host.drop(1006);
        host.pass(749);
        assert_eq!(host.taken(), []);
        host.pass(251);
        assert_eq!(host.taken(), [open(socket, true)]);
    }
}

#[test]
fn without_pings_a_recovery_is_good_when_it_is_not_refused_for_a_second() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    host.drop(1006);
    host.opened();
    host.pass(999);
    assert_eq!(host.taken(), [Action::Recovering, open(2, true)]);
    host.pass(1);
    assert_eq!(host.taken(), [Action::Recovered]);
}

#[test]
fn reconnecting_ends_with_its_policy() {
    let retry = Retry { max_retries: 2, ..Options::default().reconnect_retry };
    let mut host = Host::connected(Options { reconnect_retry: retry, ..standard() });
    host.hand(send(1));
    host.drop(1006);
    host.drop(1006);
    host.pass(1_000);
    host.drop(1006);
    host.pass(2_000);
    host.drop(1006);
    let actions = host.taken();
    assert_eq!(actions.iter().filter(|action| matches!(action, Action::Open { .. })).count(), 3);
    assert!(actions.ends_with(&[settle(1, Outcome::NotConnected), Action::Stopped]), "{actions:?}");
}

fn retrying(max_retries: u32) -> Options {
    Options { connect_retry: Retry { max_retries, ..Options::default().message_retry }, ..standard() }
}

#[test]
fn a_first_connection_is_not_retried_by_default() {
    let mut host = Host::new(standard());
    host.hand(Input::Start);
    host.drop(1006);
    assert_eq!(host.taken(), [open(1, false), Action::Stopped]);
}

#[test]
fn a_first_connection_is_retried_as_its_policy_says_until_the_service_greets() {
    let mut host = Host::new(Options { auto_reconnect: false, ..retrying(2) });
    host.hand(Input::Start);
    host.hand(send(1));
    host.drop(1006);
    host.pass(1_000);
    // A socket that opens is not yet a connection.
    host.opened();
    host.drop(1006);
    host.pass(999);
    assert_eq!(host.session.status(), Status::Connecting);
    host.pass(1);
    host.taken();
    host.open();
    assert_eq!(host.actions().last(), Some(&Action::Connected { possible_gap: false }));
}

#[test]
fn a_first_connection_whose_retries_are_used_up_stops() {
    let mut host = Host::new(retrying(2));
    host.hand(Input::Start);
    for _ in 0..3 {
        host.drop(1006);
        host.pass(1_000);
    }
    assert_eq!(host.taken(), [open(1, false), open(2, false), open(3, false), Action::Stopped]);
    // The next start has all retries again.
    host.hand(Input::Start);
    host.drop(1006);
    host.pass(1_000);
    assert_eq!(host.taken(), [open(5, false), open(6, false)]);
}

#[test]
fn the_attempts_of_the_first_connection_do_not_count_for_the_next_one() {
    let mut host = Host::new(retrying(2));
    host.hand(Input::Start);
    host.drop(1006);
    host.pass(1_000);
    host.open();
    host.taken();
    host.drop(1006);
    assert_eq!(host.taken(), [Action::Disconnected, open(3, false)]);
}

// Groups.

#[test]
fn groups_are_joined_again_before_the_connection_is_told() {
    let mut host = Host::connected(standard());
    for (message, group) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
        host.hand(Input::Join { message, ack_id: NEXT_ACK_ID, group });
    }
    for ack_id in [1, 2, 3] {
        host.ack(ack_id, AckOutcome::Success);
    }
    host.ack(4, AckOutcome::Refused);
    host.hand(Input::Leave { message: 5, ack_id: NEXT_ACK_ID, group: 20 });
    host.ack(5, AckOutcome::Success);
    host.drop(1006);
    host.hand(send(6));
    host.taken();
    host.open();
    // Their ids are none that a caller who counts comes to.
    let ids = [1 << 52 | 7, 1 << 52 | 8];
    let rejoins = [Action::Rejoin { group: 10, ack_id: ids[0] }, Action::Rejoin { group: 30, ack_id: ids[1] }];
    assert_eq!(host.taken(), [&rejoins[..], &[Action::Send { message: 6, ack_id: 6 }]].concat());
    host.ack(ids[1], AckOutcome::Success);
    assert_eq!(host.taken(), []);
    host.ack(ids[0], AckOutcome::Refused);
    let failed = Action::RejoinFailed { group: 10, outcome: Outcome::Refused };
    assert_eq!(host.taken(), [failed, Action::Connected { possible_gap: true }, forget(10)]);
    // What failed is not tried on the next connection.
    host.drop(1006);
    host.pass(1_000);
    host.taken();
    host.open();
    assert!(host.taken().starts_with(&[Action::Rejoin { group: 30, ack_id: 1 << 52 | 9 }]));
}

#[test]
fn a_late_retry_does_not_undo_a_leave() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group: 9 });
    host.ack(1, AckOutcome::Transient);
    host.hand(Input::Leave { message: 2, ack_id: NEXT_ACK_ID, group: 9 });
    host.ack(2, AckOutcome::Success);
    host.taken();
    host.pass(1_000);
    assert_eq!(host.taken(), [settle(1, Outcome::Refused), forget(9)]);
}

#[test]
fn what_was_overtaken_tells_why_it_had_failed() {
    let outcomes = [Outcome::Refused, Outcome::TimedOut, Outcome::Lost, Outcome::NotConnected];
    for outcome in outcomes {
        let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..standard() });
        host.hand(Input::Leave { message: 1, ack_id: NEXT_ACK_ID, group: 9 });
        match outcome {
            Outcome::Refused => _ = host.ack(1, AckOutcome::Transient),
            Outcome::TimedOut => host.pass(30_000),
            Outcome::NotConnected => _ = host.hand(Input::Unsent { message: 1 }),
            _ => {
                host.drop(1006);
                host.open();
            }
        }
        host.hand(Input::Join { message: 2, ack_id: NEXT_ACK_ID, group: 9 });
        host.ack(2, AckOutcome::Success);
        host.taken();
        host.pass(1_000);
        assert_eq!(host.taken(), [settle(1, outcome)]);
    }
}

#[test]
fn a_late_retry_does_not_undo_a_newer_state_however_much_came_between() {
    let mut host = Host::connected(Options::default());
    let state = |message| Input::SetState { message, ack_id: NEXT_ACK_ID, group: 9 };
    host.hand(state(1));
    host.ack(1, AckOutcome::Transient);
    for message in 2..100u32 {
        host.hand(state(message));
        host.ack(message.into(), AckOutcome::Success);
    }
    host.taken();
    assert!(host.session.messages.len() < 8);
    host.pass(1_000);
    assert_eq!(host.taken(), [settle(1, Outcome::Refused), forget(9)]);
}

#[test]
fn a_late_retry_does_not_undo_a_newer_state() {
    let mut host = Host::connected(Options::default());
    let state = |message, group| Input::SetState { message, ack_id: NEXT_ACK_ID, group };
    host.hand(state(1, 9));
    host.hand(state(2, 8));
    host.ack(1, AckOutcome::Transient);
    host.ack(2, AckOutcome::Transient);
    host.hand(state(3, 9));
    host.ack(3, AckOutcome::Success);
    host.taken();
    host.pass(1_000);
    assert_eq!(host.taken(), [settle(1, Outcome::Refused), forget(9), Action::Send { message: 2, ack_id: 2 }]);
}

#[test]
fn groups_that_were_left_take_no_memory() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    for group in 0..50_000u32 {
        host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group });
        host.ack(u64::from(group) * 2 + 1, AckOutcome::Success);
        host.hand(Input::Leave { message: 2, ack_id: NEXT_ACK_ID, group });
        host.ack(u64::from(group) * 2 + 2, AckOutcome::Success);
        assert!(host.taken().ends_with(&[settle(2, Outcome::Done), forget(group)]));
        assert_eq!(host.session.groups.len(), 0);
        assert!(host.session.messages.len() < 4);
    }
}

#[test]
fn groups_that_come_and_go_beside_others_take_no_memory() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..standard() });
    let mut ack_id = 0;
    let mut ask = |host: &mut Host, input: fn(u32) -> Input, group| {
        ack_id += 1;
        host.hand(input(group));
        host.ack(ack_id, AckOutcome::Success);
    };
    let join: fn(u32) -> Input = |group| Input::Join { message: 1, ack_id: NEXT_ACK_ID, group };
    let leave: fn(u32) -> Input = |group| Input::Leave { message: 1, ack_id: NEXT_ACK_ID, group };
    for group in 0..100 {
        ask(&mut host, join, group);
    }
    for round in 0..1_000 {
        // The host gives the same number again, or another one.
        for group in [100, 101 + round] {
            ask(&mut host, join, group);
            ask(&mut host, leave, group);
        }
        assert!(host.session.groups.len() <= 202);
    }
    host.drop(1006);
    host.taken();
    host.open();
    let is_rejoin = |action: &Action| matches!(action, Action::Rejoin { .. });
    assert_eq!(host.taken().into_iter().filter(is_rejoin).count(), 100);
}

#[test]
fn the_number_of_a_group_is_free_when_nothing_needs_the_group() {
    let join = |message| Input::Join { message, ack_id: NEXT_ACK_ID, group: 9 };
    let leave = |message| Input::Leave { message, ack_id: NEXT_ACK_ID, group: 9 };

    // The session is stopped.
    let mut host = Host::new(standard());
    host.hand(join(1));
    host.hand(leave(2));
    let failed = |message| [settle(message, Outcome::NotConnected), forget(9)];
    assert_eq!(host.taken(), [failed(1), failed(2)].concat());

    // The service refuses the join.
    let mut host = Host::connected(standard());
    host.hand(join(1));
    host.ack(1, AckOutcome::Refused);
    assert!(host.taken().ends_with(&[settle(1, Outcome::Refused), forget(9)]));

    // A leave is acknowledged while a second join waits for its ack.
    host.hand(join(2));
    host.hand(leave(3));
    host.hand(join(4));
    host.ack(2, AckOutcome::Success);
    host.ack(3, AckOutcome::Success);
    assert!(host.taken().ends_with(&[settle(2, Outcome::Done), settle(3, Outcome::Done)]));
    host.ack(4, AckOutcome::Success);

    // The caller leaves the group while the session joins it again: the rejoin needs the number too.
    host.drop(1006);
    host.open();
    host.hand(leave(5));
    host.taken();
    host.ack(6, AckOutcome::Success);
    assert_eq!(host.taken(), [settle(5, Outcome::Done)]);
    host.ack(1 << 52 | 5, AckOutcome::Success);
    assert_eq!(host.taken(), [Action::Connected { possible_gap: true }, forget(9)]);

    // Groups are not joined again.
    let mut host = Host::connected(Options { auto_rejoin_groups: false, ..standard() });
    host.hand(join(1));
    host.ack(1, AckOutcome::Success);
    host.drop(1006);
    host.taken();
    host.open();
    assert_eq!(host.taken(), [forget(9), Action::Connected { possible_gap: true }]);
}

#[test]
fn a_rejoin_that_the_service_does_not_answer_delays_the_connection_by_30_seconds_at_most() {
    for ack_timeout_ms in [0, 5_000, 30_000, 60_000] {
        // The connection itself stays alive.
        let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ack_timeout_ms, ..standard() });
        host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group: 9 });
        host.ack(1, AckOutcome::Success);
        host.drop(1006);
        host.open();
        host.taken();
        host.pass(30_000);
        let failed = Action::RejoinFailed { group: 9, outcome: Outcome::TimedOut };
        let actions = [failed, Action::Connected { possible_gap: true }, forget(9)];
        assert!(host.taken().ends_with(&actions), "{ack_timeout_ms}");
        assert_eq!(host.session.status(), Status::Connected);
    }
}

#[test]
fn a_rejoin_gets_its_time_anew_after_a_recovery() {
    let mut host = Host::connected(Options { ack_timeout_ms: 60_000, ..Options::default() });
    host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group: 9 });
    host.ack(1, AckOutcome::Success);
    host.drop(1008);
    host.open();
    host.pass(15_000);
    host.drop(1006);
    host.pass(500);
    host.opened();
    host.pong();
    host.taken();
    for _ in 0..2 {
        host.pass(9_000);
        host.pong();
    }
    assert_eq!(host.actions(), []);
    host.ack(1 << 52 | 2, AckOutcome::Success);
    assert_eq!(host.taken(), [Action::Connected { possible_gap: true }]);
}

// Messages.

#[test]
fn messages_wait_for_a_connection_but_not_for_ever() {
    let mut host = Host::new(Options { reconnect_retry: Options::default().message_retry, ..Options::default() });
    assert!(!host.hand(send(1)), "nothing is sent by a session that is stopped");
    assert_eq!(host.taken(), [settle(1, Outcome::NotConnected)]);
    host.hand(Input::Start);
    host.opened();
    host.drop(1006);
    host.hand(send(2));
    host.hand(Input::Post { message: 3 });
    host.hand(Input::Invoke { message: 4 });
    host.taken();
    host.pass(29_999);
    assert!(!host.taken().iter().any(|action| matches!(action, Action::Settle { .. })));
    host.pass(1);
    let mut actions = host.taken();
    actions.retain(|action| matches!(action, Action::Settle { .. }));
    assert_eq!(actions, [2, 3, 4].map(|message| settle(message, Outcome::NotConnected)));
}

#[test]
fn a_lost_connection_costs_a_retry() {
    for max_retries in [0, 1] {
        let retry = Retry { max_retries, ..Options::default().message_retry };
        let mut host = Host::connected(Options { message_retry: retry, ..standard() });
        host.hand(send(1));
        host.drop(1006);
        host.open();
        host.pass(1_000);
        let actions = host.actions();
        if max_retries == 0 {
            assert!(actions.contains(&settle(1, Outcome::Lost)));
        } else {
            assert_eq!(actions.last(), Some(&Action::Send { message: 1, ack_id: 1 }));
        }
    }
}

#[test]
fn an_invocation_does_not_outlive_its_socket() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Invoke { message: 1 });
    host.hand(Input::Invoke { message: 2 });
    assert!(host.hand(Input::Response { message: 1 }));
    host.drop(1006);
    assert!(host.actions().contains(&settle(2, Outcome::Lost)));
}

#[test]
fn an_invocation_that_could_not_be_written_has_its_time_when_it_is_tried_again() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    host.hand(Input::Invoke { message: 1 });
    host.hand(Input::Unsent { message: 1 });
    host.taken();
    host.pass(1_000);
    assert_eq!(host.taken(), [Action::Post { message: 1 }]);
    host.pass(29_999);
    assert_eq!(host.taken(), []);
    host.pass(1);
    assert_eq!(host.taken(), [Action::Cancel { message: 1 }, settle(1, Outcome::TimedOut)]);
}

#[test]
fn what_is_aborted_is_settled_at_once_and_its_id_is_free() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Send { message: 1, ack_id: 5 });
    assert!(host.hand(Input::Abort { message: 1 }));
    assert!(!host.hand(Input::Abort { message: 1 }));
    host.hand(Input::Send { message: 2, ack_id: 5 });
    let sent = |message| Action::Send { message, ack_id: 5 };
    assert_eq!(host.taken(), [sent(1), settle(1, Outcome::Aborted), sent(2)]);
    host.hand(Input::Invoke { message: 3 });
    host.hand(Input::Abort { message: 3 });
    assert!(host.taken().ends_with(&[Action::Cancel { message: 3 }, settle(3, Outcome::Aborted)]));
}

#[test]
fn messages_that_share_an_ack_id_are_sent_once_and_settled_together() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::Send { message: 1, ack_id: 5 });
    host.hand(Input::Send { message: 2, ack_id: 5 });
    host.hand(send(3));
    assert_eq!(host.taken(), [Action::Send { message: 1, ack_id: 5 }, Action::Send { message: 3, ack_id: 6 }]);
    host.ack(5, AckOutcome::Duplicate);
    assert_eq!(host.taken(), [settle(1, Outcome::Duplicate), settle(2, Outcome::Duplicate)]);
}

#[test]
fn forty_thousand_messages_with_ids_of_the_caller_are_found_by_their_ids() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    // The ids come in no order.
    let ids: Vec<u64> = (0..40_000u64).map(|nth| nth * 7_919 % 40_000 + 1).collect();
    for (message, &ack_id) in (0..40_000).zip(&ids) {
        host.session.handle(host.now, Input::Send { message, ack_id });
    }
    assert_eq!(host.session.take_actions().len(), ids.len());
    let socket = host.session.socket();
    for (message, &ack_id) in (0..40_000).zip(&ids).rev() {
        let outcome = AckOutcome::Success;
        assert!(host.session.handle(host.now, Input::Ack { socket, ack_id, outcome }));
        assert_eq!(host.session.take_actions(), [settle(message, Outcome::Done)]);
        host.session.clear_actions();
    }
    host.session.messages.check();
    host.hand(send(1));
    assert_eq!(host.session.messages.len(), 1);
}

#[test]
fn a_message_that_shares_its_id_with_one_of_the_session_is_settled_with_it() {
    let mut host = Host::connected(Options::default());
    host.hand(send(1));
    host.hand(Input::Send { message: 2, ack_id: 1 });
    assert_eq!(host.taken(), [Action::Send { message: 1, ack_id: 1 }]);
    host.ack(1, AckOutcome::Success);
    assert_eq!(host.taken(), [settle(1, Outcome::Done), settle(2, Outcome::Done)]);
}

#[test]
fn what_cannot_be_written_is_tried_as_often_as_its_policy_says() {
    let mut host = Host::connected(Options::default());
    host.hand(send(1));
    host.hand(Input::Post { message: 2 });
    host.taken();
    for message in [1, 2] {
        assert!(host.hand(Input::Unsent { message }));
    }
    for _ in 0..3 {
        host.pass(1_000);
        assert_eq!(host.actions(), [Action::Send { message: 1, ack_id: 1 }, Action::Post { message: 2 }]);
        host.hand(Input::Unsent { message: 1 });
        host.hand(Input::Unsent { message: 2 });
    }
    assert_eq!(host.actions(), [settle(1, Outcome::NotConnected), settle(2, Outcome::NotConnected)]);
}

#[test]
fn the_queue_stays_short_however_many_messages_pass() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    for nth in 1..=100_000u32 {
        host.hand(send(nth));
        assert!(host.ack(nth.into(), AckOutcome::Success));
        assert_eq!(host.taken().len(), 2);
    }
    assert!(host.session.messages.len() < 4);
}

#[test]
fn an_oldest_message_without_an_answer_keeps_none_of_the_later_ones() {
    let mut host = Host::connected(Options { keep_alive_interval_ms: 0, ..Options::default() });
    host.hand(Input::Invoke { message: 0 });
    host.taken();
    for nth in 1..=10_000u32 {
        host.hand(send(nth));
        assert!(host.ack(nth.into(), AckOutcome::Success));
        assert_eq!(host.taken().len(), 2);
        assert!(host.session.messages.len() < 8, "{nth}");
    }
    assert!(host.hand(Input::Response { message: 0 }));
}

#[test]
fn messages_keep_their_order_when_those_between_them_are_settled() {
    let mut host = Host::connected(Options::default());
    for nth in 1..=100u32 {
        host.hand(send(nth));
        if nth % 3 != 0 {
            host.ack(nth.into(), AckOutcome::Success);
        }
    }
    host.drop(1006);
    host.opened();
    host.taken();
    host.pong();
    let sent = (1..=33).map(|nth| Action::Send { message: 3 * nth, ack_id: u64::from(3 * nth) });
    assert_eq!(host.actions()[1..], sent.collect::<Vec<_>>());
}

// Acknowledging.

#[test]
fn sequences_are_acknowledged_after_a_second_or_three_hundred() {
    let mut host = Host::connected(Options::default());
    assert!(host.data(1));
    host.pass(999);
    assert_eq!(host.taken(), []);
    host.pass(1);
    assert_eq!(host.taken(), [Action::SequenceAck { sequence_id: 1 }]);
    assert!(host.data(301));
    assert_eq!(host.taken(), []);
    assert!(host.data(302));
    assert_eq!(host.taken(), [Action::SequenceAck { sequence_id: 302 }]);
    host.pass(10_000);
    assert_eq!(host.taken(), []);
}

// Liveness.

#[test]
fn half_open_is_noticed_by_silence() {
    let mut host = Host::connected(Options::default());
    host.pass(119_999);
    assert_eq!(host.taken(), [Action::Ping; 5]);
    host.pass(1);
    let dead = [Action::Close { socket: 1, clean: false }, Action::Recovering, open(2, true)];
    assert_eq!(host.taken(), dead);
}

#[test]
fn a_late_greeting_is_a_sign_of_life() {
    let keep_alive = Options { keep_alive_interval_ms: 20_000, keep_alive_timeout_ms: 25_000, ..Options::default() };
    let mut host = Host::new(keep_alive);
    host.hand(Input::Start);
    host.opened();
    host.pass(24_000);
    host.hand(Input::Connected { socket: 1, recoverable: true });
    host.pass(24_000);
    assert_eq!(host.session.status(), Status::Connected);
    host.pass(1_000);
    assert_eq!(host.session.status(), Status::Recovering);
}

#[test]
fn an_ack_that_does_not_come_is_a_reason_to_look_whether_the_connection_carries_anything() {
    let mut host = Host::connected(Options::default());
    host.pass(20_000);
    host.pong();
    host.hand(send(1));
    host.pass(29_000);
    assert!(host.data(1));
    host.pass(1_000);
    host.taken();
    // Messages still come, but our frames do not arrive.
    for nth in 2..11 {
        host.pass(1_000);
        assert!(host.data(nth));
    }
    host.pass(1_000);
    assert!(host.taken().contains(&Action::Recovering));
}

#[test]
fn after_sleep_a_dead_connection_is_noticed_within_one_keep_alive() {
    let mut host = Host::connected(Options::default());
    host.pass(20_000);
    host.pong();
    host.taken();
    host.sleep(3_600_000);
    // A frame that lay in a buffer is no sign of life.
    assert!(host.data(1));
    assert_eq!(host.actions(), []);
    host.pass(10_000);
    assert!(host.actions().contains(&Action::Recovering));
}

#[test]
fn after_sleep_a_connection_that_answers_stays() {
    let mut host = Host::connected(Options::default());
    host.pass(20_000);
    host.pong();
    host.hand(send(1));
    host.taken();
    host.sleep(3_600_000);
    host.hand(Input::Tick);
    assert!(host.taken().contains(&Action::Ping));
    host.pong();
    host.pass(9_000);
    assert_eq!(host.actions(), [], "the limit of the ack did not run in the meantime");
    host.ack(1, AckOutcome::Success);
    assert_eq!(host.actions(), [settle(1, Outcome::Done)]);
}

#[test]
fn who_sleeps_again_while_it_waits_for_a_sign_of_life_asks_once_more() {
    let mut host = Host::connected(Options::default());
    host.pass(20_000);
    host.pong();
    host.sleep(3_600_000);
    host.hand(Input::Wake);
    host.sleep(3_600_000);
    host.taken();
    host.hand(Input::Tick);
    assert_eq!(host.taken(), [Action::Ping], "the answer to the first question may lie in a buffer");
    host.pass(9_000);
    assert_eq!(host.session.status(), Status::Connected);
    host.sleep(3_600_000);
    host.hand(Input::Tick);
    assert!(host.taken().contains(&Action::Recovering), "no question is for ever");
}

#[test]
fn a_wake_does_not_wait_for_the_next_attempt_and_does_not_flood() {
    let mut host = Host::connected(standard());
    for _ in 0..8 {
        host.drop(1006);
        while host.session.wake_at().is_some() && !host.actions.iter().any(|a| matches!(a, Action::Open { .. })) {
            host.pass(100);
        }
        host.taken();
    }
    host.drop(1006);
    host.pass(10);
    for _ in 0..100 {
        host.hand(Input::Wake);
    }
    host.hand(Input::Offline);
    assert_eq!(host.taken(), []);
    host.pass(740);
    assert!(matches!(host.taken()[..], [Action::Open { recover: false, .. }]));
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut host = Host::connected(Options::default());
    host.hand(send(1));
    host.taken();
    host.now = 5;
    host.ack(1, AckOutcome::Transient);
    host.pass(1_000);
    assert_eq!(host.actions(), [Action::Send { message: 1, ack_id: 1 }]);
}

#[test]
fn a_simple_client_is_connected_when_its_socket_is() {
    let mut host = Host::new(Options { protocol: Protocol::Simple, ..Options::default() });
    host.hand(Input::Start);
    host.hand(Input::Post { message: 1 });
    host.opened();
    let expected = [open(1, false), Action::Post { message: 1 }, Action::Connected { possible_gap: false }];
    assert_eq!(host.taken(), expected);
    host.pass(1_000_000);
    assert_eq!(host.taken(), [], "it has no pings");
}

// Streams.

fn with_stream(options: Options) -> Host {
    let mut host = Host::connected(options);
    host.hand(Input::StreamOpen { stream: 3 });
    host.hand(Input::StreamAck { stream: 3, expected: 1 });
    assert_eq!(host.taken(), [Action::StreamStart { stream: 3 }, Action::StreamOpened { stream: 3 }]);
    host
}

fn part(sequence_id: u64) -> Action {
    Action::StreamData { stream: 3, sequence_id }
}

fn ended(problem: StreamProblem) -> Action {
    Action::StreamClosed { stream: 3, problem }
}

#[test]
fn a_stream_sends_its_parts_trims_what_is_acknowledged_and_ends() {
    let mut host = with_stream(Options::default());
    for _ in 0..3 {
        assert!(host.hand(Input::StreamWrite { stream: 3 }));
    }
    host.hand(Input::StreamAck { stream: 3, expected: 3 });
    host.hand(Input::StreamEnd { stream: 3 });
    let trim = Action::StreamTrim { stream: 3, sequence_id: 3 };
    assert_eq!(host.taken(), [part(1), part(2), part(3), trim, Action::StreamEnd { stream: 3 }]);
    host.hand(Input::StreamClosed { stream: 3, closing: StreamClosing::Ended });
    assert_eq!(host.taken(), [ended(StreamProblem::None)]);
    assert!(!host.hand(Input::StreamWrite { stream: 3 }));
}

#[test]
fn a_stream_sends_again_after_a_refusal_ever_more_slowly() {
    let mut host = with_stream(Options { keep_alive_interval_ms: 0, ..Options::default() });
    host.hand(Input::StreamWrite { stream: 3 });
    for wait in [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000] {
        host.taken();
        host.hand(Input::StreamNack { stream: 3, expected: 1 });
        host.hand(Input::StreamWrite { stream: 3 });
        host.pass(wait - 1);
        assert_eq!(host.taken(), []);
        host.pass(1);
        assert_eq!(host.taken().first(), Some(&part(1)), "{wait}");
    }
}

#[test]
fn the_refusals_of_all_parts_under_way_count_once() {
    let mut host = with_stream(Options::default());
    for _ in 0..50 {
        host.hand(Input::StreamWrite { stream: 3 });
    }
    host.taken();
    for _ in 0..50 {
        host.hand(Input::StreamNack { stream: 3, expected: 1 });
    }
    host.pass(10);
    assert_eq!(host.taken().first(), Some(&part(1)));
}

#[test]
fn a_stream_that_ends_each_connection_gets_no_time_from_the_next_one() {
    let options = Options { ack_timeout_ms: 5_000, ..standard() };
    let mut host = Host::connected(options);
    host.hand(Input::StreamOpen { stream: 3 });
    for _ in 0..4 {
        assert!(!host.taken().contains(&ended(StreamProblem::TimedOut)));
        host.hand(Input::Closed { socket: host.session.socket(), code: 1007 });
        host.pass(1_250);
        host.open();
    }
    assert!(host.taken().contains(&ended(StreamProblem::TimedOut)));
}

#[test]
fn a_stream_goes_on_after_a_recovery_and_ends_with_its_connection() {
    let mut host = with_stream(Options::default());
    for _ in 0..3 {
        host.hand(Input::StreamWrite { stream: 3 });
    }
    host.hand(Input::StreamAck { stream: 3, expected: 2 });
    host.drop(1006);
    host.hand(Input::StreamWrite { stream: 3 });
    host.taken();
    host.opened();
    host.pong();
    assert_eq!(host.actions(), [Action::Recovered, part(2), part(3), part(4)]);
    host.drop(1008);
    assert!(host.taken().contains(&ended(StreamProblem::Lost)));
}

#[test]
fn a_stream_whose_end_was_sent_before_a_recovery_has_ended() {
    for (ended_before, closing, problem) in [
        (true, StreamClosing::NotFound, StreamProblem::None),
        (false, StreamClosing::NotFound, StreamProblem::Refused),
        // It may have ended before its last parts.
        (true, StreamClosing::Failed, StreamProblem::Refused),
    ] {
        let mut host = with_stream(Options::default());
        host.hand(Input::StreamWrite { stream: 3 });
        if ended_before {
            host.hand(Input::StreamEnd { stream: 3 });
        }
        host.drop(1006);
        host.opened();
        host.pong();
        host.hand(Input::StreamClosed { stream: 3, closing });
        assert_eq!(host.taken().last(), Some(&ended(problem)));
    }
}

#[test]
fn a_stream_of_which_the_service_acknowledges_what_was_never_sent_is_over() {
    for expected in [0, 2, u64::MAX] {
        let mut host = with_stream(Options::default());
        host.hand(Input::StreamAck { stream: 3, expected });
        assert_eq!(host.taken(), [ended(StreamProblem::ProtocolViolation)], "{expected}");
    }
}

#[test]
fn a_stream_that_is_not_opened_in_time_is_over() {
    let mut host = Host::connected(Options::default());
    host.hand(Input::StreamOpen { stream: 3 });
    host.pass(30_000);
    assert_eq!(host.actions(), [Action::StreamStart { stream: 3 }, ended(StreamProblem::TimedOut)]);
}

#[test]
fn an_inbound_stream_notices_what_is_missing() {
    let mut host = Host::connected(Options::default());
    let read = |problem| [Action::ReadEnded { stream: 8, problem }];
    let next = |sequence_id, is_end| Input::Part { stream: 8, sequence_id, is_end };
    host.hand(Input::ReadStream { stream: 8, idle_timeout_ms: 300_000 });
    assert!(host.hand(next(4, false)) && host.hand(next(5, false)));
    assert!(!host.hand(next(5, false)), "it came before");
    assert!(!host.hand(next(7, false)));
    assert_eq!(host.taken(), read(StreamProblem::Gap));
    host.hand(Input::ReadStream { stream: 8, idle_timeout_ms: 15_000 });
    assert!(host.hand(next(1, false)));
    host.pass(15_000);
    assert_eq!(host.taken(), read(StreamProblem::IdleTimeout));
    host.hand(Input::ReadStream { stream: 8, idle_timeout_ms: 0 });
    assert!(host.hand(next(1, true)));
    assert_eq!(host.taken(), read(StreamProblem::None));
    assert!(!host.hand(next(2, false)));
}

#[test]
fn a_new_connection_ends_what_is_read_and_a_recovery_does_not() {
    let mut host = Host::connected(Options::default());
    let next = |sequence_id| Input::Part { stream: 8, sequence_id, is_end: false };
    host.hand(Input::ReadStream { stream: 8, idle_timeout_ms: 300_000 });
    host.drop(1006);
    host.opened();
    host.pong();
    host.taken();
    assert!(host.hand(next(1)));
    assert_eq!(host.taken(), []);
    host.drop(1008);
    assert!(host.taken().contains(&Action::ReadEnded { stream: 8, problem: StreamProblem::Lost }));
    host.open();
    assert!(!host.hand(next(2)));
}

#[test]
fn an_end_has_a_limit_that_no_refusal_and_no_recovery_renews() {
    for recovers in [false, true] {
        let mut host = with_stream(Options::default());
        host.hand(Input::StreamWrite { stream: 3 });
        host.hand(Input::StreamEnd { stream: 3 });
        for _ in 0..29 {
            host.hand(Input::StreamNack { stream: 3, expected: 1 });
            if recovers {
                host.drop(1006);
                host.pass(500);
                host.opened();
                host.pong();
                host.pass(500);
            } else {
                host.pass(1_000);
            }
        }
        assert!(!host.taken().contains(&ended(StreamProblem::TimedOut)));
        host.pass(1_000);
        assert!(host.taken().contains(&ended(StreamProblem::TimedOut)));
    }
}

#[test]
fn an_end_has_time_as_long_as_its_parts_are_taken() {
    let mut host = with_stream(Options { keep_alive_interval_ms: 0, ..Options::default() });
    for _ in 0..10 {
        host.hand(Input::StreamWrite { stream: 3 });
    }
    host.hand(Input::StreamEnd { stream: 3 });
    for expected in 2..=11 {
        host.pass(20_000);
        assert!(host.hand(Input::StreamAck { stream: 3, expected }));
    }
    host.pass(29_999);
    assert!(!host.taken().contains(&ended(StreamProblem::TimedOut)));
    host.pass(1);
    assert_eq!(host.taken(), [ended(StreamProblem::TimedOut)]);
}

#[test]
fn what_joins_again_is_not_taken_for_a_message_of_the_caller() {
    let mut host = Host::connected(standard());
    host.hand(Input::Join { message: 1, ack_id: NEXT_ACK_ID, group: 0 });
    host.ack(1, AckOutcome::Success);
    host.drop(1006);
    host.hand(Input::Post { message: 0 });
    host.taken();
    host.open();
    let posts = |host: &mut Host| host.taken().into_iter().filter(|one| *one == Action::Post { message: 0 }).count();
    assert_eq!(posts(&mut host), 1);
    // The socket took neither of them. The one that joins again is nobody's to tell.
    assert!(host.hand(Input::Unsent { message: 0 }));
    host.pass(2_000);
    assert_eq!(posts(&mut host), 1);
}

#[test]
fn a_retry_without_delay_leaves_time_for_a_close_to_be_heard() {
    let message_retry = Retry { max_retries: u32::MAX, delay_ms: 0, max_delay_ms: 0, mode: RetryMode::Fixed };
    for mode in [RetryMode::Fixed, RetryMode::Exponential] {
        let mut host =
            Host::connected(Options { message_retry: Retry { mode, ..message_retry }, ..Options::default() });
        host.hand(send(1));
        host.taken();
        host.hand(Input::Unsent { message: 1 });
        assert_eq!(host.taken(), []);
        assert_eq!(host.session.wake_at(), Some(host.now + 1));
        host.pass(1);
        assert_eq!(host.taken(), [Action::Send { message: 1, ack_id: 1 }]);
    }
}

#[test]
fn a_recovery_url_escapes_its_token() {
    let recovery = recovery_url("wss://a/client/hubs/h?access_token=T", "c2", "tok+/=1");
    let query = "access_token=T&awps_connection_id=c2&awps_reconnection_token=tok%2B%2F%3D1";
    assert_eq!(recovery, format!("wss://a/client/hubs/h?{query}"));
    assert_eq!(recovery_url("ws://a", "c", "t"), "ws://a?awps_connection_id=c&awps_reconnection_token=t");
}
