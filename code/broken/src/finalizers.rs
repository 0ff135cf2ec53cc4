//! Lesson 4.2: the solution, each time with one mistake.

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::{Api, Resource, ResourceExt, api::ListParams, runtime::controller::Action};
use postgres_operator::{
    api::{Database, DeletionPolicy},
    blocked::Blocked,
    cleanup::{BackupState, Left, Step, carry_out, look, still_deleted},
    context::Context,
    error::Error,
    external::backups::Progress,
    options::RunOptions,
    phase::Phase,
    run_until_stopped,
};
use serde::de::DeserializeOwned;
use solution_4_1_conditions::reconcile::reconcile as bring_to_spec;
use solution_4_2_finalizers::{
    cleanup::next_step,
    finalizer,
    reconcile::{clean_up, keep, reconcile, take},
};
use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    process::ExitCode,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

type Pass = Result<Action, Error>;

/// The broken operators of this lesson.
pub(crate) fn operator(mistake: &str) -> Option<fn(RunOptions) -> ExitCode> {
    Some(match mistake {
        "finalizer-after-children" => |run| run_until_stopped(run, finalizer_after_children),
        "adds-while-deleting" => |run| run_until_stopped(run, adds_while_deleting),
        "backs-up-the-wrong-database" => |run| run_until_stopped(run, backs_up_the_wrong_database),
        "waiting-is-an-error" => |run| run_until_stopped(run, waiting_is_an_error),
        "trusts-its-memory" => |run| run_until_stopped(run, trusts_its_memory),
        "ignores-the-policy" => |run| run_until_stopped(run, ignores_the_policy),
        "deletes-by-name" => |run| run_until_stopped(run, deletes_by_name),
        "gives-up-after-a-while" => |run| run_until_stopped(run, gives_up_after_a_while),
        "owns-the-list" => |run| run_until_stopped(run, owns_the_list),
        "waits-for-the-event" => |run| run_until_stopped(run, waits_for_the_event),
        _ => return None,
    })
}

fn is_deleted(db: &Database) -> bool {
    db.metadata.deletion_timestamp.is_some()
}

/// The solution's pass with another choice of the next step.
async fn choosing(
    db: Arc<Database>,
    ctx: Arc<Context>,
    choose: impl AsyncFnOnce(&Database, &Context) -> Result<Step, Error>,
) -> Pass {
    if !is_deleted(&db) || !finalizer::is_on(&db) {
        return reconcile(db, ctx).await;
    }
    let db = still_deleted(&db, &ctx).await?;
    let step = choose(&db, &ctx).await?;
    take(step, db, &ctx).await
}

/// Mistake: a crash, or a deletion, between the children and the finalizer leaves what nobody cleans up.
// ANCHOR: naive-order
async fn finalizer_after_children(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    if is_deleted(&db) {
        return clean_up(db, &ctx).await;
    }
    let action = bring_to_spec(db.clone(), ctx.clone()).await?;
    if !finalizer::is_on(&db) {
        finalizer::add(&db, &ctx).await?;
    }
    Ok(action)
}
// ANCHOR_END: naive-order

/// Mistake: a patch with one finalizer in it is a list of one, and those of others are gone.
async fn owns_the_list(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    if is_deleted(&db) || finalizer::is_on(&db) {
        return reconcile(db, ctx).await;
    }
    let mut alone = (*db).clone();
    alone.metadata.finalizers = None;
    keep(finalizer::add(&alone, &ctx).await?, ctx).await
}

/// Mistake: the API server takes no new finalizer once the object is being deleted, and answers so for ever.
async fn adds_while_deleting(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let db = if finalizer::is_on(&db) { db } else { finalizer::add(&db, &ctx).await? };
    if is_deleted(&db) { clean_up(db, &ctx).await } else { keep(db, ctx).await }
}

/// Mistake: `pg_dump` without a name of a database takes that of its user, which is there and empty.
async fn backs_up_the_wrong_database(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    choosing(db, ctx, async |db, ctx| match next_step(&look(db, ctx).await?) {
        Step::StartBackup => {
            let mut other = db.clone();
            other.spec.database_name = "postgres".into();
            carry_out(Step::StartBackup, &other, ctx).await?;
            Ok(Step::StartBackup)
        }
        step => Ok(step),
    })
    .await
}

/// Mistake: what takes long is reported like what fails.
async fn waiting_is_an_error(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    choosing(db, ctx, async |db, ctx| match next_step(&look(db, ctx).await?) {
        Step::Wait(reason) => {
            let why = format!("the cleanup is not done: {reason}");
            Ok(Step::Blocked(Blocked::BackupFailed { why }))
        }
        step => Ok(step),
    })
    .await
}

/// Mistake: what an earlier process did, it takes for not done.
async fn trusts_its_memory(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    choosing(db, ctx, async |db, ctx| {
        let mut left = look(db, ctx).await?;
        let mine = ctx.backups.progress(&db.uid().unwrap_or_default());
        left.backup = match (left.backup, mine) {
            (BackupState::Recorded | BackupState::Whole(_), None) => BackupState::Missing,
            (BackupState::Recorded, Some(Progress::Running)) => BackupState::Running,
            (state, _) => state,
        };
        Ok(next_step(&left))
    })
    .await
}

/// Mistake: the user wanted to keep the volumes.
async fn ignores_the_policy(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    choosing(db, ctx, async |db, ctx| {
        let mut db = db.clone();
        if db.spec.deletion_policy == DeletionPolicy::Retain {
            db.spec.deletion_policy = DeletionPolicy::Delete;
        }
        Ok(next_step(&look(&db, ctx).await?))
    })
    .await
}

/// Mistake: a name is not an identity.
// ANCHOR: naive-names
async fn deletes_by_name(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    choosing(db, ctx, async |db, ctx| {
        let (name, mut left) = (db.name_any(), look(db, ctx).await?);
        if left.policy == DeletionPolicy::Delete {
            let sets = named::<StatefulSet>(db, ctx, |set| set == name).await?;
            left.servers = sets.into_iter().map(|(_, uid)| uid).next();
            left.strangers_servers = None;
            let volume = format!("data-{name}-");
            left.volumes = named::<PersistentVolumeClaim>(db, ctx, |it| it.starts_with(&volume)).await?;
            let secrets = named::<Secret>(db, ctx, |it| it == db.credentials_name()).await?;
            left.credentials = secrets.into_iter().map(|(_, uid)| uid).next();
        }
        Ok(next_step(&left))
    })
    .await
}
// ANCHOR_END: naive-names

/// Name and UID of the objects whose names fit, whoever they belong to.
async fn named<K>(
    db: &Database,
    ctx: &Context,
    fits: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, Error>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let api: Api<K> = ctx.namespaced(db);
    let list = api.list_metadata(&ListParams::default()).await;
    let list = list.map_err(|source| Error::Read { what: format!("all {}", K::plural(&())), source })?;
    let alive = list.items.into_iter().filter(|it| it.metadata.deletion_timestamp.is_none());
    let named = alive.filter(|it| fits(&it.name_any()));
    Ok(named.map(|it| (it.name_any(), it.uid().unwrap_or_default())).collect())
}

/// Tries so far, by UID.
static TRIES: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

/// Mistake: the store was down for longer than somebody had thought possible, and the data is gone.
// ANCHOR: naive-limit
async fn gives_up_after_a_while(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    const MOST_TRIES: u32 = 3;
    choosing(db, ctx, async |db, ctx| {
        let mut left: Left = look(db, ctx).await?;
        if let BackupState::Failed(_) = left.backup {
            let mut tries = lock(&TRIES);
            let count = tries.entry(db.uid().unwrap_or_default()).or_default();
            *count += 1;
            if *count > MOST_TRIES {
                left.backup = BackupState::NotNeeded;
            }
        }
        Ok(next_step(&left))
    })
    .await
}
// ANCHOR_END: naive-limit

/// Databases that this process has seen alive, by UID.
static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Mistake: a cleanup begins when the deletion is seen to happen. What was under way is taken up by the phase that it reported.
async fn waits_for_the_event(db: Arc<Database>, ctx: Arc<Context>) -> Pass {
    let uid = db.uid().unwrap_or_default();
    if !is_deleted(&db) {
        lock(&SEEN).insert(uid);
        return keep(db, ctx).await;
    }
    let under_way = db.status.as_ref().and_then(|status| status.phase) == Some(Phase::Deleting);
    if under_way || lock(&SEEN).contains(&uid) || !finalizer::is_on(&db) {
        return clean_up(db, &ctx).await;
    }
    Ok(Action::requeue(Duration::from_secs(5)))
}

fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
