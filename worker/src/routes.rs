//! What the Worker answers on each route.

use std::collections::BTreeSet;

use serde_json::json;
use webpubsub_edge::names;
use webpubsub_edge::service::{Failure, MAX_MESSAGE_BYTES, Message, SendOptions, ServiceError};
use webpubsub_edge::token::ClientTokenOptions;
use worker::js_sys;
use worker::{Date, Env, Request, Response, ResponseBuilder};

use crate::auth::{Caller, authorize};
use crate::body::{Members, read};
use crate::config::Hub;
use crate::cors::Cors;
use crate::refusal::Refusal;
use crate::route::{Route, decode};

const MAX_NEGOTIATE_BYTES: usize = 8 * 1024;

/// The most groups of a client URL, and the most connections that a broadcast leaves out: each id goes into a URL.
const MAX_LIST: usize = 100;

/// The maximum length of a connection id in `excluded`, in bytes. Ids of the service are half as long.
const MAX_CONNECTION_ID_BYTES: usize = 64;

/// The maximum length of all ids in `excluded` together, in bytes of the URL. The token of the call repeats the URL, and
/// servers accept 16 KiB of headers.
const MAX_EXCLUDED_BYTES: usize = 4800;

/// The name of the rate limit binding in wrangler.toml.
const RATE_LIMITER: &str = "RATE_LIMITER";

/// How long a client URL may be used to connect.
const CLIENT_URL_SECONDS: u64 = 5 * 60;

/// Answers a request, and names its route for the log.
pub async fn answer(request: Request, env: &Env, cors: &Cors) -> (&'static str, Result<Response, Refusal>) {
    let path = request.path();
    let route = Route::of(&path);
    (route.pattern(), handle(route, request, env, cors).await)
}

async fn handle(route: Route<'_>, request: Request, env: &Env, cors: &Cors) -> Result<Response, Refusal> {
    if route == Route::Unknown {
        return Err(Refusal::not_found());
    }
    let method = request.inner().method();
    if method == "OPTIONS"
        && let Some(preflight) = cors.preflight(route.methods())
    {
        return Ok(preflight?);
    }
    if !route.methods().split(", ").any(|allowed| allowed == method) {
        return Err(Refusal::method_not_allowed(route.methods()));
    }
    let hub = Hub::read(env);
    #[cfg(feature = "emulator")]
    let hub = crate::local::hub(&request, env).await.unwrap_or(hub);
    if route == Route::Health {
        let mode = hub.map_or("unconfigured", |hub| hub.mode);
        return json_answer(&json!({ "status": "ok", "mode": mode }));
    }
    #[cfg(feature = "emulator")]
    crate::local::check_sender(&request, env)?;
    let hub = hub?;
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let caller = authorize(&header, hub.sessions.as_ref(), Date::now().as_millis() / 1000)?;
    limit_rate(env, &caller, route.pattern()).await?;
    match route {
        Route::Negotiate => negotiate(request, &hub, &caller).await,
        Route::Broadcast => broadcast(request, &hub, &caller).await,
        Route::GroupMessages(segment) => group_message(request, &hub, &caller, segment).await,
        Route::Health | Route::Unknown => Err(Refusal::not_found()),
    }
}

/// Refuses a caller who calls one route too often, as `[[ratelimits]]` in wrangler.toml says. Without that binding there
/// is no limit. Each user of a session is counted on each route.
async fn limit_rate(env: &Env, caller: &Caller, route: &str) -> Result<(), Refusal> {
    let (Ok(limiter), Caller::Session(session)) = (env.rate_limiter(RATE_LIMITER), caller) else {
        return Ok(());
    };
    let outcome = limiter.limit(format!("{route} {}", session.user_id)).await?;
    if outcome.success { Ok(()) } else { Err(Refusal::too_many_requests()) }
}

/// `{"userId"?, "groups"?}` to `{"url","userId","groups","expiresOn"}`. An empty body asks for nothing.
async fn negotiate(mut request: Request, hub: &Hub, caller: &Caller) -> Result<Response, Refusal> {
    let body = read(&mut request, MAX_NEGOTIATE_BYTES).await?;
    let members = Members::parse(&body)?;
    let user_id = members.optional::<String>("userId", "a string")?;
    let mut groups = members.optional::<Vec<String>>("groups", "a list of strings")?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    groups.retain(|group| seen.insert(group.clone()));
    check_count("groups", &groups)?;
    if let Some(user_id) = &user_id {
        names::check_user_id(user_id).map_err(bad_argument)?;
    }
    groups.iter().try_for_each(|group| check_group(group))?;
    let user_id = caller.user_id(user_id)?;
    for group in &groups {
        caller.use_group(group)?;
    }
    let roles: Vec<String> = groups
        .iter()
        .flat_map(|group| ["joinLeaveGroup", "sendToGroup"].map(|role| format!("webpubsub.{role}.{group}")))
        .collect();
    let options = ClientTokenOptions {
        user_id: user_id.as_deref(),
        roles: &roles.iter().map(String::as_str).collect::<Vec<_>>(),
        lifetime_seconds: CLIENT_URL_SECONDS,
        ..Default::default()
    };
    let access = hub.service.client_access(&options).map_err(bad_argument)?;
    json_answer(&json!({
        "url": access.url(),
        "userId": user_id,
        "groups": groups,
        "expiresOn": iso_8601(access.expires_on()),
    }))
}

/// `{"message","excluded"?}` to every connection but the excluded ones.
async fn broadcast(mut request: Request, hub: &Hub, caller: &Caller) -> Result<Response, Refusal> {
    caller.broadcast()?;
    let body = read(&mut request, MAX_MESSAGE_BYTES).await?;
    let members = Members::parse(&body)?;
    let message = Message::Json(members.required("message")?);
    let excluded = members.optional::<Vec<String>>("excluded", "a list of connection ids")?.unwrap_or_default();
    check_excluded(&excluded)?;
    let options = SendOptions {
        excluded_connections: &excluded.iter().map(String::as_str).collect::<Vec<_>>(),
        ..Default::default()
    };
    sent(hub.service.send_to_all(message, &options).await)
}

/// `{"message"}` to every connection in the group.
async fn group_message(mut request: Request, hub: &Hub, caller: &Caller, segment: &str) -> Result<Response, Refusal> {
    let group =
        decode(segment).ok_or_else(|| Refusal::bad_request("The group in the path is not percent-encoded UTF-8."))?;
    check_group(&group)?;
    caller.use_group(&group)?;
    let body = read(&mut request, MAX_MESSAGE_BYTES).await?;
    let message = Message::Json(Members::parse(&body)?.required("message")?);
    sent(hub.service.send_to_group(&group, message, &SendOptions::default()).await)
}

/// The service keeps a slash encoded that a URL carries: a message for `a/b` would reach the group `a%2Fb`, for which
/// the caller may have no right.
fn check_group(group: &str) -> Result<(), Refusal> {
    names::check_group(group).map_err(bad_argument)?;
    if group.contains('/') {
        return Err(Refusal::bad_request(
            "The group name cannot be used: it holds a slash, which the service does not read from a URL as one; a \
             message would reach another group.",
        ));
    }
    Ok(())
}

fn check_excluded(ids: &[String]) -> Result<(), Refusal> {
    check_count("excluded", ids)?;
    if ids.iter().any(|id| id.len() > MAX_CONNECTION_ID_BYTES) {
        return Err(Refusal::bad_request(format!(
            "\"excluded\" holds a connection id of more than {MAX_CONNECTION_ID_BYTES} bytes."
        )));
    }
    if ids.iter().flat_map(|id| id.bytes()).map(bytes_in_url).sum::<usize>() > MAX_EXCLUDED_BYTES {
        return Err(Refusal::bad_request(format!(
            "The connection ids in \"excluded\" have more than {MAX_EXCLUDED_BYTES} bytes in a URL together."
        )));
    }
    Ok(())
}

/// Returns the bytes that a byte takes in a URL. Only the characters of ids of the service are not percent-encoded for sure.
fn bytes_in_url(byte: u8) -> usize {
    if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) { 1 } else { 3 }
}

fn check_count(name: &str, list: &[String]) -> Result<(), Refusal> {
    if list.len() > MAX_LIST {
        return Err(Refusal::bad_request(format!("\"{name}\" holds more than {MAX_LIST} entries.")));
    }
    Ok(())
}

fn sent(result: Result<(), ServiceError>) -> Result<Response, Refusal> {
    match result {
        Ok(()) => Ok(ResponseBuilder::new().with_status(202).empty()),
        Err(ServiceError::Argument(error)) => Err(bad_argument(error)),
        Err(ServiceError::Rest(error)) => Err(Refusal::upstream_failed(format!("status {}", error.status))),
        Err(ServiceError::Network(Failure::Timeout)) => Err(Refusal::upstream_failed("no answer in time")),
        Err(_) => Err(Refusal::upstream_failed("no answer")),
    }
}

fn bad_argument(error: webpubsub_edge::Error) -> Refusal {
    Refusal::bad_request(error.to_string())
}

fn json_answer(value: &serde_json::Value) -> Result<Response, Refusal> {
    Ok(Response::from_json(value)?)
}

/// As JavaScript writes it: `2026-01-31T12:00:00.000Z`.
fn iso_8601(seconds: u64) -> String {
    let milliseconds = (seconds as f64) * 1000.0;
    js_sys::Date::new(&milliseconds.into()).to_iso_string().into()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_rest_cannot_address_is_refused() {
        for good in ["blue", "a b é%", "a\\b", "a%2Fb"] {
            assert_eq!(check_group(good), Ok(()), "{good}");
        }
        for (bad, why) in [("a/b", "slash"), ("/", "slash"), ("", "empty"), ("..", "name")] {
            let refusal = check_group(bad).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (400, "bad_request"), "{bad}");
            assert!(refusal.message.contains(why), "{bad}: {}", refusal.message);
        }
    }

    #[test]
    fn lists_are_bounded() {
        let list = vec!["x".to_owned(); 101];
        assert_eq!(check_count("excluded", &list[..100]), Ok(()));
        assert!(check_count("excluded", &list).unwrap_err().message.contains("\"excluded\""));
        assert_eq!(check_excluded(&["i".repeat(64)]), Ok(()));
        let refusal = check_excluded(&["i".repeat(65)]).unwrap_err();
        assert_eq!((refusal.status, refusal.message.contains("\"excluded\"")), (400, true));
    }

    #[test]
    fn what_the_service_refuses_stays_in_the_log() {
        let rest = webpubsub_edge::service::RestError::read(401, None, b"{\"message\":\"secret\"}", "id");
        let refusal = sent(Err(ServiceError::Rest(rest))).err();
        assert_eq!(refusal, Some(Refusal::upstream_failed("status 401")));
        assert!(!format!("{refusal:?}").contains("secret"));
    }
}
