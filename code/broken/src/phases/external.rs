//! Mistakes about what is outside: PostgreSQL that does not answer, and an API server whose answer is lost.

use super::{
    Mistake,
    naive::{ask_as_superuser, create, superuser},
    uid,
};
use kube::runtime::controller::Action;
use postgres_operator::{
    api::Database,
    apply::{Outcome, carry_out, take_note},
    context::Context,
    error::Error,
    external::{login::Login, postgres::log_in},
    observe::Observed,
    plan::Step,
    verify::application,
};
use solution_4_4_phases::{apply::apply, backoff::Backoff, memory::Memory, reconcile::next, verify::ask};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

fn waits(outcome: &Outcome) -> bool {
    outcome.blocked.is_some() || outcome.login == Some(Login::NoAnswer)
}

/// Mistake: what does not answer is asked again at once.
pub(super) struct NoBackoff;

impl Mistake for NoBackoff {
    fn next(db: &Database, outcome: &Outcome, ctx: &Context, memory: &Memory) -> Action {
        if waits(outcome) {
            Action::requeue(Duration::from_millis(500))
        } else {
            next(db, outcome, ctx, memory)
        }
    }
}

/// Mistake: a store that is down is asked again at once, for as long as it is.
pub(super) struct HammersTheStore;

impl Mistake for HammersTheStore {
    fn cleans_up(action: Action) -> Action {
        // What is gone by then is not looked at any more.
        if action == Action::await_change() { action } else { Action::requeue(Duration::from_millis(500)) }
    }
}

/// Mistake: all that failed together come back together.
pub(super) struct NoJitter;

static BACKOFFS: LazyLock<Mutex<HashMap<String, Backoff>>> = LazyLock::new(Mutex::default);

impl Mistake for NoJitter {
    fn next(db: &Database, outcome: &Outcome, ctx: &Context, memory: &Memory) -> Action {
        let mut backoffs = BACKOFFS.lock().unwrap_or_else(PoisonError::into_inner);
        if waits(outcome) {
            return Action::requeue(backoffs.entry(uid(db)).or_default().failed(0.0));
        }
        backoffs.remove(&uid(db));
        next(db, outcome, ctx, memory)
    }
}

/// Mistake: each event is a reason to ask a server that has not answered for minutes.
pub(super) struct NoBreaker;

impl Mistake for NoBreaker {
    async fn ask(db: &Database, observed: &Observed, ctx: &Context, _memory: &Memory) -> Login {
        let Some((primary, credentials)) = application(db, observed) else { return Login::NoAnswer };
        match log_in(ctx.logins.reach(), &primary, &credentials).await {
            Ok(version) => Login::Accepted { version },
            Err(error) => error.into(),
        }
    }
}

/// Mistake: the question is asked as somebody who may always ask.
pub(super) struct AsksAsSuperuser;

impl Mistake for AsksAsSuperuser {
    async fn ask(db: &Database, observed: &Observed, ctx: &Context, memory: &Memory) -> Login {
        match memory.attempt(db) {
            Some(attempt) => ask_as_superuser(db, observed, ctx, attempt).await,
            None => Login::NoAnswer,
        }
    }
}

/// Mistake: the password is set on each pass, because setting it twice does no harm.
pub(super) struct PasswordEveryPass;

impl Mistake for PasswordEveryPass {
    async fn ask(db: &Database, observed: &Observed, ctx: &Context, memory: &Memory) -> Login {
        let login = ask(db, observed, ctx, memory).await;
        if let (Login::Accepted { .. }, Some((primary, application)), Some((_, postgres))) =
            (&login, application(db, observed), superuser(db, observed))
        {
            let (role, password) = (&application.user, &application.password);
            if let Err(login) = ctx.logins.change_password(&primary, &postgres, role, password).await {
                return login;
            }
        }
        login
    }
}

/// Mistake: what is missing is created, once more if the answer is lost, and what exists then is taken for somebody else's.
pub(super) struct CreateWithoutLooking;

impl Mistake for CreateWithoutLooking {
    async fn apply(
        steps: &[Step],
        db: &Database,
        observed: &mut Observed,
        ctx: &Context,
    ) -> Result<(), Error> {
        for step in steps {
            let written = match step {
                Step::Apply { child, uid: None } => create(child, ctx).await?,
                Step::Apply { .. } => {
                    apply(std::slice::from_ref(step), db, observed, ctx).await?;
                    continue;
                }
                step => carry_out(step, db, observed, ctx).await?,
            };
            if take_note(written, db, observed, ctx).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Mistake: what has the child's name is the child.
pub(super) struct TakesTheName;

impl Mistake for TakesTheName {
    async fn apply(
        steps: &[Step],
        db: &Database,
        observed: &mut Observed,
        ctx: &Context,
    ) -> Result<(), Error> {
        let mut steps = steps.to_vec();
        for step in &mut steps {
            if let Step::Apply { child, uid: uid @ None } = step {
                let found = child.api(ctx).get_metadata_opt(&child.name).await;
                let found = found.map_err(|source| Error::Read { what: child.what(), source })?;
                *uid = found.and_then(|found| found.metadata.uid);
            }
        }
        apply(&steps, db, observed, ctx).await
    }
}
