//! The table of operations: all 25 of the REST API, version 2024-12-01.

use super::parameter::Parameter as Q;

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
    pub(crate) query: Query,
}

/// A set of query parameters, a bit for each.
#[derive(Clone, Copy)]
pub(crate) struct Query(u16);

impl Query {
    pub(crate) const fn has(self, parameter: Q) -> bool {
        self.0 & Query::bit(parameter) != 0
    }

    const fn bit(parameter: Q) -> u16 {
        1u16.wrapping_shl(parameter as u32)
    }

    const fn of(parameters: &[Q]) -> Query {
        let mut bits = 0;
        let mut rest = parameters;
        while let [parameter, others @ ..] = rest {
            bits |= Query::bit(*parameter);
            rest = others;
        }
        Query(bits)
    }
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

const NO_QUERY: Query = Query::of(&[]);
const REASON: Query = Query::of(&[Q::Reason]);
const CLOSE_MANY: Query = Query::of(&[Q::Excluded, Q::Reason]);
const SEND_MANY: Query = Query::of(&[Q::Excluded, Q::Filter, Q::MessageTtlSeconds]);
const SEND_TO_USER: Query = Query::of(&[Q::Filter, Q::MessageTtlSeconds]);
const SEND_TO_ONE: Query = Query::of(&[Q::MessageTtlSeconds]);
const TARGET: Query = Query::of(&[Q::TargetName]);
const PAGE: Query = Query::of(&[Q::MaxPageSize, Q::Top, Q::ContinuationToken]);
const TOKEN: Query = Query::of(&[Q::UserId, Q::Role, Q::MinutesToExpire, Q::Group, Q::ClientType]);

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
    pub fn method(self) -> &'static str {
        self.row().method
    }

    /// The one status that means success.
    pub fn success_status(self) -> u16 {
        self.row().success
    }

    /// What kind of answer it has.
    pub fn answers(self) -> Answers {
        self.row().answers
    }

    #[allow(clippy::indexing_slicing, reason = "the table has a row for each number, as a test shows")]
    pub(crate) fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

use Answers::{Json, Nothing, Sent, YesOrNo};

/// A row for each operation, in their order.
#[rustfmt::skip]
static TABLE: [Row; 25] = [
    row("POST", "/api/hubs/{hub}/:send", 202, Sent, SEND_MANY),
    row("POST", "/api/hubs/{hub}/groups/{group}/:send", 202, Sent, SEND_MANY),
    row("POST", "/api/hubs/{hub}/users/{user}/:send", 202, Sent, SEND_TO_USER),
    row("POST", "/api/hubs/{hub}/connections/{connection}/:send", 202, Sent, SEND_TO_ONE),
    row("HEAD", "/api/hubs/{hub}/connections/{connection}", 200, YesOrNo, NO_QUERY),
    row("HEAD", "/api/hubs/{hub}/groups/{group}", 200, YesOrNo, NO_QUERY),
    row("HEAD", "/api/hubs/{hub}/users/{user}", 200, YesOrNo, NO_QUERY),
    row("HEAD", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 200, YesOrNo, TARGET),
    row("PUT", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 200, Nothing, TARGET),
    row("DELETE", "/api/hubs/{hub}/permissions/{permission}/connections/{connection}", 204, Nothing, TARGET),
    row("DELETE", "/api/hubs/{hub}/connections/{connection}", 204, Nothing, REASON),
    row("POST", "/api/hubs/{hub}/:closeConnections", 204, Nothing, CLOSE_MANY),
    row("POST", "/api/hubs/{hub}/groups/{group}/:closeConnections", 204, Nothing, CLOSE_MANY),
    row("POST", "/api/hubs/{hub}/users/{user}/:closeConnections", 204, Nothing, CLOSE_MANY),
    row("PUT", "/api/hubs/{hub}/groups/{group}/connections/{connection}", 200, Nothing, NO_QUERY),
    row("DELETE", "/api/hubs/{hub}/groups/{group}/connections/{connection}", 204, Nothing, NO_QUERY),
    row("DELETE", "/api/hubs/{hub}/connections/{connection}/groups", 204, Nothing, NO_QUERY),
    row("PUT", "/api/hubs/{hub}/users/{user}/groups/{group}", 200, Nothing, NO_QUERY),
    row("DELETE", "/api/hubs/{hub}/users/{user}/groups/{group}", 204, Nothing, NO_QUERY),
    row("DELETE", "/api/hubs/{hub}/users/{user}/groups", 204, Nothing, NO_QUERY),
    row("POST", "/api/hubs/{hub}/:addToGroups", 200, Nothing, NO_QUERY),
    row("POST", "/api/hubs/{hub}/:removeFromGroups", 200, Nothing, NO_QUERY),
    row("GET", "/api/hubs/{hub}/groups/{group}/connections", 200, Json, PAGE),
    row("POST", "/api/hubs/{hub}/:generateToken", 200, Json, TOKEN),
    row("HEAD", "/api/health", 200, Nothing, NO_QUERY),
];

const fn row(method: &'static str, path: &'static str, success: u16, answers: Answers, query: Query) -> Row {
    Row { method, path, success, answers, query }
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
