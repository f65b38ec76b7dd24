//! The state that each connection may set in a group, and those who watch it.
//!
//! Not recorded from the service: the roles it takes (here `webpubsub.setGroupState` and `webpubsub.getGroupState`,
//! with a group or without), that a state ends with its connection, and that a client which recovers gets a snapshot
//! in place of the updates it missed.

use std::collections::{BTreeMap, BTreeSet};

use webpubsub_edge::protocol::{Downstream, ErrorDetail, GroupStateItem, State};

use crate::budget::ENTRY_BYTES;
use crate::hub::{Hub, Key};
use crate::limits::{MAX_GROUP_STATE_BYTES, MAX_GROUPS_PER_CONNECTION};
use crate::permissions::StateRight;
use crate::turn::Turn;

/// The states of one group.
#[derive(Debug, Default)]
pub(crate) struct GroupStates {
    watchers: BTreeSet<Key>,
    items: BTreeMap<Key, GroupStateItem<'static>>,
}

impl Hub {
    /// Sets or clears the state of a connection in a group.
    pub(crate) fn set_state(
        &mut self,
        turn: &mut Turn,
        key: Key,
        group: &str,
        state: Option<State<'_>>,
    ) -> Result<(), ErrorDetail<'static>> {
        self.check_state_right(key, StateRight::Set, group)?;
        let size = state.iter().flatten().map(|(name, text)| name.len().saturating_add(text.len()));
        if size.fold(0, usize::saturating_add) > MAX_GROUP_STATE_BYTES {
            let message = format!("A group state may have {MAX_GROUP_STATE_BYTES} bytes in the emulator.");
            return Err(ErrorDetail::new("BadRequest", message));
        }
        if state.is_some() {
            self.check_state_room(key, group)?;
        }
        let Some(connection) = self.connection(key) else { return Ok(()) };
        let (connection_id, user_id) = (connection.id.as_str().into(), connection.user_id.as_deref().map(Into::into));
        let item = GroupStateItem { connection_id, user_id, state, updated_at: turn.now }.into_owned();
        self.change_state(turn, key, group, item);
        Ok(())
    }

    fn change_state(&mut self, turn: &mut Turn, key: Key, group: &str, mut item: GroupStateItem<'static>) {
        let states = self.states.entry(group.to_owned()).or_default();
        states.items.remove(&key);
        // Also of a state that was cleared before, which is not among the items any more.
        item.updated_at = item.updated_at.max(self.last_state_at.saturating_add(1));
        self.last_state_at = item.updated_at;
        if item.state.is_some() {
            states.items.insert(key, item.clone());
        }
        let watchers = states.watchers.clone();
        self.note_states(key, group);
        self.forget_states_of_nobody(group);
        let update =
            Downstream::GroupState { group: group.into(), items: vec![item], is_snapshot: false, sequence_id: None };
        for watcher in watchers {
            self.reply(turn, watcher, &update);
        }
    }

    /// Begins to watch the states of a group; [`Hub::send_snapshot`] follows.
    pub(crate) fn watch_states(&mut self, key: Key, group: &str) -> Result<(), ErrorDetail<'static>> {
        self.check_state_right(key, StateRight::Get, group)?;
        self.check_state_room(key, group)?;
        self.states.entry(group.to_owned()).or_default().watchers.insert(key);
        self.note_states(key, group);
        Ok(())
    }

    pub(crate) fn unwatch_states(&mut self, key: Key, group: &str) -> Result<(), ErrorDetail<'static>> {
        self.check_state_right(key, StateRight::Get, group)?;
        if let Some(states) = self.states.get_mut(group) {
            states.watchers.remove(&key);
        }
        self.note_states(key, group);
        self.forget_states_of_nobody(group);
        Ok(())
    }

    /// Tells a watcher all states of a group.
    pub(crate) fn send_snapshot(&self, turn: &mut Turn, key: Key, group: &str) {
        if let Some(states) = self.states.get(group).filter(|states| states.watchers.contains(&key)) {
            let items = states.items.values().cloned().collect();
            self.reply(
                turn,
                key,
                &Downstream::GroupState { group: group.into(), items, is_snapshot: true, sequence_id: None },
            );
        }
    }

    /// A watcher came back: what it missed is in the snapshots.
    pub(crate) fn send_snapshots(&self, turn: &mut Turn, key: Key) {
        for group in self.groups_with_states.get(&key).into_iter().flatten() {
            self.send_snapshot(turn, key, group);
        }
    }

    /// A connection is gone, and its states with it.
    pub(crate) fn clear_states(&mut self, turn: &mut Turn, key: Key) {
        for group in self.groups_with_states.remove(&key).unwrap_or_default() {
            let Some(states) = self.states.get_mut(&group) else { continue };
            states.watchers.remove(&key);
            match states.items.get(&key).cloned() {
                Some(item) => {
                    self.change_state(turn, key, &group, GroupStateItem { state: None, updated_at: turn.now, ..item });
                }
                None => self.forget_states_of_nobody(&group),
            }
        }
    }

    /// Whether a connection has or watches any state.
    pub(crate) fn has_states(&self, key: Key) -> bool {
        self.groups_with_states.contains_key(&key)
    }

    /// Estimates the bytes that the states of a connection take.
    pub(crate) fn state_bytes(&self, key: Key) -> usize {
        let of_group = |group: &String| {
            let state = self.states.get(group).and_then(|states| states.items.get(&key)?.state.as_ref());
            let texts = state.into_iter().flatten().map(|(name, text)| name.len().saturating_add(text.len()));
            texts.chain([group.len()]).map(|bytes| bytes.saturating_add(ENTRY_BYTES)).fold(0, usize::saturating_add)
        };
        self.groups_with_states.get(&key).into_iter().flatten().map(of_group).fold(0, usize::saturating_add)
    }

    /// Keeps in mind whether a connection has or watches a state in this group.
    fn note_states(&mut self, key: Key, group: &str) {
        let is_there = |states: &GroupStates| states.watchers.contains(&key) || states.items.contains_key(&key);
        if self.states.get(group).is_some_and(is_there) {
            self.groups_with_states.entry(key).or_default().insert(group.to_owned());
        } else if let Some(groups) = self.groups_with_states.get_mut(&key) {
            groups.remove(group);
            if groups.is_empty() {
                self.groups_with_states.remove(&key);
            }
        }
    }

    fn check_state_room(&self, key: Key, group: &str) -> Result<(), ErrorDetail<'static>> {
        let is_full = |groups: &BTreeSet<String>| groups.len() >= MAX_GROUPS_PER_CONNECTION && !groups.contains(group);
        if self.groups_with_states.get(&key).is_some_and(is_full) {
            let message =
                format!("A connection may have or watch states in {MAX_GROUPS_PER_CONNECTION} groups in the emulator.");
            return Err(ErrorDetail::new("BadRequest", message));
        }
        Ok(())
    }

    fn forget_states_of_nobody(&mut self, group: &str) {
        if self.states.get(group).is_some_and(|states| states.watchers.is_empty() && states.items.is_empty()) {
            self.states.remove(group);
        }
    }

    fn check_state_right(&self, key: Key, right: StateRight, group: &str) -> Result<(), ErrorDetail<'static>> {
        let verb = match right {
            StateRight::Set => "set",
            StateRight::Get => "get",
        };
        let what = || format!("{verb} the state of group '{group}'");
        self.permitted(key, |permissions| permissions.may_use_state(right, group), what)?;
        Ok(())
    }
}
