//! Tasks 2 and 3: the pass of lab 4.1 while the Database lives, and the cleanup once it is being deleted.

use crate::{cleanup::next_step, finalizer};
use kube::runtime::controller::Action;
use postgres_operator::{
    api::Database,
    cleanup::{LOOK_AGAIN, Step, carry_out, look, still_deleted, tell},
    context::Context,
    error::Error,
};
use solution_4_1_conditions::reconcile::reconcile as bring_to_spec;
use std::{sync::Arc, time::Duration};

/// Given: one pass over one Database.
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    if db.metadata.deletion_timestamp.is_some() { clean_up(db, &ctx).await } else { keep(db, ctx).await }
}

/// Task 2: a Database that lives. Nothing is made for it before the finalizer is on.
///
/// - `bring_to_spec` is the pass of lab 4.1. Give it the Database as it is after your write.
pub async fn keep(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    todo!("task 2: the finalizer first, then the children")
}

/// Task 3: a Database that is being deleted. One step a pass: the next pass looks again, and finds the one after it.
///
/// - Without the finalizer there is nothing to do: `ctx.forget(&db)`, and look again after `ctx.requeue_after()`.
/// - `still_deleted` asks the API server for the object that the cache has shown.
/// - `look` finds what is left, and your `next_step` says what to do about it.
pub async fn clean_up(db: Arc<Database>, ctx: &Context) -> Result<Action, Error> {
    todo!("task 3: find the next step of the cleanup")
}

/// Task 3: a step is told first, and then carried out.
///
/// - `tell` writes the status and returns the Database as it is then.
/// - `Step::Wait`: look again after `LOOK_AGAIN`. `Step::Blocked`: after `ctx.backoff.next(&db)`.
/// - `Step::Release`: take the finalizer off and `ctx.forget(&db)`; there is nothing more to come.
/// - Every other step: `carry_out`, and the next pass at once.
pub async fn take(step: Step, db: Arc<Database>, ctx: &Context) -> Result<Action, Error> {
    todo!("task 3: tell the step and carry it out")
}
