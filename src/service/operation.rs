//! The table of operations.

use crate::names::Name;

/// An operation of the REST API, version 2024-12-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Sends a message to every connection of the hub.
    SendToAll,
    /// Sends a message to every connection in a group.
    SendToGroup,
    /// Sends a message to every connection of a user.
    SendToUser,
    /// Sends a message to one connection.
    SendToConnection,
}

pub(crate) struct Row {
    /// The path below `/api/hubs/{hub}/`: before the target's name, which name, and after it.
    pub(crate) path: &'static str,
    pub(crate) target: Option<Name>,
    pub(crate) after_target: &'static str,
    /// Whether repeating it after an unclear failure could do it twice.
    pub(crate) is_send: bool,
    /// The one status that is success; any other is an error, even of the 200s.
    pub(crate) success: u16,
}

impl Operation {
    /// Every operation, in the order of [`Operation::from_index`].
    pub const ALL: [Operation; 4] =
        [Operation::SendToAll, Operation::SendToGroup, Operation::SendToUser, Operation::SendToConnection];

    /// The operation at a place in [`Operation::ALL`], for callers that can only pass a number.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// The HTTP method.
    pub const fn method(self) -> &'static str {
        "POST"
    }

    /// The one status that means success.
    pub const fn success_status(self) -> u16 {
        self.row().success
    }

    pub(crate) const fn row(self) -> Row {
        match self {
            Operation::SendToAll => send("", None, ":send"),
            Operation::SendToGroup => send("groups/", Some(Name::Group), "/:send"),
            Operation::SendToUser => send("users/", Some(Name::User), "/:send"),
            Operation::SendToConnection => send("connections/", Some(Name::Connection), "/:send"),
        }
    }
}

const fn send(path: &'static str, target: Option<Name>, after_target: &'static str) -> Row {
    Row { path, target, after_target, is_send: true, success: 202 }
}
