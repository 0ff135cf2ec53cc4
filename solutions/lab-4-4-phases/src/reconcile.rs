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
// ANCHOR: solution-phases
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>, memory: &Memory) -> Result<Action, Error> {
    if db.metadata.deletion_timestamp.is_some() {
        memory.forget(&db);
        return solution_4_3_watches::reconcile::reconcile(db, ctx).await;
    }
    let mut db = db;
    let mut observed = observe(&db, &ctx).await?;
    for round in 0..MOST_ROUNDS {
        let decision = decide(&db, &observed)?;
        let outcome = Outcome::of(&observed, decision.blocked);
        // What is tried once more is no news before it is known how it ends.
        if round > 0 || !decision.work.is_another_try(&db) {
            db = tell(db, decision.phase, &outcome, &ctx).await?;
        }
        match decision.work {
            Work::AddFinalizer => db = finalizer::add(&db, &ctx).await?,
            Work::Steps(steps) => apply(&steps, &db, &mut observed, &ctx).await?,
            Work::Ask => observed.login = Some(ask(&db, &observed, &ctx, memory).await),
            Work::Nothing => return Ok(next(&db, &outcome, &ctx, memory)),
        }
    }
    Err(Error::Unsettled)
}
// ANCHOR_END: solution-phases

/// Task 3: when to look again if nothing happens before.
// ANCHOR: solution-next
pub fn next(db: &Database, outcome: &Outcome, ctx: &Context, memory: &Memory) -> Action {
    if outcome.blocked.is_some() || outcome.login == Some(Login::NoAnswer) {
        return Action::requeue(memory.failed(db));
    }
    memory.succeeded(db);
    when_settled(db, outcome, ctx)
}
// ANCHOR_END: solution-next

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
