//! A refused child gives Ready=False and Failed=True with a stable reason, is retried, and clears by itself.

use super::{NAME, NOTICED, STARTED, condition, is};
use crate::check::{Arena, Failure, Version, until};
use fault_proxy::Request;
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use postgres_operator::{api::Database, error::chain};
use serde_json::json;
use std::time::Instant;

const QUOTA: &str = "no-statefulsets";
/// Refusals to wait for: the first, and enough retries to see that the report stays the same.
const TRIES: usize = 3;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    forbid_stateful_sets(arena).await?;
    arena.create(NAME, json!({})).await?;
    let expected = "Ready=False and Failed=True with a reason while the API server refuses the StatefulSet";
    let failed = arena.database(0, NOTICED, expected, reports_failure).await?;
    tried_again(arena).await?;
    let reported = stable(arena, &failed)?;

    let mark = arena.databases.mark();
    let deleted = arena.api::<ResourceQuota>().delete(QUOTA, &DeleteParams::default()).await;
    deleted.map_err(|error| Failure::new("the quota can be deleted", chain(&error)))?;
    let lifted = Instant::now();
    let cleared = arena
        .database(mark, STARTED, "Failed=False once the quota is gone", |db| is(db, "Failed", "False"))
        .await?;
    arena.database(mark, STARTED, "Ready=True once the quota is gone", |db| is(db, "Ready", "True")).await?;
    let took = cleared.at.saturating_duration_since(lifted);
    Ok(format!("{reported}, gone {:.1} s after its cause", took.as_secs_f64()))
}

fn reports_failure(db: &Database) -> bool {
    is(db, "Ready", "False")
        && is(db, "Failed", "True")
        && condition(db, "Failed").is_some_and(|it| !it.reason.is_empty())
}

/// A quota of zero StatefulSets, in force.
async fn forbid_stateful_sets(arena: &Arena) -> Result<(), Failure> {
    let hard = [("count/statefulsets.apps".to_owned(), Quantity("0".into()))].into();
    let quota = ResourceQuota {
        metadata: ObjectMeta { name: Some(QUOTA.into()), ..ObjectMeta::default() },
        spec: Some(ResourceQuotaSpec { hard: Some(hard), ..ResourceQuotaSpec::default() }),
        status: None,
    };
    let api = arena.api::<ResourceQuota>();
    let error = |error: kube::Error| Failure::new("a quota is in force", chain(&error));
    api.create(&PostParams::default(), &quota).await.map_err(error)?;
    until(arena.patience(NOTICED), "the quota controller puts the quota in force", async || {
        let quota = api.get(QUOTA).await.map_err(|error| chain(&error))?;
        let in_force = quota.status.is_some_and(|status| status.hard.is_some());
        in_force.then_some(()).ok_or_else(|| "it is not in force".into())
    })
    .await
}

/// The proxy has seen the StatefulSet refused a few times.
async fn tried_again(arena: &Arena) -> Result<(), Failure> {
    let refused = |request: &Request| {
        request.resource == "statefulsets" && request.verb.writes() && request.status >= 400
    };
    until(arena.patience(STARTED), "the StatefulSet is tried again", async || {
        let tries = arena.requests().iter().filter(|request| refused(request)).count();
        if tries >= TRIES { Ok(()) } else { Err(format!("{tries} refusals")) }
    })
    .await
}

/// Over the retries the report kept its reason and its words, and the words are made for a person.
fn stable(arena: &Arena, first: &Version<Database>) -> Result<String, Failure> {
    let said = |db: &Database| {
        condition(db, "Failed").map(|it| (it.status.clone(), it.reason.clone(), it.message.clone()))
    };
    let told: Vec<_> =
        arena.databases.all().into_iter().filter(|version| version.revision >= first.revision).collect();
    let before = said(&first.object);
    if let Some(other) = told.iter().map(|version| said(&version.object)).find(|now| *now != before) {
        return Err(Failure::new("the same report on every try", format!("{before:?}, then {other:?}")));
    }
    let (_, reason, message) = before.unwrap_or_default();
    let raw =
        ["ApiError", "Status {", "Some(", "http://", "https://"].iter().find(|text| message.contains(**text));
    if let Some(raw) = raw.or_else(|| message.is_empty().then_some(&"nothing")) {
        return Err(Failure::new("a message made for a person", format!("{raw:?} in {message:?}")));
    }
    Ok(reason)
}
