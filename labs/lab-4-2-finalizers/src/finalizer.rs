//! Task 1: the finalizer, on and off.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use postgres_operator::{api::Database, context::Context, error::Error, finalizer::FINALIZER};
use serde_json::json;
use std::sync::Arc;

/// Task 1: whether the Database has the operator's finalizer, [`FINALIZER`].
pub fn is_on(db: &Database) -> bool {
    todo!("task 1: say whether the finalizer is on")
}

/// Task 1: adds it, and returns the Database as it is then.
///
/// - A merge patch replaces the whole list: send the finalizers of others too.
/// - `uid` and `resourceVersion` in the patch make the API server refuse it if the Database is not the one that you have read.
/// - `ctx.namespaced::<Database>(db)` is the API to write with, `Error::from_write(what, error)` sorts its answers.
pub async fn add(db: &Database, ctx: &Context) -> Result<Arc<Database>, Error> {
    todo!("task 1: add the finalizer")
}

/// Task 1: takes it off, and nobody else's. If it was the last one, the Database is gone right after.
pub async fn remove(db: &Database, ctx: &Context) -> Result<(), Error> {
    todo!("task 1: take the finalizer off")
}
