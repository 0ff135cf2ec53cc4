//! One pass over a Database that is being deleted.

use crate::{
    api::Database,
    cleanup::{LOOK_AGAIN, Step, carry_out, look, next_step, still_deleted, tell},
    context::Context,
    error::Error,
    finalizer,
};
use kube::runtime::{controller::Action, reflector::ObjectRef};
use std::sync::Arc;

/// More rounds than any cleanup has steps.
const MOST_ROUNDS: usize = 32;

// ANCHOR: clean-up
/// One pass over a Database that is being deleted: as many steps as do not have to wait.
pub async fn clean_up(db: Arc<Database>, ctx: &Context) -> Result<Action, Error> {
    if !finalizer::is_on(&db) {
        // Our part is done, or never began. Others may still hold the object.
        ctx.forget(&db);
        return Ok(Action::requeue(ctx.requeue_after()));
    }
    // The cache may show an earlier object of the same name. What follows cannot be undone.
    let mut db = still_deleted(&db, ctx).await?;
    for _ in 0..MOST_ROUNDS {
        let step = next_step(&look(&db, ctx).await?);
        tracing::debug!(?step, "cleanup");
        db = tell(db, &step, ctx).await?;
        match step {
            Step::Release => {
                finalizer::remove(&db, ctx).await?;
                ctx.forget(&db);
                return Ok(Action::await_change());
            }
            Step::Wait(_) => return Ok(Action::requeue(LOOK_AGAIN)),
            Step::Blocked(_) => return Ok(Action::requeue(ctx.backoff.next(&db))),
            // That it has been started says nothing about how it ends: the delay after a failure goes on growing.
            Step::StartBackup => carry_out(Step::StartBackup, &db, ctx).await?,
            step => {
                carry_out(step, &db, ctx).await?;
                ctx.backoff.clear(&ObjectRef::from_obj(db.as_ref()));
            }
        }
    }
    Err(Error::Unsettled)
}
// ANCHOR_END: clean-up

#[cfg(test)]
#[path = "pass_tests.rs"]
mod tests;
