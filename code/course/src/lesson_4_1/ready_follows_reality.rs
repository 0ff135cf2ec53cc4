//! Ready is False until the servers answer, then True, and False again when one dies.

use super::{NAME, NOTICED, STARTED, current, is, running};
use crate::check::{Arena, Failure};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use kube::api::DeleteParams;
use postgres_operator::error::chain;
use std::time::Duration;

/// How soon a change in the cluster has to show in the condition.
const FOLLOWED: Duration = Duration::from_secs(1);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena).await?;
    let ready = arena.database(0, NOTICED, "Ready=True", |db| is(db, "Ready", "True")).await?;
    not_before_reality(arena).await?;
    let started = followed(arena.sets.find(0, NOTICED, all_answer).await.map(|set| set.at), ready.at);

    let (sets, databases) = (arena.sets.mark(), arena.databases.mark());
    let deleted = arena.api::<Pod>().delete(&format!("{NAME}-0"), &DeleteParams::default()).await;
    deleted.map_err(|error| Failure::new("the pod can be deleted", chain(&error)))?;
    let down =
        arena.set(sets, STARTED, "the StatefulSet notices the dead pod", |set| !all_answer(set)).await?;
    let told = arena
        .database(databases, NOTICED, "Ready=False after a pod died", |db| is(db, "Ready", "False"))
        .await?;
    let fell = followed(Some(down.at), told.at);
    if fell > FOLLOWED {
        let seen = format!("it took {:.2} s", fell.as_secs_f64());
        return Err(Failure::new("Ready=False within 1 s of the StatefulSet's change", seen));
    }
    let mark = arena.databases.mark();
    arena
        .database(mark, STARTED, "Ready=True again when the pod is back", |db| is(db, "Ready", "True"))
        .await?;
    not_before_reality(arena).await?;
    Ok(format!(
        "True {:.2} s after the server answered, False {:.2} s after it died",
        started.as_secs_f64(),
        fell.as_secs_f64()
    ))
}

/// Every server that the StatefulSet wants is ready. Whether it is of the latest template is another check's question.
fn all_answer(set: &StatefulSet) -> bool {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
    current(set).is_some_and(|status| status.ready_replicas == wanted)
}

fn followed(change: Option<std::time::Instant>, told: std::time::Instant) -> Duration {
    change.map_or(Duration::ZERO, |change| told.saturating_duration_since(change))
}

/// Each time that Ready turned True, the StatefulSet had all its pods ready just before.
async fn not_before_reality(arena: &Arena) -> Result<(), Failure> {
    let mut was_ready = false;
    let databases = arena.databases.all();
    arena.sets.catches_up().await?;
    for version in databases {
        let ready = is(&version.object, "Ready", "True");
        if ready && !was_ready {
            let set = arena.sets.before(version.revision);
            let told = set.as_ref().and_then(|set| set.object.status.as_ref()?.ready_replicas).unwrap_or(0);
            if !set.is_some_and(|set| all_answer(&set.object)) {
                let seen = format!("Ready=True when the StatefulSet had {told} servers ready");
                return Err(Failure::new("Ready=True only after the servers answer", seen));
            }
        }
        was_ready = ready;
    }
    Ok(())
}
