//! The arguments and answers of the operations.

use crate::service::Parameter;

/// Options of a send.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'a> {
    /// Connection ids that do not get the message. For a send to all or to a group.
    pub excluded_connections: &'a [&'a str],
    /// An OData filter over the connections; see [`crate::filter`]. Not for a send to one connection.
    pub filter: Option<&'a str>,
    /// How long the message may wait for a client that is slow or recovering: 0 (for ever) to 300 seconds.
    pub message_ttl_seconds: Option<u32>,
}

impl<'a> SendOptions<'a> {
    /// `ttl` is the number of seconds as text, which the query borrows.
    pub(super) fn query(&self, ttl: &'a str) -> Vec<(Parameter, &'a str)> {
        let mut query = repeated(Parameter::Excluded, self.excluded_connections);
        query.extend(self.filter.map(|filter| (Parameter::Filter, filter)));
        query.extend(self.message_ttl_seconds.map(|_| (Parameter::MessageTtlSeconds, ttl)));
        query
    }
}

/// Options of closing connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloseOptions<'a> {
    /// Connection ids that stay open. Not for closing one connection.
    pub excluded: &'a [&'a str],
    /// Why; the clients see it.
    pub reason: Option<&'a str>,
}

impl<'a> CloseOptions<'a> {
    pub(super) fn query(&self) -> Vec<(Parameter, &'a str)> {
        let mut query = repeated(Parameter::Excluded, self.excluded);
        query.extend(self.reason.map(|reason| (Parameter::Reason, reason)));
        query
    }
}

/// Options of listing connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListOptions<'a> {
    /// How many entries a page has at most: 1 to 200.
    pub max_page_size: Option<u32>,
    /// How many entries all pages have together at most.
    pub top: Option<u32>,
    /// Where to go on, from an earlier listing.
    pub continuation_token: Option<&'a str>,
}

impl<'a> ListOptions<'a> {
    /// The numbers are those of the options as text, which the query borrows.
    pub(super) fn query(&self, max_page_size: &'a str, top: &'a str) -> Vec<(Parameter, &'a str)> {
        let mut query = Vec::new();
        query.extend(self.max_page_size.map(|_| (Parameter::MaxPageSize, max_page_size)));
        query.extend(self.top.map(|_| (Parameter::Top, top)));
        query.extend(self.continuation_token.map(|token| (Parameter::ContinuationToken, token)));
        query
    }
}

/// A permission of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// To join and leave a group.
    JoinLeaveGroup,
    /// To send to a group.
    SendToGroup,
}

impl Permission {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Permission::JoinLeaveGroup => "joinLeaveGroup",
            Permission::SendToGroup => "sendToGroup",
        }
    }
}

/// A page of the connections in a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The connections.
    pub connections: Vec<GroupMember>,
    /// Pass it to [`next_page`](crate::service::ServiceClient::next_page); `None` on the last page. It holds no secret.
    pub next_link: Option<String>,
}

impl Page {
    /// Reads the body of an answer.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let text = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_str).map(str::to_owned);
        let member = |entry: &serde_json::Value| {
            Some(GroupMember { connection_id: text(entry.get("connectionId"))?, user_id: text(entry.get("userId")) })
        };
        let connections = body.get("value")?.as_array()?.iter().map(member).collect::<Option<_>>()?;
        Some(Page { connections, next_link: text(body.get("nextLink")) })
    }
}

/// A connection in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The connection id.
    pub connection_id: String,
    /// The user id; `None` for an anonymous connection.
    pub user_id: Option<String>,
}

fn repeated<'a>(parameter: Parameter, values: &[&'a str]) -> Vec<(Parameter, &'a str)> {
    values.iter().map(|value| (parameter, *value)).collect()
}

/// The group that a permission is for.
pub(super) fn target(group: Option<&str>) -> Vec<(Parameter, &str)> {
    group.map(|group| (Parameter::TargetName, group)).into_iter().collect()
}
