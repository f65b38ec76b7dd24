//! The line that the log has for an operation that was carried out.

use super::{HubResource, Scope};
use crate::turn::printable;

/// Describes an operation by the name that the SDK for JavaScript has for it, its hub and its target.
pub(crate) fn describe(what: &HubResource, method: &str, hub: &str) -> String {
    let deletes = method == "DELETE";
    let pick = |delete: &'static str, other: &'static str| if deletes { delete } else { other };
    let group = |name: &str| format!(", group {}", printable(name));
    let user = |id: &str| format!(", user {}", printable(id));
    let connection = |id: &str| format!(", connection {}", printable(id));
    let (name, target) = match what {
        HubResource::Messages(scope) => match scope {
            Scope::All => ("sendToAll", String::new()),
            Scope::Group(name) => ("sendToGroup", group(name)),
            Scope::User(id) => ("sendToUser", user(id)),
            Scope::Connection(id) => ("sendToConnection", connection(id)),
        },
        HubResource::Closing(scope) => match scope {
            Scope::All => ("closeAllConnections", String::new()),
            Scope::Group(name) => ("closeGroupConnections", group(name)),
            Scope::User(id) => ("closeUserConnections", user(id)),
            Scope::Connection(id) => ("closeConnection", connection(id)),
        },
        HubResource::Connection(id) => (pick("closeConnection", "connectionExists"), connection(id)),
        HubResource::User(id) => ("userExists", user(id)),
        HubResource::Group(name) => ("groupExists", group(name)),
        HubResource::GroupConnection { group: name, connection: id } => {
            (pick("group.removeConnection", "group.addConnection"), group(name) + &connection(id))
        }
        HubResource::GroupUser { group: name, user: id } => {
            (pick("group.removeUser", "group.addUser"), group(name) + &user(id))
        }
        HubResource::ConnectionGroups(id) => ("removeConnectionFromAllGroups", connection(id)),
        HubResource::UserGroups(id) => ("removeUserFromAllGroups", user(id)),
        HubResource::GroupMembers(name) => ("group.listConnections", group(name)),
        HubResource::AddingToGroups => ("addConnectionsToGroups", String::new()),
        HubResource::RemovingFromGroups => ("removeConnectionsFromGroups", String::new()),
        HubResource::Permission { permission, connection: id } => {
            let name = match method {
                "PUT" => "grantPermission",
                "DELETE" => "revokePermission",
                _ => "hasPermission",
            };
            (name, format!(", {}{}", printable(permission), connection(id)))
        }
        HubResource::Token => ("getClientAccessToken", String::new()),
    };
    format!("{name} {hub}{target}")
}

/// The same with the number of connections that the operation reached, if it has one.
pub(crate) fn accepted(description: &str, reached: Option<usize>) -> String {
    match reached {
        None => description.to_owned(),
        Some(1) => format!("{description}: 1 connection"),
        Some(count) => format!("{description}: {count} connections"),
    }
}
