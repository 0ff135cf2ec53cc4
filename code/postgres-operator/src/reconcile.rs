//! The loop: observe, decide, report, apply.

use crate::{
    api::Database,
    apply::{Outcome, apply},
    cleanup::clean_up,
    context::Context,
    decide::{Work, decide},
    error::Error,
    events,
    external::login::Login,
    finalizer,
    observe::observe,
    plan::plan,
    report::{report, status},
    verify::ask,
};
use jiff::Timestamp;
use kube::runtime::{controller::Action, reflector::ObjectRef};
use std::sync::Arc;

/// More rounds than any way through the phases has.
const MOST_ROUNDS: usize = 12;

/// One pass over one Database. It is right from any starting point, because it asks what there is and never what it did.
// ANCHOR: reconcile
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    if db.metadata.deletion_timestamp.is_some() {
        return clean_up(db, &ctx).await;
    }
    let mut db = db;
    let mut observed = observe(&db, &ctx).await?;
    for round in 0..MOST_ROUNDS {
        let decision = decide(&db, &observed)?;
        let outcome = Outcome::of(&observed, decision.blocked);
        if round > 0 || !decision.work.is_another_try(&db) {
            let said = status(&db, decision.phase, &outcome, Timestamp::now());
            let before = db.clone();
            db = report(db, &said, &ctx).await?;
            events::tell(&before, &db, &ctx).await;
        }
        match decision.work {
            Work::AddFinalizer => db = finalizer::add(&db, &ctx).await?,
            Work::Steps(steps) => apply(&steps, &db, &mut observed, &ctx).await?,
            Work::Ask => {
                observed.login = Some(ask(&db, &observed, &ctx).await);
                events::tell_of_password(&db, &observed, &ctx).await;
            }
            Work::Nothing => return Ok(next(&db, &outcome, &ctx)),
        }
    }
    Err(Error::Unsettled)
}
// ANCHOR_END: reconcile

/// Module 3's reconcile: brings the children to the spec, and tells nobody.
// ANCHOR: children
pub async fn children(db: &Database, ctx: &Context) -> Result<Outcome, Error> {
    let mut observed = observe(db, ctx).await?;
    let plan = plan(db, &observed)?;
    apply(&plan.steps, db, &mut observed, ctx).await?;
    let blocked = plan.blocked.or(observed.refused.clone());
    Ok(Outcome::of(&observed, blocked))
}
// ANCHOR_END: children

/// When to look again if nothing happens before. There is always a next time: a watch can miss an event, and what is
/// blocked or does not answer can come free without one.
// ANCHOR: next
pub fn next(db: &Database, outcome: &Outcome, ctx: &Context) -> Action {
    if outcome.blocked.is_some() || outcome.login == Some(Login::NoAnswer) {
        return Action::requeue(ctx.backoff.next(db));
    }
    ctx.backoff.clear(&ObjectRef::from_obj(db));
    Action::requeue(ctx.requeue_after())
}
// ANCHOR_END: next
