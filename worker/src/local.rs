//! The emulator at the Worker's own origin, for `wrangler dev --env local`. A production build has none of this.

use webpubsub_edge::fetch::Fetch;
use webpubsub_edge::service::ServiceClient;
use webpubsub_edge_emulator::{DEFAULT_HUB, access_key, guard};
use worker::wasm_bindgen::JsValue;
use worker::{Env, Request, Response};

use crate::config::{self, Hub, variable};
use crate::cors::ALLOWED_ORIGINS;
use crate::refusal::Refusal;

/// The Durable Objects that hold a hub and the access key, for the runtime to find.
pub use webpubsub_edge_emulator::{LocalHub, LocalKey};

const BINDING: &str = "LOCAL_HUB";

/// The route, for the log, of a request that is the emulator's to answer.
pub fn route(path: &str) -> Option<&'static str> {
    let first = path.split('/').nth(1)?;
    ["/api/*", "/client/*", "/clients/*", "/_emulator/*"]
        .into_iter()
        .find(|route| route.split('/').nth(1) == Some(first))
}

/// Hands a request to the object of its hub, unless it is refused; other hosts and pages from elsewhere are.
pub async fn forward(request: Request, env: &Env) -> Result<Response, Refusal> {
    Ok(webpubsub_edge_emulator::forward(request, env, BINDING).await?)
}

/// The hub that the Worker serves, when the object is bound. Its messages go to the object, not to the network.
pub async fn hub(request: &Request, env: &Env) -> Option<Result<Hub, Refusal>> {
    env.durable_object(BINDING).ok()?;
    Some(emulated(request, env).await)
}

async fn emulated(request: &Request, env: &Env) -> Result<Hub, Refusal> {
    let origin = request.url()?.origin().ascii_serialization();
    let connection = format!("Endpoint={origin};AccessKey={};Version=1.0;", access_key(env).await?);
    let name = variable(env, config::HUB).unwrap_or_else(|| DEFAULT_HUB.to_owned());
    // One object a hub; names of hubs are equal in any case.
    let object: JsValue = env.durable_object(BINDING)?.get_by_name(&name.to_ascii_lowercase())?.into_rpc();
    let service = ServiceClient::from_connection_string(&connection, &name, config::bounded(Fetch::of(object)))
        .map_err(|error| Refusal::not_configured(format!("{}: {error}", config::HUB)))?
        .with_retry_options(config::RETRIES);
    Ok(Hub { service, sessions: None, mode: "emulator" })
}

/// Nobody needs a session here, so pages from elsewhere are kept out, and so is a name that a page bound to this
/// machine.
pub fn check_sender(request: &Request, env: &Env) -> Result<(), Refusal> {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let allowed = guard::origins(&variable(env, ALLOWED_ORIGINS).unwrap_or_default());
    let host = header("host").unwrap_or_default();
    guard::check(&host, &header, &allowed).map_err(|foreign| Refusal::forbidden(foreign.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_has_its_own_paths() {
        assert_eq!(route("/api/hubs/demo/:send"), Some("/api/*"));
        assert_eq!(route("/client/"), Some("/client/*"));
        assert_eq!(route("/clients/mqtt/hubs/demo"), Some("/clients/*"));
        assert_eq!(route("/_emulator"), Some("/_emulator/*"));
        for other in ["/", "/negotiate", "/apix", "/groups/api/messages"] {
            assert_eq!(route(other), None, "{other}");
        }
    }
}
