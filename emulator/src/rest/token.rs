//! `:generateToken`: signs the token of a client for a caller who has no key.

use serde::Serialize;
use webpubsub_edge::endpoint::Endpoint;
use webpubsub_edge::token::{ClientProtocol, ClientTokenOptions, client_access};

use super::{Call, Outcome, Refusal, check_group, parameters};
use crate::answer;
use crate::auth::{Caller, unauthorized};
use crate::limits::{DEFAULT_TOKEN_MINUTES, MAX_TOKEN_MINUTES};

/// Signs a token for the endpoint that was asked.
pub(super) fn generate(now: u64, call: &Call<'_>) -> Outcome {
    if call.caller != Caller::Entra {
        let reason = "only an Entra token opens this; whoever has the key signs client tokens";
        return Err(Refusal::Invalid(unauthorized(reason)));
    }
    let minutes = parameters::number(call.query, "minutesToExpire", 1..=MAX_TOKEN_MINUTES)?;
    let protocol = protocol(call)?;
    let groups: Vec<&str> = call.query.all("group").collect();
    groups.iter().try_for_each(|group| check_group(group))?;
    let roles: Vec<&str> = call.query.all("role").collect();
    let options = ClientTokenOptions {
        user_id: call.query.last("userId"),
        roles: &roles,
        groups: &groups,
        lifetime_seconds: u64::from(minutes.unwrap_or(DEFAULT_TOKEN_MINUTES)).saturating_mul(60),
        protocol,
        ..ClientTokenOptions::default()
    };
    let Some(key) = call.keys.first() else {
        return Err(
            answer::error(500, "Error.NoKey", "The emulator was given no access key to sign with.", "Request").into()
        );
    };
    let bad = |error: webpubsub_edge::Error| Refusal::from(answer::bad_request(&error.to_string()));
    let endpoint = Endpoint::parse(&format!("{}://{}", call.url.scheme, call.url.authority)).map_err(bad)?;
    let access = client_access(&endpoint, call.hub, key, &options, now / 1000).map_err(bad)?;
    Ok(answer::ok(&Generated { token: access.token() }))
}

/// Recorded: names are taken in any case, and `socketio` is refused.
fn protocol(call: &Call<'_>) -> Result<ClientProtocol, Refusal> {
    let name = "clientType";
    let Some(value) = call.query.last(name) else {
        return Ok(ClientProtocol::Default);
    };
    match ClientProtocol::parse(value) {
        Ok(protocol @ (ClientProtocol::Default | ClientProtocol::Mqtt)) => Ok(protocol),
        Ok(ClientProtocol::SocketIo) | Err(_) => Err(parameters::not_one_of_its_values(name, value)),
    }
}

#[derive(Serialize)]
struct Generated<'a> {
    token: &'a str,
}
