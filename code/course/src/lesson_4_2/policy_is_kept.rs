//! Retain, Snapshot and Delete each keep what they say, and remove the rest.

use super::{
    CLEANED_UP,
    backups::{dumps, folder, put},
    life::{delete, gone, identity, leaves, made, nothing_kept, running, snapshot},
};
use crate::check::{Arena, Failure};
use futures::try_join;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use kube::api::{ObjectMeta, PostParams};
use postgres_operator::error::chain;
use serde_json::json;

/// A Secret of the user's, which every Database of this check names.
const USERS: &str = "mine";
/// A backup of an earlier life of the same name.
const EARLIER: &str = "of-an-earlier-life.dump";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    users_secret(arena).await?;
    try_join!(retain(arena), remove(arena), save(arena))?;
    identity::<Secret>(arena, USERS).await?;
    Ok("Retain kept volume, credentials and backups; Snapshot kept backups; Delete kept nothing; the user's Secret stayed".into())
}

async fn retain(arena: &Arena) -> Result<(), Failure> {
    let name = "retained";
    let mut spec = nothing_kept(arena);
    spec["deletionPolicy"] = json!("Retain");
    spec["passwordSecretRef"] = json!({"name": USERS});
    let earlier = folder(arena, name).join(EARLIER);
    put(&earlier)?;
    made(arena, name, spec).await?;
    let (claim, secret) = (format!("data-{name}-0"), format!("{name}-credentials"));
    let before =
        (identity::<PersistentVolumeClaim>(arena, &claim).await?, identity::<Secret>(arena, &secret).await?);
    delete(arena, name).await?;
    gone(arena, name, CLEANED_UP).await?;
    // Garbage collection takes what has an owner.
    leaves(arena, name, &[format!("PersistentVolumeClaim {claim}"), format!("Secret {secret}")]).await?;
    let after =
        (identity::<PersistentVolumeClaim>(arena, &claim).await?, identity::<Secret>(arena, &secret).await?);
    if before != after {
        return Err(Failure::new(
            "Retain keeps the very volume and credentials",
            format!("{before:?}, then {after:?}"),
        ));
    }
    kept(arena, name, 1)
}

async fn remove(arena: &Arena) -> Result<(), Failure> {
    let name = "removed";
    let mut spec = nothing_kept(arena);
    spec["passwordSecretRef"] = json!({"name": USERS});
    put(&folder(arena, name).join(EARLIER))?;
    made(arena, name, spec).await?;
    delete(arena, name).await?;
    gone(arena, name, CLEANED_UP).await?;
    leaves(arena, name, &[]).await?;
    kept(arena, name, 0)
}

async fn save(arena: &Arena) -> Result<(), Failure> {
    let name = "saved";
    let mut spec = snapshot(arena);
    spec["passwordSecretRef"] = json!({"name": USERS});
    put(&folder(arena, name).join(EARLIER))?;
    running(arena, name, spec).await?;
    delete(arena, name).await?;
    gone(arena, name, CLEANED_UP).await?;
    leaves(arena, name, &[]).await?;
    // The earlier one and the final one.
    kept(arena, name, 2)
}

fn kept(arena: &Arena, name: &str, expected: usize) -> Result<(), Failure> {
    let found = dumps(arena, name);
    if found.len() == expected {
        return Ok(());
    }
    Err(Failure::new(
        format!("{expected} backups of {name} in the store"),
        format!("{}: {found:?}", found.len()),
    ))
}

async fn users_secret(arena: &Arena) -> Result<(), Failure> {
    let secret = Secret {
        metadata: ObjectMeta { name: Some(USERS.into()), ..ObjectMeta::default() },
        string_data: Some([("password".to_owned(), "chosen-by-the-user".to_owned())].into()),
        ..Secret::default()
    };
    let made = arena.api::<Secret>().create(&PostParams::default(), &secret).await;
    made.map(drop).map_err(|error| Failure::new("a Secret of the user's", chain(&error)))
}
