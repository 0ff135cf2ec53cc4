//! Decide: the phase that a Database is in, and the work that leads to the next one. Pure.

use crate::{
    api::Database,
    blocked::Blocked,
    conditions::Rollout,
    error::Error,
    external::login::Login,
    finalizer,
    observe::Observed,
    phase::Phase,
    plan::{Plan, Step, plan},
    reason::Reason,
};
use k8s_openapi::api::apps::v1::StatefulSet;

/// What to do in one round of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Put the finalizer on the Database, before anything exists that it stands for.
    AddFinalizer,
    /// Write what is missing for this phase.
    Steps(Vec<Step>),
    /// Try the application's login.
    Ask,
    /// Nothing to do but to wait for the next event.
    Nothing,
}

impl Work {
    /// Whether this is the same work once more, and how it ends is not known yet: the login of a Database that was found Ready,
    /// as at each start of the operator, or what failed before. There is no news then, and the status goes on saying what it
    /// said: a report of hope on each try would make it flap.
    pub fn is_another_try(&self, db: &Database) -> bool {
        match self {
            Self::Ask => was_ready_or_silent(db) || db.says("Failed"),
            Self::Steps(_) => db.says("Failed"),
            Self::AddFinalizer | Self::Nothing => false,
        }
    }
}

/// Whether the last word was of a login that worked, for whatever generation, or of a server that does not answer.
fn was_ready_or_silent(db: &Database) -> bool {
    let silent = Reason::NoAnswer.to_string();
    db.conditions().iter().any(|it| it.type_ == "Ready" && (it.status == "True" || it.reason == silent))
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Where the Database stands.
    pub phase: Phase,
    /// What to do now.
    pub work: Work,
    /// What stands in the way. Then there is nothing to do.
    pub blocked: Option<Blocked>,
}

/// Decides on one round.
// ANCHOR: decide
pub fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
    let plan = plan(db, observed)?;
    if !finalizer::is_on(db) {
        // Usually nothing exists yet; but somebody may have taken the finalizer off.
        let phase = if observed.is_nothing() { Phase::Pending } else { derive(db, observed, &plan) };
        return Ok(Decision { phase, work: Work::AddFinalizer, blocked: None });
    }
    let phase = derive(db, observed, &plan);
    let steps: Vec<Step> = plan.steps.into_iter().filter(|step| belongs(step, phase)).collect();
    let work = match (steps.is_empty(), phase) {
        (false, _) => Work::Steps(steps),
        // An answer that was no answer is not asked for again in the same pass.
        (true, Phase::Verifying) if observed.login != Some(Login::NoAnswer) => Work::Ask,
        // Who waits for a standby, or for a volume that cannot grow, wants a changed password to work all the same.
        (true, Phase::Updating | Phase::Deploying | Phase::Failed)
            if observed.may_ask(db, plan.blocked.as_ref()) =>
        {
            Work::Ask
        }
        (true, _) => Work::Nothing,
    };
    Ok(Decision { phase, work, blocked: plan.blocked })
}
// ANCHOR_END: decide

/// On the way to the first servers each phase has its own steps; once servers run, all that is missing is one update.
fn belongs(step: &Step, phase: Phase) -> bool {
    phase == Phase::Updating || step.phase().is_none_or(|of| of == phase)
}

/// The phase that a Database is in. Pure: the same observations give the same phase, whatever the status says.
// ANCHOR: derive
pub fn derive(db: &Database, observed: &Observed, plan: &Plan) -> Phase {
    if plan.blocked.is_some() {
        return Phase::Failed;
    }
    let missing = plan.steps.iter().find_map(Step::phase);
    match (observed.stateful_set.as_deref(), missing) {
        (None, missing) => missing.unwrap_or(Phase::Deploying),
        (Some(_), Some(_)) => Phase::Updating,
        // The change waits until PostgreSQL can be asked about it.
        (Some(_), None) if observed.unasked => Phase::Updating,
        (Some(_), None) if observed.trouble().is_some() => Phase::Failed,
        (Some(set), None) if is_replacing(set) => Phase::Updating,
        (Some(set), None) if !Rollout::of(db, Some(set)).is_complete() => Phase::Deploying,
        (Some(_), None) if !observed.is_verified() => Phase::Verifying,
        (Some(_), None) => Phase::Ready,
    }
}
// ANCHOR_END: derive

/// Whether running pods are being replaced by those of a newer spec. The first pods have no predecessors: both revisions
/// are then the same.
pub fn is_replacing(set: &StatefulSet) -> bool {
    let Some(status) = &set.status else { return false };
    let changed = status.current_revision != status.update_revision;
    let unseen = status.observed_generation < set.metadata.generation && status.observed_generation.is_some();
    changed || unseen
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
