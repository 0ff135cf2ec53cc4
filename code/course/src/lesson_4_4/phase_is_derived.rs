//! A phase that somebody writes by hand is corrected, and does no harm.

use super::{NAME, NOTICED, create_ready, is_ready, phase, until};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::NO_IMAGE,
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret, Service},
};
use kube::{
    Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use postgres_operator::{api::Database, error::chain, phase::Phase};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{collections::BTreeMap, fmt::Debug};

/// A second Database, which is never Ready.
const STUCK: &str = "stuck";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    create_ready(arena, json!({})).await?;
    let before = children(arena).await?;
    for written in Phase::ALL {
        corrected(arena, NAME, written, is_ready).await?;
    }
    let after = children(arena).await?;
    if let Some(child) = before.keys().find(|child| before.get(*child) != after.get(*child)) {
        let seen = format!("{child} is another object or another version");
        return Err(Failure::new("children stay as they are, whatever phase is written", seen));
    }

    arena.create(STUCK, json!({"image": NO_IMAGE})).await?;
    let failed = |db: &Database| db.name_any() == STUCK && phase(db) == Some(Phase::Failed);
    // A kubelet that is busy takes its time until it says that an image cannot be pulled.
    arena.database(0, NOTICED * 3, "a Database whose image does not exist is Failed", failed).await?;
    corrected(arena, STUCK, Phase::Ready, failed).await?;
    Ok(format!("{} phases written by hand, all corrected", Phase::ALL.len() + 1))
}

/// Writes a phase by hand, and waits until the status tells the truth again.
async fn corrected(
    arena: &Arena,
    name: &str,
    written: Phase,
    truth: impl Fn(&Database) -> bool,
) -> Result<(), Failure> {
    let patch = Patch::Merge(json!({"status": {"phase": written}}));
    let api = arena.api::<Database>();
    let patched = api.patch_status(name, &PatchParams::default(), &patch).await;
    patched.map_err(|error| Failure::new("the status can be written", chain(&error)))?;
    arena.poke(name, &written.to_string()).await?;
    let expected = format!("the phase {written}, written by hand, is corrected");
    let true_again = async || api.get(name).await.is_ok_and(|db| truth(&db));
    until(arena.patience(NOTICED), &expected, true_again).await.map_err(|failure| {
        let last = arena.databases.last().and_then(|version| phase(&version.object));
        let seen = last.map_or("no phase".into(), |phase| format!("the phase stays {phase}"));
        Failure { seen, ..failure }
    })
}

/// UID and version of every child that the operator writes, by kind and name.
async fn children(arena: &Arena) -> Result<BTreeMap<String, String>, Failure> {
    let mut children = versions::<Service>(arena).await?;
    children.append(&mut versions::<Secret>(arena).await?);
    children.append(&mut versions::<PersistentVolumeClaim>(arena).await?);
    // Its version changes with its pods; what is wanted of them does not.
    let set = arena.api::<StatefulSet>().get(NAME).await;
    let set = set.map_err(|error| Failure::new("the StatefulSet is there", chain(&error)))?;
    let generation = set.metadata.generation.unwrap_or_default();
    children.insert("the StatefulSet".into(), format!("{:?} at {generation}", set.uid()));
    Ok(children)
}

async fn versions<K>(arena: &Arena) -> Result<BTreeMap<String, String>, Failure>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=postgres-operator");
    let list = arena.api::<K>().list(&ours).await;
    let list = list.map_err(|error| Failure::new("children can be listed", chain(&error)))?;
    let version = |object: K| {
        let version = format!("{:?} {:?}", object.uid(), object.resource_version());
        (format!("{} {}", K::kind(&()), object.name_any()), version)
    };
    Ok(list.items.into_iter().map(version).collect())
}
