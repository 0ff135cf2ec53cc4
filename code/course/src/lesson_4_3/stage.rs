//! What the checks of this lesson have in common: Databases to which nothing happens but what a check does.

use crate::check::{Arena, Failure, until};
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ResourceQuota, ResourceQuotaSpec, Secret},
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{
    Api,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use postgres_operator::{
    api::{Database, SecretKeyRef},
    error::chain,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The name of the Database in most checks.
pub(super) const NAME: &str = "orders";
/// The name of the Secret that it names, and the key in it.
pub(super) const SECRET: &str = "login";
pub(super) const KEY: &str = "password";
/// How soon an event has to lead to a pass.
pub(super) const SOON: Duration = Duration::from_secs(2);
/// Long enough for an operator to notice something and say so.
pub(super) const NOTICED: Duration = Duration::from_secs(20);
/// Long enough for a Database to get its children while other checks keep the API server busy.
pub(super) const MADE: Duration = Duration::from_secs(30);
/// Long enough for an image to be there, a volume to be made and PostgreSQL to start on a busy laptop.
pub(super) const STARTED: Duration = Duration::from_secs(90);
/// A quota of no pods and no volumes, in force: what happens to pods would be events too.
pub(super) async fn without_pods(arena: &Arena, namespace: &str) -> Result<(), Failure> {
    let none = ["pods", "persistentvolumeclaims"].map(|kind| (kind.to_owned(), Quantity("0".into())));
    let quota = ResourceQuota {
        metadata: ObjectMeta { name: Some("no-pods".into()), ..ObjectMeta::default() },
        spec: Some(ResourceQuotaSpec { hard: Some(none.into()), ..ResourceQuotaSpec::default() }),
        status: None,
    };
    let api: Api<ResourceQuota> = Api::namespaced(arena.client.clone(), namespace);
    let created = api.create(&PostParams::default(), &quota).await;
    created.map_err(|error| Failure::new("a quota is in force", chain(&error)))?;
    until(arena.patience(NOTICED), "the quota controller puts the quota in force", async || {
        let quota = api.get("no-pods").await.map_err(|error| chain(&error))?;
        quota.status.and_then(|status| status.hard).map(drop).ok_or_else(|| "it is not yet".to_owned())
    })
    .await
}

/// Waits until Databases have all their children and nothing is under way.
pub(super) async fn settled(arena: &Arena, namespace: &str, names: &[&str]) -> Result<(), Failure> {
    let sets: Api<StatefulSet> = Api::namespaced(arena.client.clone(), namespace);
    for name in names {
        until(arena.patience(MADE), &format!("a StatefulSet of Database {name}"), async || {
            sets.get_metadata(name).await.map(drop).map_err(|error| chain(&error))
        })
        .await?;
    }
    arena.rests(arena.quiet, MADE).await
}

/// A spec that names a Secret.
pub(super) fn naming(secret: &str) -> Value {
    json!({"passwordSecretRef": SecretKeyRef { name: secret.into(), key: KEY.into() }})
}

/// Creates a Secret with a password in it.
pub(super) async fn create_secret(arena: &Arena, namespace: &str, name: &str) -> Result<(), Failure> {
    let secret = Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        string_data: Some([(KEY.to_owned(), "the first one".to_owned())].into()),
        ..Secret::default()
    };
    let api: Api<Secret> = Api::namespaced(arena.client.clone(), namespace);
    let created = api.create(&PostParams::default(), &secret).await;
    created.map(drop).map_err(|error| Failure::new(format!("Secret {name} can be created"), chain(&error)))
}

/// Gives a Secret a password that it has not had: a write that changes nothing is no event.
pub(super) async fn rotate(arena: &Arena, namespace: &str, name: &str) -> Result<(), Failure> {
    let patch = Patch::Merge(json!({"stringData": {KEY: format!("of {}", Timestamp::now())}}));
    let api: Api<Secret> = Api::namespaced(arena.client.clone(), namespace);
    let patched = api.patch(name, &PatchParams::default(), &patch).await;
    patched.map(drop).map_err(|error| Failure::new(format!("Secret {name} can be changed"), chain(&error)))
}

/// Deletes a Secret.
pub(super) async fn delete_secret(arena: &Arena, name: &str) -> Result<(), Failure> {
    let deleted = arena.api::<Secret>().delete(name, &DeleteParams::default()).await;
    deleted.map(drop).map_err(|error| Failure::new(format!("Secret {name} can be deleted"), chain(&error)))
}

/// Whether Failed says that a Secret is missing.
pub(super) fn misses_its_secret(db: &Database) -> bool {
    let failed = db.conditions().iter().find(|condition| condition.type_ == "Failed");
    failed.is_some_and(|failed| failed.status == "True" && failed.reason == "SecretMissing")
}
