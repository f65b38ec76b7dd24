//! The client over `Fetch` in a real wasm host. fetch.test.mjs calls this, and plays the service and Entra ID.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use js_sys::{Array, Promise};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use webpubsub_edge::endpoint::Endpoint;
use webpubsub_edge::fetch::Fetch;
use webpubsub_edge::service::{
    AzureKeyCredential, ClientSecretCredential, ListOptions, Message, SendOptions, ServiceClient, Transport,
};

/// Runs a scenario against the server at `origin`, and gives what came of it.
#[wasm_bindgen]
pub async fn run(scenario: String, origin: String) -> std::result::Result<String, JsError> {
    play(&scenario, &origin).await.map_err(|error| JsError::new(&error.to_string()))
}

async fn play(scenario: &str, origin: &str) -> Result<String> {
    match scenario {
        "answers" => answers(origin).await,
        "entra" => entra(origin).await,
        "dropped" => dropped(origin).await,
        "timeout" => user_exists(hangs(origin)?.with_timeout_ms(100)).await,
        "total timeout" => user_exists(hangs(origin)?.with_total_timeout_ms(100)).await,
        "timeout of the transport" => {
            user_exists(with_key(&format!("{origin}/hang"), Fetch::global().with_timeout(100))?).await
        }
        "endless" => {
            let service = with_key(&format!("{origin}/endless"), Fetch::global())?;
            Ok(format!("{:?}", service.list_connections("group", &ListOptions::default()).await))
        }
        _ => Err("no such scenario".into()),
    }
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn with_key(endpoint: &str, fetch: Fetch) -> Result<ServiceClient<Fetch>> {
    Ok(ServiceClient::new(Endpoint::parse(endpoint)?, AzureKeyCredential::new("key")?, "hub", fetch)?)
}

fn hangs(origin: &str) -> Result<ServiceClient<Fetch>> {
    with_key(&format!("{origin}/hang"), Fetch::global())
}

async fn user_exists(service: ServiceClient<Fetch>) -> Result<String> {
    Ok(format!("{:?}", service.user_exists("ann").await))
}

/// One send whose time limits are far away: they must not keep a process from ending.
async fn answers(origin: &str) -> Result<String> {
    let seen = Arc::new(Mutex::new(String::new()));
    let observed = Arc::clone(&seen);
    let service = with_key(&format!("{origin}/service"), Fetch::global().with_timeout(600_000))?
        .with_timeout_ms(600_000)
        .with_total_timeout_ms(600_000)
        .with_header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .with_on_response(move |response| {
            let of_the_service = response.headers.iter().filter(|(name, _)| name.starts_with("x-ms-"));
            let line = format!("{} {:?}", response.status, of_the_service.collect::<Vec<_>>());
            *observed.lock().unwrap_or_else(PoisonError::into_inner) = line;
        });
    service.send_to_all(Message::Text("hello"), &SendOptions::default()).await?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(seen)
}

/// Three sends at the same time, whose first token the service challenges.
async fn entra(origin: &str) -> Result<String> {
    let credential = ClientSecretCredential::new("tenant", "client", "s&cret", Fetch::global())?
        .with_authority_host(&format!("{origin}/entra"))?;
    let service =
        ServiceClient::new(Endpoint::parse(&format!("{origin}/challenge"))?, credential, "hub", Fetch::global())?
            .with_allow_insecure_connection(true);
    let service = Arc::new(service);
    let sends: Array = (0..3)
        .map(|_| {
            let service = Arc::clone(&service);
            future_to_promise(async move {
                let sent = service.send_to_all(Message::Text("hello"), &SendOptions::default()).await;
                Ok(format!("{sent:?}").into())
            })
        })
        .collect();
    let results = JsFuture::from(Promise::all(&sends)).await.map_err(|error| format!("{error:?}"))?;
    Ok(Array::from(&results).join(" ").into())
}

/// Lets a call run for a while and drops it.
async fn dropped(origin: &str) -> Result<String> {
    let service = hangs(origin)?;
    let host = Fetch::global();
    let mut call = pin!(Some(service.user_exists("ann")));
    let mut wait = pin!(host.sleep(100));
    let ended = poll_fn(|context| {
        if let Some(call) = call.as_mut().as_pin_mut()
            && call.poll(context).is_ready()
        {
            return Poll::Ready("answered");
        }
        wait.as_mut().poll(context).map(|()| "dropped")
    })
    .await;
    call.set(None);
    Ok(ended.to_owned())
}
