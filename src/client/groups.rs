//! Which groups are joined again on a new connection.

/// The groups that the caller has asked for, in the order of asking.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Group>);

#[derive(Debug)]
struct Group {
    group: u32,
    /// The latest message that asks for it.
    message: u32,
    /// Whether the service has said that it is joined.
    is_joined: bool,
}

impl Groups {
    /// The caller wants to join it, with this message.
    pub(super) fn want(&mut self, group: u32, message: u32) {
        match self.find(group) {
            Some(known) => known.message = message,
            None => self.0.push(Group { group, message, is_joined: false }),
        }
    }

    /// The caller wants it no more, or the service refuses it.
    pub(super) fn forget(&mut self, group: u32) {
        remove(&mut self.0, |known| known.group == group);
    }

    /// The service has joined it; that means nothing when the caller has left it since.
    pub(super) fn joined(&mut self, group: u32) {
        if let Some(known) = self.find(group) {
            known.is_joined = true;
        }
    }

    /// The service would not join it. What was joined before stays joined, and what is asked for again may yet be.
    pub(super) fn refused(&mut self, group: u32, message: u32) {
        remove(&mut self.0, |known| known.group == group && !known.is_joined && known.message == message);
    }

    pub(super) fn is_wanted(&self, group: u32) -> bool {
        self.0.iter().any(|known| known.group == group)
    }

    /// The first group that is joined, of those from there on, and where it stands.
    pub(super) fn joined_from(&self, at: usize) -> Option<(usize, u32)> {
        let mut known = self.0.iter().enumerate().skip(at);
        known.find(|(_, known)| known.is_joined).map(|(at, known)| (at, known.group))
    }

    fn find(&mut self, group: u32) -> Option<&mut Group> {
        self.0.iter_mut().find(|known| known.group == group)
    }
}

/// Removes the one entry that is meant, if it is there. `Vec::retain` would weigh three times as much.
pub(super) fn remove<T>(list: &mut Vec<T>, is_meant: impl FnMut(&T) -> bool) -> bool {
    let found = list.iter().position(is_meant);
    if let Some(at) = found {
        list.remove(at);
    }
    found.is_some()
}
