//! A Database from its creation to its end, and what is left of it.

use super::{MADE, STARTED, backups};
use crate::{
    check::{Arena, Failure, Kind, until},
    lesson_4_1::{NO_IMAGE, all_ready},
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod, Secret},
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use postgres_operator::{api::Database, error::chain, resources::INSTANCE};
use serde_json::{Value, json};
use std::time::Duration;

/// A Database whose server runs and has rows.
pub(super) async fn with_rows(arena: &Arena, name: &str, spec: Value) -> Result<(), Failure> {
    running(arena, name, spec).await?;
    arena.sql_in(name, "app", backups::MAKE_ROWS).await.map(drop)
}

/// A Database whose server runs. It asks for little: a node has no room for a dozen of the ordinary size.
pub(super) async fn running(arena: &Arena, name: &str, mut spec: Value) -> Result<(), Failure> {
    let _turn = arena.turn().await;
    spec["resources"] = json!({"requests": {"cpu": "10m", "memory": "32Mi"}});
    arena.create(name, spec).await?;
    let there = |set: &StatefulSet| set.name_any() == name;
    arena.set(0, MADE, &format!("the servers of {name} are made"), there).await?;
    let ready = |set: &StatefulSet| set.name_any() == name && all_ready(set);
    arena.set(0, STARTED, &format!("the server of {name} answers"), ready).await.map(drop)
}

/// A Database whose children and finalizer exist, in whatever order they came, and whose server never starts, for want of an image
/// and of a node with so many processors.
/// That costs nothing, and a deletion has as much to do.
pub(crate) async fn made(arena: &Arena, name: &str, mut spec: Value) -> Result<(), Failure> {
    spec["image"] = json!(NO_IMAGE);
    spec["resources"] = json!({"requests": {"cpu": "1000"}});
    arena.create(name, spec).await?;
    until(
        arena.patience(MADE),
        &format!("the children of {name} exist, its volume claim and its finalizer too"),
        async || {
            let db = arena.api::<Database>().get(name).await.map_err(|error| chain(&error))?;
            if db.finalizers().is_empty() {
                return Err("no finalizer".into());
            }
            let left = left(arena, name).await?;
            let claim = format!("PersistentVolumeClaim data-{name}-0");
            let all = left.contains(&format!("StatefulSet {name}")) && left.contains(&claim);
            all.then_some(()).ok_or_else(|| list(&left))
        },
    )
    .await
}

/// Asks for the deletion, as `kubectl delete` does, and does not wait.
pub(crate) async fn delete(arena: &Arena, name: &str) -> Result<(), Failure> {
    let deleted = arena.api::<Database>().delete(name, &DeleteParams::background()).await;
    deleted.map(drop).map_err(|error| Failure::new(format!("Database {name} can be deleted"), chain(&error)))
}

/// Waits until a Database is gone, with the patience that the cluster needs.
pub(crate) async fn gone(arena: &Arena, name: &str, within: Duration) -> Result<(), Failure> {
    gone_within(arena, name, arena.patience(within)).await
}

/// Waits until a Database is gone, for so long: what holds it up takes its time anywhere.
pub(crate) async fn gone_within(arena: &Arena, name: &str, within: Duration) -> Result<(), Failure> {
    until(within, &format!("Database {name} is gone"), async || {
        match arena.api::<Database>().get_opt(name).await.map_err(|error| chain(&error))? {
            None => Ok(()),
            Some(db) => Err(told(&db)),
        }
    })
    .await
}

/// A Database that is being deleted is still there.
pub(super) async fn is_there(arena: &Arena, name: &str) -> Result<(), Failure> {
    let expected = || format!("Database {name} stays until its cleanup is done");
    match arena.api::<Database>().get_opt(name).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::new(expected(), "it is gone")),
        Err(error) => Err(Failure::new(expected(), chain(&error))),
    }
}

/// What a Database says of its deletion.
pub(super) fn told(db: &Database) -> String {
    let conditions =
        db.conditions().iter().map(|it| format!("{}={} {}: {}", it.type_, it.status, it.reason, it.message));
    let conditions = conditions.collect::<Vec<_>>().join(", ");
    let when = if db.metadata.deletion_timestamp.is_some() { "is being deleted" } else { "lives" };
    format!("it {when}, finalizers {:?}; {conditions}", db.finalizers())
}

/// Changes a Database's metadata.
pub(super) async fn set_metadata(arena: &Arena, name: &str, metadata: Value) -> Result<(), Failure> {
    let patch = Patch::Merge(json!({"metadata": metadata}));
    let changed = arena.api::<Database>().patch(name, &PatchParams::default(), &patch).await;
    changed.map(drop).map_err(|error| {
        Failure::new(format!("the metadata of Database {name} can be changed"), chain(&error))
    })
}

/// What a cleanup has to do with, of what a Database has and is not on its way out, as `Kind name`. The rest is garbage collection's,
/// which may have a long queue.
pub(super) async fn left(arena: &Arena, name: &str) -> Result<Vec<String>, String> {
    let mut found = alive::<StatefulSet>(arena, name).await?;
    found.extend(alive::<Pod>(arena, name).await?);
    found.extend(alive::<PersistentVolumeClaim>(arena, name).await?);
    found.extend(alive::<Secret>(arena, name).await?);
    Ok(found)
}

async fn alive<K: Kind>(arena: &Arena, name: &str) -> Result<Vec<String>, String> {
    let ours = ListParams::default().labels(&format!("{INSTANCE}={name}"));
    let list = arena.api::<K>().list(&ours).await.map_err(|error| chain(&error))?;
    let alive = list.items.iter().filter(|object| object.meta().deletion_timestamp.is_none());
    Ok(alive.map(|object| format!("{} {}", K::kind(&()), object.name_any())).collect())
}

/// Waits until exactly that is left of a Database. What garbage collection takes goes a moment later than the Database itself.
pub(super) async fn leaves(arena: &Arena, name: &str, expected: &[String]) -> Result<(), Failure> {
    until(arena.patience(MADE), &format!("of {name} is left: {}", list(expected)), async || {
        let found = left(arena, name).await?;
        if found == expected { Ok(()) } else { Err(list(&found)) }
    })
    .await
}

fn list(objects: &[String]) -> String {
    if objects.is_empty() { "nothing".into() } else { objects.join(", ") }
}

/// The UID of an object, if it is there and stays.
pub(super) async fn identity<K: Kind>(arena: &Arena, name: &str) -> Result<String, Failure> {
    let expected = || format!("{} {name} is there and stays", K::kind(&()));
    let found = arena.api::<K>().get_metadata_opt(name).await;
    let found = found.map_err(|error| Failure::new(expected(), chain(&error)))?;
    let found = found.ok_or_else(|| Failure::new(expected(), "it is gone"))?;
    if found.metadata.deletion_timestamp.is_some() {
        return Err(Failure::new(expected(), "it is being deleted"));
    }
    Ok(found.uid().unwrap_or_default())
}

/// A spec whose data is backed up before it goes.
pub(super) fn snapshot(arena: &Arena) -> Value {
    json!({"deletionPolicy": "Snapshot", "backup": {"destination": backups::destination(arena)}})
}

/// A spec of which nothing is to be left.
pub(super) fn nothing_kept(arena: &Arena) -> Value {
    json!({"deletionPolicy": "Delete", "backup": {"destination": backups::destination(arena)}})
}
