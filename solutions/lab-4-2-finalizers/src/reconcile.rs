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
// ANCHOR: solution-two-lives
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    if db.metadata.deletion_timestamp.is_some() { clean_up(db, &ctx).await } else { keep(db, ctx).await }
}

/// Task 2: a Database that lives. Nothing is made for it before the finalizer is on.
pub async fn keep(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    let db = if finalizer::is_on(&db) { db } else { finalizer::add(&db, &ctx).await? };
    bring_to_spec(db, ctx).await
}
// ANCHOR_END: solution-two-lives

/// Task 3: a Database that is being deleted. One step a pass: the next pass looks again, and finds the one after it.
// ANCHOR: solution-clean-up
pub async fn clean_up(db: Arc<Database>, ctx: &Context) -> Result<Action, Error> {
    if !finalizer::is_on(&db) {
        ctx.forget(&db);
        return Ok(Action::requeue(ctx.requeue_after()));
    }
    let db = still_deleted(&db, ctx).await?;
    let step = next_step(&look(&db, ctx).await?);
    take(step, db, ctx).await
}

/// A step is told first, and then carried out.
pub async fn take(step: Step, db: Arc<Database>, ctx: &Context) -> Result<Action, Error> {
    let db = tell(db, &step, ctx).await?;
    match step {
        Step::Wait(_) => Ok(Action::requeue(LOOK_AGAIN)),
        Step::Blocked(_) => Ok(Action::requeue(ctx.backoff.next(&db))),
        Step::Release => {
            finalizer::remove(&db, ctx).await?;
            ctx.forget(&db);
            Ok(Action::await_change())
        }
        step => {
            carry_out(step, &db, ctx).await?;
            Ok(Action::requeue(Duration::ZERO))
        }
    }
}
// ANCHOR_END: solution-clean-up
