//! Which groups are joined again on a new connection, and which numbers of groups are in use.

use super::index::Index;

/// The groups that the session knows.
///
/// A group is known while the caller wants it or an unsettled message names it. The list is therefore as short as what is
/// in use, however many groups come and go.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The groups, each once. Those that are not known any more are removed when they are half of the list.
    list: Vec<Group>,
    /// The places of the numbers in the list.
    index: Index,
    /// How many groups of the list are known.
    known: usize,
}

#[derive(Debug)]
struct Group {
    number: u32,
    /// The latest message that asks for the group, if the caller wants the group.
    wanted_by: Option<u32>,
    /// Whether the service has acknowledged the join.
    is_joined: bool,
    /// How many unsettled messages name the group.
    messages: u32,
    is_known: bool,
}

impl Groups {
    /// Records that the caller wants the group, with this message.
    pub(super) fn want(&mut self, group: u32, message: u32) {
        if let Some(known) = self.find_or_add(group) {
            known.wanted_by = Some(message);
        }
    }

    /// Records that the caller no longer wants the group, or that the service refuses to join it again.
    pub(super) fn forget(&mut self, group: u32) {
        if let Some(known) = self.find_mut(group) {
            known.wanted_by = None;
            known.is_joined = false;
        }
    }

    /// Records that the service has joined the group. This changes nothing if the caller has left the group since.
    pub(super) fn joined(&mut self, group: u32) {
        if let Some(known) = self.find_mut(group) {
            known.is_joined = known.wanted_by.is_some();
        }
    }

    /// Records that a join failed. A group that was joined before stays joined, and a later join may still succeed.
    pub(super) fn refused(&mut self, group: u32, message: u32) {
        if let Some(known) = self.find_mut(group)
            && !known.is_joined
            && known.wanted_by == Some(message)
        {
            known.wanted_by = None;
        }
    }

    pub(super) fn is_wanted(&self, group: u32) -> bool {
        self.find(group).and_then(|at| self.list.get(at)).is_some_and(|known| known.wanted_by.is_some())
    }

    /// The joined groups.
    pub(super) fn joined_groups(&self) -> impl Iterator<Item = u32> {
        self.list.iter().filter(|known| known.is_joined).map(|known| known.number)
    }

    /// Keeps the group until the message that names it is settled.
    pub(super) fn hold(&mut self, group: u32) {
        if let Some(known) = self.find_or_add(group) {
            known.messages = known.messages.wrapping_add(1);
        }
    }

    /// Undoes one [`hold`](Groups::hold).
    pub(super) fn release(&mut self, group: u32) {
        if let Some(known) = self.find_mut(group) {
            known.messages = known.messages.wrapping_sub(1);
        }
    }

    /// Removes the group if nothing needs it, and says whether it is unknown now.
    pub(super) fn remove_unused(&mut self, group: u32) -> bool {
        match self.find_mut(group) {
            Some(known) if known.wanted_by.is_some() || known.messages > 0 => return false,
            Some(known) if known.is_known => known.is_known = false,
            _ => return true,
        }
        self.known = self.known.wrapping_sub(1);
        if self.list.len() / 2 >= self.known {
            self.list.retain(|known| known.is_known);
            self.index.rebuild(self.list.iter().map(|known| Some(known.number.into())));
        }
        true
    }

    fn find(&self, group: u32) -> Option<usize> {
        self.index.places(group.into()).next()
    }

    fn find_mut(&mut self, group: u32) -> Option<&mut Group> {
        self.find(group).and_then(|at| self.list.get_mut(at))
    }

    fn find_or_add(&mut self, number: u32) -> Option<&mut Group> {
        let at = self.find(number).unwrap_or(self.list.len());
        if at == self.list.len() {
            self.index.push(Some(number.into()));
            self.list.push(Group { number, wanted_by: None, is_joined: false, messages: 0, is_known: false });
        }
        let group = self.list.get_mut(at)?;
        if !group.is_known {
            group.is_known = true;
            self.known = self.known.wrapping_add(1);
        }
        Some(group)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}
