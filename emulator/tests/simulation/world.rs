//! The service, the network and its faults, on one clock.

mod checks;
mod network;
mod service;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use webpubsub_edge::client::{Input as ClientInput, Status};
use webpubsub_edge::protocol::GroupStateItem;
use webpubsub_edge_emulator::{EventReply, Input, Service, SocketId};

use crate::client::{Client, Counts, Dead, Result, Wish};
use crate::frames::Wire;
use crate::random::Random;
use crate::schedule::{Schedule, What};
use network::{Down, Socket};
use service::{Published, new_service};

const ORIGIN: &str = "http://localhost:8080";
const START: u64 = 1_700_000_000_000;
/// How long the network is quiet before everything must be well again, besides the time a client needs to notice
/// silence: 30 s for the recovery, up to 30 s of back-off, 30 s for a hanging attempt.
const CALM: u64 = 100_000;
/// A call of a host counts as late, and the host as having slept, from here on: see `client/clock.rs`.
const LATE: u64 = 5_000;
/// The longest that a probe waits for its answer: see `client/session.rs`.
const PROBE: u64 = 10_000;
/// How often a hidden page's timers fire.
const HIDDEN_TIMERS: u64 = 60_000;

/// A socket that only watches what the service accepts.
const OBSERVER: SocketId = 0;

pub struct World<'s> {
    schedule: &'s Schedule,
    random: Random,
    now: u64,
    service: Service,
    clients: Vec<Client>,
    sockets: BTreeMap<SocketId, Socket>,
    last_socket: SocketId,
    /// When, in which order, and which of `pending`.
    events: BinaryHeap<Reverse<(u64, u64, usize)>>,
    /// The place of the event that happens now.
    order: u64,
    /// The events by number, until they happen or are lost.
    pending: Vec<Option<Event>>,
    unreachable_until: u64,
    flapping_until: u64,
    hanging_until: u64,
    jumble_until: u64,
    rejoins_lost_until: u64,
    no_url_until: u64,
    tokens: BTreeMap<(u64, bool), String>,
    /// By connection id, what the service sent under each sequence id.
    sent: BTreeMap<String, BTreeMap<u64, Wire>>,
    /// How often the service accepted each payload.
    accepted: BTreeMap<String, usize>,
    /// What the event handler was asked.
    asked: BTreeSet<String>,
    broadcasts: usize,
    /// The states in each group, as the service told them last.
    states: BTreeMap<String, Vec<GroupStateItem<'static>>>,
    /// By stream id, the parts that were published, and how the stream ended.
    published: BTreeMap<String, Published>,
    /// What was found wrong where nothing can be returned.
    wrong: Option<String>,
    is_calm: bool,
}

enum Event {
    Step(What, usize),
    Upgrade(SocketId, String),
    ToService(SocketId, Wire),
    /// The answer to a ping of the service.
    Pong(SocketId),
    ToClient(SocketId, Down),
    /// The service learns that a socket is gone.
    Gone(SocketId, u16),
    Timer(usize, u64),
    /// The event handler answers.
    Reply(u64, EventReply),
}

impl<'s> World<'s> {
    pub fn new(schedule: &'s Schedule) -> World<'s> {
        let client = |name| Client::new(name, schedule.options, schedule.seed * 2 + name as u64);
        let mut world = World {
            schedule,
            random: Random::new(!schedule.seed),
            now: START,
            service: new_service(schedule),
            clients: (0..schedule.clients).map(client).collect(),
            sockets: BTreeMap::new(),
            last_socket: OBSERVER,
            events: BinaryHeap::new(),
            order: 0,
            pending: Vec::new(),
            unreachable_until: 0,
            flapping_until: 0,
            hanging_until: 0,
            jumble_until: 0,
            rejoins_lost_until: 0,
            no_url_until: 0,
            tokens: BTreeMap::new(),
            sent: BTreeMap::new(),
            accepted: BTreeMap::new(),
            asked: BTreeSet::new(),
            broadcasts: 0,
            states: BTreeMap::new(),
            published: BTreeMap::new(),
            wrong: None,
            is_calm: false,
        };
        world.observe();
        world
    }

    /// Plays the schedule, then lets everything come to rest, then stops.
    pub fn run(mut self) -> Result<Counts> {
        for step in &self.schedule.steps {
            self.at(START + step.at, Event::Step(step.what, step.client));
        }
        for client in 0..self.clients.len() {
            self.clients[client].start(self.now)?;
            self.settle(client)?;
        }
        let end = START + self.schedule.steps.last().map_or(0, |step| step.at);
        self.play_until(end)?;
        let rests_at = |client: &Client| client.asleep_until.max(client.hidden_until);
        while let Some(until) = self.clients.iter().map(rests_at).max().filter(|until| *until >= self.now) {
            self.play_until(until + 1)?;
        }
        self.is_calm = true;
        for socket in self.sockets.values_mut() {
            // What a middlebox forgot stays forgotten: a half-open socket is for the client to find.
            socket.service_open &= socket.up && socket.down;
        }
        let (interval, timeout) = self.keep_alive();
        // What waits behind a slow wire comes first.
        let slow = self.sockets.values().map(|socket| socket.up_free_at.max(socket.down_free_at)).max();
        self.play_until(self.now.max(slow.unwrap_or(0)) + CALM + interval + timeout)?;
        // A stream may have become idle just now, and its readers be about to hear of it.
        while self.pending.iter().any(|event| matches!(event, Some(Event::ToClient(_, Down::Frame(_))))) {
            self.play_until(self.now + 1_000)?;
        }
        self.check_at_rest()?;
        for client in 0..self.clients.len() {
            self.clients[client].stop(self.now)?;
            self.settle(client)?;
        }
        self.play_until(self.now + 3_000)?;
        let is_stopped = |client: &Client| client.session.status() == Status::Stopped;
        if !self.clients.iter().all(is_stopped) {
            return Err("a stop does not end".to_owned());
        }
        Ok(self.clients.iter().fold(Counts::default(), |sum, client| sum + client.counts))
    }

    /// The interval and the time-out, in milliseconds.
    fn keep_alive(&self) -> (u64, u64) {
        let options = &self.schedule.options;
        (options.keep_alive_interval_ms.into(), options.keep_alive_timeout_ms.into())
    }

    fn at(&mut self, time: u64, event: Event) {
        self.events.push(Reverse((time.max(self.now), self.pending.len() as u64, self.pending.len())));
        self.pending.push(Some(event));
    }

    fn play_until(&mut self, end: u64) -> Result {
        let (mut time, mut repeats) = (0, 0);
        loop {
            let next = self.events.peek().map(|Reverse((at, ..))| *at);
            let Some(at) = next.into_iter().chain(self.service.wake_at()).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            repeats = if self.now == time { repeats + 1 } else { 0 };
            time = self.now;
            if repeats > 20_000 {
                return Err("time stands still".to_owned());
            }
            if self.service.wake_at().is_some_and(|wake_at| wake_at <= self.now) {
                self.service(Input::Tick);
                continue;
            }
            let Some(Reverse((_, order, event))) = self.events.pop() else { break };
            self.order = order;
            // What was lost on its way is no longer there.
            if let Some(event) = self.pending[event].take() {
                self.happen(event)?;
            }
            self.wrong.take().map_or(Ok(()), Err)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result {
        match event {
            Event::Step(what, client) => self.step(what, client),
            Event::Upgrade(socket, query) => {
                self.upgrade(socket, &query);
                Ok(())
            }
            Event::ToService(socket, wire) => {
                if self.sockets[&socket].service_open {
                    match &wire {
                        Wire::Text(text) => self.service(Input::Text { socket, text }),
                        Wire::Binary(bytes) => self.service(Input::Binary { socket, bytes }),
                    }
                }
                Ok(())
            }
            Event::Pong(socket) => {
                if self.sockets[&socket].service_open {
                    self.service(Input::Pong { socket });
                }
                Ok(())
            }
            Event::Reply(id, reply) => {
                self.service(Input::Reply { hub: "chat", id, reply: &reply });
                Ok(())
            }
            Event::Gone(socket, code) => {
                let end = self.sockets.get_mut(&socket).unwrap();
                if std::mem::take(&mut end.service_open) {
                    self.service(Input::Closed { socket, code });
                }
                Ok(())
            }
            Event::ToClient(socket, down) => {
                let client = self.sockets[&socket].client;
                if let Some(down) = self.unless_asleep(client, down, |down| Event::ToClient(socket, down)) {
                    self.reach(socket, down)?;
                }
                self.settle(client)
            }
            Event::Timer(client, timer) => {
                if timer != self.clients[client].timer {
                    return Ok(());
                }
                let Client { hidden_at, hidden_until, .. } = self.clients[client];
                if self.now < hidden_until {
                    let waited = (self.now - hidden_at) % HIDDEN_TIMERS;
                    if waited != 0 {
                        let next = (self.now - waited + HIDDEN_TIMERS).min(hidden_until);
                        self.at(next, Event::Timer(client, timer));
                        return Ok(());
                    }
                }
                if self.unless_asleep(client, (), |()| Event::Timer(client, timer)).is_some() {
                    let limit = self.clients[client].stop_by.map(|limit| limit.max(hidden_until + 2_000));
                    self.clients[client].handle(self.now, ClientInput::Tick)?;
                    if limit.is_some_and(|limit| limit < self.now) && self.clients[client].stop_by.is_some() {
                        return Err("a stop takes more than two seconds".to_owned());
                    }
                    self.settle(client)?;
                }
                Ok(())
            }
        }
    }

    /// What happens to a process that sleeps happens when it wakes.
    fn unless_asleep<T>(&mut self, client: usize, what: T, event: impl Fn(T) -> Event) -> Option<T> {
        let until = self.clients[client].asleep_until;
        if self.now >= until {
            return Some(what);
        }
        // In the order in which it would have happened.
        self.events.push(Reverse((until, self.order, self.pending.len())));
        self.pending.push(Some(event(what)));
        None
    }

    fn step(&mut self, what: What, client: usize) -> Result {
        if self.unless_asleep(client, (), |()| Event::Step(what, client)).is_none() {
            return Ok(());
        }
        let (now, probe) = (self.now, self.probe_limit());
        let is_answered = self.is_pong_under_way(client);
        let subject = &mut self.clients[client];
        match what {
            What::Join(group) => subject.join(now, group)?,
            What::Leave(group) => subject.leave(now, group)?,
            What::Send(group) => subject.send(now, group)?,
            What::SendTwice(group) => subject.send_twice(now, group)?,
            What::Post(group) => subject.post(now, group)?,
            What::SendShortLived(group, seconds) => subject.send_short_lived(now, group, seconds)?,
            What::SetState(group) => subject.set_state(now, group, true)?,
            What::ClearState(group) => subject.set_state(now, group, false)?,
            What::Watch(group) => subject.watch(now, group)?,
            What::Unwatch(group) => subject.unwatch(now, group)?,
            What::Event => subject.event(now)?,
            What::Invoke => subject.invoke(now)?,
            What::OpenStream(group) => subject.open_stream(now, group)?,
            What::WriteStream(count) => subject.write_stream(now, count)?,
            What::EndStream => subject.end_stream(now)?,
            What::AbortOldest => subject.abort_oldest(now)?,
            What::Wake => self.wake(client)?,
            What::Offline => _ = subject.handle(now, ClientInput::Offline)?,
            What::Start => subject.start(now)?,
            What::Stop => {
                subject.stop(now)?;
            }
            What::OfflineFor(ms) => {
                subject.handle(now, ClientInput::Offline)?;
                self.unreachable_until = now + ms;
                self.break_wire(client, true, true);
                self.at(now + ms, Event::Step(What::Wake, client));
            }
            What::Slow { up, ms } => {
                if let Some(socket) = self.current(client).and_then(|socket| self.sockets.get_mut(&socket)) {
                    let free_at = if up { &mut socket.up_free_at } else { &mut socket.down_free_at };
                    *free_at = (*free_at).max(now + ms);
                    socket.was_slow = true;
                }
            }
            What::Sleep { ms, wakes } => {
                subject.asleep_until = now + ms;
                subject.stop_by = subject.stop_by.map(|_| now + ms + 2_000);
                // Time that is slept does not count; but who has slept that long looks after its connection.
                subject.may_notice_later(ms, now + ms + probe);
                let interval = u64::from(self.schedule.options.keep_alive_interval_ms);
                // A clock that was set back just before hides it.
                let is_seen = ms > interval + LATE && subject.last_jump() + interval < now;
                if is_seen && !is_answered && now + ms >= subject.hidden_until {
                    subject.must_notice(now + ms + probe);
                }
                subject.jump(now, now + ms);
                if wakes {
                    self.at(now + ms, Event::Step(What::Wake, client));
                }
            }
            What::Hidden(ms) => {
                (subject.hidden_at, subject.hidden_until) = (now, now + ms);
                subject.jump(now, now + ms);
                subject.may_notice_later(ms + 2 * HIDDEN_TIMERS, 0);
                self.at(now + ms, Event::Step(What::Wake, client));
            }
            What::SetClock(ms) => {
                subject.offset += ms;
                subject.jump(now, now);
                let interval = u64::from(self.schedule.options.keep_alive_interval_ms);
                let timeout = u64::from(self.schedule.options.keep_alive_timeout_ms);
                // Set back, it hides a sleep that ends now.
                subject.may_notice_later(interval, now + timeout + interval + probe);
                // Set back, it hides that the wait is over, and the wait begins anew.
                subject.stop_by = subject.stop_by.map(|limit| limit + 2_000);
            }
            What::Broadcast(count) => (0..count).for_each(|_| self.broadcast()),
            What::Cut => {
                if let Some(socket) = self.current(client) {
                    self.cut(socket);
                }
            }
            What::HalfOpen { up, down } => self.break_wire(client, up, down),
            What::Restart { keeps_state } => self.restart(keeps_state),
            What::Unreachable(ms) => self.unreachable_until = now + ms,
            What::Flapping(ms) => self.flapping_until = now + ms,
            What::Hanging(ms) => self.hanging_until = now + ms,
            What::NoUrl(ms) => self.no_url_until = now + ms,
            What::Jumble(ms) => self.jumble_until = now + ms,
            What::LoseRejoins(ms) => self.rejoins_lost_until = now + ms,
            What::Close { code } => self.close(client, code),
        }
        self.settle(client)
    }

    /// The host says that it is awake, or back online.
    fn wake(&mut self, client: usize) -> Result {
        let (now, probe) = (self.now, self.probe_limit());
        let is_answered = self.is_pong_under_way(client);
        let subject = &mut self.clients[client];
        if subject.session.status() == Status::Connected && !is_answered && now >= subject.hidden_until {
            subject.must_notice(now + probe);
        }
        subject.handle(now, ClientInput::Wake).map(drop)
    }

    /// Whether a pong is under way on a dead connection: it looks like the answer to whatever is asked now.
    fn is_pong_under_way(&self, client: usize) -> bool {
        self.clients[client].dead.is_some_and(|dead| {
            self.pending.iter().flatten().any(|event| match event {
                Event::ToClient(id, Down::Frame(wire)) => {
                    let Socket { client: whose, number, .. } = self.sockets[id];
                    whose == client && number == dead.number && wire.is_pong()
                }
                _ => false,
            })
        })
    }

    /// How long a probe may take to find a connection dead, with what is still under way.
    fn probe_limit(&self) -> u64 {
        self.keep_alive().0.min(PROBE) + 2 * self.schedule.latency as u64 + 1_000
    }

    /// What is sent disappears, and nobody is told.
    fn break_wire(&mut self, client: usize, up: bool, down: bool) {
        let (interval, timeout) = self.keep_alive();
        let (now, latency) = (self.now, self.schedule.latency as u64);
        let Some(id) = self.current(client) else { return };
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.up &= !up;
        socket.down &= !down;
        let subject = &mut self.clients[client];
        if !socket.down && subject.dead.is_none() && subject.session.status() == Status::Connected {
            // What is under way may still arrive.
            let last = socket.down_free_at.max(now + 2 * latency).max(subject.hidden_until + 2 * HIDDEN_TIMERS);
            let by = last + timeout + interval + 1_000;
            subject.dead = Some(Dead { number: socket.number, by });
        }
    }

    /// Carries out what a client wants of the network, and sets its timer.
    fn settle(&mut self, client: usize) -> Result {
        for wish in std::mem::take(&mut self.clients[client].wishes) {
            match wish {
                Wish::Open { number, query } => self.open(client, number, query),
                Wish::Close { number, is_clean, was_connected } => {
                    if let Some(socket) = self.find(client, number) {
                        let is_awake =
                            self.clients[client].is_awake(self.now, self.probe_limit(), self.keep_alive().0 + LATE);
                        let is_good = !is_clean && was_connected && is_awake && self.sockets[&socket].is_good();
                        self.clients[client].check(!is_good, "a connection that works is not given up")?;
                        let code = if is_clean { 1000 } else { 1005 };
                        let latency = self.latency();
                        self.sockets.get_mut(&socket).unwrap().client_open = false;
                        if self.sockets[&socket].up {
                            // Behind all that was written before.
                            let at = self.sockets[&socket].up_free_at.max(self.now + latency);
                            self.at(at, Event::Gone(socket, code));
                            if self.sockets[&socket].down {
                                self.at(at + latency, Event::ToClient(socket, Down::Closed(code)));
                            }
                        }
                    }
                }
                Wish::Write(frame) => {
                    if let Some(socket) = self.current(client) {
                        self.write(socket, &frame);
                    }
                }
            }
        }
        self.clients[client].check_dead(self.now)?;
        let subject = &mut self.clients[client];
        if let Some(wake_at) = subject.wake_at {
            subject.timer += 1;
            let event = Event::Timer(client, subject.timer);
            self.at(wake_at, event);
        }
        Ok(())
    }
}
