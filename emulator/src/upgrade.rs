//! Decides what a WebSocket upgrade asks for: a new connection, or one that was lost.

use serde_json::Value;
use webpubsub_edge::jwt::{Claims, Key};
use webpubsub_edge::protocol::Subprotocol;
use webpubsub_edge::protocol::limits::{BAD_GROUP, is_group_name};

use crate::answer;
use crate::auth::{self, Audiences};
use crate::connection::{Mode, Protocol};
use crate::http::{Request, Response};
use crate::hub::TooManyGroups;
use crate::limits::MAX_GROUPS_PER_CONNECTION;
use crate::permissions::Permissions;
use crate::url::Query;

/// What an upgrade asks for.
pub(crate) enum Upgrade {
    New(Box<NewClient>),
    Recover(Recovery),
}

/// A client that is welcome.
pub(crate) struct NewClient {
    pub(crate) protocol: Protocol,
    /// The subprotocol as the client spelled it.
    pub(crate) subprotocol: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) permissions: Permissions,
}

/// A client that wants its lost connection back. Whether it gets it is decided after the upgrade, by the hub.
pub(crate) struct Recovery {
    pub(crate) connection_id: String,
    pub(crate) reconnection_token: String,
    pub(crate) subprotocol: Option<String>,
}

/// The hub that a client's path names, or the answer to send when it names none.
pub(crate) fn hub_name<'a>(segments: &'a [String], query: &'a Query) -> Result<&'a str, Response> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["client", "hubs", hub] => Ok(hub),
        ["client"] | ["client", ""] => query
            .last("hub")
            .ok_or_else(|| answer::bad_request("Name the hub: /client/hubs/{hub} or /client/?hub={hub}.")),
        ["clients", ..] => {
            let message = "The emulator does not serve MQTT and Socket.IO clients.";
            Err(answer::error(404, "Error.NotFound", message, "Request"))
        }
        _ => Err(answer::not_found()),
    }
}

/// Reads an upgrade to the hub of this name, which may need no token.
///
/// # Errors
/// The answer to send instead of accepting the WebSocket.
pub(crate) fn read(
    request: &Request,
    mut audiences: Audiences,
    query: &Query,
    hub: &str,
    keys: &[Key],
    anonymous: bool,
    now: u64,
) -> Result<Upgrade, Response> {
    let offered = request.header("sec-websocket-protocol").unwrap_or_default();
    let choice = choose(offered.split(',').map(str::trim).filter(|name| !name.is_empty()));
    if let Some(connection_id) = query.last("awps_connection_id") {
        let subprotocol = if let Choice::Speak(_, name) = choice { Some(name.to_owned()) } else { None };
        let reconnection_token = query.last("awps_reconnection_token").unwrap_or_default().to_owned();
        return Ok(Upgrade::Recover(Recovery {
            connection_id: connection_id.to_owned(),
            reconnection_token,
            subprotocol,
        }));
    }
    // The older form of the URL goes with tokens for either.
    audiences.add(&format!("/client/hubs/{hub}"));
    audiences.add(&format!("/client/?hub={hub}"));
    let token = query.last("access_token").or_else(|| request.bearer());
    let claims = match token {
        None if anonymous => Claims { subject: None, expires: u64::MAX, all: Default::default() },
        token => auth::check(keys, token, &audiences, now)?,
    };
    let (protocol, subprotocol) = match choice {
        Choice::Speak(subprotocol, name) => (Protocol::Framed(subprotocol), Some(name.to_owned())),
        Choice::Simple => (Protocol::Simple(mode(query)?), None),
        Choice::Missing(name) => {
            return Err(answer::bad_request(&format!("The emulator does not speak the subprotocol '{name}' yet.")));
        }
    };
    new_client(protocol, subprotocol, &claims).map(|client| Upgrade::New(Box::new(client)))
}

fn new_client(protocol: Protocol, subprotocol: Option<String>, claims: &Claims) -> Result<NewClient, Response> {
    let groups = strings(claims, "webpubsub.group")?;
    if !groups.iter().all(|group| is_group_name(group)) {
        return Err(answer::bad_request(BAD_GROUP));
    }
    if groups.len() > MAX_GROUPS_PER_CONNECTION {
        return Err(answer::bad_request(&TooManyGroups.to_string()));
    }
    let roles = strings(claims, "role")?;
    let permissions = Permissions::from_roles(roles.into_iter()).map_err(|_| answer::bad_request(TOO_MANY_ROLES))?;
    Ok(NewClient {
        protocol,
        subprotocol,
        // The SDKs leave an empty user id out: it means an anonymous client.
        user_id: claims.subject.clone().filter(|user_id| !user_id.is_empty()),
        groups: groups.into_iter().map(str::to_owned).collect(),
        permissions,
    })
}

const TOO_MANY_ROLES: &str = "The token's roles are beyond a limit. For each of joinLeaveGroup and sendToGroup the service \
    takes 1000 group names and 9 patterns; a pattern has at most 1024 characters and 5 asterisks.";

/// The outcome of choosing among the subprotocols that a client offers.
#[derive(Debug, PartialEq, Eq)]
enum Choice<'a> {
    /// The emulator has this subprotocol. The name is spelled as by the client.
    Speak(Subprotocol, &'a str),
    /// Only the service has this subprotocol.
    Missing(&'a str),
    /// The client is a simple one.
    Simple,
}

/// Chooses the first known subprotocol, whatever the case of its name.
fn choose<'a>(offered: impl Iterator<Item = &'a str> + Clone) -> Choice<'a> {
    let spoken = offered.clone().find_map(|name| Some(Choice::Speak(Subprotocol::named(name)?, name)));
    let missing = |name: &&str| MISSING.iter().any(|known| known.eq_ignore_ascii_case(name));
    spoken.or_else(|| offered.clone().find(missing).map(Choice::Missing)).unwrap_or(Choice::Simple)
}

/// Subprotocols of the service that the emulator does not have. As a simple client, such a client would be confused.
const MISSING: [&str; 1] = ["mqtt"];

/// A claim that is one string or a list of them.
fn strings<'c>(claims: &'c Claims, name: &str) -> Result<Vec<&'c str>, Response> {
    let strings = match claims.all.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.as_str()]),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    strings.ok_or_else(|| {
        answer::bad_request(&format!("The token's claim '{name}' must be a string or a list of strings."))
    })
}

fn mode(query: &Query) -> Result<Mode, Response> {
    let name = query.last("webpubsub_mode").unwrap_or("sendEvent");
    if name.eq_ignore_ascii_case("sendEvent") {
        return Ok(Mode::SendEvent);
    }
    if !name.eq_ignore_ascii_case("sendToGroup") {
        return Err(answer::bad_request("webpubsub_mode must be sendEvent or sendToGroup."));
    }
    let group =
        query.last("group").filter(|group| is_group_name(group)).ok_or_else(|| answer::bad_request(BAD_GROUP))?;
    let no_echo = match query.last("noEcho").map(str::to_ascii_lowercase).as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(answer::bad_request("noEcho must be true or false.")),
    };
    Ok(Mode::SendToGroup { group: group.to_owned(), no_echo })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::url::Url;

    const URL: &str = "http://localhost/client/hubs/chat";

    fn read_with(query: &str, offered: &str, claims: &str) -> Result<Upgrade, Response> {
        let key = Key::new(b"key");
        let token = key.sign(&format!(r#"{{"aud":"{URL}","exp":2000{claims}}}"#));
        let url = format!("{URL}?access_token={token}{query}");
        let headers = vec![("sec-websocket-protocol".to_owned(), offered.to_owned())];
        let request = Request { headers, ..Request::default() };
        let url = Url::parse(&url).unwrap();
        read(&request, Audiences::of(&url, None), &url.parameters().unwrap(), "chat", &[key], false, 1_000_000)
    }

    fn new_with(query: &str, offered: &str, claims: &str) -> NewClient {
        match read_with(query, offered, claims) {
            Ok(Upgrade::New(client)) => *client,
            _ => panic!("a new client was expected"),
        }
    }

    #[test]
    fn the_first_known_subprotocol_is_chosen() {
        let choose = |offered: &[&'static str]| match choose(offered.iter().copied()) {
            Choice::Speak(_, name) | Choice::Missing(name) => name,
            Choice::Simple => "simple",
        };
        assert_eq!(
            choose(&["x", "JSON.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1"]),
            "JSON.webpubsub.azure.v1"
        );
        assert_eq!(choose(&["mqtt", "Protobuf.Reliable.webpubsub.azure.v1"]), "Protobuf.Reliable.webpubsub.azure.v1");
        assert_eq!(choose(&["mqtt", "json.webpubsub.azure.v1"]), "json.webpubsub.azure.v1");
        assert_eq!(choose(&["x", "mqtt"]), "mqtt");
        assert_eq!(choose(&["x"]), "simple");
        assert_eq!(choose(&[]), "simple");
    }

    #[test]
    fn a_token_says_who_a_client_is() {
        let claims = r#","sub":"ann","role":"webpubsub.sendToGroup.g","webpubsub.group":["g","h"]"#;
        let client = new_with("", "json.webpubsub.azure.v1", claims);
        assert_eq!(client.user_id.as_deref(), Some("ann"));
        assert_eq!(client.groups, ["g", "h"]);
        assert!(client.permissions.may_send_to("g") && !client.permissions.may_send_to("h"));
        assert_eq!(client.protocol.subprotocol(), Some("json.webpubsub.azure.v1"));
        assert_eq!(new_with("", "", r#","sub":"""#).user_id, None);
    }

    #[test]
    fn a_simple_client_chooses_its_mode() {
        assert_eq!(new_with("", "", "").protocol, Protocol::Simple(Mode::SendEvent));
        let expected = Mode::SendToGroup { group: "g 1".to_owned(), no_echo: true };
        let query = "&webpubsub_mode=sendEvent&webpubsub_mode=SENDTOGROUP&group=g%201&noEcho=True";
        assert_eq!(new_with(query, "chat", "").protocol, Protocol::Simple(expected));
    }

    #[test]
    fn a_bad_upgrade_is_refused_with_its_status() {
        for (query, offered, claims, status) in [
            ("&webpubsub_mode=x", "", "", 400),
            ("&webpubsub_mode=sendToGroup", "", "", 400),
            ("&webpubsub_mode=sendToGroup&group=g&noEcho=1", "", "", 400),
            ("", "mqtt", "", 400),
            ("", "", r#","webpubsub.group":[" "]"#, 400),
            ("", "", r#","webpubsub.group":{}"#, 400),
            ("", "", r#","role":[1]"#, 400),
            ("", "", r#","nbf":1500"#, 401),
            ("&access_token=x", "", "", 401),
        ] {
            assert_eq!(read_with(query, offered, claims).err().unwrap().status, status, "{query} {offered} {claims}");
        }
    }

    #[test]
    fn a_lost_connection_needs_no_access_token() {
        let query = "&access_token=&awps_connection_id=c%2B1&awps_reconnection_token=t";
        let Ok(Upgrade::Recover(recovery)) = read_with(query, "json.reliable.webpubsub.azure.v1", "") else {
            panic!("a recovery was expected")
        };
        assert_eq!((recovery.connection_id.as_str(), recovery.reconnection_token.as_str()), ("c+1", "t"));
    }
}
