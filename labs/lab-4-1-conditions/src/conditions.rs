//! Tasks 2 to 5: what the three conditions say.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use postgres_operator::{api::Database, apply::Outcome, conditions::Verdict, lab::attempt, reason::Reason};

/// Given: the three conditions after a pass.
pub fn conditions(db: &Database, outcome: &Outcome, now: Timestamp) -> Vec<Condition> {
    let verdicts = [
        attempt("Ready", || ready(db, outcome)),
        attempt("Progressing", || progressing(db, outcome)),
        attempt("Failed", || failed(outcome)),
    ];
    verdicts.into_iter().map(|verdict| stamp(verdict, db, now)).collect()
}

/// Task 2: dates a verdict, and says which generation of the spec it speaks of.
///
/// - `db.conditions()` are the conditions that the status has now.
/// - Every field of a `Condition` gets a value.
pub fn stamp(verdict: Verdict, db: &Database, now: Timestamp) -> Condition {
    todo!("task 2: date the verdict")
}

/// Task 3: Ready is True when every server of the current spec answers.
///
/// - `outcome.stateful_set` is the StatefulSet after this pass, `outcome.blocked` is what stood in its way.
/// - Use `Reason::ReplicasReady` and `Reason::ReplicasNotReady`, or the reason of what blocks.
pub fn ready(db: &Database, outcome: &Outcome) -> Verdict {
    todo!("task 3: say when the database is ready")
}

/// Task 4: Progressing is True while something is under way.
///
/// - `Reason::ApplyingChildren`, `Reason::RollingOut`, `Reason::WaitingForReplicas`, and at the end `Reason::Settled`.
pub fn progressing(db: &Database, outcome: &Outcome) -> Verdict {
    todo!("task 4: say what is under way")
}

/// Task 5: Failed is True when something stands in the way.
///
/// - `outcome.blocked` knows its reason and prints as a message.
pub fn failed(outcome: &Outcome) -> Verdict {
    todo!("task 5: say what stands in the way")
}
