//! A host of the session: it keeps what the session numbers, and checks what its caller is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Add;

use serde_json::{Value, json};
use webpubsub_edge::client::{
    AckOutcome, Action, GroupStates, Input, NEXT_ACK_ID, Options, Outcome, Session, Status, StreamClosing,
    StreamProblem,
};
use webpubsub_edge::protocol::{DataMessage, Downstream, Payload, Sender, StreamPart};

use crate::frames::{SHORT_LIVED, Wire};
use crate::schedule::GROUPS;

pub type Result<T = ()> = std::result::Result<T, String>;

/// What the client wants of the network.
pub enum Wish {
    Open {
        number: u32,
        query: Option<String>,
    },
    Close {
        number: u32,
        is_clean: bool,
        /// Whether the caller still thought that all was well.
        was_connected: bool,
    },
    Write(Value),
}

/// What is joined and joined again: each group, and after them the states of each.
const TOPICS: usize = 2 * GROUPS.len();

pub struct Client {
    name: usize,
    pub session: Session,
    /// The client's clock minus the true time.
    pub offset: i64,
    pub asleep_until: u64,
    /// Until when its timers fire once a minute, from `hidden_at` on.
    pub hidden_until: u64,
    pub hidden_at: u64,
    /// From when to when its time jumped last, and before that.
    jumps: [(u64, u64); 2],
    /// A socket on which nothing arrives any more, and by when the session must have noticed.
    pub dead: Option<Dead>,
    /// Whether the service has answered a ping since the start.
    pub has_ponged: bool,
    /// When the timer is to fire, in true time.
    pub wake_at: Option<u64>,
    /// Counts the settings of the timer: only the last one counts.
    pub timer: u64,
    pub wishes: Vec<Wish>,
    connection: Option<(String, String)>,
    messages: BTreeMap<u32, Kept>,
    last_message: u32,
    last_ack_id: u64,
    /// What the caller asked for last, and whether it was done.
    topics: [Membership; TOPICS],
    /// The join or leave that the caller asked for last.
    last_word: [u32; TOPICS],
    /// What is known of the states of each group that is watched.
    pub views: [Option<GroupStates>; GROUPS.len()],
    /// Its own state in each group, as it was set last.
    own: [Option<String>; GROUPS.len()],
    /// The message that set it last, and whether it is known to be carried out.
    own_word: [(u32, bool); GROUPS.len()],
    told: Told,
    was_told: bool,
    /// The groups that are being joined again, by ack id.
    rejoins: BTreeMap<u64, u32>,
    /// By when the groups are joined again or have failed, if nothing holds up the timers of the client.
    rejoins_by: Option<u64>,
    /// The numbers of the groups that the session may name.
    groups_in_use: BTreeSet<u32>,
    /// The streams that this client publishes, by their numbers.
    pub streams: BTreeMap<u32, Stream>,
    /// Those it reads: their ids by their numbers, and on which connection it began.
    readers: BTreeMap<u32, (String, usize)>,
    last_reader: u32,
    /// The close code that the session was told last.
    pub last_code: u16,
    /// By connection id, all that was delivered.
    pub delivered: BTreeMap<String, Vec<(u64, Wire)>>,
    /// Payloads that the service said it has.
    pub accepted: Vec<String>,
    /// How many connections were asked for.
    pub connections: usize,
    /// Whether any was made.
    pub has_connected: bool,
    opened_at: VecDeque<u64>,
    pub stop_by: Option<u64>,
    pub counts: Counts,
}

/// A socket on which nothing arrives any more.
#[derive(Clone, Copy)]
pub struct Dead {
    pub number: u32,
    pub by: u64,
}

/// How often what happened.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Connections that were lost and got back: the caller was told of no gap.
    pub recovered: usize,
    /// Connections that were made anew after another: the caller was told of a gap.
    pub gaps: usize,
    /// Sockets that went silent and were given up for that.
    pub noticed: usize,
    /// Views of the states of a group that were compared with the service's.
    pub views: usize,
    /// Messages with a sequence id that were delivered.
    pub delivered: usize,
    /// Parts of streams that a reader got.
    pub parts: usize,
    /// Sends and events that their sender was told to be done.
    pub accepted: usize,
}

pub struct Stream {
    pub id: String,
    group: usize,
    pub parts: Vec<String>,
    trimmed: u64,
    pub is_open: bool,
    pub is_ended: bool,
    pub over: Option<StreamProblem>,
}

struct Kept {
    frame: Value,
    /// The topic that it joins or leaves, and which of the two.
    topic: Option<(usize, Membership)>,
    /// The number of the group that the session knows the message by.
    group: Option<u32>,
    is_posted: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Membership {
    #[default]
    Never,
    Left,
    /// A join or leave is under way, or its end is not known.
    Unsure,
    Joined,
}

/// What the caller was told last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Nothing,
    Connected,
    Recovering,
    Disconnected,
    Stopped,
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            recovered: self.recovered + other.recovered,
            gaps: self.gaps + other.gaps,
            noticed: self.noticed + other.noticed,
            views: self.views + other.views,
            delivered: self.delivered + other.delivered,
            parts: self.parts + other.parts,
            accepted: self.accepted + other.accepted,
        }
    }
}

impl Client {
    pub fn new(name: usize, options: Options, seed: u64) -> Client {
        Client {
            name,
            session: Session::new(options, seed),
            offset: 0,
            asleep_until: 0,
            hidden_until: 0,
            hidden_at: 0,
            jumps: [(0, 0); 2],
            dead: None,
            has_ponged: false,
            wake_at: None,
            timer: 0,
            wishes: Vec::new(),
            connection: None,
            messages: BTreeMap::new(),
            last_message: 0,
            last_ack_id: 1 << 20,
            topics: Default::default(),
            last_word: Default::default(),
            views: Default::default(),
            own: Default::default(),
            own_word: Default::default(),
            told: Told::Stopped,
            was_told: false,
            rejoins: BTreeMap::new(),
            rejoins_by: None,
            groups_in_use: BTreeSet::new(),
            streams: BTreeMap::new(),
            readers: BTreeMap::new(),
            last_reader: 0,
            last_code: 0,
            delivered: BTreeMap::new(),
            accepted: Vec::new(),
            connections: 0,
            has_connected: false,
            opened_at: VecDeque::new(),
            stop_by: None,
            counts: Counts::default(),
        }
    }

    fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset)
    }

    /// Hands in an input and carries out what comes of it.
    pub fn handle(&mut self, now: u64, input: Input) -> Result<bool> {
        self.handle_first(now, input, |_| {})
    }

    /// What is taken comes before what the session wants done: that may be to give up the connection it came over.
    fn handle_first(&mut self, now: u64, input: Input, taken: impl FnOnce(&mut Client)) -> Result<bool> {
        let clock = self.clock(now);
        let was_connected = self.session.status() == Status::Connected;
        let is_taken = self.session.handle(clock, input);
        // A timer counts from when it is set, whatever the clock shows later.
        self.wake_at = self.session.wake_at().map(|at| now + at.saturating_sub(clock));
        if is_taken {
            taken(self);
        }
        for action in self.session.take_actions() {
            self.carry_out(now, action, was_connected)?;
        }
        self.check_dead(now)?;
        self.check(self.rejoins_by.is_none_or(|by| now <= by), "a rejoin takes 30 seconds at most")?;
        Ok(is_taken)
    }

    /// A connection on which nothing arrives is noticed in time.
    pub fn check_dead(&mut self, now: u64) -> Result {
        let Some(Dead { number, by, .. }) = self.dead else { return Ok(()) };
        if number != self.session.socket() {
            self.dead = None;
            self.counts.noticed += 1;
        }
        // A stop has a limit of its own.
        if self.session.status() == Status::Stopping {
            self.dead = None;
        }
        self.check(self.dead.is_none() || now <= by, "a dead connection is noticed in time")
    }

    /// It sleeps or is hidden, or its clock was set.
    pub fn jump(&mut self, from: u64, to: u64) {
        self.jumps = [(from, to), self.jumps[0]];
        self.rejoins_by = None;
    }

    pub fn last_jump(&self) -> u64 {
        self.jumps[0].1
    }

    /// Whether it has time to ask for a sign of life and to hear it. A host that sleeps again and again may not, nor
    /// one that sleeps for too short to notice.
    pub fn is_awake(&self, now: u64, probe_limit: u64, noticed_from: u64) -> bool {
        let [(from, to), (_, before)] = self.jumps;
        now > self.hidden_until + probe_limit
            && (now > to + probe_limit
                || to - from > noticed_from && from > before.max(self.hidden_until) + probe_limit)
    }

    /// It must be noticed by so much later, and not before `least`.
    pub fn may_notice_later(&mut self, ms: u64, least: u64) {
        if let Some(dead) = &mut self.dead {
            dead.by = (dead.by + ms).max(least);
        }
    }

    /// It is asked for a sign of life, which cannot come, and so must be noticed by then. Before the first pong any
    /// frame that is still under way is such a sign.
    pub fn must_notice(&mut self, by: u64) {
        if let Some(dead) = self.dead.as_mut().filter(|_| self.has_ponged) {
            dead.by = dead.by.min(by);
        }
    }

    pub fn start(&mut self, now: u64) -> Result {
        if self.session.status() == Status::Stopped {
            (self.told, self.was_told, self.has_ponged) = (Told::Nothing, false, false);
        }
        self.handle(now, Input::Start).map(drop)
    }

    pub fn stop(&mut self, now: u64) -> Result {
        if !matches!(self.session.status(), Status::Stopped | Status::Stopping) {
            self.stop_by = Some(now + 2_000);
        }
        self.handle(now, Input::Stop)?;
        self.check(self.messages.is_empty(), "a stop leaves messages")
    }

    pub fn join(&mut self, now: u64, group: usize) -> Result {
        self.ask(now, json!({ "type": "joinGroup", "group": GROUPS[group] }), group, Membership::Joined)
    }

    pub fn leave(&mut self, now: u64, group: usize) -> Result {
        // Who leaves and comes back has missed parts.
        for stream in std::mem::take(&mut self.readers).into_keys() {
            self.handle(now, Input::ForgetStream { stream })?;
        }
        self.ask(now, json!({ "type": "leaveGroup", "group": GROUPS[group] }), group, Membership::Left)
    }

    /// Watches the states of a group.
    pub fn watch(&mut self, now: u64, group: usize) -> Result {
        self.views[group] = Some(GroupStates::default());
        let frame = json!({ "type": "subscribeGroupState", "group": GROUPS[group] });
        self.ask(now, frame, GROUPS.len() + group, Membership::Joined)
    }

    pub fn unwatch(&mut self, now: u64, group: usize) -> Result {
        self.views[group] = None;
        let frame = json!({ "type": "unsubscribeGroupState", "group": GROUPS[group] });
        self.ask(now, frame, GROUPS.len() + group, Membership::Left)
    }

    fn ask(&mut self, now: u64, frame: Value, topic: usize, wanted: Membership) -> Result {
        self.topics[topic] = Membership::Unsure;
        let (ack_id, group) = (NEXT_ACK_ID, topic as u32);
        let message = self.keep(frame, Some((topic, wanted)));
        self.use_group(message, group)?;
        self.last_word[topic] = message;
        let input = if wanted == Membership::Joined {
            Input::Join { message, ack_id, group }
        } else {
            self.rejoins.retain(|_, rejoined| *rejoined != group);
            Input::Leave { message, ack_id, group }
        };
        self.handle(now, input).map(drop)
    }

    /// Sets its own state in a group, or clears it.
    pub fn set_state(&mut self, now: u64, group: usize, is_set: bool) -> Result {
        self.own[group] = is_set.then(|| format!("{} {}", self.name, self.last_message + 1));
        self.send_state(now, group)
    }

    fn send_state(&mut self, now: u64, group: usize) -> Result {
        let mut frame = json!({ "type": "setGroupState", "group": GROUPS[group] });
        if let Some(text) = &self.own[group] {
            frame["state"] = json!({ "is": text });
        }
        let message = self.keep(frame, None);
        self.use_group(message, group as u32)?;
        self.own_word[group] = (message, false);
        self.handle(now, Input::SetState { message, ack_id: NEXT_ACK_ID, group: group as u32 }).map(drop)
    }

    pub fn send(&mut self, now: u64, group: usize) -> Result {
        let message = self.keep_publication(group);
        self.handle(now, Input::Send { message, ack_id: NEXT_ACK_ID }).map(drop)
    }

    /// A send that is worth nothing after so many seconds.
    pub fn send_short_lived(&mut self, now: u64, group: usize, seconds: u64) -> Result {
        let data = format!("{}-{}{SHORT_LIVED}", self.name, self.last_message + 1);
        let mut frame = json!({ "type": "sendToGroup", "group": GROUPS[group], "dataType": "text", "data": data });
        frame["ttlSeconds"] = json!(seconds);
        let message = self.keep(frame, None);
        self.handle(now, Input::Send { message, ack_id: NEXT_ACK_ID }).map(drop)
    }

    /// Two sends that share an ack id: one message for the service.
    pub fn send_twice(&mut self, now: u64, group: usize) -> Result {
        // Far from those of the session, as a caller who chooses must choose.
        self.last_ack_id += 1 << 20;
        let first = self.keep_publication(group);
        let frame = self.messages[&first].frame.clone();
        self.handle(now, Input::Send { message: first, ack_id: self.last_ack_id })?;
        let second = self.keep(frame, None);
        self.handle(now, Input::Send { message: second, ack_id: self.last_ack_id }).map(drop)
    }

    pub fn post(&mut self, now: u64, group: usize) -> Result {
        let message = self.keep_publication(group);
        self.handle(now, Input::Post { message }).map(drop)
    }

    pub fn event(&mut self, now: u64) -> Result {
        let data = format!("{}-{}", self.name, self.last_message + 1);
        let message = self.keep(json!({ "type": "event", "event": "e", "dataType": "text", "data": data }), None);
        self.handle(now, Input::Send { message, ack_id: NEXT_ACK_ID }).map(drop)
    }

    pub fn invoke(&mut self, now: u64) -> Result {
        let id = (self.last_message + 1).to_string();
        let mut frame = json!({ "type": "invoke", "invocationId": id, "target": "event", "event": "e" });
        (frame["dataType"], frame["data"]) = (json!("json"), json!(1));
        let message = self.keep(frame, None);
        self.handle(now, Input::Invoke { message }).map(drop)
    }

    pub fn abort_oldest(&mut self, now: u64) -> Result {
        let Some((&message, _)) = self.messages.first_key_value() else { return Ok(()) };
        self.handle(now, Input::Abort { message })?;
        self.check(!self.messages.contains_key(&message), "an aborted message is settled")
    }

    pub fn open_stream(&mut self, now: u64, group: usize) -> Result {
        let number = self.streams.len() as u32 + 1;
        let id = format!("S{}-{number}", self.name);
        let stream = Stream { id, group, parts: Vec::new(), trimmed: 0, is_open: false, is_ended: false, over: None };
        self.streams.insert(number, stream);
        self.handle(now, Input::StreamOpen { stream: number }).map(drop)
    }

    pub fn write_stream(&mut self, now: u64, count: usize) -> Result {
        for _ in 0..count {
            let Some((&number, stream)) = self.streams.iter_mut().next_back() else { return Ok(()) };
            if stream.is_ended || stream.over.is_some() {
                return Ok(());
            }
            let part = format!("{} part {}", stream.id, stream.parts.len() + 1);
            stream.parts.push(part);
            self.handle(now, Input::StreamWrite { stream: number })?;
        }
        Ok(())
    }

    pub fn end_stream(&mut self, now: u64) -> Result {
        let Some((&number, stream)) = self.streams.iter_mut().next_back() else { return Ok(()) };
        stream.is_ended = true;
        self.handle(now, Input::StreamEnd { stream: number }).map(drop)
    }

    fn keep_publication(&mut self, group: usize) -> u32 {
        let data = format!("{}-{}", self.name, self.last_message + 1);
        self.keep(json!({ "type": "sendToGroup", "group": GROUPS[group], "dataType": "text", "data": data }), None)
    }

    fn keep(&mut self, frame: Value, topic: Option<(usize, Membership)>) -> u32 {
        self.last_message += 1;
        self.messages.insert(self.last_message, Kept { frame, topic, group: None, is_posted: false });
        self.last_message
    }

    /// The session is about to learn of a group through a message.
    fn use_group(&mut self, message: u32, group: u32) -> Result {
        self.messages.get_mut(&message).ok_or("no such message")?.group = Some(group);
        self.groups_in_use.insert(group);
        Ok(())
    }

    fn carry_out(&mut self, now: u64, action: Action, was_connected: bool) -> Result {
        match action {
            Action::Open { socket, recover } => {
                self.count_attempt(now)?;
                self.rejoins_by = None;
                self.views.iter_mut().flatten().for_each(GroupStates::missed_updates);
                if !recover {
                    self.last_code = 0;
                    self.rejoins.clear();
                    self.connections += 1;
                    self.connection = None;
                }
                let query = self.connection.as_ref().filter(|_| recover);
                let query =
                    query.map(|(id, token)| format!("?awps_connection_id={id}&awps_reconnection_token={token}"));
                self.check(query.is_some() == recover, "only what is known is recovered")?;
                self.check(!recover || self.last_code != 1008, "a refused recovery is not tried again")?;
                self.wishes.push(Wish::Open { number: socket, query });
            }
            Action::Close { socket, clean } => {
                self.wishes.push(Wish::Close { number: socket, is_clean: clean, was_connected });
            }
            Action::Ping => self.wishes.push(Wish::Write(json!({ "type": "ping" }))),
            Action::SequenceAck { sequence_id } => {
                self.wishes.push(Wish::Write(json!({ "type": "sequenceAck", "sequenceId": sequence_id })));
            }
            Action::Send { message, ack_id } => {
                let mut frame = self.kept(message)?.frame.clone();
                frame["ackId"] = json!(ack_id);
                self.wishes.push(Wish::Write(frame));
            }
            Action::Post { message } => {
                let kept = self.messages.get_mut(&message).ok_or("a message is written after it was settled")?;
                if std::mem::replace(&mut kept.is_posted, true) {
                    return Err(format!("{} is written twice, though nothing tells that it is one", kept.frame));
                }
                let is_post = kept.frame["type"] == "sendToGroup";
                let frame = kept.frame.clone();
                if is_post {
                    self.messages.remove(&message);
                }
                self.wishes.push(Wish::Write(frame));
            }
            Action::Rejoin { group, ack_id } => {
                self.check(self.groups_in_use.contains(&group), "a group that is forgotten is not joined again")?;
                self.rejoins.insert(ack_id, group);
                if now >= self.hidden_until {
                    self.rejoins_by.get_or_insert(now + 30_000);
                }
                let topic = group as usize;
                let kind = if topic < GROUPS.len() { "joinGroup" } else { "subscribeGroupState" };
                let group = GROUPS[topic % GROUPS.len()];
                self.wishes.push(Wish::Write(json!({ "type": kind, "group": group, "ackId": ack_id })));
            }
            Action::Cancel { message } => {
                let id = message.to_string();
                self.wishes.push(Wish::Write(json!({ "type": "cancelInvocation", "invocationId": id })));
            }
            Action::Settle { message, outcome } => {
                let Kept { frame, topic, .. } = self.messages.remove(&message).ok_or("a message is settled twice")?;
                let is_done = matches!(outcome, Outcome::Done | Outcome::Duplicate);
                if is_done && let Some(data) = frame["data"].as_str().filter(|data| data.contains('-')) {
                    self.accepted.push(data.to_owned());
                    self.counts.accepted += 1;
                }
                // What failed may have been carried out.
                if let Some((topic, wanted)) = topic
                    && is_done
                    && self.last_word[topic] == message
                {
                    self.topics[topic] = wanted;
                }
                // What came before the answer was of the subscription that has ended, and no later one.
                let ended = topic.filter(|_| is_done && frame["type"] == "unsubscribeGroupState");
                if let Some(view) = ended.and_then(|(topic, _)| self.views[topic - GROUPS.len()].as_mut()) {
                    view.missed_updates();
                }
                for (word, is_known) in &mut self.own_word {
                    *is_known |= is_done && *word == message;
                }
            }
            Action::ForgetGroup { group } => {
                if !self.messages.values().any(|kept| kept.group == Some(group)) {
                    self.groups_in_use.remove(&group);
                }
            }
            Action::RejoinFailed { group, .. } => {
                self.check(self.groups_in_use.contains(&group), "a group that is forgotten does not fail")?;
                self.rejoins.retain(|_, rejoined| *rejoined != group);
                self.topics[group as usize] = Membership::Unsure;
            }
            Action::Connected { possible_gap } => {
                self.check(possible_gap == self.was_told, "each connection but the first may have a gap before it")?;
                self.was_told = true;
                self.check(self.rejoins.is_empty(), "the groups are joined again before it is told")?;
                self.rejoins_by = None;
                let is_new = self.readers.values().all(|(_, began)| *began == self.connections);
                self.check(is_new, "a reader ends with its connection")?;
                self.tell(Told::Connected, &[Told::Nothing, Told::Disconnected])?;
                self.counts.gaps += usize::from(possible_gap);
                // A state ends with its connection.
                for group in 0..GROUPS.len() {
                    if self.connections > 1 && self.own[group].is_some() {
                        self.send_state(now, group)?;
                    }
                }
            }
            Action::Recovering => self.tell(Told::Recovering, &[Told::Connected])?,
            Action::Recovered => {
                self.counts.recovered += 1;
                self.tell(Told::Connected, &[Told::Recovering])?;
            }
            Action::Disconnected => self.tell(Told::Disconnected, &[Told::Connected, Told::Recovering])?,
            Action::Stopped => {
                self.tell(Told::Stopped, &[Told::Nothing, Told::Disconnected])?;
                self.stop_by = None;
                self.rejoins_by = None;
                self.check(self.messages.is_empty(), "when it has stopped, all is settled")?;
            }
            Action::StreamStart { stream } => {
                let Stream { id, group, .. } = self.stream(stream)?;
                let frame = json!({ "type": "sendToGroup", "group": GROUPS[*group], "stream": { "streamId": id } });
                self.wishes.push(Wish::Write(frame));
            }
            Action::StreamOpened { stream } => {
                let is_open = std::mem::replace(&mut self.stream(stream)?.is_open, true);
                self.check(!is_open, "a stream is opened once")?;
            }
            Action::StreamData { stream, sequence_id } => {
                let Stream { id, parts, trimmed, .. } = self.stream(stream)?;
                if sequence_id <= *trimmed {
                    return Err("a part is sent after it was acknowledged".to_owned());
                }
                let part = parts.get(sequence_id as usize - 1).ok_or("a part is sent before it was written")?;
                let frame = json!({
                    "type": "streamData", "streamId": id, "streamSequenceId": sequence_id,
                    "dataType": "text", "data": part,
                });
                self.wishes.push(Wish::Write(frame));
            }
            Action::StreamTrim { stream, sequence_id } => self.stream(stream)?.trimmed = sequence_id - 1,
            Action::StreamEnd { stream } => {
                let id = self.stream(stream)?.id.clone();
                self.wishes.push(Wish::Write(json!({ "type": "streamEnd", "streamId": id })));
            }
            Action::StreamClosed { stream, problem } => {
                let before = self.stream(stream)?.over.replace(problem);
                self.check(before.is_none(), "a stream is over once")?;
                self.check(problem != StreamProblem::ProtocolViolation, "the service keeps to the protocol")?;
            }
            Action::ReadEnded { stream, problem } => {
                let (id, _) = self.readers.remove(&stream).ok_or("a reader ends twice")?;
                self.check(problem != StreamProblem::Gap, &format!("no part of {id} is missing"))?;
            }
        }
        Ok(())
    }

    /// One that is not over.
    fn stream(&mut self, number: u32) -> Result<&mut Stream> {
        let stream = self.streams.get_mut(&number).ok_or("no such stream")?;
        if stream.over.is_none() { Ok(stream) } else { Err(format!("something about {} after its end", stream.id)) }
    }

    fn number_of(&self, id: &str) -> u32 {
        self.streams.iter().find(|(_, stream)| stream.id == id).map_or(0, |(number, _)| *number)
    }

    /// Reads a stream from its first part on.
    fn read_part(&mut self, now: u64, from: &Sender, part: &StreamPart, payload: &Payload) -> Result {
        let Sender::Group { group, .. } = from else { return Ok(()) };
        let group = GROUPS.iter().position(|name| group == name);
        // While it leaves, a last part may come.
        let is_in = group.is_some_and(|group| self.topics[group] == Membership::Joined);
        let StreamPart { stream_id, sequence_id, is_end, .. } = part;
        let known = self.readers.iter().find(|(_, (id, _))| *id == *stream_id).map(|(number, _)| *number);
        let number = match known {
            Some(number) => number,
            None if *sequence_id == 1 && is_in => {
                self.last_reader += 1;
                self.readers.insert(self.last_reader, (stream_id.to_string(), self.connections));
                self.handle(now, Input::ReadStream { stream: self.last_reader, idle_timeout_ms: 0 })?;
                self.last_reader
            }
            None => return Ok(()),
        };
        let input = Input::Part { stream: number, sequence_id: *sequence_id, is_end: *is_end };
        if self.handle(now, input)? && !is_end {
            let expected = format!("{stream_id} part {sequence_id}");
            self.check(*payload == Payload::Text(expected.into()), "each part is what was written")?;
            self.counts.parts += 1;
        }
        Ok(())
    }

    fn kept(&self, message: u32) -> Result<&Kept> {
        self.messages.get(&message).ok_or_else(|| format!("message {message} is written after it was settled"))
    }

    fn tell(&mut self, told: Told, after: &[Told]) -> Result {
        let before = std::mem::replace(&mut self.told, told);
        if after.contains(&before) { Ok(()) } else { Err(format!("{told:?} told after {before:?}")) }
    }

    /// However bad the network is, it is not flooded with attempts.
    fn count_attempt(&mut self, now: u64) -> Result {
        self.opened_at.push_back(now);
        while self.opened_at.front().is_some_and(|at| at + 60_000 <= now) {
            self.opened_at.pop_front();
        }
        self.check(self.opened_at.len() <= 90, "more than 90 attempts within a minute")
    }

    /// Takes in a frame of the service.
    pub fn receive(&mut self, now: u64, socket: u32, wire: Wire) -> Result {
        // What tells no socket is for the host to drop.
        let is_late = socket != self.session.socket();
        let input = match wire.read().ok_or_else(|| format!("{wire:?} is no frame"))? {
            Downstream::Connected { connection_id, reconnection_token, .. } => {
                if socket != self.session.socket() {
                    return Ok(());
                }
                self.has_connected = true;
                let recoverable = reconnection_token.is_some();
                let token = reconnection_token.unwrap_or_default().into_owned();
                self.connection = connection_id.map(|id| (id.into_owned(), token));
                Input::Connected { socket, recoverable }
            }
            Downstream::Ack { ack_id, result } => {
                let outcome = AckOutcome::of_error(result.as_ref().err().map(|error| error.name.as_ref()));
                if socket == self.session.socket() {
                    self.rejoins.remove(&ack_id);
                }
                Input::Ack { socket, ack_id, outcome }
            }
            Downstream::Message(DataMessage { sequence_id: Some(sequence_id), from, stream, payload, .. }) => {
                if self.handle(now, Input::Data { socket, sequence_id })? {
                    if let Some(part) = stream {
                        self.read_part(now, &from, &part, &payload)?;
                    }
                    let (id, _) = self.connection.as_ref().ok_or("a message is delivered before `connected`")?;
                    self.delivered.entry(id.clone()).or_default().push((sequence_id, wire));
                    self.counts.delivered += 1;
                }
                return Ok(());
            }
            Downstream::Pong => {
                self.has_ponged |= socket == self.session.socket();
                Input::Pong { socket }
            }
            Downstream::GroupState { group, items, is_snapshot, .. } => {
                let take = |client: &mut Client| {
                    let at = GROUPS.iter().position(|name| group == *name);
                    match at.and_then(|at| client.views[at].as_mut()) {
                        Some(view) if is_snapshot => _ = view.snapshot(items),
                        Some(view) => _ = view.update(items),
                        None => {}
                    }
                };
                return self.handle_first(now, Input::Heard { socket }, take).map(drop);
            }
            Downstream::InvokeResponse { .. } | Downstream::StreamAck { .. } | Downstream::StreamNack { .. }
                if is_late =>
            {
                return Ok(());
            }
            Downstream::StreamClosed { .. } if is_late => return Ok(()),
            Downstream::InvokeResponse { invocation_id, .. } => {
                Input::Response { message: invocation_id.parse().map_err(|_| "an unknown invocation")? }
            }
            Downstream::StreamAck { stream_id, expected_sequence_id } => {
                Input::StreamAck { stream: self.number_of(&stream_id), expected: expected_sequence_id }
            }
            Downstream::StreamNack { stream_id, expected_sequence_id, .. } => {
                Input::StreamNack { stream: self.number_of(&stream_id), expected: expected_sequence_id }
            }
            Downstream::StreamClosed { stream_id, error } => {
                let closing = StreamClosing::of_error(error.as_ref().map(|error| error.name.as_ref()));
                Input::StreamClosed { stream: self.number_of(&stream_id), closing }
            }
            _ => Input::Heard { socket },
        };
        self.handle(now, input).map(drop)
    }

    /// Whether a subscription to states ends: its answer says which updates are of the next one, so none may overtake it.
    pub fn is_unwatching(&self) -> bool {
        self.messages.values().any(|kept| kept.frame["type"] == "unsubscribeGroupState")
    }

    /// When all has been quiet for long.
    pub fn check_at_rest(&self, is_running: bool) -> Result {
        self.check(self.messages.is_empty(), "a message is never settled")?;
        let left = self.topics.iter().enumerate().filter(|(_, is)| **is == Membership::Left);
        for (topic, _) in left {
            self.check(!self.groups_in_use.contains(&(topic as u32)), "the number of a group that was left is free")?;
        }
        self.check((self.session.status() == Status::Connected) == is_running, "it is connected again")?;
        self.check((self.told == Told::Connected) == is_running, "the caller knows")
    }

    pub fn connection_id(&self) -> Option<&str> {
        self.connection.as_ref().map(|(id, _)| id.as_str())
    }

    /// The groups that the service must have it in.
    pub fn joined(&self) -> impl Iterator<Item = &'static str> {
        self.groups_where(0, Membership::Joined).map(|group| GROUPS[group])
    }

    /// The groups that the service must not have it in.
    pub fn left(&self) -> impl Iterator<Item = &'static str> {
        self.groups_where(0, Membership::Left).map(|group| GROUPS[group])
    }

    /// The groups whose states it must know.
    pub fn watched(&self) -> impl Iterator<Item = usize> {
        self.groups_where(GROUPS.len(), Membership::Joined)
    }

    fn groups_where(&self, first_topic: usize, is: Membership) -> impl Iterator<Item = usize> {
        (0..GROUPS.len()).filter(move |group| self.topics[first_topic + group] == is)
    }

    /// The groups in which the service must have this state of it, or none.
    pub fn own_states(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        let known = (0..GROUPS.len()).filter(|group| self.own_word[*group].1);
        known.map(|group| (group, self.own[group].as_deref()))
    }

    pub fn check(&self, holds: bool, what: &str) -> Result {
        if holds { Ok(()) } else { Err(format!("client {} ({:?}): not so: {what}", self.name, self.session.status())) }
    }
}
