//! Which groups are joined again on a new connection, and which numbers of groups are in use.

use std::collections::BTreeMap;

/// The groups that the session knows, by their numbers.
///
/// A group is kept while the caller wants it or an unsettled message names it. The table is therefore as small as what
/// is in use, however many groups come and go.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<u32, Group>);

#[derive(Debug, Default)]
struct Group {
    /// The latest message that asks for the group, if the caller wants the group.
    wanted_by: Option<u32>,
    /// Whether the service has acknowledged the join.
    is_joined: bool,
    /// How many unsettled messages name the group.
    messages: u32,
}

impl Groups {
    /// Records that the caller wants the group, with this message.
    pub(super) fn want(&mut self, group: u32, message: u32) {
        self.0.entry(group).or_default().wanted_by = Some(message);
    }

    /// Records that the caller no longer wants the group, or that the service refuses to join it again.
    pub(super) fn forget(&mut self, group: u32) {
        if let Some(known) = self.0.get_mut(&group) {
            known.wanted_by = None;
            known.is_joined = false;
        }
    }

    /// Records that the service has joined the group. This changes nothing if the caller has left the group since.
    pub(super) fn joined(&mut self, group: u32) {
        if let Some(known) = self.0.get_mut(&group) {
            known.is_joined = known.wanted_by.is_some();
        }
    }

    /// Records that a join failed. A group that was joined before stays joined, and a later join may still succeed.
    pub(super) fn refused(&mut self, group: u32, message: u32) {
        if let Some(known) = self.0.get_mut(&group)
            && !known.is_joined
            && known.wanted_by == Some(message)
        {
            known.wanted_by = None;
        }
    }

    pub(super) fn is_wanted(&self, group: u32) -> bool {
        self.0.get(&group).is_some_and(|known| known.wanted_by.is_some())
    }

    /// The joined groups, in the order of their numbers.
    pub(super) fn joined_groups(&self) -> impl Iterator<Item = u32> {
        self.0.iter().filter(|(_, known)| known.is_joined).map(|(group, _)| *group)
    }

    /// Keeps the group until the message that names it is settled.
    pub(super) fn hold(&mut self, group: u32) {
        let known = self.0.entry(group).or_default();
        known.messages = known.messages.wrapping_add(1);
    }

    /// Undoes one [`hold`](Groups::hold).
    pub(super) fn release(&mut self, group: u32) {
        if let Some(known) = self.0.get_mut(&group) {
            known.messages = known.messages.wrapping_sub(1);
        }
    }

    /// Removes the group if nothing needs it, and says whether it is unknown now.
    pub(super) fn remove_unused(&mut self, group: u32) -> bool {
        let is_used = self.0.get(&group).is_some_and(|known| known.wanted_by.is_some() || known.messages > 0);
        if !is_used {
            self.0.remove(&group);
        }
        !is_used
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
