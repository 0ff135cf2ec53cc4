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
///
/// - `db.status` is what the status says now, `ctx.namespaced::<Database>(db)` is the API to write it with.
/// - `Error::from_write(what, error)` sorts the API server's answers for you.
pub async fn report(db: &Database, conditions: Vec<Condition>, ctx: &Context) -> Result<(), Error> {
    todo!("task 1: write the status")
}
