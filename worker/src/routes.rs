//! What the Worker answers on each route.

use serde_json::json;
use webpubsub_edge::names;
use webpubsub_edge::service::{MAX_MESSAGE_BYTES, Message, SendOptions, ServiceError};
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
    let hub = crate::local::hub(&request, env).unwrap_or(hub);
    if route == Route::Health {
        let mode = hub.map_or("unconfigured", |hub| hub.mode);
        return json_answer(&json!({ "status": "ok", "mode": mode }));
    }
    #[cfg(feature = "emulator")]
    crate::local::check_host(&request)?;
    let hub = hub?;
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let caller = authorize(&header, hub.sessions.as_ref(), Date::now().as_millis() / 1000)?;
    match route {
        Route::Negotiate => negotiate(request, &hub, &caller).await,
        Route::Broadcast => broadcast(request, &hub, &caller).await,
        Route::GroupMessages(segment) => group_message(request, &hub, &caller, segment).await,
        Route::Health | Route::Unknown => Err(Refusal::not_found()),
    }
}

/// `{"userId"?, "groups"?}` to `{"url","userId","groups","expiresOn"}`. An empty body asks for nothing.
async fn negotiate(mut request: Request, hub: &Hub, caller: &Caller) -> Result<Response, Refusal> {
    let body = read(&mut request, MAX_NEGOTIATE_BYTES).await?;
    let members = Members::parse(&body)?;
    let user_id = members.optional::<String>("userId", "a string")?;
    let groups = members.optional::<Vec<String>>("groups", "a list of strings")?.unwrap_or_default();
    if let Some(user_id) = &user_id {
        names::check_user_id(user_id).map_err(bad_argument)?;
    }
    for group in &groups {
        names::check_group(group).map_err(bad_argument)?;
    }
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
    names::check_group(&group).map_err(bad_argument)?;
    caller.use_group(&group)?;
    let body = read(&mut request, MAX_MESSAGE_BYTES).await?;
    let message = Message::Json(Members::parse(&body)?.required("message")?);
    sent(hub.service.send_to_group(&group, message, &SendOptions::default()).await)
}

fn sent(result: Result<(), ServiceError>) -> Result<Response, Refusal> {
    match result {
        Ok(()) => Ok(ResponseBuilder::new().with_status(202).empty()),
        Err(ServiceError::Argument(error)) => Err(bad_argument(error)),
        Err(ServiceError::Rest(error)) => Err(Refusal::upstream_failed(format!("status {}", error.status))),
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
mod tests {
    use super::*;

    #[test]
    fn what_the_service_refuses_stays_in_the_log() {
        let rest = webpubsub_edge::service::RestError::read(401, None, b"{\"message\":\"secret\"}", "id");
        let refusal = sent(Err(ServiceError::Rest(rest))).err();
        assert_eq!(refusal, Some(Refusal::upstream_failed("status 401")));
        assert!(!format!("{refusal:?}").contains("secret"));
    }
}
