//! Every change of the phase is in the table, and every phase on the way to Ready is seen.

use super::{
    NAME, STARTED, create_ready, phases,
    table::{WAY_UP, all_of, allowed},
    until,
};
use crate::check::{Arena, Failure};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Pod, Service},
};
use kube::api::DeleteParams;
use postgres_operator::{
    api::Database,
    error::chain,
    phase::Phase::{self, Deleting, Deploying, Ready, Updating, Verifying},
};
use serde_json::json;
use std::time::Duration;

/// Servers stop, and so do what stands on them.
const GONE: Duration = Duration::from_mins(2);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    create_ready(arena, json!({"deletionPolicy": "Delete"})).await?;
    all_of(&WAY_UP, &phases(arena, NAME, 0))?;

    // What a life has in store: a child is lost, a server dies.
    lose(arena, &[Ready, Updating, Verifying, Ready], async || {
        arena.api::<Service>().delete("orders-ro", &DeleteParams::default()).await.map(drop)
    })
    .await?;
    lose(arena, &[Deploying, Verifying, Ready], async || {
        let at_once = DeleteParams::default().grace_period(0);
        arena.api::<Pod>().delete("orders-0", &at_once).await.map(drop)
    })
    .await?;
    lose(arena, &[Verifying, Ready], async || {
        let params = DeleteParams::background().grace_period(0);
        arena.api::<StatefulSet>().delete(NAME, &params).await.map(drop)
    })
    .await?;

    let deleted = arena.api::<Database>().delete(NAME, &DeleteParams::default()).await;
    deleted.map_err(|error| Failure::new("the Database can be deleted", chain(&error)))?;
    until(arena.patience(GONE), "the Database goes", async || {
        arena.api::<Database>().get_opt(NAME).await.is_ok_and(|db| db.is_none())
    })
    .await?;
    let all = phases(arena, NAME, 0);
    all_of(&[Ready, Deleting], &all)?;
    allowed(&all)?;
    Ok("every change on the way up, after three losses and at the end is in the table".into())
}

/// Takes something away, and waits until these phases have been gone through, the last of them as the end.
async fn lose(
    arena: &Arena,
    way: &[Phase],
    take: impl AsyncFnOnce() -> Result<(), kube::Error>,
) -> Result<(), Failure> {
    // The phase that it is in is the first of the way.
    let mark = arena.databases.mark().saturating_sub(1);
    take().await.map_err(|error| Failure::new("a child can be deleted", chain(&error)))?;
    let gone_through = || all_of(way, &phases(arena, NAME, mark));
    let within = arena.patience(STARTED);
    // What is missing at the deadline is told better by the way itself.
    _ = until(within, "the way back to Ready", async || gone_through().is_ok()).await;
    gone_through()
}
