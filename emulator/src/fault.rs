//! What can be broken on purpose, how it is described, and whom it meets.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_SAFE_INTEGER;

/// A fault, as JSON describes it: a type, what belongs to the type, whom it meets, and how long it lasts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Injection {
    /// What to break.
    #[serde(rename = "type")]
    pub kind: FaultType,
    /// How long what it holds back is held back, in milliseconds: for `delay`, `delayAcks`, `reorderAcks` (1000 when
    /// nothing is said) and `delayAnswer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// Which frames: for `delay` and `halfOpen`; both ways when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// How many acks change places: for `reorderAcks`; 2 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// The HTTP status: for `answer`, and for `refuseConnection`, where it is 503 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The answer's `Retry-After`: for `answer` and `refuseConnection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
    /// Whether the operation is carried out although its caller is told otherwise: for `answer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_out: Option<bool>,
    /// Whether clients find their connections again: for `restart`; true when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_state: Option<bool>,
    /// Only this connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// Only the connections of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// How likely it meets each thing that it could meet, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Decides which ones: the same seed, the same ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How often it acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How long it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// What a fault breaks. Those that say "now" are over at once; the others last until their count or their duration is
/// over or they are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultType {
    /// Now: drops sockets as a broken network would. Reliable connections can be recovered.
    #[default]
    Cut,
    /// Now: drops every socket of the hub, as when the service restarts. Without its state nothing can be recovered.
    Restart,
    /// A frame, from or to a client, cuts its socket instead of arriving.
    CutOnFrame,
    /// From the first frame that it meets on, nothing arrives over the socket any more, and nobody is told. The sockets
    /// are cut when the fault ends.
    HalfOpen,
    /// Frames arrive late, in their order.
    Delay,
    /// Acks arrive late.
    DelayAcks,
    /// Acks arrive twice.
    DuplicateAcks,
    /// Acks arrive in another order.
    ReorderAcks,
    /// Acks are held back until the fault ends.
    PauseAcks,
    /// Frames pile up in the service as for a client that does not read, which the service bears up to its limits. They
    /// arrive when the fault ends.
    SlowClient,
    /// Clients that want a lost connection back are closed with 1008.
    RefuseRecovery,
    /// Upgrades are answered with a status, those that would recover a connection too.
    RefuseConnection,
    /// REST requests are answered with a status.
    Answer,
    /// REST requests are answered late.
    DelayAnswer,
}

/// The way that frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From the client to the service.
    FromClient,
    /// From the service to the client.
    ToClient,
    /// Both.
    Both,
}

impl Direction {
    pub(crate) fn is_up(self) -> bool {
        self != Direction::ToClient
    }

    pub(crate) fn is_down(self) -> bool {
        self != Direction::FromClient
    }
}

impl Injection {
    /// What is wrong with JSON that could not be read as a fault. A missing type is told with the types that there are.
    pub fn explain(problem: &serde_json::Error) -> String {
        let problem = problem.to_string();
        let types = serde_json::from_str::<FaultType>(r#"{"":null}"#).err().map(|error| error.to_string());
        match types.as_deref().and_then(|text| text.split_once(", expected ")) {
            Some((_, types)) if problem.starts_with("missing field `type`") => {
                let types = types.split_once(" at line").map_or(types, |(types, _)| types);
                format!("{problem}, which must be {types}")
            }
            _ => problem,
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// Which member does not belong, is missing or is out of range.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_members()?;
        let statuses: RangeInclusive<u16> = if self.kind == FaultType::Answer { 300..=599 } else { 400..=599 };
        if self.status.is_some_and(|status| !statuses.contains(&status)) {
            return Err(format!("status must be a whole number from {} to {}.", statuses.start(), statuses.end()));
        }
        if self.window.is_some_and(|window| !(2..=100).contains(&window)) {
            return Err("window must be a whole number from 2 to 100.".to_owned());
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("share must be a number from 0 to 1.".to_owned());
        }
        for (name, number) in [("seed", self.seed), ("count", self.count), ("durationMs", self.duration_ms)] {
            if number.is_some_and(|number| number > MAX_SAFE_INTEGER) {
                return Err(format!("{name} must be a whole number of at most {MAX_SAFE_INTEGER}."));
            }
        }
        if self.count == Some(0) {
            return Err("count must be a whole number from 1.".to_owned());
        }
        if self.connection_id.is_some() && self.user_id.is_some() {
            return Err("A fault takes connectionId or userId, not both.".to_owned());
        }
        Ok(())
    }

    fn check_members(&self) -> Result<(), String> {
        use FaultType::*;
        let is_now = matches!(self.kind, Cut | Restart);
        let is_http = matches!(self.kind, Answer | DelayAnswer);
        let needs = |types: &[FaultType]| types.contains(&self.kind);
        for (name, is_there, belongs, is_needed) in [
            ("ms", self.ms.is_some(), needs(&[Delay, DelayAcks, ReorderAcks, DelayAnswer]), self.kind != ReorderAcks),
            ("direction", self.direction.is_some(), needs(&[Delay, HalfOpen]), false),
            ("window", self.window.is_some(), needs(&[ReorderAcks]), false),
            ("status", self.status.is_some(), needs(&[Answer, RefuseConnection]), self.kind == Answer),
            ("retryAfterSeconds", self.retry_after_seconds.is_some(), needs(&[Answer, RefuseConnection]), false),
            ("carriedOut", self.carried_out.is_some(), needs(&[Answer]), false),
            ("keepState", self.keep_state.is_some(), needs(&[Restart]), false),
            ("connectionId", self.connection_id.is_some(), !is_http && self.kind != Restart, false),
            ("userId", self.user_id.is_some(), !is_http && self.kind != Restart, false),
            ("share", self.share.is_some(), self.kind != Restart, false),
            ("seed", self.seed.is_some(), self.kind != Restart, false),
            ("count", self.count.is_some(), !is_now, false),
            ("durationMs", self.duration_ms.is_some(), !is_now, false),
        ] {
            let kind = serde_json::to_string(&self.kind).unwrap_or_default();
            if is_there && !belongs {
                return Err(format!("A fault of type {kind} does not take {name}."));
            }
            if belongs && is_needed && !is_there {
                return Err(format!("A fault of type {kind} needs {name}."));
            }
        }
        Ok(())
    }

    /// Which frames it is for.
    pub(crate) fn way(&self) -> Direction {
        self.direction.unwrap_or(Direction::Both)
    }

    /// Returns true if the fault is for this target.
    pub(crate) fn is_for(&self, target: FaultTarget<'_>) -> bool {
        let is_same = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        is_same(&self.connection_id, target.connection_id) && is_same(&self.user_id, target.user_id)
    }
}

/// The hub, connection and user that a fault may affect. Unknown ones are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FaultTarget<'a> {
    pub(crate) hub: &'a str,
    pub(crate) connection_id: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<(), String> {
        serde_json::from_str::<Injection>(json).map_err(|error| Injection::explain(&error))?.check()
    }

    #[test]
    fn good_ones_are_taken_and_written_as_they_came() {
        for json in [
            r#"{"type":"cut"}"#,
            r#"{"type":"cut","userId":"ann","share":0.5,"seed":7}"#,
            r#"{"type":"restart","keepState":false}"#,
            r#"{"type":"cutOnFrame","connectionId":"c","share":0.01,"count":3,"durationMs":1000}"#,
            r#"{"type":"halfOpen","direction":"fromClient"}"#,
            r#"{"type":"delay","ms":5,"direction":"toClient"}"#,
            r#"{"type":"delayAcks","ms":0}"#,
            r#"{"type":"duplicateAcks"}"#,
            r#"{"type":"reorderAcks","ms":10,"window":3}"#,
            r#"{"type":"pauseAcks"}"#,
            r#"{"type":"slowClient"}"#,
            r#"{"type":"refuseRecovery"}"#,
            r#"{"type":"refuseConnection","status":503,"retryAfterSeconds":1}"#,
            r#"{"type":"answer","status":429,"retryAfterSeconds":1,"carriedOut":true}"#,
            r#"{"type":"delayAnswer","ms":10}"#,
        ] {
            assert_eq!(check(json), Ok(()), "{json}");
            let injection: Injection = serde_json::from_str(json).unwrap();
            let written: serde_json::Value = serde_json::to_value(&injection).unwrap();
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(json).unwrap());
        }
    }

    #[test]
    fn a_missing_type_is_told_with_all_types() {
        let problem = check("{}").unwrap_err();
        assert!(problem.starts_with("missing field `type`"), "{problem}");
        assert!(
            problem.contains("must be one of `cut`, `restart`, ") && problem.ends_with(", `delayAnswer`"),
            "{problem}"
        );
        assert!(!check(r#"{"type":"melt"}"#).unwrap_err().contains("must be"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, name) in [
            (r#"{}"#, "type"),
            (r#"{"type":"melt"}"#, "melt"),
            (r#"{"type":"cut","user":"ann"}"#, "user"),
            (r#"{"type":"cut","ms":1}"#, "ms"),
            (r#"{"type":"cut","count":1}"#, "count"),
            (r#"{"type":"cut","connectionId":"a","userId":"b"}"#, "connectionId"),
            (r#"{"type":"cut","share":1.1}"#, "share"),
            (r#"{"type":"pauseAcks","count":0}"#, "count"),
            (r#"{"type":"restart","userId":"b"}"#, "userId"),
            (r#"{"type":"delay"}"#, "needs ms"),
            (r#"{"type":"delay","ms":-1}"#, "-1"),
            (r#"{"type":"delay","ms":1,"direction":"up"}"#, "up"),
            (r#"{"type":"reorderAcks","window":1}"#, "window"),
            (r#"{"type":"answer"}"#, "needs status"),
            (r#"{"type":"answer","status":200}"#, "status"),
            (r#"{"type":"answer","status":500,"userId":"a"}"#, "userId"),
            (r#"{"type":"refuseConnection","status":302}"#, "status"),
            (
                r#"{"type":"cutOnFrame","seed":9007199254740992}"#,
                "seed must be a whole number of at most 90071992547409",
            ),
            (r#"{"type":"cutOnFrame","count":18446744073709551615}"#, "count must be a whole number of at most"),
            (r#"{"type":"cutOnFrame","durationMs":9007199254740992}"#, "durationMs must be a whole number of at most"),
        ] {
            let problem = check(json).unwrap_err();
            assert!(problem.contains(name), "{json}: {problem}");
        }
    }
}
