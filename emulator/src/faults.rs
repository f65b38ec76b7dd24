//! The faults that last, and the chance that decides whether a fault acts.

use serde::Serialize;

use crate::fault::{FaultTarget, FaultType, Injection};
use crate::limits::MAX_FAULTS;

/// The faults that are in force, oldest first.
#[derive(Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    last_id: u64,
}

struct Active {
    id: u64,
    /// `None` means every hub.
    hub: Option<String>,
    injection: Injection,
    chance: Chance,
    acted: u64,
    until: Option<u64>,
}

/// A fault that is in force, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The number that removes the fault.
    pub id: u64,
    /// The hub that it is for; every hub when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// What was asked for.
    #[serde(flatten)]
    pub injection: Injection,
    /// How often it has acted.
    pub acted: u64,
    /// How long it still lasts, if it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Puts a fault that was checked in force, and returns its id.
    pub(crate) fn add(&mut self, now: u64, hub: Option<&str>, injection: Injection) -> Result<u64, String> {
        if self.active.len() >= MAX_FAULTS {
            return Err(format!("There are {MAX_FAULTS} faults already. Remove some."));
        }
        self.last_id = self.last_id.saturating_add(1);
        self.active.push(Active {
            id: self.last_id,
            hub: hub.map(str::to_owned),
            chance: Chance::of(&injection),
            acted: 0,
            until: injection.duration_ms.map(|duration| now.saturating_add(duration)),
            injection,
        });
        Ok(self.last_id)
    }

    /// Returns the oldest fault of this type that `fits` and acts on the target, with its id. Counts that it acted.
    pub(crate) fn meet(
        &mut self,
        kind: FaultType,
        target: FaultTarget<'_>,
        fits: impl Fn(&Injection) -> bool,
    ) -> Option<(u64, Injection)> {
        let is_met = |fault: &mut Active| {
            fault.injection.kind == kind
                && fault.hub.as_deref().is_none_or(|hub| hub == target.hub)
                && fault.injection.count.is_none_or(|count| fault.acted < count)
                && fault.injection.is_for(target)
                && fits(&fault.injection)
                && fault.chance.hits()
        };
        let met = self.active.iter_mut().find_map(|fault| is_met(fault).then_some(fault))?;
        met.acted = met.acted.saturating_add(1);
        let (id, injection) = (met.id, met.injection.clone());
        if met.injection.count == Some(met.acted) && !holds_back(kind) {
            self.active.retain(|fault| fault.id != id);
        }
        Some((id, injection))
    }

    /// The faults for this hub; all of them when none is named.
    pub(crate) fn list(&self, now: u64, hub: Option<&str>) -> Vec<Listed> {
        let is_listed = |fault: &&Active| hub.is_none() || fault.hub.is_none() || fault.hub.as_deref() == hub;
        let listed = |fault: &Active| Listed {
            id: fault.id,
            hub: fault.hub.clone(),
            injection: fault.injection.clone(),
            acted: fault.acted,
            remaining_ms: fault.until.map(|until| until.saturating_sub(now)),
        };
        self.active.iter().filter(is_listed).map(listed).collect()
    }

    /// Says whether there was one.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.active.len();
        self.active.retain(|fault| fault.id != id);
        before != self.active.len()
    }

    /// Takes out the faults whose time is over, and returns their ids.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<u64> {
        let is_over = |fault: &Active| fault.until.is_some_and(|until| until <= now);
        self.active.extract_if(.., |fault| is_over(fault)).map(|fault| fault.id).collect()
    }

    /// Takes out the faults whose count is over, and whose end nothing waits for any more.
    pub(crate) fn end_spent(&mut self, is_waited_for: impl Fn(u64) -> bool) {
        let is_spent = |fault: &Active| fault.injection.count.is_some_and(|count| fault.acted >= count);
        self.active.retain(|fault| !is_spent(fault) || is_waited_for(fault.id));
    }

    /// When [`Faults::expire`] has something to do next.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        self.active.iter().filter_map(|fault| fault.until).min()
    }
}

/// Whether it stays in force when its count is over, because what it has met waits for its end.
fn holds_back(kind: FaultType) -> bool {
    matches!(kind, FaultType::HalfOpen | FaultType::PauseAcks | FaultType::SlowClient)
}

/// Decides at random whether a fault acts, with SplitMix64. Every seed is suitable.
pub(crate) struct Chance {
    state: u64,
    share: f64,
}

impl Chance {
    pub(crate) fn of(injection: &Injection) -> Chance {
        Chance { state: injection.seed.unwrap_or_default(), share: injection.share.unwrap_or(1.0) }
    }

    pub(crate) fn hits(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 53 bits are what a double holds exactly.
        (((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64) < self.share
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn injection(json: &str) -> Injection {
        serde_json::from_str(json).unwrap()
    }

    const TARGET: FaultTarget<'static> = FaultTarget { hub: "chat", connection_id: Some("c"), user_id: Some("ann") };

    #[test]
    fn a_share_acts_on_that_part_and_a_seed_repeats_it() {
        let hits = |json: &str| {
            let mut chance = Chance::of(&injection(json));
            (0..10_000).map(|_| chance.hits()).collect::<Vec<bool>>()
        };
        let third = hits(r#"{"type":"cut","share":0.3,"seed":5}"#);
        let count = third.iter().filter(|hit| **hit).count();
        assert!((2800..3200).contains(&count), "{count}");
        assert!(third == hits(r#"{"type":"cut","share":0.3,"seed":5}"#));
        assert!(third != hits(r#"{"type":"cut","share":0.3,"seed":6}"#));
        assert!(hits(r#"{"type":"cut"}"#).iter().all(|hit| *hit));
        assert!(hits(r#"{"type":"cut","share":0}"#).iter().all(|hit| !*hit));
    }

    #[test]
    fn a_fault_meets_whom_it_is_for() {
        for (hub, scope, meets) in [
            (None, "", true),
            (Some("chat"), "", true),
            (Some("other"), "", false),
            (None, r#","connectionId":"c""#, true),
            (None, r#","connectionId":"d""#, false),
            (None, r#","userId":"ann""#, true),
            (None, r#","userId":"bob""#, false),
        ] {
            let mut faults = Faults::default();
            faults.add(0, hub, injection(&format!(r#"{{"type":"cutOnFrame"{scope}}}"#))).unwrap();
            assert_eq!(faults.meet(FaultType::CutOnFrame, TARGET, |_| true).is_some(), meets, "{hub:?} {scope}");
            assert!(faults.meet(FaultType::Delay, TARGET, |_| true).is_none());
        }
    }

    #[test]
    fn a_fault_ends_by_its_count_or_its_duration() {
        let mut faults = Faults::default();
        faults.add(0, None, injection(r#"{"type":"duplicateAcks","count":2}"#)).unwrap();
        faults.add(0, None, injection(r#"{"type":"duplicateAcks","durationMs":10}"#)).unwrap();
        let mut met = || faults.meet(FaultType::DuplicateAcks, TARGET, |_| true).map(|(id, _)| id);
        assert_eq!([met(), met(), met()], [Some(1), Some(1), Some(2)]);
        assert_eq!(faults.wake_at(), Some(10));
        assert_eq!(faults.list(4, None).first().unwrap().remaining_ms, Some(6));
        assert!(faults.expire(9).is_empty());
        assert_eq!(faults.expire(10), [2]);
        assert!(faults.is_empty());
    }

    #[test]
    fn there_can_be_so_many_and_no_more() {
        let mut faults = Faults::default();
        for _ in 0..MAX_FAULTS {
            faults.add(0, None, injection(r#"{"type":"pauseAcks"}"#)).unwrap();
        }
        assert!(faults.add(0, None, injection(r#"{"type":"pauseAcks"}"#)).is_err());
        assert!(faults.remove(7) && !faults.remove(7));
        assert!(faults.add(0, None, injection(r#"{"type":"pauseAcks"}"#)).is_ok());
    }
}
