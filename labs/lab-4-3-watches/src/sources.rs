//! Tasks 1 to 4: where events come from, and to which Database they lead.

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Resource, ResourceExt,
    api::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::WriterDropped},
        watcher,
    },
};
use postgres_operator::{
    api::Database,
    resources::{INSTANCE, MANAGED_BY},
    watches::{Events, Stores, strip},
};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Task 1: watches the children of one kind. The store keeps them, without their managed fields; the stream hands every event on.
///
/// - Children carry the label [`MANAGED_BY`]: `watcher::Config` selects by it.
/// - `databases` in `watches` has the steps: a watcher, its backoff, `modify`, `reflect`, and the objects that it touches.
pub fn children<K>(api: Api<K>) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    todo!("task 1: watch the children of a kind")
}

/// Task 2: waits until every store has had its first list. Every pass waits for it; the controller itself waits only for the
/// Databases.
pub async fn filled(stores: &Stores) -> Result<(), WriterDropped> {
    todo!("task 2: wait for the stores")
}

/// Task 3: the Database that an object's label [`INSTANCE`] names, in the object's own namespace.
pub fn named_by_label<K: Resource<DynamicType = ()>>(object: &K) -> Option<ObjectRef<Database>> {
    todo!("task 3: find the Database that a label names")
}

/// Task 4: events of all Secrets, a deletion among them, without their contents. Nothing is kept.
///
/// - A watcher of [`PartialObjectMeta`] asks the API server for metadata only.
pub fn all_secrets(api: Api<PartialObjectMeta<Secret>>) -> Events<PartialObjectMeta<Secret>> {
    todo!("task 4: watch all Secrets")
}
