//! Tasks 1 and 2: where a Database stands, and what leads on from there. Both are pure.

use postgres_operator::{
    api::Database,
    conditions::Rollout,
    decide::{Decision, Work, is_replacing},
    error::Error,
    finalizer,
    observe::Observed,
    phase::Phase,
    plan::{Plan, Step, plan},
};

/// Task 1: the phase that a Database is in. The same observations give the same phase, whatever the status says.
// ANCHOR: solution-derive
pub fn derive(db: &Database, observed: &Observed, plan: &Plan) -> Phase {
    let missing = plan.steps.iter().find_map(Step::phase);
    if plan.blocked.is_some() {
        return Phase::Failed;
    }
    let Some(servers) = observed.stateful_set.as_deref() else {
        return missing.unwrap_or(Phase::Deploying);
    };
    if missing.is_some() {
        Phase::Updating
    } else if observed.trouble().is_some() {
        Phase::Failed
    } else if is_replacing(servers) {
        Phase::Updating
    } else if !Rollout::of(db, Some(servers)).is_complete() {
        Phase::Deploying
    } else if !observed.is_verified() {
        Phase::Verifying
    } else {
        Phase::Ready
    }
}
// ANCHOR_END: solution-derive

/// Task 2: the phase, and the work that leads to the next one.
// ANCHOR: solution-decide
pub fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
    let plan = plan(db, observed)?;
    let phase = derive(db, observed, &plan);
    if !finalizer::is_on(db) {
        let phase = if observed.is_nothing() { Phase::Pending } else { phase };
        return Ok(Decision { phase, work: Work::AddFinalizer, blocked: None });
    }
    // On the way up each phase has its own steps. An update is one phase, whatever it changes.
    let now = |step: &Step| phase == Phase::Updating || step.phase().is_none_or(|of| of == phase);
    let steps: Vec<Step> = plan.steps.into_iter().filter(now).collect();
    let work = if !steps.is_empty() {
        Work::Steps(steps)
    } else if phase == Phase::Verifying && observed.login.is_none() {
        Work::Ask
    } else {
        Work::Nothing
    };
    Ok(Decision { phase, work, blocked: plan.blocked })
}
// ANCHOR_END: solution-decide
