//! What an emulated service is told once, in Rust or as JSON.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use webpubsub_edge::names;

use crate::limits::{DEFAULT_MAX_RETAINED_BYTES, MAX_RETAINED_BYTES_RANGE};

/// What an emulated service is told once. As JSON its members are in camelCase, each may be left out, and one that is
/// not known is refused.
#[derive(Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The access keys: tokens signed with any of them are taken.
    pub access_keys: Vec<String>,
    /// The hub that `/_emulator/faults` and `/_emulator/clock` are about when the query names none.
    pub default_hub: String,
    /// Origins of pages elsewhere that may use the emulator, as browsers write them: `https://app.example`. Pages of this
    /// machine need not be listed for WebSockets and REST, but for `/_emulator`.
    pub allowed_origins: Vec<String>,
    /// Whether other machines or a proxy reach this service. Then every `Host` is accepted, and requests to `/_emulator`
    /// need an access key as their bearer token. Use keys of your own with it.
    pub is_exposed: bool,
    /// The URL at which clients reach the service through a proxy, without a path: `https://emulator.example`. Tokens
    /// for it are accepted, and links and tokens that the service makes are for it.
    pub public_url: Option<String>,
    /// Whether REST takes Entra tokens, none of which can be validated: anybody can make one up. Without, only
    /// tokens signed with a key are taken, and `:generateToken`, which needs an Entra token, answers 401.
    pub allow_unvalidated_entra_tokens: bool,
    /// The number of bytes that the service may retain for later: unacknowledged messages, lost connections, frames and
    /// answers that a fault holds back, and pending events. From 1 MiB to 2 GiB. When more is retained, the service
    /// gives up connections and events until 15/16 of this number suffice.
    pub max_retained_bytes: u64,
    /// Whether the host writes a log: then each line is an [`Action::Log`](crate::Action::Log).
    pub log: bool,
    /// How the emulator was started, so that errors can say what helps.
    pub started_by: StartedBy,
    /// Whether the host can send WebSocket pings. Without them there is no keep-alive.
    pub can_ping: bool,
    /// Hubs that are not as every other, by their names in any case.
    pub hubs: BTreeMap<String, HubSettings>,
}

impl Default for Settings {
    /// The key that the official emulator publishes, the hub `demo`, no listed origin, no Entra tokens, 512 MiB, no log,
    /// a program that can answer events, a host that can ping, and every hub as it is by default.
    fn default() -> Settings {
        Settings {
            access_keys: vec![crate::ACCESS_KEY.to_owned()],
            default_hub: crate::DEFAULT_HUB.to_owned(),
            allowed_origins: Vec::new(),
            is_exposed: false,
            public_url: None,
            allow_unvalidated_entra_tokens: false,
            max_retained_bytes: DEFAULT_MAX_RETAINED_BYTES,
            log: false,
            started_by: StartedBy::Program,
            can_ping: true,
            hubs: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Whether the service can be run with these.
    ///
    /// # Errors
    /// Which member is wrong, and how it should be. The text holds no key.
    pub fn check(&self) -> Result<(), String> {
        if self.access_keys.is_empty() {
            return Err("accessKeys must hold at least one key.".to_owned());
        }
        if !self.access_keys.iter().all(|key| is_key(key)) {
            return Err("Each of accessKeys must have at least 32 bytes, no ';', no control characters, and no space \
                        at either end."
                .to_owned());
        }
        let bad_hub = std::iter::once(&self.default_hub).chain(self.hubs.keys()).find_map(|hub| {
            let problem = names::check_hub(hub).err()?;
            Some(format!("defaultHub and the names in hubs must be names of hubs: {problem}"))
        });
        if let Some(problem) = bad_hub {
            return Err(problem);
        }
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "allowedOrigins must hold origins such as http://localhost:5173, without a path; '{origin}' is none."
            ));
        }
        if self.public_url.as_deref().is_some_and(|url| !is_http_origin(url)) {
            return Err("publicUrl must be a URL such as https://emulator.example, without a path.".to_owned());
        }
        if !MAX_RETAINED_BYTES_RANGE.contains(&self.max_retained_bytes) {
            let (least, most) = (MAX_RETAINED_BYTES_RANGE.start(), MAX_RETAINED_BYTES_RANGE.end());
            return Err(format!("maxRetainedBytes must be a whole number from {least} to {most}."));
        }
        self.hubs.iter().try_for_each(|(name, hub)| hub.check().map_err(|problem| format!("hubs.{name}: {problem}")))
    }
}

/// What may differ from hub to hub, under the names that Azure Resource Manager has for it.
#[derive(Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSettings {
    /// How often a client is pinged, 1 to 120 seconds. One from which nothing came since the last ping is dropped.
    pub web_socket_keep_alive_interval_in_seconds: u64,
    /// Whether clients may connect without a token.
    pub anonymous_connect_policy: AnonymousConnectPolicy,
}

impl Default for HubSettings {
    /// A ping every 20 seconds, and no client without a token.
    fn default() -> HubSettings {
        HubSettings {
            web_socket_keep_alive_interval_in_seconds: 20,
            anonymous_connect_policy: AnonymousConnectPolicy::Deny,
        }
    }
}

impl HubSettings {
    fn check(&self) -> Result<(), String> {
        const RANGE: RangeInclusive<u64> = 1..=120;
        if RANGE.contains(&self.web_socket_keep_alive_interval_in_seconds) {
            return Ok(());
        }
        Err("webSocketKeepAliveIntervalInSeconds must be a whole number from 1 to 120.".to_owned())
    }

    pub(crate) fn keep_alive_ms(&self) -> u64 {
        self.web_socket_keep_alive_interval_in_seconds.saturating_mul(1000)
    }
}

/// How an emulator was started. It decides what an error about a missing event handler recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartedBy {
    /// A program, with `startEmulator`.
    Program,
    /// The command `webpubsub-edge emulator`.
    Command,
    /// `wrangler dev`.
    WranglerDev,
}

impl StartedBy {
    /// Says how the events of a hub can be answered.
    pub(crate) fn event_advice(self, hub: &str) -> String {
        match self {
            StartedBy::Program => format!("Add one with emulator.onEvent(\"{hub}\", handler)."),
            StartedBy::Command => "The command `webpubsub-edge emulator` does not answer events. An emulator that a \
                                   program starts with startEmulator of webpubsub-edge/emulator does, with onEvent."
                .to_owned(),
            StartedBy::WranglerDev => "The emulator under `wrangler dev` does not answer events. An emulator that a \
                                       program starts with startEmulator of webpubsub-edge/emulator does, with onEvent."
                .to_owned(),
        }
    }
}

/// Whether clients may connect without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnonymousConnectPolicy {
    /// They may. A token that is shown is checked all the same.
    Allow,
    /// They get 401.
    Deny,
}

/// A connection string must be able to hold it, and the official emulator asks for this length.
fn is_key(key: &str) -> bool {
    key.len() >= 32 && key.trim() == key && !key.chars().any(|character| character == ';' || character.is_control())
}

fn is_http_origin(text: &str) -> bool {
    is_origin(text) && ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}

/// `null` is none: it is anybody's.
pub(crate) fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && !rest.is_empty() && !rest.contains(|character: char| "/?#@ ".contains(character))
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    fn problem(json: &str) -> String {
        let settings: Settings = serde_json::from_str(json).unwrap();
        settings.check().unwrap_err()
    }

    #[test]
    fn json_may_leave_everything_out() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!((settings.check(), settings.can_ping, settings.default_hub.as_str()), (Ok(()), true, "demo"));
        let json = r#"{"accessKeys":["k1234567890123456789012345678901"],"canPing":false,"allowedOrigins":["http://localhost:5173"],
            "hubs":{"Chat":{"webSocketKeepAliveIntervalInSeconds":1,"anonymousConnectPolicy":"allow"}}}"#;
        let settings: Settings = serde_json::from_str(json).unwrap();
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(settings.hubs["Chat"].keep_alive_ms(), 1000);
        assert_eq!(settings.hubs["Chat"].anonymous_connect_policy, AnonymousConnectPolicy::Allow);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, name) in [
            (r#"{"accessKeys":[]}"#, "accessKeys"),
            (r#"{"accessKeys":["short"]}"#, "accessKeys"),
            (r#"{"accessKeys":["0123456789012345678901234567890;"]}"#, "accessKeys"),
            (r#"{"accessKeys":[" 123456789012345678901234567890123"]}"#, "accessKeys"),
            (r#"{"defaultHub":"1"}"#, "defaultHub"),
            (r#"{"maxRetainedBytes":1048575}"#, "maxRetainedBytes"),
            (r#"{"maxRetainedBytes":2147483649}"#, "maxRetainedBytes"),
            (r#"{"hubs":{"a b":{}}}"#, "hubs"),
            (r#"{"hubs":{"a":{"webSocketKeepAliveIntervalInSeconds":0}}}"#, "webSocketKeepAliveIntervalInSeconds"),
            (r#"{"hubs":{"a":{"webSocketKeepAliveIntervalInSeconds":121}}}"#, "webSocketKeepAliveIntervalInSeconds"),
            (r#"{"allowedOrigins":["null"]}"#, "allowedOrigins"),
            (r#"{"publicUrl":"emulator.example"}"#, "publicUrl"),
            (r#"{"publicUrl":"ws://emulator.example"}"#, "publicUrl"),
            (r#"{"publicUrl":"https://emulator.example/"}"#, "publicUrl"),
            (r#"{"allowedOrigins":["http://localhost/"]}"#, "allowedOrigins"),
        ] {
            assert!(problem(json).contains(name), "{json}");
        }
        let unknown = serde_json::from_str::<Settings>(r#"{"hub":"a"}"#).err().unwrap().to_string();
        assert!(unknown.contains("`hub`"), "{unknown}");
        assert!(!problem(r#"{"accessKeys":["secret"]}"#).contains("secret"));
    }
}
