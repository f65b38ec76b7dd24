//! A Cloudflare Worker that issues Azure Web PubSub client URLs, and sends to everybody or to a group.
//!
//! | file | what it does |
//! | --- | --- |
//! | `routes.rs` | what the Worker answers on each route; `route.rs` finds the route of a path |
//! | `auth.rs` | who may do what: **put your own check into [`auth::authorize`]** |
//! | `config.rs` | the settings: secrets and variables |
//! | `body.rs` | reads JSON bodies within limits |
//! | `cors.rs` | which other origins may call |
//! | `refusal.rs` | every error that a caller can get |
//! | `local.rs` | the emulator (feature `emulator`); to strip it, delete the file and every line below a `cfg` of that feature |

pub mod auth;
mod body;
mod config;
mod cors;
#[cfg(feature = "emulator")]
pub mod local;
mod refusal;
mod route;
mod routes;

use serde_json::json;
use worker::{Context, Date, Env, Request, Response, Result, console_log, event};

use cors::Cors;
use refusal::Refusal;

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let log = Log::start(&request);
    #[cfg(feature = "emulator")]
    if let Some(route) = local::route(&request.path()) {
        return log.finish(route, local::forward(request, &env).await);
    }
    let cors = Cors::of(&request, &env)?;
    let (route, answer) = routes::answer(request, &env, &cors).await;
    let mut response = log.finish(route, answer)?;
    let headers = response.headers_mut();
    headers.set("cache-control", "no-store")?;
    headers.set("x-content-type-options", "nosniff")?;
    cors.allow(headers)?;
    Ok(response)
}

/// One line of JSON a request. It holds no path, name, token or body: only what is the same for every caller.
struct Log {
    method: String,
    started: u64,
}

impl Log {
    fn start(request: &Request) -> Self {
        Log { method: request.inner().method(), started: Date::now().as_millis() }
    }

    fn finish(&self, route: &str, answer: Result<Response, Refusal>) -> Result<Response> {
        let (status, code, cause) = match &answer {
            Ok(response) => (response.status_code(), None, None),
            Err(refusal) => (refusal.status, Some(refusal.code), refusal.cause.as_deref()),
        };
        let mut line = json!({
            "method": self.method,
            "route": route,
            "status": status,
            "ms": Date::now().as_millis().saturating_sub(self.started),
        });
        for (name, value) in [("code", code), ("cause", cause)] {
            if let (Some(value), Some(line)) = (value, line.as_object_mut()) {
                line.insert(name.to_owned(), value.into());
            }
        }
        console_log!("{line}");
        answer.or_else(|refusal| refusal.response())
    }
}
