//! A host of the session: it keeps what the session numbers, and checks what its caller is told.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use webpubsub_edge::client::json::{self, Data, Frame, Message, StreamPart};
use webpubsub_edge::client::{Action, Input, NEXT_ACK_ID, Options, Outcome, Session, Status, StreamProblem};

use crate::schedule::GROUPS;

pub type Result<T = ()> = std::result::Result<T, String>;

/// What the client wants of the network.
pub enum Wish {
    Open { number: u32, query: Option<String> },
    Close { number: u32, is_clean: bool },
    Write(Value),
}

pub struct Client {
    name: usize,
    pub session: Session,
    /// The client's clock minus the true time.
    pub offset: i64,
    pub asleep_until: u64,
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
    groups: [Membership; GROUPS.len()],
    /// The join or leave that the caller asked for last.
    last_word: [u32; GROUPS.len()],
    told: Told,
    was_told: bool,
    /// The groups that are being joined again, by ack id.
    rejoins: BTreeMap<u64, u32>,
    /// The streams that this client publishes, by their numbers.
    pub streams: BTreeMap<u32, Stream>,
    /// Those it reads: their ids by their numbers, and on which connection it began.
    readers: BTreeMap<u32, (String, usize)>,
    last_reader: u32,
    /// The close code that the session was told last.
    pub last_code: u16,
    /// By connection id, all that was delivered.
    pub delivered: BTreeMap<String, Vec<(u64, String)>>,
    /// Payloads that the service said it has.
    pub accepted: Vec<String>,
    /// How many connections were asked for.
    pub connections: usize,
    /// Whether any was made.
    pub has_connected: bool,
    opened_at: VecDeque<u64>,
    pub stop_by: Option<u64>,
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
    join: Option<usize>,
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

impl Client {
    pub fn new(name: usize, options: Options, seed: u64) -> Client {
        Client {
            name,
            session: Session::new(options, seed),
            offset: 0,
            asleep_until: 0,
            wake_at: None,
            timer: 0,
            wishes: Vec::new(),
            connection: None,
            messages: BTreeMap::new(),
            last_message: 0,
            last_ack_id: 1 << 20,
            groups: Default::default(),
            last_word: Default::default(),
            told: Told::Stopped,
            was_told: false,
            rejoins: BTreeMap::new(),
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
        }
    }

    fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset)
    }

    /// Hands in an input and carries out what comes of it.
    pub fn handle(&mut self, now: u64, input: Input) -> Result<bool> {
        let clock = self.clock(now);
        let is_taken = self.session.handle(clock, input);
        // A timer counts from when it is set, whatever the clock shows later.
        self.wake_at = self.session.wake_at().map(|at| now + at.saturating_sub(clock));
        for action in self.session.take_actions() {
            self.carry_out(now, action)?;
        }
        Ok(is_taken)
    }

    pub fn start(&mut self, now: u64) -> Result {
        if self.session.status() == Status::Stopped {
            (self.told, self.was_told) = (Told::Nothing, false);
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
        self.groups[group] = Membership::Unsure;
        let message = self.keep(json!({ "type": "joinGroup", "group": GROUPS[group] }), Some(group));
        self.last_word[group] = message;
        self.handle(now, Input::Join { message, ack_id: NEXT_ACK_ID, group: group as u32 }).map(drop)
    }

    pub fn leave(&mut self, now: u64, group: usize) -> Result {
        self.rejoins.retain(|_, rejoined| *rejoined as usize != group);
        // Who leaves and comes back has missed parts.
        for stream in std::mem::take(&mut self.readers).into_keys() {
            self.handle(now, Input::ForgetStream { stream })?;
        }
        self.groups[group] = Membership::Unsure;
        let message = self.keep(json!({ "type": "leaveGroup", "group": GROUPS[group] }), None);
        self.last_word[group] = message;
        self.handle(now, Input::Leave { message, ack_id: NEXT_ACK_ID, group: group as u32 }).map(drop)
    }

    pub fn send(&mut self, now: u64, group: usize) -> Result {
        let message = self.keep_publication(group);
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
        frame["data"] = json!(1);
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

    fn keep(&mut self, frame: Value, join: Option<usize>) -> u32 {
        self.last_message += 1;
        self.messages.insert(self.last_message, Kept { frame, join });
        self.last_message
    }

    fn carry_out(&mut self, now: u64, action: Action) -> Result {
        match action {
            Action::Open { socket, recover } => {
                self.count_attempt(now)?;
                if !recover {
                    self.last_code = 0;
                    self.rejoins.clear();
                    self.connections += 1;
                    self.connection = None;
                }
                let query = self.connection.as_ref().filter(|_| recover);
                let query =
                    query.map(|(id, token)| format!("&awps_connection_id={id}&awps_reconnection_token={token}"));
                self.check(query.is_some() == recover, "only what is known is recovered")?;
                self.check(!recover || self.last_code != 1008, "a refused recovery is not tried again")?;
                self.wishes.push(Wish::Open { number: socket, query });
            }
            Action::Close { socket, clean } => self.wishes.push(Wish::Close { number: socket, is_clean: clean }),
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
                let kept = self.kept(message)?;
                let is_post = kept.frame["type"] == "sendToGroup";
                let frame = kept.frame.clone();
                if is_post {
                    self.messages.remove(&message);
                }
                self.wishes.push(Wish::Write(frame));
            }
            Action::Rejoin { group, ack_id } => {
                self.rejoins.insert(ack_id, group);
                self.wishes.push(Wish::Write(
                    json!({ "type": "joinGroup", "group": GROUPS[group as usize], "ackId": ack_id }),
                ));
            }
            Action::Cancel { message } => {
                let id = message.to_string();
                self.wishes.push(Wish::Write(json!({ "type": "cancelInvocation", "invocationId": id })));
            }
            Action::Settle { message, outcome } => {
                let Kept { frame, join } = self.messages.remove(&message).ok_or("a message is settled twice")?;
                let is_done = matches!(outcome, Outcome::Done | Outcome::Duplicate);
                if is_done && let Some(data) = frame["data"].as_str().filter(|data| data.contains('-')) {
                    self.accepted.push(data.to_owned());
                }
                // A join that failed may have been carried out.
                if let Some(group) = join
                    && is_done
                    && self.last_word[group] == message
                {
                    self.groups[group] = Membership::Joined;
                }
                let left = GROUPS.iter().position(|name| frame["type"] == "leaveGroup" && frame["group"] == *name);
                if let Some(group) = left
                    && is_done
                    && self.last_word[group] == message
                {
                    self.groups[group] = Membership::Left;
                }
            }
            Action::RejoinFailed { group, .. } => {
                self.rejoins.retain(|_, rejoined| *rejoined != group);
                self.groups[group as usize] = Membership::Unsure;
            }
            Action::Connected { possible_gap } => {
                self.check(possible_gap == self.was_told, "each connection but the first may have a gap before it")?;
                self.was_told = true;
                self.check(self.rejoins.is_empty(), "the groups are joined again before it is told")?;
                self.tell(Told::Connected, &[Told::Nothing, Told::Disconnected])?;
            }
            Action::Recovering => self.tell(Told::Recovering, &[Told::Connected])?,
            Action::Recovered => self.tell(Told::Connected, &[Told::Recovering])?,
            Action::Disconnected => self.tell(Told::Disconnected, &[Told::Connected, Told::Recovering])?,
            Action::Stopped => {
                self.tell(Told::Stopped, &[Told::Nothing, Told::Disconnected])?;
                self.stop_by = None;
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
                let (id, began) = self.readers.remove(&stream).ok_or("a reader ends twice")?;
                let is_good = problem != StreamProblem::Gap || began != self.connections;
                self.check(is_good, &format!("no part of {id} is missing"))?;
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
    fn read_part(&mut self, now: u64, group: Option<&str>, part: &StreamPart, data: &Data) -> Result {
        let group = GROUPS.iter().position(|name| group == Some(name));
        // While it leaves, a last part may come.
        let is_in = group.is_some_and(|group| self.groups[group] == Membership::Joined);
        let StreamPart { stream_id, sequence_id, is_end, .. } = part;
        let known = self.readers.iter().find(|(_, (id, _))| id == stream_id).map(|(number, _)| *number);
        let number = match known {
            Some(number) => number,
            None if *sequence_id == 1 && is_in => {
                self.last_reader += 1;
                self.readers.insert(self.last_reader, (stream_id.clone(), self.connections));
                self.handle(now, Input::ReadStream { stream: self.last_reader, idle_timeout_ms: 0 })?;
                self.last_reader
            }
            None => return Ok(()),
        };
        let input = Input::Part { stream: number, sequence_id: *sequence_id, is_end: *is_end };
        if self.handle(now, input)? && !is_end {
            let expected = format!("{stream_id} part {sequence_id}");
            self.check(*data == Data::Text(expected), "each part is what was written")?;
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
    pub fn receive(&mut self, now: u64, socket: u32, text: &str) -> Result {
        let input = match json::read(text).ok_or_else(|| format!("{text} is no frame"))? {
            Frame::Connected { connection_id, reconnection_token, .. } => {
                if socket != self.session.socket() {
                    return Ok(());
                }
                self.has_connected = true;
                let recoverable = reconnection_token.is_some();
                self.connection = connection_id.map(|id| (id, reconnection_token.unwrap_or_default()));
                Input::Connected { socket, recoverable }
            }
            Frame::Ack { ack_id, outcome, .. } => {
                if socket == self.session.socket() {
                    self.rejoins.remove(&ack_id);
                }
                Input::Ack { socket, ack_id, outcome }
            }
            Frame::Message(Message { sequence_id: Some(sequence_id), group, stream, data, .. }) => {
                if self.handle(now, Input::Data { socket, sequence_id })? {
                    if let Some(part) = stream {
                        self.read_part(now, group.as_deref(), &part, &data)?;
                    }
                    let (id, _) = self.connection.as_ref().ok_or("a message is delivered before `connected`")?;
                    self.delivered.entry(id.clone()).or_default().push((sequence_id, text.to_owned()));
                }
                return Ok(());
            }
            Frame::Pong => Input::Pong { socket },
            Frame::InvokeResponse { invocation_id, .. } => {
                Input::Response { message: invocation_id.parse().map_err(|_| "an unknown invocation")? }
            }
            Frame::StreamAck { stream_id, expected } => {
                Input::StreamAck { stream: self.number_of(&stream_id), expected }
            }
            Frame::StreamNack { stream_id, expected, .. } => {
                Input::StreamNack { stream: self.number_of(&stream_id), expected }
            }
            Frame::StreamClosed { stream_id, error } => {
                Input::StreamClosed { stream: self.number_of(&stream_id), failed: error.is_some() }
            }
            _ => Input::Heard { socket },
        };
        self.handle(now, input).map(drop)
    }

    /// When all has been quiet for long.
    pub fn check_at_rest(&self, is_running: bool) -> Result {
        self.check(self.messages.is_empty(), "a message is never settled")?;
        self.check((self.session.status() == Status::Connected) == is_running, "it is connected again")?;
        self.check((self.told == Told::Connected) == is_running, "the caller knows")
    }

    pub fn connection_id(&self) -> Option<&str> {
        self.connection.as_ref().map(|(id, _)| id.as_str())
    }

    /// The groups that the service must have it in.
    pub fn joined(&self) -> impl Iterator<Item = &'static str> {
        let joined = |group: &usize| self.groups[*group] == Membership::Joined;
        (0..GROUPS.len()).filter(joined).map(|group| GROUPS[group])
    }

    /// The groups that the service must not have it in.
    pub fn left(&self) -> impl Iterator<Item = &'static str> {
        let left = |group: &usize| self.groups[*group] == Membership::Left;
        (0..GROUPS.len()).filter(left).map(|group| GROUPS[group])
    }

    pub fn check(&self, holds: bool, what: &str) -> Result {
        if holds { Ok(()) } else { Err(format!("client {} ({:?}): not so: {what}", self.name, self.session.status())) }
    }
}
