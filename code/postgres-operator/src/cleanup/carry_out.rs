//! Carrying a step out. Every delete names the UID of what it means.

use crate::{
    api::{Database, DeletionPolicy},
    cleanup::Step,
    context::Context,
    error::Error,
    events,
    external::{dump::Job, store::StoreError},
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Preconditions},
    runtime::{events::EventType, reflector::ObjectRef},
};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Carries a step out. What has happened already, in a pass that was cut short, may happen once more: a backup that runs is not
/// started again, and deleting what is gone is no error. [`Step::Release`] is not carried out here but by taking the finalizer off,
/// and [`Step::Record`] by telling it.
pub async fn carry_out(step: Step, db: &Database, ctx: &Context) -> Result<(), Error> {
    let name = db.name_any();
    match step {
        Step::StartBackup => start_backup(db, ctx).await,
        Step::AdmitLoss => {
            let (reason, note) = match db.spec.deletion_policy {
                DeletionPolicy::Delete => ("OldBackupsGivenUp", "earlier backups are left where they are"),
                _ => ("FinalBackupGivenUp", "the final backup is given up"),
            };
            let note = format!("{note}, as an annotation asks");
            events::publish(db, EventType::Warning, reason, "Delete", note, ctx).await;
            ctx.told.insert(db.uid().unwrap_or_default());
            Ok(())
        }
        Step::StopServers(uid) => delete(&ctx.namespaced::<StatefulSet>(db), &name, &uid).await,
        Step::DeleteVolumes(claims) => {
            let api: Api<PersistentVolumeClaim> = ctx.namespaced(db);
            for (claim, uid) in claims {
                delete(&api, &claim, &uid).await?;
            }
            Ok(())
        }
        Step::DeleteCredentials(uid) => {
            delete(&ctx.namespaced::<Secret>(db), &db.credentials_name(), &uid).await
        }
        Step::DeleteBackups(paths) => {
            let gone = async {
                let destination = ctx.stores.open(db, ctx).await?;
                for path in &paths {
                    destination.remove(path).await?;
                }
                Ok::<_, StoreError>(())
            };
            gone.await.map_err(|source| Error::Store { source: Box::new(source) })
        }
        Step::Record(_) | Step::Release | Step::Wait(_) | Step::Blocked(_) => Ok(()),
    }
}

async fn start_backup(db: &Database, ctx: &Context) -> Result<(), Error> {
    let (namespace, name) = (db.namespace().unwrap_or_default(), db.name_any());
    let uid = db.uid().unwrap_or_default();
    let destination =
        ctx.stores.open(db, ctx).await.map_err(|source| Error::Store { source: Box::new(source) })?;
    let job = Job {
        pods: ctx.namespaced(db),
        pod: format!("{name}-0"),
        database: db.spec.database_name.clone(),
        path: destination.final_backup(&namespace, &name, &uid),
        location: destination.location(&namespace, &name, &uid),
        destination,
    };
    ctx.backups.start(&uid, ObjectRef::from_obj(db), job);
    Ok(())
}

// ANCHOR: delete-exactly
/// Deletes the very object that was looked at. One that is gone is fine; one that took its name since is somebody else's.
async fn delete<K>(api: &Api<K>, name: &str, uid: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let exactly = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let params = DeleteParams { preconditions: Some(exactly), ..DeleteParams::background() };
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(source) => Err(Error::from_write(format!("{} {name}", K::kind(&())), source)),
    }
}
// ANCHOR_END: delete-exactly

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake, resources::tests::database};
    use serde_json::json;

    #[tokio::test]
    async fn what_is_deleted_is_named_by_its_uid_and_what_is_gone_is_done() {
        for (code, reason, expected) in [
            (200, "", "done"),
            (404, "NotFound", "done"),
            (409, "Conflict", "stale"),
            (403, "Forbidden", "error"),
        ] {
            let (client, log) = fake::client(move |_| match code {
                200 => Some((
                    200,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}).to_string(),
                )),
                _ => Some(fake::refusal(code, reason)),
            });
            let ctx = fake::context(client);
            let found = match carry_out(Step::StopServers("set-1".into()), &database(), &ctx).await {
                Ok(()) => "done",
                Err(Error::Stale { .. }) => "stale",
                Err(_) => "error",
            };
            assert_eq!(found, expected, "{code}");
            let asked = log.take().remove(0);
            assert_eq!(asked.line, "DELETE /apis/apps/v1/namespaces/shop/statefulsets/orders?");
            assert_eq!(asked.body["preconditions"], json!({"uid": "set-1"}));
        }
    }

    #[tokio::test]
    async fn a_loss_is_told_in_a_warning() {
        let (client, log) = fake::client(|asked| Some((201, asked.body.to_string())));
        let ctx = fake::context(client);
        carry_out(Step::AdmitLoss, &database(), &ctx).await.unwrap();
        let event = log.take().remove(0).body;
        assert_eq!((&event["type"], &event["reason"]), (&json!("Warning"), &json!("FinalBackupGivenUp")));
        assert!(ctx.told.contains("uid-1"));
    }
}
