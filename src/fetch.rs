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

use js_sys::{Date, Function, Math, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, RequestRedirect};

use crate::service::{Failure, Outgoing, Response, Transport};

/// A [`Transport`] over the `fetch` method of a JavaScript object.
#[derive(Debug, Clone)]
pub struct Fetch {
    object: JsValue,
    timeout_ms: Option<u32>,
}

impl Fetch {
    /// Over the host's own `fetch`.
    pub fn global() -> Self {
        Fetch::of(js_sys::global().into())
    }

    /// Over the `fetch` of an object, such as a service binding or the stub of a Durable Object.
    pub fn of(object: JsValue) -> Self {
        Fetch { object, timeout_ms: None }
    }

    /// Gives up a try after so many milliseconds; without this it waits as long as the host lets it. A try that took
    /// too long is not repeated.
    #[must_use]
    pub fn with_timeout(mut self, milliseconds: u32) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }

    async fn answer(&self, outgoing: &Outgoing<'_>) -> Result<Response, JsValue> {
        let fetch: Function = Reflect::get(&self.object, &"fetch".into())?.dyn_into()?;
        let promise: Promise = fetch.call1(&self.object, &self.request(outgoing)?.into())?.dyn_into()?;
        // The answer of a Durable Object's stub is not an instance of this realm's Response in every host.
        let response: web_sys::Response = JsFuture::from(promise).await?.unchecked_into();
        let headers = response.headers();
        let mut read = Vec::new();
        for name in Response::HEADERS_READ {
            if let Some(value) = headers.get(name)? {
                read.push((name.to_owned(), value));
            }
        }
        let body = Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec();
        Ok(Response { status: response.status(), headers: read, body })
    }

    /// No `mode`, `credentials` or `cache`: they throw in workerd.
    fn request(&self, outgoing: &Outgoing<'_>) -> Result<Request, JsValue> {
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
        if let Some(milliseconds) = self.timeout_ms {
            init.set_signal(Some(&AbortSignal::timeout_with_u32(milliseconds)));
        }
        Request::new_with_str_and_init(outgoing.url, &init)
    }
}

impl Transport for Fetch {
    async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Response, Failure> {
        self.answer(outgoing).await.map_err(|error| failure(&error))
    }

    async fn sleep(&self, milliseconds: u64) {
        let promise = Promise::new(&mut |resolve, reject| {
            let global = js_sys::global();
            let timer = Reflect::get(&global, &"setTimeout".into()).and_then(|timer| timer.dyn_into::<Function>());
            let set = timer.and_then(|timer| timer.call2(&global, &resolve, &(milliseconds as f64).into()));
            if let Err(error) = set {
                // Without timers there is no waiting; the rejection ends it at once.
                let _ = reject.call1(&JsValue::UNDEFINED, &error);
            }
        });
        let _ = JsFuture::from(promise).await;
    }

    fn now_ms(&self) -> u64 {
        Date::now() as u64
    }

    fn random(&self) -> f64 {
        Math::random()
    }
}

/// Node names the system error in `cause.code`; where nothing is named, the request may have arrived.
fn failure(error: &JsValue) -> Failure {
    let property = |of: &JsValue, name: &str| {
        if of.is_instance_of::<Object>() {
            Reflect::get(of, &name.into()).unwrap_or_default()
        } else {
            JsValue::UNDEFINED
        }
    };
    let code = property(&property(error, "cause"), "code").as_string();
    if property(error, "name").as_string().as_deref() == Some("TimeoutError") {
        Failure::Timeout
    } else if matches!(code.as_deref(), Some("ECONNREFUSED" | "ENOTFOUND")) {
        Failure::NotSent
    } else {
        Failure::Unknown
    }
}
