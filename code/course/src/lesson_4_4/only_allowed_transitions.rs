//! Every change of the phase is in the table, and every phase on the way to Ready is seen.

use super::{
    NAME, create_ready, phases, ready_again,
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
    phase::Phase::{Deleting, Deploying, Ready, Updating, Verifying},
};
use serde_json::json;
use std::time::Duration;

/// Servers stop, and so do what stands on them.
const GONE: Duration = Duration::from_mins(2);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    create_ready(arena, json!({"deletionPolicy": "Delete"})).await?;
    all_of(&WAY_UP, &phases(arena, NAME, 0))?;

    // What a life has in store: a child is lost, a server dies.
    lose(arena, async || {
        arena.api::<Service>().delete("orders-ro", &DeleteParams::default()).await.map(drop)
    })
    .await?;
    all_of(&[Ready, Updating, Verifying, Ready], &phases(arena, NAME, 0))?;
    let mark = arena.databases.mark();
    lose(arena, async || {
        let at_once = DeleteParams::default().grace_period(0);
        arena.api::<Pod>().delete("orders-0", &at_once).await.map(drop)
    })
    .await?;
    all_of(&[Deploying, Verifying, Ready], &phases(arena, NAME, mark))?;
    lose(arena, async || {
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

/// Takes something away, and waits until all is well again.
async fn lose(arena: &Arena, take: impl AsyncFnOnce() -> Result<(), kube::Error>) -> Result<(), Failure> {
    let mark = arena.databases.mark();
    take().await.map_err(|error| Failure::new("a child can be deleted", chain(&error)))?;
    ready_again(arena, mark).await.map(drop)
}
