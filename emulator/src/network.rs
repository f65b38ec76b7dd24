//! What lies between the hubs and the sockets. It carries frames as they are, until a fault meets them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::budget::{Budget, Charge, ENTRY_BYTES, Kind};
use crate::client::Incoming;
use crate::fault::{Direction, FaultTarget, FaultType};
use crate::faults::Faults;
use crate::frame::{Content, Frame};
use crate::http::Response;
use crate::limits::{MAX_BACKLOG_BYTES, MAX_BACKLOG_MESSAGES};
use crate::turn::{Note, Turn};
use crate::{Action, RequestId, SocketId};

/// The faults, and what they hold back.
pub(crate) struct Network {
    pub(crate) faults: Faults,
    /// Counts what the faults hold back.
    budget: Budget,
    /// Only of sockets that a fault has met.
    lines: BTreeMap<SocketId, Line>,
    answers: Vec<LateAnswer>,
}

/// What comes of frames on their way.
#[derive(Default)]
pub(crate) struct Carried {
    pub(crate) actions: Vec<Action>,
    /// These sockets are gone as if the network had broken.
    pub(crate) cut: Vec<SocketId>,
    /// So much waits for the clients of these sockets that their connections are over.
    pub(crate) overrun: Vec<SocketId>,
    /// Frames that come from their clients only now.
    pub(crate) arrivals: Vec<(SocketId, Frame)>,
}

impl Network {
    pub(crate) fn new(budget: Budget) -> Network {
        Network { faults: Faults::default(), budget, lines: BTreeMap::new(), answers: Vec::new() }
    }

    /// Whether it neither breaks nor holds back anything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.faults.is_empty() && self.lines.is_empty() && self.answers.is_empty()
    }

    /// When [`Network::pass_time`] has something to do next.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        let lines = self.lines.values().filter_map(Line::wake_at);
        let answers = self.answers.iter().map(|answer| answer.due);
        lines.chain(answers).chain(self.faults.wake_at()).min()
    }

    /// Carries what was decided in a turn to the sockets.
    pub(crate) fn carry<'p>(&mut self, turn: Turn, target: impl Fn(SocketId) -> FaultTarget<'p>) -> Carried {
        let mut carried = Carried::default();
        let mut notes = turn.notes.into_iter().peekable();
        for (index, action) in turn.actions.into_iter().enumerate() {
            let note = notes.next_if(|(at, _)| *at == index).map(|(_, note)| note).unwrap_or_default();
            match action {
                Action::Send { mut to, frame } => {
                    let mut sent = Sent { frame: &frame, note, charge: None };
                    to.retain(|socket| self.passes(turn.now, *socket, target(*socket), &mut sent, &mut carried));
                    if !to.is_empty() {
                        carried.actions.push(Action::Send { to, frame });
                    }
                }
                Action::Ping { mut to } => {
                    to.retain(|socket| {
                        self.lines.get(socket).is_none_or(|line| !line.drops_frames(Direction::ToClient))
                    });
                    if !to.is_empty() {
                        carried.actions.push(Action::Ping { to });
                    }
                }
                Action::Close { socket, code, reason } => match self.lines.get_mut(&socket) {
                    Some(line) if line.drops_frames(Direction::ToClient) => line.is_let_go = true,
                    Some(line) if !line.down.is_empty() => line.hold(0, 0, Held::Close { code, reason }, 0),
                    _ => {
                        self.lines.remove(&socket);
                        carried.actions.push(Action::Close { socket, code, reason });
                    }
                },
                Action::Abort { socket } => match self.lines.get_mut(&socket) {
                    Some(line) if line.drops_frames(Direction::ToClient) => line.is_let_go = true,
                    _ => {
                        self.lines.remove(&socket);
                        carried.actions.push(Action::Abort { socket });
                    }
                },
                other => carried.actions.push(other),
            }
        }
        self.forget_idle_lines();
        carried
    }

    /// Takes a frame from a client. Says whether it has arrived; it may be held back, or be lost, with its socket or
    /// without.
    pub(crate) fn arrives(
        &mut self,
        now: u64,
        socket: SocketId,
        target: FaultTarget<'_>,
        frame: Incoming<'_>,
        carried: &mut Carried,
    ) -> bool {
        if self.drops_frames(socket, target, Direction::FromClient) {
            return false;
        }
        if self.faults.meet(FaultType::CutOnFrame, target, |_| true).is_some() {
            self.cut(socket, carried);
            return false;
        }
        let delay = self.faults.meet(FaultType::Delay, target, |delay| delay.way().is_up());
        let line = self.lines.get_mut(&socket).filter(|line| !line.up.is_empty());
        let after = line.and_then(|line| line.up.back()).map(|(due, ..)| *due);
        let due = match (delay, after) {
            (None, None) => return true,
            (delay, after) => delay.map_or(now, |(_, delay)| later(now, delay.ms)).max(after.unwrap_or_default()),
        };
        let frame = frame.to_owned();
        let charge = self.budget.charge(Kind::Delayed, frame.len());
        let line = self.line(socket, target);
        line.up_bytes = line.up_bytes.saturating_add(frame.len());
        line.up.push_back((due, frame, charge));
        if line.up.len() > MAX_BACKLOG_MESSAGES {
            self.cut(socket, carried);
        }
        false
    }

    /// Whether a pong comes through.
    pub(crate) fn hears(&self, socket: SocketId) -> bool {
        self.lines.get(&socket).is_none_or(|line| !line.drops_frames(Direction::FromClient))
    }

    /// A socket is gone; what was on its way is lost. Returns whether anything was held back for it.
    pub(crate) fn closed(&mut self, socket: SocketId) -> bool {
        let had_line = self.lines.remove(&socket).is_some();
        if had_line {
            self.forget_spent_faults();
        }
        had_line
    }

    /// Answers a request, unless its answer is to be late.
    pub(crate) fn answer(&mut self, turn: &mut Turn, hub: Option<&str>, id: RequestId, response: Response) {
        let target = FaultTarget { hub: hub.unwrap_or_default(), ..FaultTarget::default() };
        let late = hub.and_then(|_| self.faults.meet(FaultType::DelayAnswer, target, |_| true));
        match late {
            Some((_, delay)) => {
                let (due, hub) = (later(turn.now, delay.ms), target.hub.to_owned());
                let charge = self.budget.charge(Kind::Delayed, response.body.len());
                self.answers.push(LateAnswer { due, hub, id, response, _charge: charge });
            }
            None => turn.actions.push(Action::Respond { id, response }),
        }
    }

    /// Does what time alone brings: ends faults, and lets go what was held back long enough.
    pub(crate) fn pass_time(&mut self, now: u64) -> Carried {
        let mut carried = Carried::default();
        for id in self.faults.expire(now) {
            self.end(id, &mut carried);
        }
        for (socket, line) in &mut self.lines {
            line.release(now, *socket, &mut carried);
        }
        self.answer_if(|answer| answer.due <= now, &mut carried);
        self.forget_idle_lines();
        carried
    }

    /// Gives the late answers now, because too much is retained.
    pub(crate) fn give_up_delays_of_answers(&mut self, carried: &mut Carried) {
        self.answer_if(|_| true, carried);
    }

    fn answer_if(&mut self, is_due: impl Fn(&LateAnswer) -> bool, carried: &mut Carried) {
        for answer in self.answers.extract_if(.., |answer| is_due(answer)) {
            carried.actions.push(Action::Respond { id: answer.id, response: answer.response });
        }
    }

    /// The sockets for which something is held back, and its bytes.
    pub(crate) fn held_bytes(&self) -> impl Iterator<Item = (SocketId, usize)> {
        self.lines.iter().map(|(socket, line)| (*socket, line.held_bytes()))
    }

    /// Ends what a fault, which is no longer in force, began.
    pub(crate) fn end(&mut self, id: u64, carried: &mut Carried) {
        let half_open: Vec<SocketId> = self
            .lines
            .iter()
            .filter(|(_, line)| line.half_open.is_some_and(|(by, _)| by == id))
            .map(|(at, _)| *at)
            .collect();
        for socket in half_open {
            self.cut(socket, carried);
        }
        for line in self.lines.values_mut() {
            line.let_go(id);
        }
    }

    /// Every socket of these hubs is gone, those too that nobody else knows any more. Who waits for an answer gets 503.
    pub(crate) fn restart(&mut self, is_meant: impl Fn(&str) -> bool, carried: &mut Carried) {
        for (socket, line) in &self.lines {
            if is_meant(&line.hub) && line.is_let_go {
                carried.actions.push(Action::Abort { socket: *socket });
            }
        }
        self.lines.retain(|_, line| !is_meant(&line.hub));
        for answer in self.answers.extract_if(.., |answer| is_meant(&answer.hub)) {
            carried.actions.push(Action::Respond { id: answer.id, response: Response::empty(503) });
        }
    }

    /// Whether a frame goes to its socket now.
    fn passes(
        &mut self,
        now: u64,
        socket: SocketId,
        target: FaultTarget<'_>,
        sent: &mut Sent<'_>,
        carried: &mut Carried,
    ) -> bool {
        if carried.cut.contains(&socket) || carried.overrun.contains(&socket) {
            return false;
        }
        if self.drops_frames(socket, target, Direction::ToClient) {
            return false;
        }
        if self.faults.meet(FaultType::CutOnFrame, target, |_| true).is_some() {
            self.cut(socket, carried);
            return false;
        }
        if sent.note.is_ack && !self.ack_passes(now, socket, target, sent.frame, carried) {
            return false;
        }
        let slow = self.lines.get(&socket).and_then(|line| line.slow);
        let slow = slow.or_else(|| self.faults.meet(FaultType::SlowClient, target, |_| true).map(|(id, _)| id));
        let (due, by) = if let Some(id) = slow {
            self.line(socket, target).slow = slow;
            (HELD, id)
        } else if let Some((id, delay)) = self.faults.meet(FaultType::Delay, target, |delay| delay.way().is_down()) {
            (later(now, delay.ms), id)
        } else if self.lines.get(&socket).is_some_and(|line| !line.down.is_empty()) {
            (now, 0)
        } else {
            return true;
        };
        let (charge, entry) = (sent.charge(&self.budget), self.budget.charge(Kind::Delayed, 0));
        let line = self.line(socket, target);
        let held =
            Held::Frame { frame: sent.frame.clone(), expires_at: sent.note.expires_at, _bytes: charge, _entry: entry };
        line.hold(due, by, held, sent.frame.len());
        if line.is_overrun() {
            self.lines.remove(&socket);
            carried.overrun.push(socket);
            let reason = "The client reads too slowly.".to_owned();
            carried.actions.push(Action::Close { socket, code: 1008, reason });
        }
        false
    }

    fn ack_passes(
        &mut self,
        now: u64,
        socket: SocketId,
        target: FaultTarget<'_>,
        frame: &Frame,
        carried: &mut Carried,
    ) -> bool {
        let mut meet = |kind| self.faults.meet(kind, target, |_| true);
        let (due, by, window) = if let Some((id, _)) = meet(FaultType::PauseAcks) {
            (HELD, id, None)
        } else if let Some((id, reorder)) = meet(FaultType::ReorderAcks) {
            (later(now, Some(reorder.ms.unwrap_or(1000))), id, Some(reorder.window.unwrap_or(2)))
        } else if let Some((id, delay)) = meet(FaultType::DelayAcks) {
            (later(now, delay.ms), id, None)
        } else {
            if meet(FaultType::DuplicateAcks).is_some() {
                carried.actions.push(Action::Send { to: vec![socket], frame: frame.clone() });
            }
            return true;
        };
        let charge = self.budget.charge(Kind::Delayed, frame.len());
        let line = self.line(socket, target);
        line.acks.push(HeldAck { due, by, frame: frame.clone(), _charge: charge });
        if let Some(window) = window
            && line.acks.iter().filter(|ack| ack.by == by).count() >= window as usize
        {
            // As many as change places are there: the last one goes first.
            let all: Vec<HeldAck> = line.acks.extract_if(.., |ack| ack.by == by).collect();
            let sends = all.into_iter().rev().map(|ack| Action::Send { to: vec![socket], frame: ack.frame });
            carried.actions.extend(sends);
        } else if line.acks.len() > MAX_BACKLOG_MESSAGES {
            self.cut(socket, carried);
        }
        false
    }

    /// Returns true if a half-open fault drops frames in this direction, or starts to.
    fn drops_frames(&mut self, socket: SocketId, target: FaultTarget<'_>, way: Direction) -> bool {
        let goes = |line: &Line| line.drops_frames(way);
        if self.lines.get(&socket).is_some_and(goes) {
            return true;
        }
        let fits =
            |direction: Direction| if way == Direction::ToClient { direction.is_down() } else { direction.is_up() };
        let Some((id, fault)) = self.faults.meet(FaultType::HalfOpen, target, |fault| fits(fault.way())) else {
            return false;
        };
        self.line(socket, target).half_open = Some((id, fault.way()));
        true
    }

    fn cut(&mut self, socket: SocketId, carried: &mut Carried) {
        self.lines.remove(&socket);
        carried.cut.push(socket);
        carried.actions.push(Action::Abort { socket });
    }

    fn line(&mut self, socket: SocketId, target: FaultTarget<'_>) -> &mut Line {
        self.lines.entry(socket).or_insert_with(|| Line { hub: target.hub.to_owned(), ..Line::default() })
    }

    fn forget_idle_lines(&mut self) {
        self.lines.retain(|_, line| !line.is_idle());
        self.forget_spent_faults();
    }

    /// A fault that has acted as often as it should only stays for the sake of what waits for its end.
    fn forget_spent_faults(&mut self) {
        let lines = &self.lines;
        self.faults.end_spent(|id| lines.values().any(|line| line.waits_for(id)));
    }
}

/// Until its fault ends.
const HELD: u64 = u64::MAX;

fn later(now: u64, ms: Option<u32>) -> u64 {
    now.saturating_add(ms.unwrap_or_default().into())
}

/// The way to one socket and back.
#[derive(Default)]
struct Line {
    hub: String,
    /// Nothing goes these ways, because of this fault.
    half_open: Option<(u64, Direction)>,
    /// The hub has ended the socket, but that is on its way for ever.
    is_let_go: bool,
    /// Its client does not read, because of this fault.
    slow: Option<u64>,
    up_bytes: usize,
    down_bytes: usize,
    up: VecDeque<(u64, Frame, Charge)>,
    down: VecDeque<Waiting>,
    acks: Vec<HeldAck>,
}

/// Something on its way to a client, until it is due or a fault ends.
struct Waiting {
    due: u64,
    by: u64,
    what: Held,
}

enum Held {
    Frame { frame: Frame, expires_at: Option<u64>, _bytes: Arc<Charge>, _entry: Charge },
    Close { code: u16, reason: String },
}

struct HeldAck {
    due: u64,
    by: u64,
    frame: Frame,
    _charge: Charge,
}

/// A frame on its way to the receivers of one action.
struct Sent<'f> {
    frame: &'f Frame,
    note: Note,
    /// Made for the first receiver for whom the frame is held back, and shared with the others.
    charge: Option<Arc<Charge>>,
}

impl Sent<'_> {
    fn charge(&mut self, budget: &Budget) -> Arc<Charge> {
        let bytes = match self.frame {
            // The body counts by itself.
            Frame::Numbered { .. } => 0,
            frame => frame.len(),
        };
        Arc::clone(self.charge.get_or_insert_with(|| Arc::new(budget.charge(Kind::Delayed, bytes))))
    }
}

struct LateAnswer {
    due: u64,
    hub: String,
    id: RequestId,
    response: Response,
    _charge: Charge,
}

impl Line {
    fn drops_frames(&self, way: Direction) -> bool {
        self.half_open.is_some_and(|(_, half_open)| half_open == way || half_open == Direction::Both)
    }

    fn is_idle(&self) -> bool {
        self.half_open.is_none()
            && self.slow.is_none()
            && self.up.is_empty()
            && self.down.is_empty()
            && self.acks.is_empty()
    }

    fn waits_for(&self, fault: u64) -> bool {
        self.half_open.is_some_and(|(by, _)| by == fault)
            || self.slow == Some(fault)
            || self.down.iter().any(|waiting| waiting.by == fault)
            || self.acks.iter().any(|ack| ack.by == fault)
    }

    /// Nothing overtakes what waits already.
    fn hold(&mut self, due: u64, by: u64, what: Held, bytes: usize) {
        let (due, by) = match self.down.back() {
            Some(last) if last.due > due => (last.due, last.by),
            _ => (due, by),
        };
        self.down_bytes = self.down_bytes.saturating_add(bytes);
        self.down.push_back(Waiting { due, by, what });
    }

    /// Estimates the bytes of what is held back, including bytes that other lines hold too.
    fn held_bytes(&self) -> usize {
        let entries = [self.up.len(), self.down.len(), self.acks.len()].map(|count| count.saturating_mul(ENTRY_BYTES));
        let acks = self.acks.iter().map(|ack| ack.frame.len());
        acks.chain(entries).chain([self.up_bytes, self.down_bytes]).fold(0, usize::saturating_add)
    }

    fn is_overrun(&self) -> bool {
        self.down.len() > MAX_BACKLOG_MESSAGES || self.down_bytes > MAX_BACKLOG_BYTES
    }

    fn let_go(&mut self, fault: u64) {
        self.slow = self.slow.filter(|by| *by != fault);
        for waiting in self.down.iter_mut().filter(|waiting| waiting.by == fault && waiting.due == HELD) {
            waiting.due = 0;
        }
        for ack in self.acks.iter_mut().filter(|ack| ack.by == fault && ack.due == HELD) {
            ack.due = 0;
        }
    }

    fn wake_at(&self) -> Option<u64> {
        let up = self.up.front().map(|(due, ..)| *due);
        let down = self.down.front().map(|waiting| waiting.due);
        let acks = self.acks.iter().map(|ack| ack.due);
        acks.chain(up).chain(down).min().filter(|due| *due != HELD)
    }

    fn release(&mut self, now: u64, socket: SocketId, carried: &mut Carried) {
        while self.up.front().is_some_and(|(due, ..)| *due <= now)
            && let Some((_, frame, _)) = self.up.pop_front()
        {
            self.up_bytes = self.up_bytes.saturating_sub(frame.len());
            carried.arrivals.push((socket, frame));
        }
        for ack in self.acks.extract_if(.., |ack| ack.due <= now) {
            carried.actions.push(Action::Send { to: vec![socket], frame: ack.frame });
        }
        while self.down.front().is_some_and(|waiting| waiting.due <= now)
            && let Some(waiting) = self.down.pop_front()
        {
            if let Held::Frame { frame, .. } = &waiting.what {
                self.down_bytes = self.down_bytes.saturating_sub(frame.len());
            }
            match waiting.what {
                // Its time to live may have ended on the way.
                Held::Frame { expires_at: Some(expires_at), .. } if expires_at <= now => {}
                Held::Frame { frame, .. } => carried.actions.push(Action::Send { to: vec![socket], frame }),
                Held::Close { code, reason } => carried.actions.push(Action::Close { socket, code, reason }),
            }
        }
    }
}

impl Incoming<'_> {
    fn to_owned(self) -> Frame {
        match self {
            Incoming::Text(text) => Frame::Text(text.into()),
            Incoming::Binary(bytes) => Frame::Binary(bytes.into()),
        }
    }
}

impl<'f> From<&'f Content<'f>> for Incoming<'f> {
    fn from(content: &'f Content<'f>) -> Incoming<'f> {
        match content {
            Content::Text(text) => Incoming::Text(text),
            Content::Binary(bytes) => Incoming::Binary(bytes),
        }
    }
}
