//! Lesson 4.1: the solution, each time with one mistake.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use postgres_operator::{
    api::Database,
    apply::Outcome,
    conditions::Verdict,
    context::{Context, MANAGER},
    error::Error,
    options::RunOptions,
    reason::Reason,
    reconcile::{children, next},
    run_until_stopped,
};
use serde_json::json;
use solution_4_1_conditions::{
    conditions::{conditions, current_status, failed, progressing, ready, stamp},
    report::report,
};
use std::{process::ExitCode, sync::Arc};

type Pass = Result<Action, Error>;

/// The broken operators of this lesson.
pub(crate) fn operator(mistake: &str) -> Option<fn(RunOptions) -> ExitCode> {
    Some(match mistake {
        "ready-counts-pods" => |run| run_until_stopped(run, ready_counts_pods),
        "progress-is-silent" => |run| run_until_stopped(run, progress_is_silent),
        "ready-of-the-old-generation" => |run| run_until_stopped(run, ready_of_the_old_generation),
        "ready-before-the-rollout" => |run| run_until_stopped(run, ready_before_the_rollout),
        "time-of-the-last-write" => |run| run_until_stopped(run, time_of_the_last_write),
        "writes-over-the-unseen" => |run| run_until_stopped(run, writes_over_the_unseen),
        "error-before-report" => |run| run_until_stopped(run, error_before_report),
        "replaces-the-list" => |run| run_until_stopped(run, replaces_the_list),
        "writes-every-time" => |run| run_until_stopped(run, writes_every_time),
        _ => return None,
    })
}

/// The solution's pass with another set of conditions.
async fn reporting(db: &Database, ctx: &Context, say: impl Fn(&Outcome) -> Vec<Condition>) -> Pass {
    let outcome = children(db, ctx).await?;
    report(db, say(&outcome), ctx).await?;
    Ok(next(db, &outcome, ctx))
}

fn stamped(db: &Database, verdicts: [Verdict; 3]) -> Vec<Condition> {
    verdicts.into_iter().map(|verdict| stamp(verdict, db, Timestamp::now())).collect()
}

/// Mistake: `replicas` in the status counts pods, whether they answer or not.
async fn ready_counts_pods(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let wrong = |outcome: &Outcome| {
        let pods = current_status(outcome).filter(|status| status.updated_replicas == Some(status.replicas));
        if outcome.blocked.is_none() && pods.map(|status| status.replicas) == Some(db.spec.replicas) {
            Verdict::yes("Ready", Reason::ReplicasReady, "all servers are there")
        } else {
            ready(&db, outcome)
        }
    };
    reporting(&db, &ctx, |outcome| stamped(&db, [wrong(outcome), progressing(&db, outcome), failed(outcome)]))
        .await
}

/// Mistake: nothing is said while something is under way.
async fn progress_is_silent(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let silent = || Verdict::no("Progressing", Reason::Settled, "nothing is under way");
    reporting(&db, &ctx, |outcome| stamped(&db, [ready(&db, outcome), silent(), failed(outcome)])).await
}

/// Mistake: right after a change the StatefulSet's numbers are still those of the pods before it.
async fn ready_of_the_old_generation(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let say = |outcome: &Outcome| [naive_ready(&db, outcome), progressing(&db, outcome), failed(outcome)];
    reporting(&db, &ctx, |outcome| stamped(&db, say(outcome))).await
}

// ANCHOR: naive-ready
fn naive_ready(db: &Database, outcome: &Outcome) -> Verdict {
    let set = outcome.stateful_set.as_ref();
    let ready = set.and_then(|set| set.status.as_ref()?.ready_replicas);
    if ready == Some(db.spec.replicas) {
        Verdict::yes("Ready", Reason::ReplicasReady, "all servers are ready")
    } else {
        Verdict::no("Ready", Reason::ReplicasNotReady, "some servers are not ready")
    }
}
// ANCHOR_END: naive-ready

/// Mistake: the old servers of a rollout answer, and pass for those of the new spec.
async fn ready_before_the_rollout(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let too_soon = |outcome: &Outcome| {
        let status = current_status(outcome).filter(|_| outcome.blocked.is_none());
        if status.and_then(|status| status.ready_replicas) == Some(db.spec.replicas) {
            Verdict::yes("Ready", Reason::ReplicasReady, "all servers are ready")
        } else {
            ready(&db, outcome)
        }
    };
    reporting(&db, &ctx, |outcome| {
        stamped(&db, [too_soon(outcome), progressing(&db, outcome), failed(outcome)])
    })
    .await
}

/// Mistake: a transition is a change of the status, not of the words or the generation.
async fn time_of_the_last_write(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let redated = |mut condition: Condition| {
        if !db.conditions().contains(&condition) {
            condition.last_transition_time = Time(Timestamp::now());
        }
        condition
    };
    reporting(&db, &ctx, |outcome| {
        conditions(&db, outcome, Timestamp::now()).into_iter().map(redated).collect()
    })
    .await
}

/// Mistake: the error that most needs a report ends the pass before the report.
// ANCHOR: naive-error
async fn error_before_report(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let outcome = or_error(children(&db, &ctx).await?)?;
    report(&db, conditions(&db, &outcome, Timestamp::now()), &ctx).await?;
    Ok(next(&db, &outcome, &ctx))
}
// ANCHOR_END: naive-error

/// Makes an error of what stood in the way.
fn or_error(outcome: Outcome) -> Result<Outcome, Error> {
    match outcome.blocked {
        Some(blocked) => {
            let source = kube::Error::Service(blocked.to_string().into());
            Err(Error::Write { what: "the children".into(), source })
        }
        None => Ok(outcome),
    }
}

/// Mistake: a merge patch knows no list of named items, it puts one list in place of another.
// ANCHOR: naive-list
async fn replaces_the_list(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let outcome = children(&db, &ctx).await?;
    let conditions = conditions(&db, &outcome, Timestamp::now());
    if !conditions.iter().all(|condition| db.conditions().contains(condition)) {
        let patch = json!({
            "metadata": {"resourceVersion": db.resource_version()},
            "status": {"observedGeneration": db.metadata.generation, "conditions": conditions},
        });
        write(&db, &ctx, &PatchParams::default(), &Patch::Merge(patch)).await?;
    }
    Ok(next(&db, &outcome, &ctx))
}
// ANCHOR_END: naive-list

/// Mistake: the patch does not say which version it was made for, so it also replaces what the operator has not seen yet.
async fn writes_over_the_unseen(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let outcome = children(&db, &ctx).await?;
    let conditions = conditions(&db, &outcome, Timestamp::now());
    if !conditions.iter().all(|condition| db.conditions().contains(condition)) {
        let patch = json!({
            "apiVersion": Database::api_version(&()),
            "kind": Database::kind(&()),
            "metadata": {"name": db.name_any()},
            "status": {"observedGeneration": db.metadata.generation, "conditions": conditions},
        });
        write(&db, &ctx, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await?;
    }
    Ok(next(&db, &outcome, &ctx))
}

/// Mistake: the API server is asked to write what it has.
async fn writes_every_time(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let outcome = children(&db, &ctx).await?;
    let patch = json!({
        "apiVersion": Database::api_version(&()),
        "kind": Database::kind(&()),
        "metadata": {"name": db.name_any(), "resourceVersion": db.resource_version()},
        "status": {
            "observedGeneration": db.metadata.generation,
            "conditions": conditions(&db, &outcome, Timestamp::now()),
        },
    });
    write(&db, &ctx, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await?;
    Ok(next(&db, &outcome, &ctx))
}

async fn write(
    db: &Database,
    ctx: &Context,
    params: &PatchParams,
    patch: &Patch<serde_json::Value>,
) -> Result<(), Error> {
    let api: Api<Database> = ctx.namespaced(db);
    let written = api.patch_status(&db.name_any(), params, patch).await;
    written
        .map(drop)
        .map_err(|source| Error::from_write(format!("the status of Database {}", db.name_any()), source))
}
