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
    let blocked = plan.blocked.or_else(|| observed.unwritten());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::SecretKeyRef, blocked::Blocked, fake, resources::tests::database};

    #[tokio::test]
    async fn there_is_always_a_next_time_and_a_delay_grows_until_a_pass_ends_well() {
        let ctx = fake::context(fake::client(|_| None).0);
        let blocked = Some(Blocked::NameTaken { kind: "Service".into(), name: "orders".into() });
        for (outcome, failures) in [
            (Outcome { blocked, ..Outcome::default() }, 1),
            (Outcome { login: Some(Login::NoAnswer), ..Outcome::default() }, 1),
            (Outcome::default(), 0),
        ] {
            assert_ne!(next(&database(), &outcome, &ctx), Action::await_change(), "{outcome:?}");
            assert_eq!(ctx.backoff.retrying(), failures, "{outcome:?}");
        }
        let (interval, longest) = (ctx.requeue, ctx.requeue.mul_f64(1.1));
        assert!((0..50).all(|_| (interval..=longest).contains(&ctx.requeue_after())));
    }

    #[tokio::test]
    async fn a_read_that_fails_ends_the_pass_before_anything_is_said() {
        let (client, log) = fake::client(|_| Some(fake::refusal(500, "InternalError")));
        let mut db = database();
        db.spec.password_secret_ref = Some(SecretKeyRef { name: "own".into(), key: "pw".into() });
        let ended = reconcile(Arc::new(db), Arc::new(fake::context(client))).await;
        assert!(matches!(ended, Err(Error::Read { .. })), "{ended:?}");
        assert_eq!(log.lines(), ["GET /api/v1/namespaces/shop/secrets/own"], "no status was written");
    }

    #[tokio::test]
    async fn a_write_that_the_caches_do_not_show_ends_the_pass_as_stale() {
        let (client, log) = fake::client(|_| None);
        let ctx = fake::context(client);
        ctx.expectations.expect(&database(), "Service orders".into(), 7);
        let ended = reconcile(Arc::new(database()), Arc::new(ctx)).await;
        assert!(matches!(ended, Err(Error::Stale { .. })), "{ended:?}");
        assert!(log.lines().is_empty());
    }
}
