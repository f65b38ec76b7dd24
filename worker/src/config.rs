//! The settings: secrets and variables of the Worker.

use webpubsub_edge::endpoint::{AccessKey, ConnectionString};
use webpubsub_edge::fetch::Fetch;
use webpubsub_edge::jwt::Key;
use webpubsub_edge::names;
use webpubsub_edge::service::{RetryOptions, SendRetries, ServiceClient};
use webpubsub_edge::session::SessionKey;
use worker::Env;

use crate::cors;
use crate::refusal::Refusal;

const CONNECTION_STRING: &str = "AZURE_WEBPUBSUB_CONNECTION_STRING";
pub const HUB: &str = "AZURE_WEBPUBSUB_HUB";
const SESSION_SECRET: &str = "SESSION_SECRET";

/// The hub that the Worker serves.
pub struct Hub {
    pub service: ServiceClient<Fetch>,
    /// The key that callers' sessions are signed with; `None` only in the local emulator.
    pub sessions: Option<SessionKey>,
    /// What runs behind it, for `/health`.
    pub mode: &'static str,
}

impl Hub {
    /// Reads the settings, or says what to set.
    pub fn read(env: &Env) -> Result<Self, Refusal> {
        let azure = Azure::read(&|name| variable(env, name))?;
        let ConnectionString { endpoint, access_key } = azure.connection;
        let service = ServiceClient::new(endpoint, &access_key, &azure.hub, bounded(Fetch::global()))
            .map_err(|error| Refusal::not_configured(error.to_string()))?
            .with_retry_options(RETRIES);
        Ok(Hub { service, sessions: Some(azure.sessions), mode: "azure" })
    }
}

/// A caller waits for the answer, so a call is tried again once and soon, or not at all.
pub const RETRIES: RetryOptions =
    RetryOptions { max_retries: 1, retry_delay_ms: 500, max_retry_delay_ms: 2_000, sends: SendRetries::Safe };

/// Gives up a try that takes longer than a caller would wait.
pub fn bounded(fetch: Fetch) -> Fetch {
    fetch.with_timeout(10_000)
}

/// A variable or a secret; an empty one counts as not set.
pub fn variable(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
}

/// What production needs.
#[derive(Debug)]
struct Azure {
    connection: ConnectionString,
    hub: String,
    sessions: SessionKey,
}

impl Azure {
    fn read(setting: &dyn Fn(&str) -> Option<String>) -> Result<Self, Refusal> {
        let connection = connection(setting(CONNECTION_STRING));
        let hub = hub(setting(HUB));
        let access_key = connection.as_ref().ok().map(|connection| &connection.access_key);
        let sessions = session_key(setting(SESSION_SECRET), access_key);
        let origins = setting(cors::ALLOWED_ORIGINS).and_then(|list| cors::problem(&list));
        match (connection, hub, sessions, origins) {
            (Ok(connection), Ok(hub), Ok(sessions), None) => Ok(Azure { connection, hub, sessions }),
            (connection, hub, sessions, origins) => {
                let problems = [connection.err(), hub.err(), sessions.err(), origins];
                let problems: Vec<String> = problems.into_iter().flatten().collect();
                Err(Refusal::not_configured(problems.join(" ")))
            }
        }
    }
}

fn connection(text: Option<String>) -> Result<ConnectionString, String> {
    let text = text.ok_or_else(|| unset_secret(CONNECTION_STRING))?;
    let connection = ConnectionString::parse(&text).map_err(|error| format!("{CONNECTION_STRING}: {error}"))?;
    if is_published(&connection.access_key.key()) && !connection.endpoint.is_loopback() {
        Err(format!(
            "{CONNECTION_STRING} holds the published key of the emulator, which everybody knows. It is for an emulator \
             on this machine only: use the key of your own service."
        ))
    } else if !(connection.endpoint.is_secure() || connection.endpoint.is_loopback()) {
        Err(format!("{CONNECTION_STRING}: the endpoint is plain http, so tokens could be read on the way; use https."))
    } else {
        Ok(connection)
    }
}

fn hub(name: Option<String>) -> Result<String, String> {
    let name = name.ok_or_else(|| format!("Set the variable {HUB} to the name of the hub."))?;
    names::check_hub(&name).map_err(|error| format!("{HUB}: {error}"))?;
    Ok(name)
}

fn session_key(secret: Option<String>, access_key: Option<&AccessKey>) -> Result<SessionKey, String> {
    let secret = secret.ok_or_else(|| unset_secret(SESSION_SECRET))?;
    let pasted = secret.trim();
    if is_published(&Key::new(pasted.as_bytes())) {
        return Err(format!(
            "{SESSION_SECRET} is the published key of the emulator, which everybody knows: use another secret."
        ));
    }
    // Whoever may sign sessions could otherwise call the service as its owner.
    if access_key.is_some_and(|key| key.as_str() == pasted) {
        return Err(format!("{SESSION_SECRET} is the access key, which must sign nothing else: use another secret."));
    }
    if ConnectionString::parse(pasted).is_ok() {
        return Err(format!(
            "{SESSION_SECRET} is a connection string, which holds the access key: use another secret."
        ));
    }
    SessionKey::new(&secret).map_err(|weak| format!("{weak}."))
}

fn unset_secret(name: &str) -> String {
    format!("Set the secret {name}: npx wrangler secret put {name}.")
}

/// Returns whether this is the published key of the emulator. It compares a signature, so that the key itself is not in
/// a production build.
fn is_published(key: &Key) -> bool {
    key.signature(b"webpubsub-edge: the published key of the emulator") == PUBLISHED
}

const PUBLISHED: [u8; 32] = [
    0x60, 0xc5, 0xf5, 0xca, 0xe2, 0x0f, 0x42, 0xe8, 0x5b, 0x37, 0xd6, 0xe7, 0x8a, 0x6e, 0x0b, 0x3a, 0x90, 0x91, 0xb0,
    0x76, 0x94, 0xd3, 0xe0, 0x00, 0x9e, 0xf2, 0x47, 0x50, 0xb9, 0x6c, 0xfb, 0x4d,
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const CONNECTION: &str =
        "Endpoint=https://x.webpubsub.azure.com;AccessKey=0123456789abcdef0123456789abcdefKEY;Version=1.0;";
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const ACCESS_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

    fn read(connection: &str, hub: &str, secret: &str, origins: &str) -> Result<Azure, Refusal> {
        let settings =
            [(CONNECTION_STRING, connection), (HUB, hub), (SESSION_SECRET, secret), (cors::ALLOWED_ORIGINS, origins)];
        Azure::read(&|name| {
            let (_, value) = settings.iter().find(|(key, value)| *key == name && !value.is_empty())?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn good_settings_are_read() {
        let azure = read(CONNECTION, "chat", SECRET, "https://a.example").unwrap();
        assert_eq!(azure.connection.endpoint.as_str(), "https://x.webpubsub.azure.com");
        assert_eq!(azure.hub, "chat");
        assert!(read("Endpoint=http://localhost:8080;AccessKey=k;Version=1.0;", "chat", SECRET, "").is_ok());
    }

    #[test]
    fn the_published_key_is_accepted_for_an_emulator_on_this_machine_only() {
        let with_key = |endpoint| format!("Endpoint={endpoint};AccessKey={ACCESS_KEY};Version=1.0;");
        for endpoint in ["http://localhost:8080", "http://127.0.0.1:8080", "https://localhost", "http://[::1]:8080"] {
            assert!(read(&with_key(endpoint), "chat", SECRET, "").is_ok(), "{endpoint}");
        }
        for endpoint in ["https://x.example", "http://192.168.0.2:8080", "https://localhost.x.example"] {
            let refusal = read(&with_key(endpoint), "chat", SECRET, "").unwrap_err();
            assert!(refusal.message.contains("published key"), "{endpoint}: {}", refusal.message);
        }
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let refusal = read("", "", "", "").unwrap_err();
        assert_eq!((refusal.status, refusal.code), (503, "not_configured"));
        for name in [CONNECTION_STRING, HUB, SESSION_SECRET] {
            assert!(refusal.message.contains(name), "{}", refusal.message);
        }
    }

    #[test]
    fn bad_settings_are_named_and_not_shown() {
        let emulator = &format!("Endpoint=https://x.example;AccessKey={ACCESS_KEY};Version=1.0;");
        let same = "Endpoint=https://x.example;AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;";
        for (refused, name, connection, hub, secret, origins) in [
            ("no key", CONNECTION_STRING, "Endpoint=https://x.example;", "chat", SECRET, ""),
            ("published key", "published key", emulator, "chat", SECRET, ""),
            ("plain http", CONNECTION_STRING, "Endpoint=http://x.example;AccessKey=k;", "chat", SECRET, ""),
            ("bad hub", HUB, CONNECTION, "1-chat", SECRET, ""),
            ("short secret", SESSION_SECRET, CONNECTION, "chat", "tooshortsecret", ""),
            ("the access key as secret", "is the access key", same, "chat", SECRET, ""),
            ("the access key and a blank", "is the access key", same, "chat", &format!("{SECRET} "), ""),
            ("the connection string as secret", "is a connection string", CONNECTION, "chat", CONNECTION, ""),
            ("equal characters", "different characters", CONNECTION, "chat", &"s".repeat(32), ""),
            ("the published key as secret", SESSION_SECRET, CONNECTION, "chat", ACCESS_KEY, ""),
            ("any origin", cors::ALLOWED_ORIGINS, CONNECTION, "chat", SECRET, "*"),
        ] {
            let refusal = read(connection, hub, secret, origins).map(|_| refused).unwrap_err();
            assert_eq!(refusal.code, "not_configured");
            assert!(refusal.message.contains(name), "{refused}: {}", refusal.message);
            for secret in ["x.example", "ABCDEFGH", "tooshortsecret", SECRET] {
                assert!(!refusal.message.contains(secret), "{refused}: {}", refusal.message);
            }
        }
    }
}
