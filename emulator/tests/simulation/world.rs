//! The service, the network and its faults, on one clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use serde_json::{Value, json};
use webpubsub_edge::client::json::{self, Data};
use webpubsub_edge::client::{GroupStates, Input as ClientInput, Protocol, StateItem, Status, StreamProblem};
use webpubsub_edge::jwt::Key;
use webpubsub_edge_emulator::{
    ACCESS_KEY, Action, EventReply, Frame, Input, Payload, Request, Service, Settings, SocketId,
};

use crate::client::{Client, Counts, Dead, Result, Wish};
use crate::frames::{self, Encoding, SHORT_LIVED, Wire};
use crate::random::Random;
use crate::schedule::{GROUPS, Schedule, What};

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
/// How long a token is good for a new connection. The service adds 300 s for clocks that differ.
const TOKEN_LIFE: u64 = 60_000;

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
    /// The events by number, until they happen.
    pending: Vec<Option<Event>>,
    unreachable_until: u64,
    flapping_until: u64,
    hanging_until: u64,
    jumble_until: u64,
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
    states: BTreeMap<String, Vec<StateItem>>,
    /// By stream id, the parts that were published, and how the stream ended.
    published: BTreeMap<String, Published>,
    /// What was found wrong where nothing can be returned.
    wrong: Option<String>,
    is_calm: bool,
}

#[derive(Default)]
struct Published {
    parts: usize,
    has_ended: bool,
    /// It was idle for so long that the service ended it.
    was_idle: bool,
}

struct Socket {
    client: usize,
    number: u32,
    connection: Option<String>,
    /// Whether each side thinks that it is open.
    client_open: bool,
    service_open: bool,
    /// Whether what is sent arrives.
    up: bool,
    down: bool,
    up_free_at: u64,
    down_free_at: u64,
    /// When the client hears that it is open: no frame comes before that.
    opened_at: u64,
    /// Whether frames had to wait, so that it looks dead though it is not.
    was_slow: bool,
}

fn service(schedule: &Schedule) -> Service {
    let mut service = Service::new(Settings { can_ping: schedule.has_pings, ..Settings::default() });
    service.answer_events("chat", schedule.has_handler);
    service
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

enum Down {
    Opened,
    Frame(Wire),
    Ping,
    Closed(u16),
}

impl<'s> World<'s> {
    pub fn new(schedule: &'s Schedule) -> World<'s> {
        let client = |name| Client::new(name, schedule.options, schedule.seed * 2 + name as u64);
        let mut world = World {
            schedule,
            random: Random::new(!schedule.seed),
            now: START,
            service: service(schedule),
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
            let event = self.pending[event].take().unwrap();
            self.happen(event)?;
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

    fn latency(&mut self) -> u64 {
        1 + self.random.below(self.schedule.latency) as u64
    }

    /// The socket that a client writes to.
    fn current(&self, client: usize) -> Option<SocketId> {
        self.find(client, self.clients[client].session.socket())
    }

    fn find(&self, client: usize, number: u32) -> Option<SocketId> {
        let is_it = |socket: &&Socket| socket.client == client && socket.number == number;
        self.sockets.iter().rev().find(|(_, socket)| is_it(socket)).map(|(id, _)| *id)
    }

    fn open(&mut self, client: usize, number: u32, query: Option<String>) {
        self.last_socket += 1;
        let socket = self.last_socket;
        self.sockets.insert(
            socket,
            Socket {
                client,
                number,
                connection: None,
                client_open: true,
                service_open: false,
                up: true,
                down: true,
                up_free_at: 0,
                down_free_at: 0,
                opened_at: 0,
                was_slow: false,
            },
        );
        if !self.is_calm && self.now < self.no_url_until {
            return self.at(self.now, Event::ToClient(socket, Down::Closed(1006)));
        }
        let at = self.now + self.latency();
        if !self.is_calm && self.now < self.hanging_until {
            return;
        }
        if !self.is_calm && self.now < self.unreachable_until {
            return self.at(at, Event::ToClient(socket, Down::Closed(1006)));
        }
        // Recovery takes the URL that the connection was made with; a new one is made with a fresh token.
        let query = query.unwrap_or_else(|| format!("?access_token={}", self.token(false)));
        self.at(at, Event::Upgrade(socket, query));
    }

    fn upgrade(&mut self, socket: SocketId, query: &str) {
        if !self.sockets[&socket].client_open {
            return;
        }
        if !self.is_calm && self.now < self.flapping_until && self.random.one_in(2) {
            // Something in between takes the socket and drops it: the service never hears of it.
            self.down(socket, Down::Opened);
            return self.down(socket, Down::Closed(1006));
        }
        self.sockets.get_mut(&socket).unwrap().service_open = true;
        if let Some(id) = query.split("awps_connection_id=").nth(1).and_then(|rest| rest.split('&').next()) {
            self.sockets.get_mut(&socket).unwrap().connection = Some(id.to_owned());
        }
        let subprotocol = match (self.schedule.encoding, self.schedule.options.protocol) {
            (Encoding::Json, Protocol::Reliable) => "json.reliable.webpubsub.azure.v1",
            (Encoding::Json, _) => "json.webpubsub.azure.v1",
            (Encoding::Protobuf, Protocol::Reliable) => "protobuf.reliable.webpubsub.azure.v1",
            (Encoding::Protobuf, _) => "protobuf.webpubsub.azure.v1",
        };
        self.connect(socket, query, subprotocol);
        if !self.is_calm && self.now < self.flapping_until {
            self.cut(socket);
        }
    }

    fn connect(&mut self, socket: SocketId, query: &str, subprotocol: &str) {
        let request = Request {
            method: "GET".to_owned(),
            url: format!("{ORIGIN}/client/hubs/chat{query}"),
            headers: vec![("Sec-WebSocket-Protocol".to_owned(), subprotocol.to_owned())],
            body: Vec::new(),
        };
        let mut random = [0; 32];
        random.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.random.next().to_be_bytes()));
        self.service(Input::Upgrade { socket, request: &request, random });
    }

    fn observe(&mut self) {
        self.sockets.insert(
            OBSERVER,
            Socket {
                client: usize::MAX,
                number: 0,
                connection: None,
                client_open: true,
                service_open: true,
                up: true,
                down: true,
                up_free_at: 0,
                down_free_at: 0,
                opened_at: 0,
                was_slow: false,
            },
        );
        let query = format!("?access_token={}", self.token(true));
        self.connect(OBSERVER, &query, "json.webpubsub.azure.v1");
    }

    fn write(&mut self, socket: SocketId, frame: &Value) {
        let at = self.now + self.latency();
        let sender = self.sockets.get_mut(&socket).unwrap();
        if sender.client_open && sender.up {
            sender.up_free_at = sender.up_free_at.max(at);
            let at = sender.up_free_at;
            self.at(at, Event::ToService(socket, frames::write(self.schedule.encoding, frame)));
        }
    }

    fn down(&mut self, socket: SocketId, down: Down) {
        let at = self.now + self.latency();
        let receiver = self.sockets.get_mut(&socket).unwrap();
        if !receiver.down {
            return;
        }
        if let Down::Frame(wire) = &down
            && self.now < self.jumble_until
            && wire.is_unordered()
            && !self.clients[receiver.client].is_unwatching()
        {
            let opened_at = receiver.opened_at;
            for _ in 0..1 + self.random.below(2) {
                let at = self.now + self.latency() + self.latency();
                self.at(at.max(opened_at), Event::ToClient(socket, Down::Frame(wire.clone())));
            }
            return;
        }
        receiver.down_free_at = receiver.down_free_at.max(at);
        let at = receiver.down_free_at;
        if matches!(down, Down::Opened) {
            receiver.opened_at = at;
        }
        self.at(at, Event::ToClient(socket, down));
    }

    /// Something arrives at a client.
    fn reach(&mut self, socket: SocketId, down: Down) -> Result {
        let Socket { client, number, client_open, .. } = self.sockets[&socket];
        let input = match down {
            Down::Opened => ClientInput::Opened { socket: number },
            Down::Closed(code) => {
                self.sockets.get_mut(&socket).unwrap().client_open = false;
                if self.clients[client].session.socket() == number {
                    self.clients[client].last_code = code;
                }
                ClientInput::Closed { socket: number, code }
            }
            // A host hands in late frames too; the session knows what to do.
            Down::Ping => {
                let end = &self.sockets[&socket];
                if end.client_open && end.up {
                    let at = end.up_free_at.max(self.now + self.schedule.latency as u64);
                    self.sockets.get_mut(&socket).unwrap().up_free_at = at;
                    self.at(at, Event::Pong(socket));
                }
                return Ok(());
            }
            Down::Frame(wire) => {
                return if client_open || self.random.one_in(2) {
                    self.clients[client].receive(self.now, number, wire)
                } else {
                    Ok(())
                };
            }
        };
        self.clients[client].handle(self.now, input).map(drop)
    }

    /// The wire breaks. What is under way is lost, and each side learns of it in its own time.
    fn cut(&mut self, socket: SocketId) {
        let learns = |random: &mut Random| if random.one_in(4) { random.below(20_000) } else { random.below(100) };
        let end = self.sockets.get_mut(&socket).unwrap();
        (end.up, end.down) = (false, false);
        let (client, service) = (learns(&mut self.random), learns(&mut self.random));
        let (now, latency) = (self.now, self.schedule.latency as u64);
        // What has left already may still arrive.
        self.at(now + latency + client as u64, Event::ToClient(socket, Down::Closed(1006)));
        self.at(now + latency + service as u64, Event::Gone(socket, 1006));
        if self.random.one_in(2) {
            self.lose_in_flight(socket);
        }
    }

    fn lose_in_flight(&mut self, cut: SocketId) {
        for event in &mut self.pending {
            if let Some(Event::ToService(socket, _) | Event::ToClient(socket, Down::Frame(_))) = event
                && *socket == cut
            {
                // The heap still has its number: what is left there does nothing.
                *event = Some(Event::Timer(0, u64::MAX));
            }
        }
    }

    fn restart(&mut self, keeps_state: bool) {
        let open: Vec<SocketId> = self
            .sockets
            .iter()
            .filter(|(id, socket)| **id != OBSERVER && socket.service_open)
            .map(|(id, _)| *id)
            .collect();
        for socket in open {
            self.lose_in_flight(socket);
            if keeps_state {
                self.happen(Event::Gone(socket, 1006)).unwrap();
            }
            self.sockets.get_mut(&socket).unwrap().service_open = false;
            self.down(socket, Down::Closed(1006));
        }
        if !keeps_state {
            self.service = service(self.schedule);
            self.observe();
        }
    }

    fn broadcast(&mut self) {
        self.broadcasts += 1;
        let group = GROUPS[self.random.below(GROUPS.len() - 1)];
        let data = format!("all-{}", self.broadcasts);
        let frame = json!({ "type": "sendToGroup", "group": group, "dataType": "text", "data": data });
        self.service(Input::Text { socket: OBSERVER, text: &frame.to_string() });
    }

    fn close(&mut self, client: usize, code: u16) {
        let Some(id) = self.clients[client].connection_id().map(str::to_owned) else { return };
        let Some((&socket, _)) = self.sockets.iter().find(|(_, socket)| socket.connection.as_ref() == Some(&id)) else {
            return;
        };
        if code == 1000 {
            // As REST does, for good.
            let path = format!("{ORIGIN}/api/hubs/chat/connections/{id}?api-version=2024-12-01");
            let claims = json!({ "aud": path, "exp": self.now / 1000 + 60 });
            let token = Key::new(ACCESS_KEY.as_bytes()).sign(&claims.to_string());
            let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
            let request = Request { method: "DELETE".to_owned(), url: path, headers, body: Vec::new() };
            self.service(Input::Request { id: 1, request: &request });
        } else {
            // As a proxy does.
            self.down(socket, Down::Closed(code));
            self.at(self.now, Event::Gone(socket, 1006));
        }
    }

    /// Hands an input to the service and puts what it does on the network.
    fn service(&mut self, input: Input<'_>) {
        for action in self.service.handle(self.now, input) {
            match action {
                Action::Accept { socket, .. } if socket != OBSERVER => self.down(socket, Down::Opened),
                Action::Send { to, frame } => to.into_iter().for_each(|socket| self.send(socket, &frame)),
                Action::Ping { to } => {
                    for socket in to {
                        if socket == OBSERVER {
                            self.at(self.now, Event::Pong(socket));
                        } else {
                            self.down(socket, Down::Ping);
                        }
                    }
                }
                Action::Close { socket, code, .. } => {
                    self.sockets.get_mut(&socket).unwrap().service_open = false;
                    self.down(socket, Down::Closed(code));
                }
                Action::Abort { socket } => {
                    self.sockets.get_mut(&socket).unwrap().service_open = false;
                    self.down(socket, Down::Closed(1006));
                }
                Action::Refuse { response, .. } => panic!("refused: {}", String::from_utf8_lossy(&response.body)),
                Action::Event(event) => self.ask(event.id, event.payload),
                _ => {}
            }
        }
    }

    /// The event handler: mostly it says yes, sometimes no, sometimes later than anybody waits.
    fn ask(&mut self, id: u64, payload: Payload) {
        if let Payload::Text(data) = &payload {
            self.asked.insert(data.clone());
        }
        let reply = match self.random.below(8) {
            0..2 => EventReply::Failed("no".to_owned()),
            2..5 => EventReply::Done(None),
            _ => EventReply::Done(Some(payload)),
        };
        let slowest = if self.random.one_in(8) { 40_000 } else { 3_000 };
        let at = self.now + self.random.below(slowest) as u64;
        self.at(at, Event::Reply(id, reply));
    }

    /// A part of a stream, as it was published.
    fn note_part(&mut self, text: &str) {
        let Some(json::Frame::Message(message)) = json::read(text) else { return };
        let Some(part) = message.stream else { return };
        let published = self.published.entry(part.stream_id.clone()).or_default();
        if part.is_end {
            published.was_idle |= part.error.as_ref().is_some_and(|error| error.name == "IdleTimeout");
            published.has_ended |= part.error.is_none();
        } else {
            published.parts += 1;
            let expected = Data::Text(format!("{} part {}", part.stream_id, published.parts));
            if part.sequence_id != published.parts as u64 || message.data != expected {
                self.wrong = Some(format!("{text} is published after {} parts", published.parts - 1));
            }
        }
    }

    fn send(&mut self, socket: SocketId, frame: &Frame) {
        let wire = Wire::from(frame.content());
        if socket == OBSERVER {
            let Wire::Text(text) = wire else { panic!("a binary frame for the observer") };
            return self.watch(&text);
        }
        let receiver = self.sockets.get_mut(&socket).unwrap();
        if let Frame::Numbered { sequence_id, .. } = frame {
            let id = receiver.connection.clone().expect("a numbered frame is for a known connection");
            let before = self.sent.entry(id).or_default().insert(*sequence_id, wire.clone());
            assert!(before.is_none_or(|before| before == wire), "the service numbers anew");
        } else if receiver.connection.is_none()
            && let Some(json::Frame::Connected { connection_id, .. }) = wire.read()
        {
            receiver.connection = connection_id;
        }
        self.down(socket, Down::Frame(wire));
    }

    /// What the observer sees.
    fn watch(&mut self, text: &str) {
        if text.contains(r#""stream":{"#) {
            self.note_part(text);
        } else if let Some(data) = text.split(r#""data":""#).nth(1).and_then(|rest| rest.split('"').next()) {
            *self.accepted.entry(data.to_owned()).or_default() += 1;
        } else if text.contains("groupStateSnapshot")
            && let Some(json::Frame::GroupState { group, items, .. }) = json::read(text)
        {
            self.states.insert(group, items);
        }
    }

    fn check_at_rest(&mut self) -> Result {
        for group in &GROUPS[..GROUPS.len() - 1] {
            let frame = json!({ "type": "subscribeGroupState", "group": group });
            self.service(Input::Text { socket: OBSERVER, text: &frame.to_string() });
        }
        for index in 0..self.clients.len() {
            let client = &self.clients[index];
            let is_stopped = client.session.status() == Status::Stopped;
            let may_stop = !self.schedule.options.auto_reconnect
                || self.schedule.steps.iter().any(|step| step.client == index && matches!(step.what, What::Stop))
                // A first attempt that fails is not tried again.
                || !client.has_connected;
            client.check(may_stop || !is_stopped, "it goes on trying")?;
            client.check_at_rest(!is_stopped)?;
            self.check_deliveries(client, is_stopped)?;
            self.check_streams(client)?;
            if !is_stopped {
                self.check_groups(index)?;
                self.check_states(index)?;
            }
        }
        self.check_accepted()
    }

    /// Each connection has delivered, in order and once, what the service sent it: all of it on the last one, and on
    /// those before all until they were lost. Only what was not to live longer may be missing.
    fn check_deliveries(&self, client: &Client, is_stopped: bool) -> Result {
        if self.schedule.options.protocol != Protocol::Reliable {
            return Ok(());
        }
        // The service numbers them too, but does not send what has died while there was no socket.
        let short_lived = self.accepted.iter().filter(|(data, _)| data.ends_with(SHORT_LIVED));
        let may_skip: usize = short_lived.map(|(_, count)| count).sum();
        for (id, delivered) in &client.delivered {
            let sent = self.sent.get(id).ok_or("delivered what was not sent")?;
            let (mut last, mut skipped) = (0, 0);
            for (sequence_id, wire) in delivered {
                client.check(*sequence_id > last, "each message is delivered once and in order")?;
                client.check(sent.get(sequence_id) == Some(wire), "each message is delivered as it was sent")?;
                for missing in last + 1..*sequence_id {
                    skipped += 1;
                    let may_die = sent.get(&missing).is_none_or(Wire::is_short_lived);
                    client.check(may_die, &format!("message {missing} of {id} is delivered"))?;
                }
                last = *sequence_id;
            }
            client.check(skipped <= may_skip, &format!("{skipped} messages of {id} are missing"))?;
        }
        let Some(id) = client.connection_id().filter(|_| !is_stopped) else { return Ok(()) };
        let last = client.delivered.get(id).and_then(|delivered| delivered.last()).map_or(0, |(last, _)| *last);
        let left = self.sent.get(id).into_iter().flatten();
        let left = left.filter(|(sequence_id, wire)| **sequence_id > last && !wire.is_short_lived()).count();
        client.check(left == 0, &format!("everything is delivered, not all but {left}"))
    }

    /// Who watches the states of a group knows them as the service does, and the service knows its own.
    fn check_states(&mut self, index: usize) -> Result {
        let client = &mut self.clients[index];
        let id = client.connection_id().unwrap_or_default().to_owned();
        for (group, own) in client.own_states() {
            let item = self.states.get(GROUPS[group]).into_iter().flatten().find(|item| item.connection_id == id);
            let state = item.and_then(|item| item.state.as_ref()?.get("is")).map(String::as_str);
            client.check(state == own, &format!("its state in {} is {own:?}, not {state:?}", GROUPS[group]))?;
        }
        if !self.schedule.options.auto_rejoin_groups {
            return Ok(());
        }
        let watched: Vec<usize> = client.watched().collect();
        for group in watched {
            client.counts.views += 1;
            let view = client.views[group].iter().flat_map(GroupStates::iter);
            let known: BTreeMap<&str, &StateItem> = view.map(|item| (item.connection_id.as_str(), item)).collect();
            let items = self.states.get(GROUPS[group]).into_iter().flatten();
            let set: BTreeMap<&str, &StateItem> = items.map(|item| (item.connection_id.as_str(), item)).collect();
            let what = || format!("the states of {} are {set:?}, not {known:?}", GROUPS[group]);
            client.check(known == set, &what())?;
        }
        Ok(())
    }

    /// What was written to an open stream is published; one that was ended is over, and ended well if its caller was
    /// told so.
    fn check_streams(&self, client: &Client) -> Result {
        for stream in client.streams.values() {
            let nothing = Published::default();
            let published = self.published.get(&stream.id).unwrap_or(&nothing);
            let is_whole = published.parts == stream.parts.len();
            match stream.over {
                Some(StreamProblem::None) => {
                    // An end that was sent before a recovery may have met a stream that was idle for too long:
                    // nobody can tell.
                    let has_ended = is_whole && published.has_ended || published.was_idle;
                    client.check(has_ended, &format!("{} has ended well", stream.id))?;
                }
                Some(_) => {}
                None => {
                    client.check(!stream.is_ended, &format!("{} ends", stream.id))?;
                    client.check(stream.is_open, &format!("{} opens or fails", stream.id))?;
                    client.check(is_whole, &format!("{} is published whole", stream.id))?;
                }
            }
        }
        Ok(())
    }

    fn check_groups(&mut self, index: usize) -> Result {
        let url = format!("{ORIGIN}/_emulator?hub=chat");
        let request = Request { method: "GET".to_owned(), url, headers: Vec::new(), body: Vec::new() };
        let snapshot = self
            .service
            .handle(self.now, Input::Request { id: 1, request: &request })
            .into_iter()
            .find_map(|action| match action {
                Action::Respond { response, .. } => serde_json::from_slice::<Value>(&response.body).ok(),
                _ => None,
            })
            .unwrap();
        let client = &self.clients[index];
        let id = client.connection_id().unwrap();
        let connections = snapshot["connections"].as_array().unwrap();
        let connection = connections.iter().find(|connection| connection["connectionId"] == id);
        let groups = connection.ok_or_else(|| format!("client {index}: the service does not know its connection"))?;
        if !self.schedule.options.auto_rejoin_groups {
            return Ok(());
        }
        for group in client.joined() {
            let is_in = groups["groups"].as_array().unwrap().iter().any(|name| name == group);
            client.check(is_in, &format!("it is in {group}"))?;
        }
        for group in client.left() {
            let is_in = groups["groups"].as_array().unwrap().iter().any(|name| name == group);
            client.check(!is_in, &format!("it has left {group}"))?;
        }
        Ok(())
    }

    /// What a client was told to be done was done; what was done twice was tried again on a new connection.
    fn check_accepted(&self) -> Result {
        for client in &self.clients {
            for data in &client.accepted {
                let is_known = self.accepted.contains_key(data) || self.asked.contains(data);
                client.check(is_known, &format!("{data} was accepted"))?;
            }
        }
        let most = self.clients.iter().map(|client| client.connections).max().unwrap_or(0);
        let over = self.accepted.iter().find(|(data, count)| !data.starts_with("all") && **count > most.max(1));
        over.map_or(Ok(()), |(data, count)| Err(format!("{data} was accepted {count} times")))
    }
}

impl World<'_> {
    /// A token that may do all to the groups but the last one. The observer is in them.
    fn token(&mut self, is_observer: bool) -> String {
        // Signing is slow, so those of the same minute are one.
        let expires = (self.now / TOKEN_LIFE + 1) * TOKEN_LIFE / 1000;
        let make = || {
            let allowed = &GROUPS[..GROUPS.len() - 1];
            let role = |what: &str| allowed.iter().map(|group| format!("webpubsub.{what}.{group}")).collect::<Vec<_>>();
            let roles = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"].map(role).concat();
            let claims = json!({
                "aud": format!("{ORIGIN}/client/hubs/chat"),
                "exp": expires,
                "role": roles,
                "webpubsub.group": if is_observer { allowed } else { &[] },
            });
            Key::new(ACCESS_KEY.as_bytes()).sign(&claims.to_string())
        };
        self.tokens.entry((expires, is_observer)).or_insert_with(make).clone()
    }
}

impl Socket {
    /// Whether both sides are there and frames pass, so that nothing is wrong with it.
    fn is_good(&self) -> bool {
        self.client_open && self.service_open && self.up && self.down && !self.was_slow
    }
}
