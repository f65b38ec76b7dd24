//! The emulator at the Worker's own origin, for `wrangler dev --env local`. A production build has none of this.

use webpubsub_edge::fetch::Fetch;
use webpubsub_edge::service::ServiceClient;
use webpubsub_edge_emulator::{ACCESS_KEY, DEFAULT_HUB, guard};
use worker::wasm_bindgen::JsValue;
use worker::{Env, Request, Response, Result, Stub};

use crate::config::{self, Hub, variable};
use crate::refusal::Refusal;
use crate::route::decode;

/// The Durable Object that holds a hub, for the runtime to find.
pub use webpubsub_edge_emulator::LocalHub;

const BINDING: &str = "LOCAL_HUB";

/// The route, for the log, of a request that is the emulator's to answer.
pub fn route(path: &str) -> Option<&'static str> {
    let first = path.split('/').nth(1)?;
    ["/api/*", "/client/*", "/clients/*", "/_emulator/*"]
        .into_iter()
        .find(|route| route.split('/').nth(1) == Some(first))
}

/// Hands a request to the object of its hub, which keeps out other hosts and pages from elsewhere by itself.
pub async fn forward(request: Request, env: &Env) -> Result<Response, Refusal> {
    let hub = hub_of(&request.url()?).unwrap_or_else(|| DEFAULT_HUB.to_owned());
    Ok(stub(env, &hub)?.fetch_with_request(request).await?)
}

/// The hub that the Worker serves, when the object is bound. Its messages go to the object, not to the network.
pub fn hub(request: &Request, env: &Env) -> Option<Result<Hub, Refusal>> {
    env.durable_object(BINDING).ok()?;
    Some(emulated(request, env))
}

fn emulated(request: &Request, env: &Env) -> Result<Hub, Refusal> {
    let origin = request.url()?.origin().ascii_serialization();
    let connection = format!("Endpoint={origin};AccessKey={ACCESS_KEY};Version=1.0;");
    let name = hub_name(env);
    let object: JsValue = stub(env, &name)?.into_rpc();
    let service = ServiceClient::from_connection_string(&connection, &name, Fetch::of(object))
        .map_err(|error| Refusal::not_configured(format!("{}: {error}", config::HUB)))?;
    Ok(Hub { service, sessions: None, mode: "emulator" })
}

/// Nobody needs a session here, so a name that a web page bound to this machine must not reach it.
pub fn check_host(request: &Request) -> Result<(), Refusal> {
    let host = request.headers().get("host")?.unwrap_or_default();
    guard::check(&host, None).map_err(|foreign| Refusal::forbidden(foreign.to_string()))
}

/// One object a hub; names of hubs are equal in any case.
fn stub(env: &Env, hub: &str) -> Result<Stub> {
    env.durable_object(BINDING)?.get_by_name(&hub.to_ascii_lowercase())
}

fn hub_name(env: &Env) -> String {
    variable(env, config::HUB).unwrap_or_else(|| DEFAULT_HUB.to_owned())
}

/// The hub that a URL names: in its path after `hubs`, or as the parameter `hub`.
fn hub_of(url: &worker::Url) -> Option<String> {
    let mut segments = url.path_segments()?.skip_while(|segment| *segment != "hubs").skip(1);
    let in_query = || Some(url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("hub"))?.1.into_owned());
    segments.next().and_then(decode).or_else(in_query).filter(|hub| !hub.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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

    #[test]
    fn a_hub_is_named_in_the_path_or_the_query() {
        for (path, hub) in [
            ("/api/hubs/demo/:send?hub=other", Some("demo")),
            ("/client/hubs/Chat", Some("Chat")),
            ("/client/hubs/a%2Cb", Some("a,b")),
            ("/client/hubs/%63hat%5B1%5D", Some("chat[1]")),
            ("/client/?access_token=x&hub=chat", Some("chat")),
            ("/_emulator", None),
            ("/_emulator?hub=", None),
            ("/api/health", None),
        ] {
            let url = format!("http://localhost{path}").parse().unwrap();
            assert_eq!(hub_of(&url).as_deref(), hub, "{path}");
        }
    }
}
