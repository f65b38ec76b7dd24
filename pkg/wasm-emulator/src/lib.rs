//! The emulator inside the npm package, for hosts in JavaScript. It converts and nothing else: every rule is in
//! `webpubsub-edge-emulator`.
//!
//! Each input is one call of [`Emulator`], which carries out the actions by calling the methods of [`Host`] before it
//! returns. However many sockets a message goes to, it crosses the boundary once: as WebSocket frames, ready to be
//! written, and the numbers of the sockets ([`batch`]).
//!
//! Each emulator has an instance of this module of its own. A trap, or an exception that a method of the host throws,
//! breaks the instance: pkg/src/emulator/service.ts then stops this emulator and no other.

// What wasm-bindgen writes for JavaScript has no documentation.
#![allow(missing_docs)]

mod batch;
mod payload;
mod request;

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use webpubsub_edge_emulator::limits::{MAX_BACKLOG_BYTES, MAX_MESSAGE_BYTES};
use webpubsub_edge_emulator::{Action, Event, EventReply, Injection, Input, Response, Service, Settings};

use crate::batch::Batch;

#[wasm_bindgen]
extern "C" {
    /// What carries out the actions; pkg/src/emulator/host.ts.
    pub type Host;

    #[wasm_bindgen(method)]
    fn accept(this: &Host, socket: u32, subprotocol: Option<String>);
    #[wasm_bindgen(method)]
    fn refuse(this: &Host, socket: u32, status: u16, headers: Vec<String>, body: &[u8]);
    #[wasm_bindgen(method)]
    fn send(this: &Host, plan: &[u32], frames: &[u8]);
    #[wasm_bindgen(method)]
    fn ping(this: &Host, sockets: &[u32]);
    #[wasm_bindgen(method)]
    fn close(this: &Host, socket: u32, code: u16, reason: &str);
    #[wasm_bindgen(method)]
    fn abort(this: &Host, socket: u32);
    #[wasm_bindgen(method)]
    fn respond(this: &Host, request: u32, status: u16, headers: Vec<String>, body: &[u8]);
    #[wasm_bindgen(method)]
    fn log(this: &Host, line: &str);
    #[wasm_bindgen(method, js_name = advanceClock)]
    fn advance_clock(this: &Host, request: u32, ms: f64, status: u16, headers: Vec<String>, body: &[u8]);
    #[wasm_bindgen(method, js_name = event)]
    fn event(
        this: &Host,
        hub: &str,
        id: f64,
        connection_id: &str,
        user_id: Option<String>,
        name: &str,
        is_invocation: bool,
        data_type: &str,
        data: &[u8],
        metadata: Vec<String>,
    );
    #[wasm_bindgen(method, js_name = eventOver)]
    fn event_over(this: &Host, hub: &str, id: f64);
}

/// One emulated service, and the host that carries out what it decides. Times are milliseconds since 1970.
#[wasm_bindgen]
pub struct Emulator {
    // Not borrowed while the host carries out actions, because it may call back.
    service: RefCell<Service>,
    host: Host,
}

#[wasm_bindgen]
impl Emulator {
    /// `settings` is JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, host: Host) -> Result<Emulator, JsError> {
        let settings: Settings = read(settings)?;
        settings.check().map_err(|problem| JsError::new(&problem))?;
        Ok(Emulator { service: RefCell::new(Service::new(settings)), host })
    }

    /// The largest body that a request may have.
    #[wasm_bindgen(getter, js_name = maxBodyBytes)]
    pub fn max_body_bytes(&self) -> usize {
        MAX_MESSAGE_BYTES
    }

    /// The number of bytes that may wait for a socket before the host must report a backlog.
    #[wasm_bindgen(getter, js_name = maxBacklogBytes)]
    pub fn max_backlog_bytes(&self) -> usize {
        MAX_BACKLOG_BYTES
    }

    /// Returns whether the body of a request must be read. If not, the request has been answered.
    pub fn admit(&self, now: f64, id: u32, method: String, url: String, headers: Vec<String>) -> bool {
        let request = request::from_parts(method, url, headers, Vec::new());
        let admitted = self.service.borrow().admit(millis(now), &request);
        match admitted {
            Ok(_) => true,
            Err(response) => {
                self.respond(id, response);
                false
            }
        }
    }

    pub fn request(&self, now: f64, id: u32, method: String, url: String, headers: Vec<String>, body: Vec<u8>) {
        let request = request::from_parts(method, url, headers, body);
        self.handle(now, Input::Request { id: id.into(), request: &request });
    }

    /// `random` are 32 fresh random bytes.
    pub fn upgrade(&self, now: f64, socket: u32, url: String, headers: Vec<String>, random: &[u8]) {
        let request = request::from_parts("GET".to_owned(), url, headers, Vec::new());
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(random).for_each(|(byte, random)| *byte = *random);
        self.handle(now, Input::Upgrade { socket: socket.into(), request: &request, random: bytes });
    }

    /// `text` is UTF-8.
    pub fn text(&self, now: f64, socket: u32, text: &[u8]) {
        // `ws` has checked that the text is UTF-8.
        let text = String::from_utf8_lossy(text);
        self.handle(now, Input::Text { socket: socket.into(), text: &text });
    }

    pub fn binary(&self, now: f64, socket: u32, bytes: &[u8]) {
        self.handle(now, Input::Binary { socket: socket.into(), bytes });
    }

    pub fn pong(&self, now: f64, socket: u32) {
        self.handle(now, Input::Pong { socket: socket.into() });
    }

    pub fn backlog(&self, now: f64, socket: u32, bytes: usize) {
        self.handle(now, Input::Backlog { socket: socket.into(), messages: 0, bytes });
    }

    pub fn closed(&self, now: f64, socket: u32, code: u16) {
        self.handle(now, Input::Closed { socket: socket.into(), code });
    }

    /// Says whether the host answers the events of a hub.
    #[wasm_bindgen(js_name = answerEvents)]
    pub fn answer_events(&self, hub: &str, does: bool) {
        self.service.borrow_mut().answer_events(hub, does);
    }

    /// Answers an event with data, or without data if there is no data type.
    pub fn reply(&self, now: f64, hub: &str, id: f64, data_type: Option<String>, data: Vec<u8>) {
        let reply = match data_type.map(|data_type| payload::read(&data_type, data)).transpose() {
            Ok(payload) => EventReply::Done(payload),
            Err(problem) => EventReply::Failed(problem),
        };
        self.handle(now, Input::Reply { hub, id: id as u64, reply: &reply });
    }

    /// Reports that an event could not be answered.
    pub fn fail(&self, now: f64, hub: &str, id: f64, message: String) {
        self.handle(now, Input::Reply { hub, id: id as u64, reply: &EventReply::Failed(message) });
    }

    pub fn tick(&self, now: f64) {
        self.handle(now, Input::Tick);
    }

    /// Returns the time of the next `tick`.
    #[wasm_bindgen(js_name = wakeAt)]
    pub fn wake_at(&self) -> Option<f64> {
        self.service.borrow().wake_at().map(|time| time as f64)
    }

    /// Returns the connections and groups of a hub.
    pub fn inspect(&self, hub: &str) -> Result<JsValue, JsError> {
        write(&self.service.borrow().inspect(hub))
    }

    /// Injects a fault into a hub, or into every hub if none is named. `fault` is JSON.
    #[wasm_bindgen(js_name = injectFault)]
    pub fn inject_fault(&self, now: f64, hub: Option<String>, fault: &str) -> Result<JsValue, JsError> {
        let fault = serde_json::from_str::<serde_json::Value>(fault).and_then(serde_json::from_value);
        let fault = fault.map_err(|problem| JsError::new(&Injection::explain(&problem)))?;
        let injected = self.service.borrow_mut().inject(millis(now), hub.as_deref(), fault);
        let (injected, actions) = injected.map_err(|problem| JsError::new(&problem))?;
        self.carry_out(actions);
        write(&injected)
    }

    #[wasm_bindgen(js_name = listFaults)]
    pub fn list_faults(&self, now: f64, hub: Option<String>) -> Result<JsValue, JsError> {
        write(&self.service.borrow().faults(millis(now), hub.as_deref()))
    }

    /// Removes a fault. Returns whether it existed.
    #[wasm_bindgen(js_name = removeFault)]
    pub fn remove_fault(&self, now: f64, id: u32) -> bool {
        let actions = self.service.borrow_mut().remove_fault(millis(now), id.into());
        let was_there = actions.is_some();
        self.carry_out(actions.unwrap_or_default());
        was_there
    }

    #[wasm_bindgen(js_name = clearFaults)]
    pub fn clear_faults(&self, now: f64, hub: Option<String>) {
        let actions = self.service.borrow_mut().clear_faults(millis(now), hub.as_deref());
        self.carry_out(actions);
    }
}

impl Emulator {
    fn handle(&self, now: f64, input: Input<'_>) {
        let actions = self.service.borrow_mut().handle(millis(now), input);
        self.carry_out(actions);
    }

    fn carry_out(&self, actions: Vec<Action>) {
        let mut batch = Batch::default();
        for action in actions {
            match action {
                Action::Send { to, frame } => {
                    batch.add(&to, &frame);
                    if batch.is_full() {
                        self.send(&mut batch);
                    }
                }
                other => {
                    // Frames that precede a close are sent first.
                    self.send(&mut batch);
                    self.carry_out_one(other);
                }
            }
        }
        self.send(&mut batch);
    }

    fn send(&self, batch: &mut Batch) {
        if !batch.is_empty() {
            let Batch { plan, frames } = std::mem::take(batch);
            self.host.send(&plan, &frames);
        }
    }

    fn carry_out_one(&self, action: Action) {
        match action {
            Action::Accept { socket, subprotocol } => self.host.accept(number(socket), subprotocol),
            Action::Refuse { socket, response: Response { status, headers, body } } => {
                self.host.refuse(number(socket), status, request::flat(headers), &body)
            }
            Action::Ping { to } => self.host.ping(&to.into_iter().map(number).collect::<Vec<_>>()),
            Action::Close { socket, code, reason } => self.host.close(number(socket), code, &reason),
            Action::Abort { socket } => self.host.abort(number(socket)),
            Action::Respond { id, response } => self.respond(number(id), response),
            Action::Log { line } => self.host.log(&line),
            Action::Advance { id, ms, response: Response { status, headers, body } } => {
                self.host.advance_clock(number(id), ms as f64, status, request::flat(headers), &body)
            }
            Action::Event(event) => self.ask(&event),
            Action::EventOver { hub, id } => self.host.event_over(&hub, id as f64),
            // `carry_out` batches these.
            Action::Send { .. } => {}
        }
    }

    fn ask(&self, event: &Event) {
        let Event { id, hub, connection_id, user_id, name, is_invocation, payload, metadata } = event;
        let (data_type, data) = payload::write(payload);
        let metadata = metadata.iter().flat_map(|(name, value)| [name.clone(), value.clone()]).collect();
        let user_id = user_id.clone();
        self.host.event(hub, *id as f64, connection_id, user_id, name, *is_invocation, data_type, data, metadata);
    }

    fn respond(&self, id: u32, Response { status, headers, body }: Response) {
        self.host.respond(id, status, request::flat(headers), &body);
    }
}

/// Reads JSON, whose depth is limited, unlike that of JavaScript values. It reads a JSON value first, because errors of
/// the direct way name a line and a column of a text that the caller has not written.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, JsError> {
    let value = serde_json::from_str::<serde_json::Value>(json);
    value.and_then(serde_json::from_value).map_err(|problem| JsError::new(&problem.to_string()))
}

/// Makes plain objects.
fn write(value: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}

/// Converts a number that the host gave out: it counts from 1, so 32 bits suffice.
fn number(id: u64) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

/// Converts a time. `NaN` and negative numbers become 1970.
fn millis(now: f64) -> u64 {
    now as u64
}
