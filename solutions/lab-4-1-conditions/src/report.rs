//! Task 1: the write.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use postgres_operator::{
    api::Database,
    context::{Context, MANAGER},
    error::Error,
};
use serde_json::json;

/// Task 1: writes the conditions and the generation that they speak of, as the field manager [`MANAGER`], and only if that
/// changes something.
// ANCHOR: solution-report
pub async fn report(db: &Database, conditions: Vec<Condition>, ctx: &Context) -> Result<(), Error> {
    let observed = db.status.as_ref().and_then(|status| status.observed_generation);
    let known = conditions.iter().all(|condition| db.conditions().contains(condition));
    if known && observed == db.metadata.generation {
        return Ok(());
    }
    let name = db.name_any();
    let patch = json!({
        "apiVersion": Database::api_version(&()),
        "kind": Database::kind(&()),
        "metadata": {"name": name, "resourceVersion": db.resource_version()},
        "status": {"observedGeneration": db.metadata.generation, "conditions": conditions},
    });
    let api: Api<Database> = ctx.namespaced(db);
    api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch))
        .await
        .map(drop)
        .map_err(|source| Error::from_write(format!("the status of Database {name}"), source))
}
// ANCHOR_END: solution-report
