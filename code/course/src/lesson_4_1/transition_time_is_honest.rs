//! lastTransitionTime moves when the status value does, and only then.

use super::{NAME, NOTICED, STARTED, all_ready, condition, cpu, hold_events, is, stuck};
use crate::check::{Arena, Failure, until};
use fault_proxy::Request;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// What the API server answers to a write on an old version.
const CONFLICT: u16 = 409;
/// Time for a pass to end.
const AFTERWARDS: Duration = Duration::from_millis(500);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    stuck(arena).await?;
    let first = arena.databases.last().and_then(|version| condition(&version.object, "Ready").cloned());
    let since = first
        .map(|ready| ready.last_transition_time.0)
        .ok_or_else(|| Failure::new("Ready is reported", "it is gone"))?;
    // Times in the API are whole seconds: only after one has passed can a time that moved be told from one that stayed.
    second_after(since).await;

    let mark = arena.databases.mark();
    let changed = arena.change(NAME, cpu("110m")).await?.metadata.generation.unwrap_or_default();
    let told = |generation| {
        move |db: &postgres_operator::api::Database| {
            condition(db, "Ready").is_some_and(|it| it.observed_generation == Some(generation))
        }
    };
    arena.database(mark, NOTICED, "Ready at generation 2, still False", told(2)).await?;
    moves_with_the_status(arena)?;

    let (mark, sets) = (arena.databases.mark(), arena.sets.mark());
    // It is told of the next change, and of nothing that it writes from there on: what it has not seen it must not write over.
    let stale = hold_events(arena, "databases", changed + 1, 1);
    let mended = arena.change(NAME, json!({"image": "postgres:17"})).await?;
    let generation = mended.metadata.generation.unwrap_or_default();
    let ready = |db: &postgres_operator::api::Database| is(db, "Ready", "True") && told(generation)(db);
    if arena.sets.find(sets, arena.patience(STARTED), all_ready).await.is_some() {
        speaks_twice(arena, ready).await;
    }
    arena.proxy.lift(&stale);
    arena.database(mark, STARTED, "Ready=True with an image that exists", ready).await?;
    moves_with_the_status(arena)?;
    let versions = arena.databases.all().len();
    Ok(format!("over {versions} versions"))
}

/// Waits until the operator has said that it is ready, and for one more report in a later second; or until it is refused, as it has to be.
/// None may come: who knows that it has not heard of its own write waits too.
async fn speaks_twice(arena: &Arena, ready: impl Fn(&postgres_operator::api::Database) -> bool) {
    let reports = |since: SystemTime| {
        let of_status = |it: &Request| it.resource == "databases/status" && it.at > since;
        arena.requests().into_iter().filter(of_status).collect::<Vec<_>>()
    };
    let begun = SystemTime::now();
    let is_refused = || reports(begun).iter().any(|report| report.status == CONFLICT);
    let first = async || {
        let is_said = arena.databases.last().is_some_and(|version| ready(&version.object));
        if is_said || is_refused() { Ok(()) } else { Err("neither".to_owned()) }
    };
    let _ = until(arena.patience(NOTICED), "Ready=True, or a refusal", first).await;
    if is_refused() {
        return;
    }
    second_after(Timestamp::now()).await;
    let begun = SystemTime::now();
    let second = async || reports(begun).pop().map(drop).ok_or_else(|| "none".to_owned());
    let _ = until(2 * arena.requeue + AFTERWARDS, "another report", second).await;
}

async fn second_after(time: Timestamp) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while Timestamp::now().as_second() <= time.as_second() {
        tick.tick().await;
    }
}

fn moves_with_the_status(arena: &Arena) -> Result<(), Failure> {
    for type_ in ["Ready", "Progressing", "Failed"] {
        let versions = arena.databases.all();
        let told: Vec<Condition> =
            versions.iter().filter_map(|version| condition(&version.object, type_).cloned()).collect();
        for pair in told.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            let (from, to) = (before.last_transition_time.0, after.last_transition_time.0);
            if before.status == after.status && from != to {
                let seen = format!(
                    "{type_} stayed {} (generation {} to {}) and its time went from {from} to {to}",
                    after.status,
                    before.observed_generation.unwrap_or_default(),
                    after.observed_generation.unwrap_or_default()
                );
                return Err(Failure::new("lastTransitionTime stays while the status value stays", seen));
            }
            let late = Timestamp::now().duration_since(to).as_secs() > 120;
            if before.status != after.status && (to < from || late) {
                let seen = format!(
                    "{type_} went from {} to {} and its time from {from} to {to}",
                    before.status, after.status
                );
                return Err(Failure::new(
                    "lastTransitionTime moves to the present when the status value changes",
                    seen,
                ));
            }
        }
    }
    changed_at_last(arena)
}

/// A time that never moves at all would pass the pairs above if the status flipped within a second.
fn changed_at_last(arena: &Arena) -> Result<(), Failure> {
    let ready: Vec<Condition> = arena
        .databases
        .all()
        .iter()
        .filter_map(|version| condition(&version.object, "Ready").cloned())
        .collect();
    let (Some(first), Some(last)) = (ready.first(), ready.last()) else {
        return Ok(());
    };
    if first.status != last.status && first.last_transition_time == last.last_transition_time {
        let seen = format!(
            "Ready went from {} to {}, seconds apart, at the same time {}",
            first.status, last.status, last.last_transition_time.0
        );
        return Err(Failure::new("lastTransitionTime moves when the status value does", seen));
    }
    Ok(())
}
