//! The host for `wrangler dev`: a Durable Object that keeps the service in its memory.
//!
//! The object must not hibernate while a client is connected or recoverable, for the state would be gone. An open
//! plain socket prevents it, and so does a pending timer while a lost connection can be recovered. The hibernation
//! API is not used: under it, a client that was closed before it had sent anything sees the end only ten seconds later.
//! Should the memory be lost all the same (a reload, a panic), its sockets are lost with it, and clients connect anew.

// The methods that `durable_object` writes for JavaScript have no documentation.
#![allow(missing_docs)]

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use worker::js_sys::{Function, Promise, Reflect, Uint8Array};
// The macros below write `wasm_bindgen::` without saying whose.
use worker::wasm_bindgen::convert::FromWasmAbi;
use worker::wasm_bindgen::prelude::{Closure, wasm_bindgen};
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::web_sys::{CloseEvent, Event, MessageEvent};
use worker::{Date, DurableObject, Env, ResponseBuilder, Result, State, WebSocket, WebSocketPair, console_log};

use crate::frame::Content;
use crate::limits::MAX_RETAINED_BYTES_RANGE;
use crate::local_key::{access_key, is_shown};
use crate::{
    Action, HubSize, Input, Request, RequestId, Response, Service, Settings, SocketId, StartedBy, answer, control,
    guard, worker_http,
};

/// Hosts the emulator in a Durable Object, one for each hub. A Worker re-exports it and [`LocalKey`](crate::LocalKey),
/// binds both, and hands requests for `/api`, `/client`, `/clients` and `/_emulator` to [`forward`].
///
/// These variables of the Worker have an effect on it:
/// - `AZURE_WEBPUBSUB_HUB`: the hub that `/_emulator/faults` and `/_emulator/clock` are about when the query names none.
/// - `ALLOWED_ORIGINS`: a list with commas of pages elsewhere that may use the emulator.
/// - `EMULATOR_ALLOW_UNVALIDATED_ENTRA_TOKENS`: must be `true` for REST to take Entra tokens.
/// - `EMULATOR_MAX_RETAINED_BYTES`: [`Settings::max_retained_bytes`], for each hub.
#[worker::durable_object(fetch)]
pub struct LocalHub {
    env: Env,
    /// Made at the first request, because the access key has to be read.
    host: OnceCell<Rc<Host>>,
}

impl DurableObject for LocalHub {
    fn new(_: State, env: Env) -> Self {
        LocalHub { env, host: OnceCell::new() }
    }

    async fn fetch(&self, mut received: worker::Request) -> Result<worker::Response> {
        let key = access_key(&self.env).await?;
        // `forward` has refused the request if the variables are wrong.
        let settings = settings(&self.env, key).map_err(worker::Error::from)?;
        let host = self.host.get_or_init(|| Host::listed(settings));
        let mut request = worker_http::head(&received);
        if request.is_upgrade() {
            host.upgrade(&request)
        } else {
            request.body = worker_http::body(&mut received).await?;
            host.answer(&request).await
        }
    }
}

/// Hands a request to the object of its hub, which is called by the hub's name in lower case. A request that can be
/// refused without the object is refused here: strangers must not make it read a body, nor make objects, for each is a
/// file on the disk.
///
/// A request that reads `/_emulator` must show the access key as `Authorization: Bearer <key>`. Other requests to it are
/// protected by their `Origin`, which wrangler does not replace.
pub async fn forward(request: worker::Request, env: &Env, binding: &str) -> Result<worker::Response> {
    let key = access_key(env).await?;
    let settings = match settings(env, key.clone()) {
        Ok(settings) => settings,
        Err(problem) => return worker_http::write(answer::error(500, "Error.Configuration", &problem, "Worker")),
    };
    let default_hub = settings.default_hub.to_ascii_lowercase();
    match Service::new(settings).admit(Date::now().as_millis(), &worker_http::head(&request)) {
        Err(refusal) => worker_http::write(refusal),
        Ok(_) if reads_control(&request) && !is_shown(&key, request.headers().get("authorization")?.as_deref()) => {
            let how =
                "Send the access key of the emulator as Authorization: Bearer <key>. wrangler prints it at the start.";
            worker_http::write(answer::error(401, "Error.Unauthorized", how, "Request"))
        }
        Ok(hub) => {
            let name = hub.unwrap_or(default_hub);
            env.durable_object(binding)?.get_by_name(&name)?.fetch_with_request(request).await
        }
    }
}

fn reads_control(request: &worker::Request) -> bool {
    let is_control = request.path().split('/').nth(1) == Some("_emulator");
    is_control && matches!(request.inner().method().as_str(), "GET" | "HEAD")
}

thread_local! {
    /// The hosts of all hubs. The Durable Objects of a Worker share one isolate under `wrangler dev`.
    static HOSTS: RefCell<Vec<Weak<Host>>> = const { RefCell::new(Vec::new()) };
}

/// Writes the list of all hubs in place of the list of one host's hub.
fn with_all_hubs(response: Response) -> Response {
    let hosts = HOSTS.with_borrow(|hosts| hosts.iter().filter_map(Weak::upgrade).collect::<Vec<_>>());
    let mut hubs: Vec<HubSize> = hosts.iter().flat_map(|host| host.service.borrow().hubs()).collect();
    hubs.sort_by(|one, other| one.hub.cmp(&other.hub));
    control::with_hubs(response, hubs)
}

/// A Durable Object cannot drop a socket without a close frame. This code, from the range for private use, stands
/// for 1006, which cannot be sent; clients treat it as a lost connection.
const CUT: u16 = 4006;

/// The code of a close that had no close frame.
const NO_CLOSE_FRAME: u16 = 1006;

/// The state machine, and the sockets it knows by number.
struct Host {
    service: RefCell<Service>,
    sockets: RefCell<BTreeMap<SocketId, WebSocket>>,
    answers: RefCell<BTreeMap<RequestId, Response>>,
    /// The requests whose answers a fault delays, and how to go on with each.
    unanswered: RefCell<BTreeMap<RequestId, Function>>,
    last_id: Cell<u64>,
    /// How far the clock was set forward, in milliseconds.
    advanced: Cell<u64>,
    /// When the earliest timer that is pending goes off.
    wakes_at: Cell<Option<u64>>,
}

impl Host {
    /// Makes the host of a hub, and adds it to the list of all hosts.
    fn listed(settings: Settings) -> Rc<Host> {
        let host = Rc::new(Host::new(settings));
        HOSTS.with_borrow_mut(|hosts| {
            hosts.retain(|host| host.strong_count() > 0);
            hosts.push(Rc::downgrade(&host));
        });
        host
    }

    fn new(settings: Settings) -> Host {
        Host {
            service: RefCell::new(Service::new(settings)),
            sockets: RefCell::default(),
            unanswered: RefCell::default(),
            answers: RefCell::default(),
            last_id: Cell::new(0),
            advanced: Cell::new(0),
            wakes_at: Cell::new(None),
        }
    }

    fn upgrade(self: &Rc<Self>, request: &Request) -> Result<worker::Response> {
        let socket = self.next_id();
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let mut response = None;
        for action in self.decide(Input::Upgrade { socket, request, random: random() }) {
            match action {
                Action::Accept { subprotocol, .. } => {
                    self.open(socket, &server)?;
                    let mut accepted = ResponseBuilder::new().with_status(101).with_websocket(client.clone());
                    if let Some(name) = subprotocol {
                        accepted = accepted.with_header("sec-websocket-protocol", &name)?;
                    }
                    response = Some(accepted.empty());
                }
                Action::Refuse { response: refusal, .. } => response = Some(worker_http::write(refusal)?),
                other => self.carry_out(other),
            }
        }
        response.ok_or_else(|| worker::Error::from("The upgrade was not answered."))
    }

    async fn answer(self: &Rc<Self>, request: &Request) -> Result<worker::Response> {
        let id = self.next_id();
        for action in self.decide(Input::Request { id, request }) {
            match action {
                Action::Advance { id, ms, response } => {
                    self.advance(ms);
                    self.carry_out(Action::Respond { id, response });
                }
                other => self.carry_out(other),
            }
        }
        if !self.answers.borrow().contains_key(&id) {
            let answered = Promise::new(&mut |resolve, _| _ = self.unanswered.borrow_mut().insert(id, resolve));
            // This promise is only ever resolved.
            let _ = JsFuture::from(answered).await;
        }
        let response = self.answers.borrow_mut().remove(&id);
        let response = response.ok_or("The request was not answered.")?;
        worker_http::write(if control::lists_hubs(request) { with_all_hubs(response) } else { response })
    }

    /// Milliseconds since 1970, by the clock that `/_emulator/clock` sets.
    fn now(&self) -> u64 {
        Date::now().as_millis().saturating_add(self.advanced.get())
    }

    /// Sets the clock forward in steps, so that each thing happens at its time.
    fn advance(self: &Rc<Self>, ms: u64) {
        let target = self.now().saturating_add(ms);
        loop {
            let wake_at = self.service.borrow().wake_at().filter(|wake_at| *wake_at <= target);
            let step = wake_at.unwrap_or(target).saturating_sub(self.now());
            self.advanced.set(self.advanced.get().saturating_add(step));
            // The timer that is pending counts by the clock as it was.
            self.wakes_at.set(None);
            self.handle(Input::Tick);
            if wake_at.is_none() {
                break;
            }
        }
    }

    fn handle(self: &Rc<Self>, input: Input<'_>) {
        for action in self.decide(input) {
            self.carry_out(action);
        }
    }

    fn decide(self: &Rc<Self>, input: Input<'_>) -> Vec<Action> {
        let actions = self.service.borrow_mut().handle(self.now(), input);
        self.wait();
        actions
    }

    /// Carries out what concerns open sockets. A socket that fails is gone, which its close event reports.
    fn carry_out(&self, action: Action) {
        match action {
            Action::Send { to, frame } => {
                let sockets = self.sockets.borrow();
                let receivers = to.iter().filter_map(|socket| sockets.get(socket));
                // Converted once, whatever the number of sockets.
                let data = match frame.content() {
                    Content::Text(text) => JsValue::from_str(&text),
                    Content::Binary(bytes) => Uint8Array::from(&*bytes).into(),
                };
                receivers.for_each(|socket| send(socket, &data));
            }
            Action::Close { socket, code, reason } => self.end(socket, code, &reason),
            Action::Abort { socket } => self.end(socket, CUT, "The connection was cut."),
            // Workers cannot send pings, and the settings say so. This host answers no events.
            Action::Ping { .. } | Action::Event(_) | Action::EventOver { .. } => {}
            Action::Respond { id, response } => {
                self.answers.borrow_mut().insert(id, response);
                if let Some(resolve) = self.unanswered.borrow_mut().remove(&id) {
                    // Going on with a promise does not throw.
                    let _ = resolve.call0(&JsValue::UNDEFINED);
                }
            }
            Action::Log { line } => console_log!("{line}"),
            // Only an upgrade is answered with the first two, and only a request with the last.
            Action::Accept { .. } | Action::Refuse { .. } | Action::Advance { .. } => {}
        }
    }

    fn end(&self, socket: SocketId, code: u16, reason: &str) {
        if let Some(socket) = self.sockets.borrow_mut().remove(&socket) {
            close(&socket, code, reason);
        }
    }

    /// Accepts a socket and listens to it.
    fn open(self: &Rc<Self>, id: SocketId, socket: &WebSocket) -> Result<()> {
        // Under recent compatibility dates bytes would come as a Blob, which can only be read later.
        Reflect::set(socket.as_ref(), &"binaryType".into(), &"arraybuffer".into())?;
        let host = Rc::clone(self);
        listen(socket, "message", move |event: MessageEvent| match event.data().as_string() {
            Some(text) => host.handle(Input::Text { socket: id, text: &text }),
            None => host.handle(Input::Binary { socket: id, bytes: &Uint8Array::new(&event.data()).to_vec() }),
        })?;
        let host = Rc::clone(self);
        listen(socket, "close", move |event: CloseEvent| host.closed(id, event.code()))?;
        let host = Rc::clone(self);
        listen(socket, "error", move |_: Event| host.closed(id, NO_CLOSE_FRAME))?;
        self.sockets.borrow_mut().insert(id, socket.clone());
        socket.accept()
    }

    fn closed(self: &Rc<Self>, socket: SocketId, code: u16) {
        // What the client began is ours to finish; a code that only reports what happened cannot be sent.
        let answer = if matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) { code } else { 1000 };
        self.end(socket, answer, "");
        self.handle(Input::Closed { socket, code });
    }

    /// Keeps a timer pending for as long as the service waits for time to pass.
    fn wait(self: &Rc<Self>) {
        let Some(wake_at) = self.wake_at() else { return };
        if self.wakes_at.get().is_some_and(|pending| pending <= wake_at) {
            return;
        }
        self.wakes_at.set(Some(wake_at));
        let host = Rc::clone(self);
        spawn_local(async move {
            sleep(wake_at.saturating_sub(host.now())).await;
            // An earlier timer may have been set meanwhile; then this one only looks.
            if host.wakes_at.get() == Some(wake_at) {
                host.wakes_at.set(None);
            }
            host.handle(Input::Tick);
        });
    }

    /// When the service wants to be woken. Without an open socket, faults that wait for a client are in memory alone, so
    /// something has to be pending for their sake.
    fn wake_at(&self) -> Option<u64> {
        const KEEP_AWAKE_MS: u64 = 5_000;
        let service = self.service.borrow();
        let would_be_lost = self.sockets.borrow().is_empty() && !service.is_idle();
        service.wake_at().or_else(|| would_be_lost.then(|| self.now().saturating_add(KEEP_AWAKE_MS)))
    }

    fn next_id(&self) -> u64 {
        self.last_id.set(self.last_id.get().saturating_add(1));
        self.last_id.get()
    }
}

/// Reads the variables of the Worker that have an effect on the emulator.
///
/// # Errors
/// Which variable is wrong.
fn settings(env: &Env, key: String) -> std::result::Result<Settings, String> {
    let variable = |name| env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty());
    let mut settings = Settings::default();
    if let Some(hub) = variable("AZURE_WEBPUBSUB_HUB") {
        settings.default_hub = hub;
    }
    settings.access_keys = vec![key];
    settings.can_ping = false;
    settings.log = true;
    settings.started_by = StartedBy::WranglerDev;
    if let Some(bytes) = variable("EMULATOR_MAX_RETAINED_BYTES") {
        let (least, most) = (MAX_RETAINED_BYTES_RANGE.start(), MAX_RETAINED_BYTES_RANGE.end());
        settings.max_retained_bytes = bytes
            .parse()
            .ok()
            .filter(|bytes| MAX_RETAINED_BYTES_RANGE.contains(bytes))
            .ok_or_else(|| format!("EMULATOR_MAX_RETAINED_BYTES must be a whole number from {least} to {most}."))?;
    }
    let entra = variable("EMULATOR_ALLOW_UNVALIDATED_ENTRA_TOKENS");
    settings.allow_unvalidated_entra_tokens = entra.as_deref() == Some("true");
    settings.allowed_origins = guard::origins(&variable("ALLOWED_ORIGINS").unwrap_or_default());
    Ok(settings)
}

/// The listener is freed by JavaScript, together with its socket.
fn listen<E: FromWasmAbi + 'static>(socket: &WebSocket, event: &str, listener: impl FnMut(E) + 'static) -> Result<()> {
    let listener = Closure::<dyn FnMut(E)>::new(listener).into_js_value();
    let target: &worker::web_sys::WebSocket = socket.as_ref();
    Ok(target.add_event_listener_with_callback(event, listener.unchecked_ref())?)
}

/// `worker` would convert a text for every socket anew.
fn send(socket: &WebSocket, data: &JsValue) {
    let socket: &worker::web_sys::WebSocket = socket.as_ref();
    // A socket that fails is gone, which its close event reports.
    let _ = socket.unchecked_ref::<Sender>().send(data);
}

fn close(socket: &WebSocket, code: u16, reason: &str) {
    // A socket that is closed already does not mind.
    let _ = socket.close(Some(code), Some(reason));
}

pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Not a slice of ours, for an optimized build does not see that JavaScript writes to it.
    let drawn = Uint8Array::new_with_length(32);
    fill_random(&drawn);
    drawn.copy_to(&mut bytes);
    bytes
}

/// A pause. `worker::Delay` expects setTimeout to return a number, which it does not under recent compatibility dates.
async fn sleep(ms: u64) {
    let ms = u32::try_from(ms).unwrap_or(u32::MAX);
    let timer = Promise::new(&mut |resolve, _| _ = set_timeout(&resolve, ms));
    // This promise is only ever resolved.
    let _ = JsFuture::from(timer).await;
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// A WebSocket, as far as it sends.
    type Sender;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Sender, data: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: u32) -> JsValue;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_random(bytes: &Uint8Array);
}
