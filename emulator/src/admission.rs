//! Whether a request may be carried out, and what it is for: decided without its body and without what any hub holds.

use webpubsub_edge::names;

use crate::auth::{self, Audiences, Caller};
use crate::guard::{self, Foreign, Sender};
use crate::http::{Request, Response};
use crate::rest::{HubResource, Resource};
use crate::service::Service;
use crate::settings::{AnonymousConnectPolicy, Settings};
use crate::upgrade::Upgrade;
use crate::url::{Query, Url};
use crate::{answer, cors, rest, upgrade};

impl Service {
    /// The hub that a request goes to, if it is about one: found, and refused, without the request's body and without
    /// what any hub holds. A host asks this before it reads a body; one that keeps each hub in a service of its own,
    /// before it makes one.
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn admit(&self, now: u64, request: &Request) -> Result<Option<String>, Response> {
        if request.is_upgrade() {
            self.admit_upgrade(now, request).map(|(hub, _)| Some(hub))
        } else {
            let admitted = self.admit_request(now, request);
            admitted
                .map(|(_, task)| task.hub().map(str::to_owned))
                .map_err(|refusal| cors::allow(&self.settings, request, refusal))
        }
    }

    pub(crate) fn admit_upgrade(&self, now: u64, request: &Request) -> Result<(String, Upgrade), Response> {
        let asked = Asked::read(request, &self.settings)?;
        let hub = hub_key(upgrade::hub_name(&asked.segments, &asked.query)?)?;
        let settings = self.settings.hubs.get(&hub);
        let anonymous = settings.is_some_and(|hub| hub.anonymous_connect_policy == AnonymousConnectPolicy::Allow);
        let audiences = Audiences::of(&asked.url, self.settings.public_url.as_deref());
        let upgrade = upgrade::read(request, audiences, &asked.query, &hub, &self.keys, anonymous, now)?;
        Ok((hub, upgrade))
    }

    pub(crate) fn admit_request<'a>(&self, now: u64, request: &'a Request) -> Result<(Asked<'a>, Task), Response> {
        let asked = Asked::read(request, &self.settings)?;
        if let Some(answer) = cors::preflight(asked.sender, request) {
            return Err(answer);
        }
        let task = match asked.segments.first().map(String::as_str) {
            Some("client" | "clients") => {
                upgrade::hub_name(&asked.segments, &asked.query)?;
                return Err(answer::bad_request("This path takes WebSocket upgrades only."));
            }
            Some("_emulator") => {
                self.check_control(asked.sender, request)?;
                Task::Control { hub: hub_key(asked.query.last("hub").unwrap_or(&self.settings.default_hub))? }
            }
            Some("") if asked.segments.len() == 1 && request.method == "GET" => return Err(hint()),
            _ => self.operation(now, &asked, request)?,
        };
        Ok((asked, task))
    }

    /// Checks that a sender may use `/_emulator`. Unless other machines can reach the service, these requests need no
    /// token, so pages of other ports of this machine may not send them.
    fn check_control(&self, sender: Sender<'_>, request: &Request) -> Result<(), Response> {
        if self.settings.is_exposed {
            return auth::check_key(&self.keys, request.bearer());
        }
        let outcome = match sender {
            Sender::Listed(_) => Ok(()),
            Sender::Local(origin) => Err(Foreign::Control(origin.to_owned())),
            Sender::Own if matches!(request.method.as_str(), "GET" | "HEAD") => {
                guard::check_look(&|name| request.header(name).map(str::to_owned))
            }
            Sender::Own => Ok(()),
        };
        outcome.map_err(Foreign::response)
    }

    fn operation(&self, now: u64, asked: &Asked<'_>, request: &Request) -> Result<Task, Response> {
        let resource = rest::route(&asked.segments).ok_or_else(answer::not_found)?;
        if !resource.methods().contains(&request.method.as_str()) {
            return Err(answer::method_not_allowed(resource.methods()));
        }
        let Resource::InHub { hub: spelled, what } = resource else {
            return Ok(Task::Health);
        };
        let caller = auth::check_caller(
            &self.keys,
            request.bearer(),
            &Audiences::of(&asked.url, self.settings.public_url.as_deref()),
            now,
            self.settings.allow_unvalidated_entra_tokens,
        )?;
        Ok(Task::Operation { hub: hub_key(&spelled)?, spelled, what, caller })
    }
}

/// A request whose URL was read and whose sender may be here.
pub(crate) struct Asked<'a> {
    pub(crate) url: Url<'a>,
    sender: Sender<'a>,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Query,
}

impl<'a> Asked<'a> {
    fn read(request: &'a Request, settings: &Settings) -> Result<Asked<'a>, Response> {
        let url = Url::parse(&request.url).ok_or_else(|| answer::bad_request("The URL is not absolute."))?;
        let sender = guard::sender(settings, request, &url).map_err(Foreign::response)?;
        match (url.segments(), url.parameters()) {
            (Some(segments), Some(query)) => Ok(Asked { url, sender, segments, query }),
            _ => Err(answer::bad_request("The URL's escapes are not UTF-8.")),
        }
    }
}

/// What a request that may be carried out is for.
pub(crate) enum Task {
    Health,
    /// `/_emulator`
    Control {
        hub: String,
    },
    /// REST
    Operation {
        hub: String,
        /// The hub as the path spells it.
        spelled: String,
        what: HubResource,
        caller: Caller,
    },
}

impl Task {
    fn hub(&self) -> Option<&str> {
        match self {
            Task::Health => None,
            Task::Control { hub } | Task::Operation { hub, .. } => Some(hub),
        }
    }
}

/// What a person sees who opens the emulator in a browser.
fn hint() -> Response {
    let text = "This is the emulator of webpubsub-edge for Azure Web PubSub, and it runs.\n\n\
                Servers call /api/hubs/{hub}, clients connect to /client/hubs/{hub}.\n\
                GET /_emulator lists the hubs, GET /_emulator?hub={hub} shows what a hub holds.\n";
    Response {
        status: 200,
        headers: vec![
            ("content-type", "text/plain; charset=utf-8".to_owned()),
            ("content-length", text.len().to_string()),
        ],
        body: text.as_bytes().to_vec(),
    }
}

/// The name under which a hub is kept.
fn hub_key(name: &str) -> Result<String, Response> {
    names::check_hub(name).map_err(|error| answer::bad_request(&error.to_string()))?;
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use webpubsub_edge::jwt::Key;

    use super::*;

    pub(crate) const NOW: u64 = 1_700_000_000_000;

    /// A request that is signed with the public key.
    pub(crate) fn request(method: &str, path: &str, upgrade: bool) -> Request {
        let url = format!("http://localhost{path}");
        let payload = format!(r#"{{"aud":"{url}","exp":{}}}"#, NOW / 1000 + 60);
        let token = Key::new(crate::ACCESS_KEY.as_bytes()).sign(&payload);
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        if upgrade {
            headers.push(("upgrade".to_owned(), "websocket".to_owned()));
        }
        Request { method: method.to_owned(), url, headers, body: Vec::new() }
    }

    #[test]
    fn a_request_is_admitted_without_its_body_and_without_a_trace() {
        let service = Service::new(Settings { default_hub: "Main".to_owned(), ..Settings::default() });
        for (method, path, upgrade, hub) in [
            ("POST", "/api/hubs/Chat/:send", false, Some("chat")),
            ("GET", "/client/?hub=a&hub=B", true, Some("b")),
            ("GET", "/client/hubs/a%5B1%5D", true, Some("a[1]")),
            ("GET", "/_emulator", false, Some("main")),
            ("GET", "/_emulator?hub=a&hub=B", false, Some("b")),
            ("HEAD", "/api/health", false, None),
        ] {
            assert_eq!(service.admit(NOW, &request(method, path, upgrade)), Ok(hub.map(str::to_owned)), "{path}");
        }
        for (method, path, upgrade, status) in [
            ("POST", "/api/hubs/1-chat/:send", false, 400),
            ("GET", "/api/hubs/chat/:send", false, 405),
            ("GET", "/client/hubs/chat", false, 400),
            ("GET", "/client/hubs/1-chat", true, 400),
            ("GET", "/_emulator?hub=1-chat", false, 400),
            ("GET", "/nothing", false, 404),
        ] {
            let refusal = service.admit(NOW, &request(method, path, upgrade)).unwrap_err();
            assert_eq!(refusal.status, status, "{path}");
        }
        for (path, upgrade) in [("/api/hubs/chat/:send", false), ("/client/hubs/chat", true)] {
            let mut unsigned = request("POST", path, upgrade);
            unsigned.headers.retain(|(name, _)| name != "authorization");
            assert_eq!(service.admit(NOW, &unsigned).unwrap_err().status, 401, "{path}");
            let mut foreign = request("POST", path, upgrade);
            foreign.headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
            assert_eq!(service.admit(NOW, &foreign).unwrap_err().status, 403, "{path}");
        }
        assert!(service.is_idle());
    }
}
