//! The status and every condition carry the generation that they speak of, also right after a spec change.

use super::{NAME, NO_IMAGE, NOTICED, STARTED, condition, cpu, current, hold_events, is, reports, running};
use crate::check::{Arena, Failure};
use k8s_openapi::api::apps::v1::StatefulSet;
use postgres_operator::api::Database;
use serde_json::json;
use std::time::Duration;

/// Long enough for a pass over the changed spec and its report.
const MEANWHILE: Duration = Duration::from_secs(3);
/// Long enough to hear something and to say something wrong about it.
const HEARD: Duration = Duration::from_secs(1);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena).await?;
    arena
        .database(0, NOTICED, "all three conditions and the status at generation 1", |db| speaks_of(db, 1))
        .await?;
    arena.database(0, NOTICED, "Ready=True before the spec changes", |db| is(db, "Ready", "True")).await?;

    while_the_old_server_answers(arena).await?;

    // The controller may be faster than any operator. The new image never starts, so a Ready at generation 3 could only be the old server's readiness.
    let (databases, sets) = (arena.databases.mark(), arena.sets.mark());
    let held = hold_events(arena, "statefulsets", 0, 0);
    arena.change(NAME, json!({"image": NO_IMAGE})).await?;
    arena.databases.find(databases, MEANWHILE, |db| speaks_of(db, 3)).await;
    arena.proxy.lift(&held);
    arena
        .database(databases, NOTICED, "all three conditions and the status at generation 3", |db| {
            speaks_of(db, 3)
        })
        .await?;
    arena.set(sets, NOTICED, "the StatefulSet starts to replace the pod", begins).await?;
    arena
        .database(databases, NOTICED, "Ready=False at generation 3", |db| {
            is(db, "Ready", "False") && speaks_of(db, 3)
        })
        .await?;
    ready_only_for_the_rolled_out(arena).await?;
    Ok("status and conditions went from generation 1 to 3 together".into())
}

/// A change that ends well. Meanwhile the operator hears two things of its StatefulSet: that it is changed, and that its controller has
/// seen the change, which is the moment at which the old server still answers.
async fn while_the_old_server_answers(arena: &Arena) -> Result<(), Failure> {
    let (databases, sets) = (arena.databases.mark(), arena.sets.mark());
    let before = arena.sets.last().and_then(|set| set.object.metadata.generation).unwrap_or_default();
    let held = hold_events(arena, "statefulsets", before + 1, 2);
    arena.change(NAME, cpu("20m")).await?;
    arena.set(sets, STARTED, "the StatefulSet starts to replace the pod", begins).await?;
    // Time itself is the subject here.
    tokio::time::sleep(HEARD).await;
    if arena.databases.all().iter().any(|version| ready_at(&version.object) == Some(2)) {
        return Err(too_early(2));
    }
    arena.proxy.lift(&held);
    let ready = |db: &Database| is(db, "Ready", "True") && speaks_of(db, 2);
    arena.database(databases, STARTED, "Ready=True at generation 2", ready).await.map(drop)
}

/// The controller has begun to replace the pod.
fn begins(set: &StatefulSet) -> bool {
    !is_rolled_out(set) && current(set).is_some()
}

fn speaks_of(db: &Database, generation: i64) -> bool {
    let status = db.status.as_ref().and_then(|status| status.observed_generation);
    let conditions =
        ["Ready", "Progressing", "Failed"].map(|type_| condition(db, type_)?.observed_generation);
    reports(db) && status == Some(generation) && conditions == [Some(generation); 3]
}

/// Ready=True at a generation needs a StatefulSet that was applied for it, seen by its controller, and rolled out.
async fn ready_only_for_the_rolled_out(arena: &Arena) -> Result<(), Failure> {
    let databases = arena.databases.all();
    arena.sets.catches_up().await?;
    for version in databases {
        let Some(generation) = ready_at(&version.object) else { continue };
        let set = arena.sets.before(version.revision);
        // By the time that the word is out, the pod of the new image may be there. It will never answer.
        if generation > 2 || !set.is_some_and(|set| is_rolled_out(&set.object)) {
            return Err(too_early(generation));
        }
    }
    Ok(())
}

/// The generation of which a Database says that it is ready.
fn ready_at(db: &Database) -> Option<i64> {
    condition(db, "Ready").filter(|ready| ready.status == "True")?.observed_generation
}

fn too_early(generation: i64) -> Failure {
    Failure::new(
        "Ready=True only after the StatefulSet controller has rolled out the current spec",
        format!("Ready=True at generation {generation} before that"),
    )
}

fn is_rolled_out(set: &StatefulSet) -> bool {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
    current(set).is_some_and(|status| status.updated_replicas == wanted)
}
