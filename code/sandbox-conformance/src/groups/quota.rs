//! Quotas: what a namespace may hold.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    expect::same,
    resource::{CONFIG_MAPS, QUOTAS, SECRETS},
};
use serde_json::{Value, json};

cases! { "quota":
    a_quota_counts_what_is_there with Controllers,
    a_quota_refuses_what_exceeds_it with Controllers,
    a_quota_frees_what_is_deleted with Controllers,
    a_raised_quota_lets_more_in with Controllers,
}

/// A quota of Secrets, once the server has counted.
async fn of_secrets(arena: &Arena, hard: u32) -> Result<Value, crate::case::Failure> {
    let quotas = arena.at(QUOTAS);
    let hard = json!({"count/secrets": hard.to_string()});
    quotas.create(json!({"metadata": {"name": "quota"}, "spec": {"hard": hard}})).await.is(201)?;
    let counted = |quota: &Value| quota["status"]["used"]["count/secrets"].is_string();
    arena.until_object(&quotas, "quota", "to be counted", counted).await
}

/// Secrets that the controllers of older servers keep for accounts.
async fn there(arena: &Arena) -> Result<u32, crate::case::Failure> {
    let accounts = arena.at(crate::resource::SERVICE_ACCOUNTS);
    arena.until_object(&accounts, "default", "to be complete", |_| true).await?;
    let before_1_24 = arena.read("/version").await.is(200)?["minor"].as_str().unwrap_or_default() < "24";
    if before_1_24 {
        let complete = |account: &Value| account["secrets"].is_array();
        arena.until_object(&accounts, "default", "to have its token", complete).await?;
    }
    let list = arena.at(SECRETS).list().await.is(200)?;
    Ok(u32::try_from(crate::expect::names(&list).len()).unwrap_or_default())
}

/// Waits until the controller, which counts from a cache, agrees with what admission has counted.
async fn full(arena: &Arena, used: u32) -> Outcome {
    let used = used.to_string();
    let full = |quota: &Value| quota["status"]["used"]["count/secrets"] == used;
    arena.until_object(&arena.at(QUOTAS), "quota", "to be full", full).await.map(drop)
}

async fn make(arena: &Arena, name: &str) -> crate::answer::Answer {
    arena.at(SECRETS).create(json!({"metadata": {"name": name}})).await
}

async fn a_quota_counts_what_is_there(arena: &Arena) -> Outcome {
    let there = there(arena).await?;
    make(arena, "a").await.is(201)?;
    let quota = of_secrets(arena, 10).await?;
    same("hard", &quota["status"]["hard"]["count/secrets"], "10")?;
    same("used", &quota["status"]["used"]["count/secrets"], (there + 1).to_string())
}

async fn a_quota_refuses_what_exceeds_it(arena: &Arena) -> Outcome {
    let there = there(arena).await?;
    let hard = there + 1;
    of_secrets(arena, hard).await?;
    make(arena, "a").await.is(201)?;
    full(arena, hard).await?;
    let refusal = make(arena, "b").await.refused(403, "Forbidden")?;
    let counts = format!(
        "exceeded quota: quota, requested: count/secrets=1, used: count/secrets={hard}, limited: count/secrets={hard}"
    );
    refusal.says(&["secrets \"b\" is forbidden", &counts])?;
    // Other kinds are not counted.
    arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "b"}})).await.is(201).map(drop)
}

async fn a_quota_frees_what_is_deleted(arena: &Arena) -> Outcome {
    let there = there(arena).await?;
    of_secrets(arena, there + 1).await?;
    make(arena, "a").await.is(201)?;
    full(arena, there + 1).await?;
    make(arena, "b").await.refused(403, "Forbidden")?;
    arena.at(SECRETS).delete("a").await.is(200)?;
    arena.until("room in the quota", async || Ok((make(arena, "b").await.status == 201).then_some(()))).await
}

async fn a_raised_quota_lets_more_in(arena: &Arena) -> Outcome {
    let there = there(arena).await?;
    of_secrets(arena, there).await?;
    make(arena, "a").await.refused(403, "Forbidden")?;
    let more = json!({"spec": {"hard": {"count/secrets": (there + 1).to_string()}}});
    arena.at(QUOTAS).merge("quota", more).await.is(200)?;
    arena.until("room in the quota", async || Ok((make(arena, "a").await.status == 201).then_some(()))).await
}
