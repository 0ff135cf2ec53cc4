//! Task 3: the loop.

use crate::{apply::apply, memory::Memory, phase::decide, verify::ask};
use jiff::Timestamp;
use kube::runtime::controller::Action;
use postgres_operator::{
    api::Database,
    apply::Outcome,
    context::Context,
    decide::Work,
    error::Error,
    events,
    external::login::Login,
    finalizer,
    observe::observe,
    phase::Phase,
    reconcile::next as when_settled,
    report::{report, status},
};
use std::sync::Arc;

/// More rounds than any way through the phases has.
const MOST_ROUNDS: usize = 12;

/// Task 3: one pass over one Database.
///
/// - One that is being deleted: `memory.forget(&db)`, and the rest is for `solution_4_3_watches::reconcile::reconcile`.
/// - `observe` once. Then, round by round: decide, tell the phase, do the work. The answers to the work go into what is observed,
///   so the next round decides on them.
/// - The first round tells nothing if its work `is_another_try`.
/// - With nothing left to do, `next` says when to look again. After `MOST_ROUNDS` rounds the pass is `Error::Unsettled`.
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>, memory: &Memory) -> Result<Action, Error> {
    todo!("task 3: go through the phases")
}

/// Task 3: when to look again if nothing happens before.
///
/// - After a pass that is blocked, or got no answer: when `memory.failed` says.
/// - Else note the success, and leave the rest to `when_settled`.
pub fn next(db: &Database, outcome: &Outcome, ctx: &Context, memory: &Memory) -> Action {
    todo!("task 3: say when to look again")
}

/// Given: reports where the Database stands, and gives it back as it is then.
pub async fn tell(
    db: Arc<Database>,
    phase: Phase,
    outcome: &Outcome,
    ctx: &Context,
) -> Result<Arc<Database>, Error> {
    let said = status(&db, phase, outcome, Timestamp::now());
    let before = db.clone();
    let db = report(db, &said, ctx).await?;
    events::tell(&before, &db, ctx).await;
    Ok(db)
}
