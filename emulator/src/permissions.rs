//! What a client may do with groups. Default is nothing.

use std::collections::BTreeSet;

/// What the roles of a client's token allow it. Roles that are not known allow nothing.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    join_leave: Groups,
    send: Groups,
}

impl Permissions {
    /// Reads roles as a token lists them, for example `webpubsub.sendToGroup.chat`.
    pub(crate) fn from_roles<'a>(roles: impl Iterator<Item = &'a str>) -> Permissions {
        let mut permissions = Permissions::default();
        for role in roles {
            let Some(role) = role.strip_prefix("webpubsub.") else {
                continue;
            };
            // Only the first dot ends the name: a group may hold dots itself.
            let (kind, group) = match role.split_once('.') {
                Some((kind, group)) => (kind, Some(group)),
                None => (role, None),
            };
            match kind {
                "joinLeaveGroup" => permissions.join_leave.allow(group),
                "sendToGroup" => permissions.send.allow(group),
                _ => {}
            }
        }
        permissions
    }

    pub(crate) fn may_join_or_leave(&self, group: &str) -> bool {
        self.join_leave.holds(group)
    }

    pub(crate) fn may_send_to(&self, group: &str) -> bool {
        self.send.holds(group)
    }
}

#[derive(Debug, Default)]
struct Groups {
    all: bool,
    named: BTreeSet<String>,
}

impl Groups {
    fn allow(&mut self, group: Option<&str>) {
        match group {
            Some(group) => {
                self.named.insert(group.to_owned());
            }
            None => self.all = true,
        }
    }

    fn holds(&self, group: &str) -> bool {
        self.all || self.named.contains(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_name_a_group_or_mean_all() {
        let roles = ["webpubsub.joinLeaveGroup.a.b", "webpubsub.sendToGroup"];
        let permissions = Permissions::from_roles(roles.into_iter());
        assert!(permissions.may_join_or_leave("a.b"));
        assert!(!permissions.may_join_or_leave("a"));
        assert!(permissions.may_send_to("anything"));
    }

    #[test]
    fn other_roles_allow_nothing() {
        let roles = ["", "joinLeaveGroup", "webpubsub.JoinLeaveGroup", "webpubsub.joinleavegroup.a", "webpubsub."];
        let permissions = Permissions::from_roles(roles.into_iter());
        assert!(!permissions.may_join_or_leave("a"));
        assert!(!permissions.may_send_to("a"));
    }
}
