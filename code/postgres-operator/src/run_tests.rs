use super::*;
use crate::{fake, resources::tests::database};
use std::future::pending;

fn context() -> Arc<Context> {
    Arc::new(fake::context(fake::client(|_| None).0))
}

fn stale() -> Error {
    Error::Stale { what: "Service orders".into() }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_hangs_is_given_up_after_a_minute() {
    let started = Instant::now();
    let result = supervised(Arc::new(database()), context(), async |_, _| pending().await).await;
    assert!(matches!(result, Err(Error::Timeout(_))), "{result:?}");
    assert_eq!(started.elapsed(), Duration::from_mins(1));
}

#[tokio::test]
async fn a_panic_ends_its_own_pass_and_nothing_else() {
    let result = supervised(Arc::new(database()), context(), async |_, _| panic!("oh")).await;
    assert!(matches!(&result, Err(Error::Panicked(text)) if text == "oh"), "{result:?}");
}

/// What is counted against a Database: passes that found it changed, and failures.
fn counted(ctx: &Context) -> (usize, usize) {
    (ctx.stale.retrying(), ctx.backoff.retrying())
}

#[tokio::test]
async fn a_pass_that_found_its_object_changed_is_no_failure_and_is_tried_again_like_one() {
    let (db, ctx) = (Arc::new(database()), context());
    let first = error_policy(db.clone(), &stale(), ctx.clone());
    assert_eq!(counted(&ctx), (1, 0));
    let second = error_policy(db.clone(), &Error::Unsettled, ctx.clone());
    assert_eq!(counted(&ctx), (1, 1));
    assert!(![first, second].contains(&Action::await_change()), "there is a next time");
    note(Ok((ObjectRef::from_obj(&db), Action::await_change())), &ctx);
    assert_eq!(counted(&ctx), (0, 1), "how long a failure is waited for is the pass's own business");
}

#[tokio::test]
async fn of_a_database_that_is_gone_nothing_is_remembered() {
    let (db, ctx) = (Arc::new(database()), context());
    error_policy(db.clone(), &stale(), ctx.clone());
    error_policy(db.clone(), &Error::Unsettled, ctx.clone());
    ctx.expectations.expect(&db, "Service orders".into(), 7);
    note(Err(controller::Error::ObjectNotFound(Box::new(ObjectRef::from_obj(&*db).erase()))), &ctx);
    assert_eq!(counted(&ctx), (0, 0));
    assert_eq!(ctx.expectations.unseen(&db, |_| None), None);
}

#[tokio::test]
async fn a_failed_pass_and_a_failed_watch_are_logged_and_a_stale_one_is_not() {
    let ctx = context();
    let db = ObjectRef::from_obj(&database());
    let failed = |error| Err(controller::Error::ReconcilerFailed(error, Box::new(db.clone().erase())));
    let silent = controller::Error::QueueError(watcher::Error::NoResourceVersion);
    for (result, level) in [(failed(stale()), ""), (failed(Error::Unsettled), "ERROR"), (Err(silent), "WARN")]
    {
        let lines = fake::Lines::default();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(subscriber, || note(result, &ctx));
        let logged = lines.text();
        assert!(logged.contains(level) && logged.is_empty() == level.is_empty(), "{level}: {logged}");
    }
}
