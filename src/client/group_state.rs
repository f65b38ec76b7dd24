//! The states that connections have set in a group, as a subscriber knows them.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::GroupStateItem;

/// How many cleared states are remembered, so that an old update does not bring one back.
const MAX_CLEARED: usize = 200;

/// What is known of the states in one group. Snapshots and updates may come in any order and more than once.
#[derive(Debug, Default)]
pub struct GroupStates {
    records: BTreeMap<String, Record>,
}

#[derive(Debug)]
struct Record {
    item: GroupStateItem<'static>,
    /// Whether it came by an update, and none was missed since: a snapshot that lacks it may be older.
    is_live: bool,
}

impl GroupStates {
    /// All states that are set, by connection id.
    pub fn iter(&self) -> impl Iterator<Item = &GroupStateItem<'static>> {
        self.records.values().map(|record| &record.item).filter(|item| item.state.is_some())
    }

    /// Takes in a `groupStateUpdate`; says which connections' states have changed.
    pub fn update(&mut self, items: Vec<GroupStateItem<'_>>) -> Vec<String> {
        let changed = items.into_iter().filter_map(|item| self.set(item, true)).collect();
        self.forget_cleared();
        changed
    }

    /// Takes in a `groupStateSnapshot`, which holds all states that are set; says which connections' states have
    /// changed.
    pub fn snapshot(&mut self, items: Vec<GroupStateItem<'_>>) -> Vec<String> {
        let listed: BTreeSet<String> = items.iter().map(|item| item.connection_id.to_string()).collect();
        let mut changed: Vec<String> = items.into_iter().filter_map(|item| self.set(item, false)).collect();
        self.records.retain(|id, record| {
            let stays = listed.contains(id) || record.is_live;
            if !stays && record.item.state.is_some() {
                changed.push(id.clone());
            }
            stays
        });
        self.forget_cleared();
        changed
    }

    /// Updates may have been missed: the connection was lost, or the end of a subscription was acknowledged while the
    /// next one is asked for already. Then the next snapshot alone tells who still has a state.
    pub fn missed_updates(&mut self) {
        self.records.values_mut().for_each(|record| record.is_live = false);
    }

    /// Keeps what is newer; says whose state it is when that has changed anything.
    fn set(&mut self, item: GroupStateItem<'_>, is_live: bool) -> Option<String> {
        let id = item.connection_id.to_string();
        let before = self.records.get(&id);
        if before.is_some_and(|before| before.item.updated_at >= item.updated_at) {
            return None;
        }
        let is_change = before.map(|before| &before.item.state) != Some(&item.state);
        // That a state which nobody knew was cleared is no news.
        let is_news = before.is_some_and(|before| before.item.state.is_some()) || item.state.is_some();
        self.records.insert(id.clone(), Record { item: item.into_owned(), is_live });
        (is_change && is_news).then_some(id)
    }

    fn forget_cleared(&mut self) {
        let is_cleared = |record: &&Record| record.item.state.is_none();
        let mut cleared: Vec<(u64, String)> = self
            .records
            .values()
            .filter(is_cleared)
            .map(|record| (record.item.updated_at, record.item.connection_id.to_string()))
            .collect();
        cleared.sort_unstable();
        let over = cleared.len().saturating_sub(MAX_CLEARED);
        for (_, id) in cleared.into_iter().take(over) {
            self.records.remove(&id);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn item<'a>(id: &'a str, state: Option<&'a str>, updated_at: u64) -> GroupStateItem<'a> {
        let state = state.map(|text| BTreeMap::from([("activity".into(), text.into())]));
        GroupStateItem { connection_id: id.into(), user_id: None, state, updated_at }
    }

    /// The items of a step, in which `#` stands for a number.
    fn items(step: &Value, number: u64) -> Vec<GroupStateItem<'_>> {
        let read = |item| -> GroupStateItem<'_> {
            let item: &Value = item;
            GroupStateItem {
                connection_id: item["connectionId"].as_str().unwrap().replace('#', &number.to_string()).into(),
                user_id: item["userId"].as_str().map(Into::into),
                state: item["state"].as_object().map(|state| {
                    state.iter().map(|(name, text)| (name.into(), text.as_str().unwrap().into())).collect()
                }),
                updated_at: item["updatedAt"].as_u64().unwrap_or(number),
            }
        };
        step.as_array().unwrap().iter().map(read).collect()
    }

    /// The same cases as in TypeScript: tests/client/group-state.test.mjs.
    #[test]
    fn shared_cases() {
        let table: Value = serde_json::from_str(include_str!("../../tests/vectors/group-state.json")).unwrap();
        for case in table["cases"].as_array().unwrap() {
            let mut states = GroupStates::default();
            for step in case["steps"].as_array().unwrap() {
                let (first, last) = (step["for"][0].as_u64().unwrap_or(0), step["for"][1].as_u64().unwrap_or(0));
                for number in first..=last {
                    if step["missed"] == true {
                        states.missed_updates();
                    } else if step["snapshot"].is_array() {
                        states.snapshot(items(&step["snapshot"], number));
                    } else {
                        states.update(items(&step["update"], number));
                    }
                }
                if let Some(expected) = step["known"].as_object() {
                    let known = states.iter().map(|item| (item.connection_id.to_string(), item.updated_at.into()));
                    assert_eq!(known.collect::<serde_json::Map<_, _>>(), *expected, "{}: {step}", case["name"]);
                }
            }
        }
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let mut states = GroupStates::default();
        assert_eq!(states.snapshot(vec![item("a", Some("x"), 10), item("b", Some("x"), 10)]), ["a", "b"]);
        assert_eq!(states.update(vec![item("a", Some("old"), 9), item("b", Some("y"), 11)]), ["b"]);
        assert_eq!(states.update(vec![item("b", Some("y"), 12)]), Vec::<String>::new());
        assert_eq!(states.update(vec![item("b", None, 13), item("c", None, 1)]), ["b"]);
        states.missed_updates();
        assert_eq!(states.snapshot(vec![]), ["a"]);
    }

    #[test]
    fn cleared_states_take_no_more_memory_than_two_hundred() {
        let mut states = GroupStates::default();
        for nth in 1..=1000 {
            states.update(vec![item(&nth.to_string(), None, nth)]);
        }
        assert_eq!(states.records.len(), 200);
    }
}
