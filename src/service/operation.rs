//! The table of operations: all 25 of the REST API, version 2024-12-01.

use super::parameter::Parameter as Q;
use crate::names::Name;

/// An operation of the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// Sends a message to every connection of the hub.
    SendToAll,
    /// Sends a message to every connection in a group.
    SendToGroup,
    /// Sends a message to every connection of a user.
    SendToUser,
    /// Sends a message to one connection.
    SendToConnection,
    /// Whether a connection exists.
    ConnectionExists,
    /// Whether a group has a connection.
    GroupExists,
    /// Whether a user has a connection.
    UserExists,
    /// Whether a connection holds a permission.
    CheckPermission,
    /// Gives a connection a permission.
    GrantPermission,
    /// Takes a permission from a connection.
    RevokePermission,
    /// Closes one connection.
    CloseConnection,
    /// Closes every connection of the hub.
    CloseAllConnections,
    /// Closes every connection in a group.
    CloseGroupConnections,
    /// Closes every connection of a user.
    CloseUserConnections,
    /// Adds a connection to a group.
    AddConnectionToGroup,
    /// Removes a connection from a group.
    RemoveConnectionFromGroup,
    /// Removes a connection from every group.
    RemoveConnectionFromAllGroups,
    /// Adds the connections that a user has now to a group.
    AddUserToGroup,
    /// Removes the connections of a user from a group.
    RemoveUserFromGroup,
    /// Removes the connections of a user from every group.
    RemoveUserFromAllGroups,
    /// Adds the connections that a filter selects to groups.
    AddConnectionsToGroups,
    /// Removes the connections that a filter selects from groups.
    RemoveConnectionsFromGroups,
    /// Lists the connections in a group, a page at a time.
    ListConnectionsInGroup,
    /// Lets the service mint a client token, for callers without an access key.
    GenerateClientToken,
    /// Whether the service is healthy.
    GetServiceStatus,
}

/// One row of the table.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// The path. A `{name}` is filled with the next target; `{hub}` with the hub.
    pub(crate) path: &'static str,
    /// The one status that is success; any other is an error, even of the 200s.
    pub(crate) success: u16,
    pub(crate) answers: Answers,
    /// The query parameters that it takes.
    pub(crate) query: &'static [Q],
}

/// What kind of answer an operation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Nothing but success.
    Nothing,
    /// A send: as `Nothing`, and repeating it could deliver it twice.
    Sent,
    /// Yes with success, no with 404.
    YesOrNo,
    /// A JSON body.
    Json,
}

const NO_QUERY: &[Q] = &[];
const REASON: &[Q] = &[Q::Reason];
const CLOSE_MANY: &[Q] = &[Q::Excluded, Q::Reason];
const SEND_MANY: &[Q] = &[Q::Excluded, Q::Filter, Q::MessageTtlSeconds];
const SEND_TO_USER: &[Q] = &[Q::Filter, Q::MessageTtlSeconds];
const SEND_TO_ONE: &[Q] = &[Q::MessageTtlSeconds];
const TARGET: &[Q] = &[Q::TargetName];
const PAGE: &[Q] = &[Q::MaxPageSize, Q::Top, Q::ContinuationToken];
const TOKEN: &[Q] = &[Q::UserId, Q::Role, Q::MinutesToExpire, Q::Group, Q::ClientType];

impl Operation {
    /// Every operation, in the order of its number (`operation as u8`).
    #[rustfmt::skip]
    pub const ALL: [Operation; 25] = {
        use Operation as O;
        [
            O::SendToAll, O::SendToGroup, O::SendToUser, O::SendToConnection, O::ConnectionExists, O::GroupExists,
            O::UserExists, O::CheckPermission, O::GrantPermission, O::RevokePermission, O::CloseConnection,
            O::CloseAllConnections, O::CloseGroupConnections, O::CloseUserConnections, O::AddConnectionToGroup,
            O::RemoveConnectionFromGroup, O::RemoveConnectionFromAllGroups, O::AddUserToGroup, O::RemoveUserFromGroup,
            O::RemoveUserFromAllGroups, O::AddConnectionsToGroups, O::RemoveConnectionsFromGroups,
            O::ListConnectionsInGroup, O::GenerateClientToken, O::GetServiceStatus,
        ]
    };

    /// The operation of a number, for callers that can only pass a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The HTTP method.
    pub const fn method(self) -> &'static str {
        self.row().method
    }

    /// The one status that means success.
    pub const fn success_status(self) -> u16 {
        self.row().success
    }

    /// What kind of answer it has.
    pub const fn answers(self) -> Answers {
        self.row().answers
    }

    #[rustfmt::skip]
    pub(crate) const fn row(self) -> Row {
        use Answers::{Json, Nothing, Sent, YesOrNo};
        let (method, path, success, answers, query) = match self {
            Self::SendToAll => ("POST", "/api/hubs/{hub}/:send", 202, Sent, SEND_MANY),
            Self::SendToGroup => ("POST", "/api/hubs/{hub}/groups/{group}/:send", 202, Sent, SEND_MANY),
            Self::SendToUser => ("POST", "/api/hubs/{hub}/users/{user}/:send", 202, Sent, SEND_TO_USER),
            Self::SendToConnection => ("POST", "/api/hubs/{hub}/connections/{connection}/:send", 202, Sent, SEND_TO_ONE),
            Self::ConnectionExists => ("HEAD", "/api/hubs/{hub}/connections/{connection}", 200, YesOrNo, NO_QUERY),
            Self::GroupExists => ("HEAD", "/api/hubs/{hub}/groups/{group}", 200, YesOrNo, NO_QUERY),
            Self::UserExists => ("HEAD", "/api/hubs/{hub}/users/{user}", 200, YesOrNo, NO_QUERY),
            Self::CheckPermission => ("HEAD", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 200, YesOrNo, TARGET),
            Self::GrantPermission => ("PUT", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 200, Nothing, TARGET),
            Self::RevokePermission => ("DELETE", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 204, Nothing, TARGET),
            Self::CloseConnection => ("DELETE", "/api/hubs/{hub}/connections/{connection}", 204, Nothing, REASON),
            Self::CloseAllConnections => ("POST", "/api/hubs/{hub}/:closeConnections", 204, Nothing, CLOSE_MANY),
            Self::CloseGroupConnections => ("POST", "/api/hubs/{hub}/groups/{group}/:closeConnections", 204, Nothing, CLOSE_MANY),
            Self::CloseUserConnections => ("POST", "/api/hubs/{hub}/users/{user}/:closeConnections", 204, Nothing, CLOSE_MANY),
            Self::AddConnectionToGroup => ("PUT", "/api/hubs/{hub}/groups/{group}/connections/{connection}", 200, Nothing, NO_QUERY),
            Self::RemoveConnectionFromGroup => ("DELETE", "/api/hubs/{hub}/groups/{group}/connections/{connection}", 204, Nothing, NO_QUERY),
            Self::RemoveConnectionFromAllGroups => ("DELETE", "/api/hubs/{hub}/connections/{connection}/groups", 204, Nothing, NO_QUERY),
            Self::AddUserToGroup => ("PUT", "/api/hubs/{hub}/users/{user}/groups/{group}", 200, Nothing, NO_QUERY),
            Self::RemoveUserFromGroup => ("DELETE", "/api/hubs/{hub}/users/{user}/groups/{group}", 204, Nothing, NO_QUERY),
            Self::RemoveUserFromAllGroups => ("DELETE", "/api/hubs/{hub}/users/{user}/groups", 204, Nothing, NO_QUERY),
            Self::AddConnectionsToGroups => ("POST", "/api/hubs/{hub}/:addToGroups", 200, Nothing, NO_QUERY),
            Self::RemoveConnectionsFromGroups => ("POST", "/api/hubs/{hub}/:removeFromGroups", 200, Nothing, NO_QUERY),
            Self::ListConnectionsInGroup => ("GET", "/api/hubs/{hub}/groups/{group}/connections", 200, Json, PAGE),
            Self::GenerateClientToken => ("POST", "/api/hubs/{hub}/:generateToken", 200, Json, TOKEN),
            Self::GetServiceStatus => ("HEAD", "/api/health", 200, Nothing, NO_QUERY),
        };
        Row { method, path, success, answers, query }
    }
}

/// Which kind of name fills a `{name}` of a path. A permission has a name of its own kind.
pub(crate) fn kind_of(placeholder: &str) -> Option<Name> {
    [
        ("{group}", Name::Group),
        ("{user}", Name::User),
        ("{connection}", Name::Connection),
        ("{permission}", Name::Permission),
    ]
    .into_iter()
    .find_map(|(text, name)| (text == placeholder).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_operations_match() {
        for (number, operation) in (0..).zip(Operation::ALL) {
            assert_eq!(operation as u8, number);
            assert_eq!(Operation::from_number(number), Some(operation));
        }
        assert_eq!(Operation::from_number(25), None);
    }

    #[test]
    fn only_sends_can_arrive_twice() {
        for operation in Operation::ALL {
            assert_eq!(operation.answers() == Answers::Sent, operation.row().path.ends_with(":send"), "{operation:?}");
            assert_eq!(operation.answers() == Answers::Sent, operation.success_status() == 202);
        }
    }
}
