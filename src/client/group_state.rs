//! The states that connections have set in a group, as a subscriber knows them.

use std::collections::{BTreeMap, BTreeSet};

/// A state that came by an update is not dropped by a snapshot that lacks it for so long: the snapshot may be older.
const PROTECTED_MS: u64 = 300_000;

/// How many cleared states are remembered, so that an old update does not bring one back.
const MAX_CLEARED: usize = 200;

/// The state of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateItem {
    /// Whose it is.
    pub connection_id: String,
    /// Which user that is.
    pub user_id: Option<String>,
    /// None when it was cleared.
    pub state: Option<BTreeMap<String, String>>,
    /// When it was set, in milliseconds since 1970 by the service's clock. Of one connection, the larger is newer.
    pub updated_at: u64,
}

/// What is known of the states in one group. Snapshots and updates may come in any order and more than once.
#[derive(Debug, Default)]
pub struct GroupStates {
    records: BTreeMap<String, Record>,
}

#[derive(Debug)]
struct Record {
    item: StateItem,
    /// When it came by an update.
    updated: Option<u64>,
}

impl GroupStates {
    /// All states that are set, by connection id.
    pub fn iter(&self) -> impl Iterator<Item = &StateItem> {
        self.records.values().map(|record| &record.item).filter(|item| item.state.is_some())
    }

    /// The socket is gone, and with it the updates that came since: what the next snapshot lacks was cleared meanwhile,
    /// however new it was. A host calls it at each [`Action::Open`](super::Action::Open).
    pub fn interrupted(&mut self) {
        self.records.values_mut().for_each(|record| record.updated = None);
    }

    /// Takes in a `groupStateUpdate` at `now_ms`; says which connections' states have changed.
    pub fn update(&mut self, now_ms: u64, items: Vec<StateItem>) -> Vec<String> {
        let changed = items.into_iter().filter_map(|item| self.set(item, Some(now_ms))).collect();
        self.forget_cleared();
        changed
    }

    /// Takes in a `groupStateSnapshot` at `now_ms`, which holds all states that are set; says which connections' states
    /// have changed.
    pub fn snapshot(&mut self, now_ms: u64, items: Vec<StateItem>) -> Vec<String> {
        let listed: BTreeSet<String> = items.iter().map(|item| item.connection_id.clone()).collect();
        let mut changed: Vec<String> = items.into_iter().filter_map(|item| self.set(item, None)).collect();
        let oldest = now_ms.saturating_sub(PROTECTED_MS);
        self.records.retain(|id, record| {
            let stays = listed.contains(id) || record.updated.is_some_and(|updated| updated > oldest);
            if !stays && record.item.state.is_some() {
                changed.push(id.clone());
            }
            stays
        });
        self.forget_cleared();
        changed
    }

    /// Keeps what is newer; says whose state it is when that has changed anything.
    fn set(&mut self, item: StateItem, updated: Option<u64>) -> Option<String> {
        let id = item.connection_id.clone();
        let before = self.records.get(&id);
        if before.is_some_and(|before| before.item.updated_at >= item.updated_at) {
            return None;
        }
        let is_change = before.map(|before| &before.item.state) != Some(&item.state);
        // That a state which nobody knew was cleared is no news.
        let is_news = before.is_some_and(|before| before.item.state.is_some()) || item.state.is_some();
        self.records.insert(id.clone(), Record { item, updated });
        (is_change && is_news).then_some(id)
    }

    fn forget_cleared(&mut self) {
        let is_cleared = |record: &&Record| record.item.state.is_none();
        let mut cleared: Vec<(u64, String)> = self
            .records
            .values()
            .filter(is_cleared)
            .map(|record| (record.item.updated_at, record.item.connection_id.clone()))
            .collect();
        cleared.sort_unstable();
        let over = cleared.len().saturating_sub(MAX_CLEARED);
        for (_, id) in cleared.into_iter().take(over) {
            self.records.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, state: Option<&str>, updated_at: u64) -> StateItem {
        let state = state.map(|text| BTreeMap::from([("activity".to_owned(), text.to_owned())]));
        StateItem { connection_id: id.to_owned(), user_id: None, state, updated_at }
    }

    fn known(states: &GroupStates) -> Vec<(&str, u64)> {
        states.iter().map(|item| (item.connection_id.as_str(), item.updated_at)).collect()
    }

    #[test]
    fn the_newer_state_counts_however_it_comes() {
        let mut states = GroupStates::default();
        assert_eq!(states.snapshot(0, vec![item("a", Some("x"), 10), item("b", Some("x"), 10)]), ["a", "b"]);
        assert_eq!(states.update(0, vec![item("a", Some("old"), 9), item("b", Some("y"), 11)]), ["b"]);
        assert_eq!(states.update(0, vec![item("b", None, 12)]), ["b"]);
        // What was cleared does not come back by an update that was under way.
        assert_eq!(states.update(0, vec![item("b", Some("y"), 11)]), Vec::<String>::new());
        assert_eq!(known(&states), [("a", 10)]);
        assert_eq!(states.update(0, vec![item("c", None, 1)]), Vec::<String>::new());
    }

    #[test]
    fn a_snapshot_drops_what_it_lacks_but_not_what_may_be_newer() {
        let mut states = GroupStates::default();
        states.snapshot(0, vec![item("a", Some("x"), 10)]);
        states.update(1_000, vec![item("b", Some("x"), 11)]);
        assert_eq!(states.snapshot(300_000, vec![]), ["a"]);
        assert_eq!(known(&states), [("b", 11)]);
        assert_eq!(states.snapshot(301_000, vec![]), ["b"]);
        assert_eq!(known(&states), []);
    }

    #[test]
    fn after_an_interruption_the_snapshot_has_the_last_word() {
        let mut states = GroupStates::default();
        states.update(0, vec![item("a", Some("x"), 10), item("b", None, 10)]);
        states.interrupted();
        assert_eq!(states.snapshot(1_000, vec![]), ["a"]);
        assert_eq!(known(&states), []);
    }

    #[test]
    fn the_latest_two_hundred_cleared_states_are_remembered() {
        let mut states = GroupStates::default();
        for nth in 1..=1000 {
            states.update(0, vec![item(&nth.to_string(), None, nth)]);
        }
        assert_eq!(states.records.len(), 200);
        assert_eq!(states.update(0, vec![item("1000", Some("late"), 999)]), Vec::<String>::new());
    }
}
