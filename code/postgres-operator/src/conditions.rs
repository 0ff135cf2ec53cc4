//! Conditions: from what a pass found to Ready, Progressing and Failed. Pure.

use crate::{api::Database, apply::Outcome, cleanup::Step, external::login::Login, reason::Reason};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What a condition says, before it is dated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Type of the condition.
    pub type_: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// Why.
    pub reason: Reason,
    /// The same for a person. Stable: equal situations give equal text.
    pub message: String,
}

impl Verdict {
    /// It holds.
    pub fn yes(type_: &'static str, reason: Reason, message: impl Into<String>) -> Self {
        Self { type_, status: "True", reason, message: message.into() }
    }

    /// It does not hold.
    pub fn no(type_: &'static str, reason: Reason, message: impl Into<String>) -> Self {
        Self { type_, status: "False", reason, message: message.into() }
    }

    /// Nobody knows.
    pub fn unknown(type_: &'static str, reason: Reason, message: impl Into<String>) -> Self {
        Self { type_, status: "Unknown", reason, message: message.into() }
    }
}

/// The three conditions of a Database after a pass.
// ANCHOR: conditions
pub fn conditions(db: &Database, outcome: &Outcome, now: Timestamp) -> Vec<Condition> {
    [ready(db, outcome), progressing(db, outcome), failed(outcome)]
        .into_iter()
        .map(|verdict| stamp(verdict, db, now))
        .collect()
}
// ANCHOR_END: conditions

/// The three conditions of a Database that is being deleted.
pub fn deleting(db: &Database, step: &Step, now: Timestamp) -> Vec<Condition> {
    let gone = Verdict::no("Ready", Reason::Deleting, "the Database is being deleted");
    let (progressing, failed) = match step {
        Step::Blocked(blocked) => (
            Verdict::no("Progressing", blocked.reason(), "blocked, see Failed"),
            Verdict::yes("Failed", blocked.reason(), blocked.to_string()),
        ),
        step => {
            let (reason, message) = step.told();
            let none = Verdict::no("Failed", Reason::NoFailure, "nothing stands in the way");
            (Verdict::yes("Progressing", reason, message), none)
        }
    };
    [gone, progressing, failed].into_iter().map(|verdict| stamp(verdict, db, now)).collect()
}

/// Ready: every server of the *current* spec answers.
// ANCHOR: ready
fn ready(db: &Database, outcome: &Outcome) -> Verdict {
    if let Some(blocked) = &outcome.blocked {
        return Verdict::no("Ready", blocked.reason(), blocked.to_string());
    }
    let rollout = Rollout::of(db, outcome.stateful_set.as_deref());
    if !rollout.is_complete() {
        return Verdict::no("Ready", Reason::ReplicasNotReady, rollout.told());
    }
    match &outcome.login {
        Some(Login::Accepted { .. }) => Verdict::yes("Ready", Reason::ReplicasReady, rollout.told()),
        Some(Login::NoAnswer) => Verdict::no("Ready", Reason::NoAnswer, "PostgreSQL does not answer"),
        _ => Verdict::no("Ready", Reason::VerifyingLogin, "the application's login is being tried"),
    }
}
// ANCHOR_END: ready

/// Progressing: something is under way, and what. False when all is done, or when nothing is tried because something is in the
/// way. A server that cannot start is still being tried, with an image that cannot be pulled for example: then it is True beside
/// Failed.
// ANCHOR: progressing
fn progressing(db: &Database, outcome: &Outcome) -> Verdict {
    if let Some(blocked) = &outcome.blocked {
        return Verdict::no("Progressing", blocked.reason(), "blocked, see Failed");
    }
    let rollout = Rollout::of(db, outcome.stateful_set.as_deref());
    if !rollout.seen {
        Verdict::yes("Progressing", Reason::ApplyingChildren, "the StatefulSet is being brought to the spec")
    } else if rollout.updated < rollout.wanted {
        Verdict::yes("Progressing", Reason::RollingOut, rollout.told())
    } else if !rollout.is_complete() {
        Verdict::yes("Progressing", Reason::WaitingForReplicas, rollout.told())
    } else if !matches!(outcome.login, Some(Login::Accepted { .. })) {
        Verdict::yes("Progressing", Reason::VerifyingLogin, "the application's login is being tried")
    } else {
        Verdict::no("Progressing", Reason::Settled, "nothing is under way")
    }
}
// ANCHOR_END: progressing

/// Failed: somebody has to act, or a retry has to succeed. Waiting is not failing.
// ANCHOR: failed
fn failed(outcome: &Outcome) -> Verdict {
    match (&outcome.blocked, &outcome.trouble) {
        (Some(blocked), _) => Verdict::yes("Failed", blocked.reason(), blocked.to_string()),
        (None, Some(trouble)) => Verdict::yes("Failed", trouble.reason, &trouble.message),
        (None, None) => Verdict::no("Failed", Reason::NoFailure, "nothing stands in the way"),
    }
}
// ANCHOR_END: failed

/// How far the servers are, compared with what the Database asks for.
// ANCHOR: rollout
pub struct Rollout {
    wanted: i32,
    /// The StatefulSet controller has seen the latest StatefulSet: only then do its numbers speak of it.
    seen: bool,
    total: i32,
    updated: i32,
    ready: i32,
}

impl Rollout {
    /// What the StatefulSet says of itself; nothing yet, if there is none.
    pub fn of(db: &Database, set: Option<&StatefulSet>) -> Self {
        let status = set.and_then(|set| set.status.as_ref());
        let observed = status.and_then(|status| status.observed_generation);
        Self {
            wanted: db.spec.replicas,
            seen: set.is_some_and(|set| observed.is_some() && observed >= set.metadata.generation),
            total: status.map_or(0, |status| status.replicas),
            updated: status.and_then(|status| status.updated_replicas).unwrap_or(0),
            ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
        }
    }

    /// Every server of the current spec answers, and no other is left.
    pub fn is_complete(&self) -> bool {
        self.seen && [self.total, self.updated, self.ready] == [self.wanted; 3]
    }

    fn told(&self) -> String {
        let Self { wanted, total, updated, ready, .. } = self;
        if updated < wanted {
            format!("{ready} servers are ready, {updated} of {wanted} run the current spec")
        } else if total > wanted {
            format!("{total} servers are there, {wanted} are wanted")
        } else {
            format!("{ready} of {wanted} servers are ready")
        }
    }
}
// ANCHOR_END: rollout

/// Number of servers that answer, for the status.
pub fn ready_replicas(outcome: &Outcome) -> i32 {
    let status = outcome.stateful_set.as_ref().and_then(|set| set.status.as_ref());
    status.and_then(|status| status.ready_replicas).unwrap_or(0)
}

/// Dates a verdict. The time is that of the last change of the *status*, so it is kept while only words change.
// ANCHOR: stamp
pub(crate) fn stamp(verdict: Verdict, db: &Database, now: Timestamp) -> Condition {
    let before = db.conditions().iter().find(|condition| condition.type_ == verdict.type_);
    let since = match before {
        Some(before) if before.status == verdict.status => before.last_transition_time.clone(),
        _ => Time(now),
    };
    Condition {
        type_: verdict.type_.to_owned(),
        status: verdict.status.to_owned(),
        reason: verdict.reason.to_string(),
        message: verdict.message,
        observed_generation: db.metadata.generation,
        last_transition_time: since,
    }
}
// ANCHOR_END: stamp

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
