//! What a client may do with groups. Default is nothing.

use std::collections::BTreeMap;

use crate::limits::{MAX_NAMED_PERMISSIONS, MAX_PATTERNS};
use crate::pattern::Pattern;

/// What the roles of a client's token allow it, and what was granted and revoked since.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    join_leave: Groups,
    send: Groups,
    set_state: Groups,
    get_state: Groups,
}

/// What may be done with the states of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateRight {
    Set,
    Get,
}

/// The two kinds of permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    JoinLeaveGroup,
    SendToGroup,
}

/// More groups are named, or more patterns given, than the service keeps for one connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OverLimit;

impl Kind {
    /// Reads the name that REST gives to a kind. Like the other enumerations of the service, in any case.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        let known = [("joinLeaveGroup", Kind::JoinLeaveGroup), ("sendToGroup", Kind::SendToGroup)];
        known.into_iter().find_map(|(known, kind)| known.eq_ignore_ascii_case(name).then_some(kind))
    }
}

impl Permissions {
    /// Reads roles as a token lists them, for example `webpubsub.sendToGroup.chat`. Roles that are not known allow
    /// nothing.
    pub(crate) fn from_roles<'a>(roles: impl Iterator<Item = &'a str>) -> Result<Permissions, OverLimit> {
        let mut permissions = Permissions::default();
        for role in roles {
            let Some(role) = role.strip_prefix("webpubsub.") else {
                continue;
            };
            // Only the first dot ends the name: a group may hold dots itself.
            let (name, group) = match role.split_once('.') {
                Some((name, group)) => (name, Some(group)),
                None => (role, None),
            };
            match (name, group) {
                ("joinLeaveGroup", None) => permissions.join_leave.all = true,
                ("sendToGroup", None) => permissions.send.all = true,
                ("joinLeaveGroup", Some(group)) => permissions.join_leave.set(group, true)?,
                ("sendToGroup", Some(group)) => permissions.send.set(group, true)?,
                ("setGroupState", None) => permissions.set_state.all = true,
                ("getGroupState", None) => permissions.get_state.all = true,
                ("setGroupState", Some(group)) => permissions.set_state.set(group, true)?,
                ("getGroupState", Some(group)) => permissions.get_state.set(group, true)?,
                ("joinLeaveGroups", Some(pattern)) => permissions.join_leave.allow_pattern(pattern)?,
                ("sendToGroups", Some(pattern)) => permissions.send.allow_pattern(pattern)?,
                _ => {}
            }
        }
        Ok(permissions)
    }

    pub(crate) fn may(&self, kind: Kind, group: &str) -> bool {
        self.groups(kind).holds(group)
    }

    pub(crate) fn may_join_or_leave(&self, group: &str) -> bool {
        self.may(Kind::JoinLeaveGroup, group)
    }

    pub(crate) fn may_send_to(&self, group: &str) -> bool {
        self.may(Kind::SendToGroup, group)
    }

    pub(crate) fn may_use_state(&self, right: StateRight, group: &str) -> bool {
        match right {
            StateRight::Set => self.set_state.holds(group),
            StateRight::Get => self.get_state.holds(group),
        }
    }

    /// Allows a group by name, whatever else is said of it.
    pub(crate) fn grant(&mut self, kind: Kind, group: &str) -> Result<(), OverLimit> {
        self.change(kind, group, true)
    }

    /// Denies a group by name, even where every group or a pattern is allowed.
    pub(crate) fn revoke(&mut self, kind: Kind, group: &str) -> Result<(), OverLimit> {
        self.change(kind, group, false)
    }

    fn change(&mut self, kind: Kind, group: &str, allowed: bool) -> Result<(), OverLimit> {
        let groups = match kind {
            Kind::JoinLeaveGroup => &mut self.join_leave,
            Kind::SendToGroup => &mut self.send,
        };
        // What is so already costs no place among the names.
        if groups.holds(group) == allowed { Ok(()) } else { groups.set(group, allowed) }
    }

    fn groups(&self, kind: Kind) -> &Groups {
        match kind {
            Kind::JoinLeaveGroup => &self.join_leave,
            Kind::SendToGroup => &self.send,
        }
    }
}

/// The groups of one kind of permission. What is said of a group by name comes before everything else.
#[derive(Debug, Default)]
struct Groups {
    all: bool,
    named: BTreeMap<String, bool>,
    patterns: Vec<Pattern>,
}

impl Groups {
    fn set(&mut self, group: &str, allowed: bool) -> Result<(), OverLimit> {
        if self.named.len() >= MAX_NAMED_PERMISSIONS && !self.named.contains_key(group) {
            return Err(OverLimit);
        }
        self.named.insert(group.to_owned(), allowed);
        Ok(())
    }

    fn allow_pattern(&mut self, pattern: &str) -> Result<(), OverLimit> {
        if self.patterns.len() >= MAX_PATTERNS {
            return Err(OverLimit);
        }
        self.patterns.push(Pattern::read(pattern).ok_or(OverLimit)?);
        Ok(())
    }

    fn holds(&self, group: &str) -> bool {
        match self.named.get(group) {
            Some(allowed) => *allowed,
            None => self.all || self.patterns.iter().any(|pattern| pattern.matches(group)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(roles: &[&str]) -> Permissions {
        Permissions::from_roles(roles.iter().copied()).unwrap()
    }

    #[test]
    fn roles_name_a_group_or_mean_all() {
        let permissions = with(&["webpubsub.joinLeaveGroup.a.b", "webpubsub.sendToGroup"]);
        assert!(permissions.may_join_or_leave("a.b"));
        assert!(!permissions.may_join_or_leave("a"));
        assert!(permissions.may_send_to("anything"));
    }

    #[test]
    fn roles_may_hold_patterns() {
        let permissions =
            with(&["webpubsub.joinLeaveGroups.room.*", "webpubsub.sendToGroups.**", "webpubsub.sendToGroup.x"]);
        assert!(permissions.may_join_or_leave("room.1"));
        assert!(!permissions.may_join_or_leave("room.1.2"));
        assert!(permissions.may_send_to("room.1.2"));
        assert!(!with(&["webpubsub.sendToGroup.**"]).may_send_to("a"), "only the plural takes a pattern");
    }

    #[test]
    fn other_roles_allow_nothing() {
        let permissions = with(&[
            "",
            "joinLeaveGroup",
            "webpubsub.JoinLeaveGroup",
            "webpubsub.joinleavegroup.a",
            "webpubsub.joinLeaveGroups",
            "webpubsub.sendToGroups.",
            "webpubsub.",
        ]);
        assert!(!permissions.may_join_or_leave("a"));
        assert!(!permissions.may_send_to("a"));
    }

    #[test]
    fn what_is_revoked_by_name_stays_denied_until_it_is_granted() {
        for roles in [&["webpubsub.sendToGroup"], &["webpubsub.sendToGroups.**"], &["webpubsub.sendToGroup.g"]] {
            let mut permissions = with(roles);
            permissions.revoke(Kind::SendToGroup, "g").unwrap();
            assert!(!permissions.may_send_to("g"));
            permissions.revoke(Kind::SendToGroup, "g").unwrap();
            permissions.grant(Kind::JoinLeaveGroup, "g").unwrap();
            assert!(!permissions.may_send_to("g") && permissions.may_join_or_leave("g"));
            permissions.grant(Kind::SendToGroup, "g").unwrap();
            assert!(permissions.may_send_to("g"));
        }
    }

    #[test]
    fn names_and_patterns_are_limited() {
        let mut permissions = with(&["webpubsub.sendToGroups.free.*"]);
        for number in 0..1000 {
            permissions.grant(Kind::SendToGroup, &format!("g{number}")).unwrap();
        }
        assert_eq!(permissions.grant(Kind::SendToGroup, "one more"), Err(OverLimit));
        assert_eq!(permissions.revoke(Kind::SendToGroup, "free.1"), Err(OverLimit));
        assert_eq!(permissions.grant(Kind::SendToGroup, "free.1"), Ok(()), "it is allowed already");
        assert_eq!(permissions.revoke(Kind::SendToGroup, "g7"), Ok(()), "it has a place");
        assert_eq!(permissions.grant(Kind::JoinLeaveGroup, "one more"), Ok(()), "the other kind has its own");

        let patterns = |count: usize| vec!["webpubsub.sendToGroups.a*"; count];
        assert!(Permissions::from_roles(patterns(9).into_iter()).is_ok());
        assert!(Permissions::from_roles(patterns(10).into_iter()).is_err());
        assert!(Permissions::from_roles(["webpubsub.sendToGroups.******"].into_iter()).is_err());
    }
}
