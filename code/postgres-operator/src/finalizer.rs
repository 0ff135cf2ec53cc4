//! The finalizer: the promise that a Database does not go before its data has been seen to.

use crate::{api::Database, context::Context, error::Error};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use std::sync::Arc;

/// The operator's entry in `metadata.finalizers`.
pub const FINALIZER: &str = "database.example.com/cleanup";

/// Whether the Database has it.
pub fn is_on(db: &Database) -> bool {
    db.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Adds it. The caller has made sure that the Database is not being deleted; the API server refuses it then anyway.
pub async fn add(db: &Database, ctx: &Context) -> Result<Arc<Database>, Error> {
    let finalizers = db.finalizers().iter().map(String::as_str).chain([FINALIZER]).collect();
    write(db, finalizers, ctx).await
}

/// Takes it off, and nobody else's. The Database may be gone right after.
pub async fn remove(db: &Database, ctx: &Context) -> Result<Arc<Database>, Error> {
    let others = db.finalizers().iter().map(String::as_str).filter(|it| *it != FINALIZER).collect();
    write(db, others, ctx).await
}

// ANCHOR: finalizer-write
/// A merge patch replaces the whole list. The version makes it fail if somebody else has changed the list since it was read,
/// and the UID if it is another object's by now.
async fn write(db: &Database, finalizers: Vec<&str>, ctx: &Context) -> Result<Arc<Database>, Error> {
    let patch = json!({"metadata": {
        "uid": db.uid(),
        "resourceVersion": db.resource_version(),
        "finalizers": finalizers,
    }});
    let api: Api<Database> = ctx.namespaced(db);
    let written = api.patch(&db.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
    let what = || format!("the finalizers of Database {}", db.name_any());
    written.map(Arc::new).map_err(|source| Error::from_write(what(), source))
}
// ANCHOR_END: finalizer-write

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake, resources::tests::database};

    #[tokio::test]
    async fn the_names_of_others_stay_and_the_very_object_and_version_are_meant() {
        let (client, log) = fake::client(|_| Some(fake::refusal(409, "Conflict")));
        let ctx = fake::context(client);
        let mut db = database();
        db.metadata.finalizers = Some(vec!["another/one".into()]);
        let added = add(&db, &ctx).await;
        assert!(matches!(added, Err(Error::Stale { .. })), "the next pass looks again: {added:?}");
        db.metadata.finalizers = Some(vec![FINALIZER.into(), "another/one".into()]);
        let _ = remove(&db, &ctx).await;
        let patches: Vec<_> = log.take().into_iter().map(|asked| asked.body["metadata"].clone()).collect();
        let patch =
            |finalizers: &[&str]| json!({"uid": "uid-1", "resourceVersion": "1", "finalizers": finalizers});
        assert_eq!(patches, [patch(&["another/one", FINALIZER]), patch(&["another/one"])]);
    }
}
