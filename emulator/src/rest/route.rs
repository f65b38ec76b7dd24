//! Which operation of the REST API a path asks for.

/// What a path under `/api` addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Health,
    InHub { hub: String, what: HubResource },
}

/// What a path under `/api/hubs/{hub}` addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HubResource {
    /// `.../:send`
    Messages(Scope),
    /// `.../:closeConnections`
    Closing(Scope),
    Connection(String),
    User(String),
    Group(String),
    GroupConnection {
        group: String,
        connection: String,
    },
    GroupUser {
        group: String,
        user: String,
    },
    ConnectionGroups(String),
    UserGroups(String),
    /// `.../groups/{group}/connections`
    GroupMembers(String),
    /// `.../:addToGroups`
    AddingToGroups,
    /// `.../:removeFromGroups`
    RemovingFromGroups,
    Permission {
        permission: String,
        connection: String,
    },
    /// `.../:generateToken`
    Token,
}

/// Which connections of a hub an operation is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Group(String),
    User(String),
    Connection(String),
}

/// Finds what the decoded segments of a path address.
pub(crate) fn route(segments: &[String]) -> Option<Resource> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let (hub, rest) = match segments.as_slice() {
        ["api", "health"] => return Some(Resource::Health),
        ["api", "hubs", hub, rest @ ..] => (*hub, rest),
        _ => return None,
    };
    let what = match *rest {
        [":send"] => HubResource::Messages(Scope::All),
        ["groups", group, ":send"] => HubResource::Messages(Scope::Group(group.into())),
        ["users", user, ":send"] => HubResource::Messages(Scope::User(user.into())),
        ["connections", connection, ":send"] => HubResource::Messages(Scope::Connection(connection.into())),
        [":closeConnections"] => HubResource::Closing(Scope::All),
        ["groups", group, ":closeConnections"] => HubResource::Closing(Scope::Group(group.into())),
        ["users", user, ":closeConnections"] => HubResource::Closing(Scope::User(user.into())),
        ["connections", connection] => HubResource::Connection(connection.into()),
        ["users", user] => HubResource::User(user.into()),
        ["groups", group] => HubResource::Group(group.into()),
        ["groups", group, "connections", connection] => {
            HubResource::GroupConnection { group: group.into(), connection: connection.into() }
        }
        ["users", user, "groups", group] => HubResource::GroupUser { group: group.into(), user: user.into() },
        ["connections", connection, "groups"] => HubResource::ConnectionGroups(connection.into()),
        ["users", user, "groups"] => HubResource::UserGroups(user.into()),
        ["groups", group, "connections"] => HubResource::GroupMembers(group.into()),
        [":addToGroups"] => HubResource::AddingToGroups,
        [":removeFromGroups"] => HubResource::RemovingFromGroups,
        ["permissions", permission, "connections", connection] => {
            HubResource::Permission { permission: permission.into(), connection: connection.into() }
        }
        [":generateToken"] => HubResource::Token,
        _ => return None,
    };
    Some(Resource::InHub { hub: hub.to_owned(), what })
}

impl Resource {
    /// The methods it takes.
    pub(crate) fn methods(&self) -> &'static [&'static str] {
        let Resource::InHub { what, .. } = self else {
            return &["HEAD"];
        };
        match what {
            HubResource::Messages(_) | HubResource::Closing(_) => &["POST"],
            HubResource::Connection(_) => &["HEAD", "DELETE"],
            HubResource::User(_) | HubResource::Group(_) => &["HEAD"],
            HubResource::GroupConnection { .. } | HubResource::GroupUser { .. } => &["PUT", "DELETE"],
            HubResource::ConnectionGroups(_) | HubResource::UserGroups(_) => &["DELETE"],
            HubResource::GroupMembers(_) => &["GET"],
            HubResource::AddingToGroups | HubResource::RemovingFromGroups | HubResource::Token => &["POST"],
            HubResource::Permission { .. } => &["HEAD", "PUT", "DELETE"],
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn routed(path: &str) -> Option<Resource> {
        let segments: Vec<String> = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
        route(&segments)
    }

    #[test]
    fn every_operation_of_the_service_has_a_route() {
        let operations = [
            "HEAD /api/health",
            "POST /api/hubs/h/:generateToken",
            "POST /api/hubs/h/:addToGroups",
            "POST /api/hubs/h/:removeFromGroups",
            "POST /api/hubs/h/:send",
            "POST /api/hubs/h/groups/g/:send",
            "POST /api/hubs/h/users/u/:send",
            "POST /api/hubs/h/connections/c/:send",
            "POST /api/hubs/h/:closeConnections",
            "POST /api/hubs/h/groups/g/:closeConnections",
            "POST /api/hubs/h/users/u/:closeConnections",
            "DELETE /api/hubs/h/connections/c",
            "HEAD /api/hubs/h/connections/c",
            "HEAD /api/hubs/h/groups/g",
            "HEAD /api/hubs/h/users/u",
            "PUT /api/hubs/h/groups/g/connections/c",
            "DELETE /api/hubs/h/groups/g/connections/c",
            "DELETE /api/hubs/h/connections/c/groups",
            "PUT /api/hubs/h/users/u/groups/g",
            "DELETE /api/hubs/h/users/u/groups/g",
            "DELETE /api/hubs/h/users/u/groups",
            "GET /api/hubs/h/groups/g/connections",
            "PUT /api/hubs/h/permissions/p/connections/c",
            "DELETE /api/hubs/h/permissions/p/connections/c",
            "HEAD /api/hubs/h/permissions/p/connections/c",
        ];
        for operation in operations {
            let (method, path) = operation.split_once(' ').unwrap();
            assert!(routed(path).unwrap().methods().contains(&method), "{operation}");
        }
    }

    #[test]
    fn other_paths_have_none() {
        for path in [
            "/",
            "/api",
            "/api/hubs",
            "/api/hubs/h",
            "/api/hubs/h/",
            "/api/hubs//:send",
            "/api/hubs/h/users//:send",
            "/api/hubs/h/connections/c/:closeConnections",
            "/api/hubs/h/groups/g/users/u",
            "/api/hubs/h/:send/x",
            "/API/hubs/h/:send",
            "/apis/hubs/h/:send",
        ] {
            assert_eq!(routed(path), None, "{path}");
        }
    }
}
