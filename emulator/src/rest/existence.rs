//! Whether a connection, a user or a group exists, and how the service says that one does not.

use super::{Outcome, Scope, connections};
use crate::answer;
use crate::http::Response;
use crate::hub::Hub;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Connection,
    User,
    Group,
}

/// A user or a group exists while it has a connection.
pub(super) fn check(hub: &Hub, kind: Kind, name: &str) -> Outcome {
    let scope = match kind {
        Kind::Connection => Scope::Connection(name.to_owned()),
        Kind::User => Scope::User(name.to_owned()),
        Kind::Group => Scope::Group(name.to_owned()),
    };
    if connections(hub, &scope)?.is_empty() {
        return Err(not_existed("Warning", kind, name).into());
    }
    Ok(Response::empty(200))
}

/// The service gives the same fact a severity that depends on the operation.
pub(super) fn not_existed(severity: &str, kind: Kind, name: &str) -> Response {
    let (target, message) = match kind {
        Kind::Connection => ("Connection", format!("Connection `{name}` is not found.")),
        Kind::User => ("User", format!("User `{name}` is not found.")),
        // Its wording is not known: HEAD shows only its length, which this has.
        Kind::Group => ("Group", format!("Group `{name}` not found")),
    };
    answer::error(404, &format!("{severity}.{target}.NotExisted"), &message, target)
}
