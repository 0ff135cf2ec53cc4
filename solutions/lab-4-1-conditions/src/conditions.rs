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
// ANCHOR: solution-stamp
pub fn stamp(verdict: Verdict, db: &Database, now: Timestamp) -> Condition {
    let previous = db.conditions().iter().find(|condition| condition.type_ == verdict.type_);
    let unchanged = previous.filter(|previous| previous.status == verdict.status);
    Condition {
        last_transition_time: unchanged.map_or(Time(now), |previous| previous.last_transition_time.clone()),
        observed_generation: db.metadata.generation,
        type_: verdict.type_.into(),
        status: verdict.status.into(),
        reason: verdict.reason.to_string(),
        message: verdict.message,
    }
}
// ANCHOR_END: solution-stamp

/// Task 3: Ready is True when every server of the current spec answers.
// ANCHOR: solution-ready
pub fn ready(db: &Database, outcome: &Outcome) -> Verdict {
    if let Some(blocked) = &outcome.blocked {
        return Verdict::no("Ready", blocked.reason(), blocked.to_string());
    }
    let message = match current_status(outcome) {
        Some(status) => format!(
            "{} of {} servers are ready, {} run the current spec",
            status.ready_replicas.unwrap_or(0),
            db.spec.replicas,
            status.updated_replicas.unwrap_or(0),
        ),
        None => "the current spec has not been looked at yet".to_owned(),
    };
    if is_complete(db, outcome) {
        Verdict::yes("Ready", Reason::ReplicasReady, message)
    } else {
        Verdict::no("Ready", Reason::ReplicasNotReady, message)
    }
}
// ANCHOR_END: solution-ready

/// Task 4: Progressing is True while something is under way.
// ANCHOR: solution-progressing
pub fn progressing(db: &Database, outcome: &Outcome) -> Verdict {
    let says = |reason, message: &str| Verdict::yes("Progressing", reason, message);
    if let Some(blocked) = &outcome.blocked {
        return Verdict::no("Progressing", blocked.reason(), "blocked, see Failed");
    }
    match current_status(outcome) {
        _ if is_complete(db, outcome) => Verdict::no("Progressing", Reason::Settled, "nothing is under way"),
        None => says(Reason::ApplyingChildren, "the StatefulSet is being brought to the spec"),
        Some(status) if status.updated_replicas.unwrap_or(0) < db.spec.replicas => {
            says(Reason::RollingOut, "servers are being replaced")
        }
        Some(_) => says(Reason::WaitingForReplicas, "servers are starting or stopping"),
    }
}
// ANCHOR_END: solution-progressing

/// Task 5: Failed is True when something stands in the way.
pub fn failed(outcome: &Outcome) -> Verdict {
    match &outcome.blocked {
        Some(blocked) => Verdict::yes("Failed", blocked.reason(), blocked.to_string()),
        None => Verdict::no("Failed", Reason::NoFailure, "nothing stands in the way"),
    }
}

/// The StatefulSet's status, if it speaks of the StatefulSet as it is now and not of an earlier one.
// ANCHOR: solution-current-status
pub fn current_status(outcome: &Outcome) -> Option<&StatefulSetStatus> {
    let set = outcome.stateful_set.as_deref()?;
    set.status.as_ref().filter(|status| status.observed_generation >= set.metadata.generation)
}
// ANCHOR_END: solution-current-status

fn is_complete(db: &Database, outcome: &Outcome) -> bool {
    let wanted = db.spec.replicas;
    current_status(outcome).is_some_and(|status| {
        status.replicas == wanted
            && status.updated_replicas == Some(wanted)
            && status.ready_replicas == Some(wanted)
    })
}
