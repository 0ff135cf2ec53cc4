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
///
/// - `plan.blocked` is what stands in the way; `plan.steps` are the writes that are missing, in order, and `Step::phase` is the
///   phase that each belongs to on the way up.
/// - `observed.stateful_set` are the servers: none on the way up, until they are made. Once they are there, a missing step is an
///   update.
/// - `observed.trouble()` is what keeps a pod from starting, `is_replacing` tells a rollout, `Rollout::of(…).is_complete()` its
///   end, and `observed.is_verified()` whether the application's login worked in this pass.
pub fn derive(db: &Database, observed: &Observed, plan: &Plan) -> Phase {
    todo!("task 1: derive the phase")
}

/// Task 2: the phase, and the work that leads to the next one.
///
/// - `plan(db, observed)?` gives the plan.
/// - While the finalizer is not on, the work is to add it, whatever else is missing. The phase is then `Pending` if
///   `observed.is_nothing()`, and the derived one otherwise.
/// - On the way up only the steps of the phase are its work, so that each phase is reported before its work is done. In
///   `Updating` it is all of them. Steps that belong to no phase are due in every phase.
/// - In `Verifying`, with no steps and nobody asked yet in this pass, the work is to ask.
pub fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
    todo!("task 2: decide what to do")
}
