//! Lesson 4.4: the solution, each time with one mistake.

mod external;
mod naive;
mod states;

use crate::Operator;
use kube::{ResourceExt, runtime::controller::Action};
use postgres_operator::{
    api::Database,
    apply::Outcome,
    context::Context,
    decide::{Decision, Work},
    error::Error,
    external::login::Login,
    finalizer,
    observe::{Observed, observe},
    plan::Step,
    run_with,
};
use solution_4_3_watches::watches::controller;
use solution_4_4_phases::{
    apply::apply,
    memory::Memory,
    phase::decide,
    reconcile::{next, reconcile, tell},
    verify::ask,
};
use std::{future::Future, sync::Arc};

/// A part of the pass that is not as in the solution. All other parts are the solution's own.
trait Mistake {
    /// Whether to look at a Database at all.
    fn looks_at(_db: &Database) -> bool {
        true
    }

    fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
        decide(db, observed)
    }

    /// Whether the status is told before the work is done.
    fn tells(round: usize, work: &Work, db: &Database) -> bool {
        round > 0 || !work.is_another_try(db)
    }

    fn apply(
        steps: &[Step],
        db: &Database,
        observed: &mut Observed,
        ctx: &Context,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        apply(steps, db, observed, ctx)
    }

    fn ask(
        db: &Database,
        observed: &Observed,
        ctx: &Context,
        memory: &Memory,
    ) -> impl Future<Output = Login> + Send {
        ask(db, observed, ctx, memory)
    }

    fn next(db: &Database, outcome: &Outcome, ctx: &Context, memory: &Memory) -> Action {
        next(db, outcome, ctx, memory)
    }

    /// When a Database that is being deleted is looked at again.
    fn cleans_up(action: Action) -> Action {
        action
    }
}

/// The broken operators of this lesson.
pub(crate) fn operator(mistake: &str) -> Option<Operator> {
    Some(match mistake {
        "reports-at-the-end" => runs::<states::ReportsAtTheEnd>,
        "phase-from-status" => runs::<states::PhaseFromStatus>,
        "parameters-never-arrive" => runs::<states::ParametersNeverArrive>,
        "observed-is-done" => runs::<states::ObservedIsDone>,
        "failed-is-final" => runs::<states::FailedIsFinal>,
        "no-backoff" => runs::<external::NoBackoff>,
        "hammers-the-store" => runs::<external::HammersTheStore>,
        "no-jitter" => runs::<external::NoJitter>,
        "no-breaker" => runs::<external::NoBreaker>,
        "asks-as-superuser" => runs::<external::AsksAsSuperuser>,
        "password-every-pass" => runs::<external::PasswordEveryPass>,
        "takes-the-name" => runs::<external::TakesTheName>,
        "create-without-looking" => runs::<external::CreateWithoutLooking>,
        _ => return None,
    })
}

fn runs<M: Mistake + 'static>(run: postgres_operator::options::RunOptions) -> std::process::ExitCode {
    let memory: &'static Memory = Box::leak(Box::default());
    run_with(run, controller, move |db, ctx| pass::<M>(db, ctx, memory))
}

/// The solution's loop over the parts.
async fn pass<M: Mistake>(db: Arc<Database>, ctx: Arc<Context>, memory: &Memory) -> Result<Action, Error> {
    if db.metadata.deletion_timestamp.is_some() {
        return reconcile(db, ctx, memory).await.map(M::cleans_up);
    }
    if !M::looks_at(&db) {
        return Ok(Action::requeue(ctx.requeue_after()));
    }
    let mut db = db;
    let mut observed = observe(&db, &ctx).await?;
    for round in 0..12 {
        let decision = M::decide(&db, &observed)?;
        let outcome = Outcome::of(&observed, decision.blocked);
        if M::tells(round, &decision.work, &db) {
            db = tell(db, decision.phase, &outcome, &ctx).await?;
        }
        match decision.work {
            Work::AddFinalizer => db = finalizer::add(&db, &ctx).await?,
            Work::Steps(steps) => M::apply(&steps, &db, &mut observed, &ctx).await?,
            Work::Ask => observed.login = Some(M::ask(&db, &observed, &ctx, memory).await),
            Work::Nothing => return Ok(M::next(&db, &outcome, &ctx, memory)),
        }
    }
    Err(Error::Unsettled)
}

fn uid(db: &Database) -> String {
    db.uid().unwrap_or_default()
}
