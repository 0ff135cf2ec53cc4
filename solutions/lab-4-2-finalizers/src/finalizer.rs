//! Task 1: the finalizer, on and off.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use postgres_operator::{api::Database, context::Context, error::Error, finalizer::FINALIZER};
use serde_json::json;
use std::sync::Arc;

/// Whether the Database has the operator's finalizer.
pub fn is_on(db: &Database) -> bool {
    db.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Adds it. Returns the Database as it is then.
pub async fn add(db: &Database, ctx: &Context) -> Result<Arc<Database>, Error> {
    let mut finalizers = db.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    replace(db, &finalizers, ctx).await.map(Arc::new)
}

/// Takes it off, and nobody else's. If it was the last one, the Database is gone right after.
pub async fn remove(db: &Database, ctx: &Context) -> Result<(), Error> {
    let mut finalizers = db.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    replace(db, &finalizers, ctx).await.map(drop)
}

/// Writes the whole list, if the Database is still the one that the list was read from.
// ANCHOR: solution-replace
async fn replace(db: &Database, finalizers: &[String], ctx: &Context) -> Result<Database, Error> {
    let name = db.name_any();
    let patch = json!({"metadata": {
        "uid": db.uid(),
        "resourceVersion": db.resource_version(),
        "finalizers": finalizers,
    }});
    let api: Api<Database> = ctx.namespaced(db);
    api.patch(&name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(|source| Error::from_write(format!("the finalizers of Database {name}"), source))
}
// ANCHOR_END: solution-replace
