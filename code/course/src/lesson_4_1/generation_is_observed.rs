//! The status and every condition carry the generation that they speak of, also right after a spec change.

use super::{NAME, NO_IMAGE, NOTICED, condition, current, is, reports, running};
use crate::check::{Arena, Failure};
use fault_proxy::{Action, Aim, Fault, Injected, Verb};
use k8s_openapi::api::apps::v1::StatefulSet;
use postgres_operator::api::Database;
use serde_json::json;
use std::time::Duration;

/// Long enough for a pass over the changed spec and its report.
const MEANWHILE: Duration = Duration::from_secs(3);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena).await?;
    arena
        .database(0, NOTICED, "all three conditions and the status at generation 1", |db| speaks_of(db, 1))
        .await?;
    arena.database(0, NOTICED, "Ready=True before the spec changes", |db| is(db, "Ready", "True")).await?;

    // The new image never starts, so a Ready at generation 2 could only be the old servers' readiness.
    let (databases, sets) = (arena.databases.mark(), arena.sets.mark());
    let told_later = hold_news_of_the_set(arena);
    arena.change(NAME, json!({"image": NO_IMAGE})).await?;
    arena.databases.find(databases, MEANWHILE, |db| speaks_of(db, 2)).await;
    arena.proxy.lift(&told_later);
    arena
        .database(databases, NOTICED, "all three conditions and the status at generation 2", |db| {
            speaks_of(db, 2)
        })
        .await?;
    arena
        .set(sets, NOTICED, "the StatefulSet starts to replace the pod", |set| {
            !is_rolled_out(set) && current(set).is_some()
        })
        .await?;
    arena
        .database(databases, NOTICED, "Ready=False at generation 2", |db| {
            is(db, "Ready", "False") && speaks_of(db, 2)
        })
        .await?;
    ready_only_for_the_rolled_out(arena).await?;
    Ok("status and conditions went from generation 1 to 2 together".into())
}

/// Until the operator has said something of the new generation, it hears nothing from the StatefulSet controller, which may be faster
/// than any operator. What the operator knows meanwhile is the answer to its own write: a new generation with the status of the old one.
fn hold_news_of_the_set(arena: &Arena) -> Injected {
    let aim = Aim {
        verb: Some(Verb::Watch),
        resource: Some("statefulsets".into()),
        times: usize::MAX,
        ..Aim::default()
    };
    arena.proxy.inject(Fault { aim, action: Action::HoldEvents })
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
        let ready = condition(&version.object, "Ready");
        let generation =
            ready.filter(|ready| ready.status == "True").and_then(|ready| ready.observed_generation);
        let set = arena.sets.before(version.revision);
        // By the time that the word is out, the pod of the new image may be there. It will never answer.
        let never = generation > Some(1);
        if never || generation.is_some() && !set.is_some_and(|set| is_rolled_out(&set.object)) {
            let seen = format!("Ready=True at generation {} without that", generation.unwrap_or_default());
            return Err(Failure::new(
                "Ready=True only after the StatefulSet controller has rolled out the current spec",
                seen,
            ));
        }
    }
    Ok(())
}

fn is_rolled_out(set: &StatefulSet) -> bool {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
    current(set).is_some_and(|status| status.updated_replicas == wanted)
}
