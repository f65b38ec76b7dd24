//! Runs the service client over the fetch API of a wasm host: a Worker, Node, Deno, Bun, a browser.
//!
//! ```no_run
//! use webpubsub_edge::fetch::Fetch;
//! use webpubsub_edge::service::{Message, SendOptions, ServiceClient};
//!
//! # async fn example(connection_string: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceClient::from_connection_string(connection_string, "chat", Fetch::global())?;
//! service.send_to_all(Message::Text("hello"), &SendOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! When a call is dropped, or its time is over, its request is aborted: the connection is let go, not only the answer.

use js_sys::{Array, Date, Function, Math, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, ReadableStreamDefaultReader, Request, RequestInit, RequestRedirect};

use crate::service::{Failure, MAX_ANSWER_BYTES, Outgoing, Response, Transport, within};

/// The time for one request unless it is set: 100 seconds.
const DEFAULT_TIMEOUT_MS: u32 = 100_000;

/// A [`Transport`] over the `fetch` method of a JavaScript object.
#[derive(Debug, Clone)]
pub struct Fetch {
    object: JsValue,
    timeout_ms: u32,
}

impl Fetch {
    /// Over the host's own `fetch`.
    pub fn global() -> Self {
        Fetch::of(js_sys::global().into())
    }

    /// Over the `fetch` of an object, such as a service binding or the stub of a Durable Object.
    pub fn of(object: JsValue) -> Self {
        Fetch { object, timeout_ms: DEFAULT_TIMEOUT_MS }
    }

    /// Limits the time of every request in milliseconds, also that of a request for a token of Entra ID. The default is
    /// 100,000, which is 100 seconds; 0 is no limit. A try that took too long is not repeated.
    #[must_use]
    pub fn with_timeout(mut self, milliseconds: u32) -> Self {
        self.timeout_ms = milliseconds;
        self
    }

    /// Sends a request and reads its answer. `None` means that the body is over the limit.
    async fn answer(&self, outgoing: &Outgoing<'_>) -> Result<Option<Response>, JsValue> {
        let fetch: Function = Reflect::get(&self.object, &"fetch".into())?.dyn_into()?;
        let abort = Abort(Some(AbortController::new()?));
        let promise: Promise = fetch.call1(&self.object, &request(outgoing, &abort)?.into())?.dyn_into()?;
        // The answer of a Durable Object's stub is not an instance of this realm's Response in every host.
        let response: web_sys::Response = JsFuture::from(promise).await?.unchecked_into();
        let Some(body) = limited_body(&response).await? else { return Ok(None) };
        abort.not_needed();
        Ok(Some(Response { status: response.status(), headers: headers(&response)?, body }))
    }
}

/// Reads a body to its end. Stops as soon as it is over the limit, and then returns `None`.
async fn limited_body(response: &web_sys::Response) -> Result<Option<Vec<u8>>, JsValue> {
    let mut body = Vec::new();
    let Some(stream) = response.body() else { return Ok(Some(body)) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    loop {
        let read = JsFuture::from(reader.read()).await?;
        if Reflect::get(&read, &"done".into())?.is_truthy() {
            return Ok(Some(body));
        }
        let chunk: Uint8Array = Reflect::get(&read, &"value".into())?.dyn_into()?;
        if body.len().saturating_add(chunk.length() as usize) > MAX_ANSWER_BYTES {
            // The body is refused whether or not the host can cancel it.
            let _ = JsFuture::from(reader.cancel()).await;
            return Ok(None);
        }
        body.extend_from_slice(&chunk.to_vec());
    }
}

/// Aborts a request when it is dropped before its end.
struct Abort(Option<AbortController>);

impl Abort {
    fn not_needed(mut self) {
        self.0 = None;
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// No `mode`, `credentials` or `cache`: they throw in workerd.
fn request(outgoing: &Outgoing<'_>, abort: &Abort) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    for &(name, value) in &outgoing.headers {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(outgoing.method);
    init.set_headers(&headers);
    if let Some(body) = outgoing.body {
        init.set_body(&Uint8Array::from(body));
    }
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(abort.0.as_ref().map(AbortController::signal).as_ref());
    Request::new_with_str_and_init(outgoing.url, &init)
}

fn headers(response: &web_sys::Response) -> Result<Vec<(String, String)>, JsValue> {
    let mut read = Vec::new();
    for entry in js_sys::try_iter(&response.headers())?.into_iter().flatten() {
        let entry: Array = entry?.unchecked_into();
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            read.push((name, value));
        }
    }
    Ok(read)
}

impl Transport for Fetch {
    async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Response, Failure> {
        let answer = within(self.timeout_ms.into(), self, self.answer(outgoing)).await;
        let answer = answer.ok_or(Failure::Timeout)?.map_err(|error| failure(&error))?;
        answer.ok_or(Failure::AnswerTooLarge)
    }

    async fn sleep(&self, milliseconds: u64) {
        let mut timer = None;
        let promise = Promise::new(&mut |resolve, reject| match set_timeout(&resolve, milliseconds) {
            Ok(id) => timer = Some(Timer { id, resolve }),
            Err(error) => {
                // Without timers there is no waiting; the rejection ends it at once.
                let _ = reject.call1(&JsValue::UNDEFINED, &error);
            }
        });
        let _ = JsFuture::from(promise).await;
        drop(timer);
    }

    fn now_ms(&self) -> u64 {
        Date::now() as u64
    }

    fn random(&self) -> f64 {
        Math::random()
    }
}

/// A timer of the host. One that is dropped early keeps neither a process nor the memory of its future.
struct Timer {
    id: JsValue,
    resolve: Function,
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _ = call_global("clearTimeout", &self.id, &JsValue::UNDEFINED);
        let _ = self.resolve.call0(&JsValue::UNDEFINED);
    }
}

fn set_timeout(resolve: &Function, milliseconds: u64) -> Result<JsValue, JsValue> {
    // Beyond this, hosts do not wait at all.
    const LONGEST_MS: u64 = 0x7fff_ffff;
    call_global("setTimeout", resolve, &(milliseconds.min(LONGEST_MS) as f64).into())
}

fn call_global(name: &str, first: &JsValue, second: &JsValue) -> Result<JsValue, JsValue> {
    let global = js_sys::global();
    Reflect::get(&global, &name.into())?.dyn_into::<Function>()?.call2(&global, first, second)
}

/// Node and Bun name the system error, Deno says so in a text; where nothing is named, the request may have arrived.
fn failure(error: &JsValue) -> Failure {
    let property = |of: &JsValue, name: &str| {
        if of.is_instance_of::<Object>() {
            Reflect::get(of, &name.into()).unwrap_or_default()
        } else {
            JsValue::UNDEFINED
        }
    };
    let text = |of: &JsValue, name: &str| property(of, name).as_string().unwrap_or_default();
    let cause = property(error, "cause");
    let is_named = |code: String| matches!(code.as_str(), "ECONNREFUSED" | "ENOTFOUND" | "ConnectionRefused");
    if text(error, "name") == "TimeoutError" {
        Failure::Timeout
    } else if is_named(text(&cause, "code"))
        || is_named(text(error, "code"))
        || text(&cause, "message").contains(": client error (Connect): ")
    {
        Failure::NotSent
    } else {
        Failure::Unknown
    }
}
