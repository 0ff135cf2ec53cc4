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
// ANCHOR: solution-4-3-children
pub fn children<K>(api: Api<K>) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let ours = watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
    let (store, writer) = reflector::store();
    let events = watcher(api, ours).default_backoff().modify(strip).reflect(writer).touched_objects().boxed();
    (store, events)
}
// ANCHOR_END: solution-4-3-children

/// Task 2: waits until every store has had its first list.
// ANCHOR: solution-4-3-filled
pub async fn filled(stores: &Stores) -> Result<(), WriterDropped> {
    stores.stateful_sets.wait_until_ready().await?;
    stores.services.wait_until_ready().await?;
    stores.service_accounts.wait_until_ready().await?;
    stores.secrets.wait_until_ready().await?;
    stores.pods.wait_until_ready().await
}
// ANCHOR_END: solution-4-3-filled

// ANCHOR: solution-4-3-triggers
/// Task 3: the Database that an object's label names, in the object's own namespace.
pub fn named_by_label<K: Resource<DynamicType = ()>>(object: &K) -> Option<ObjectRef<Database>> {
    let name = object.labels().get(INSTANCE)?;
    Some(ObjectRef::new(name).within(&object.namespace()?))
}

/// Task 4: events of all Secrets, without their contents. Nothing is kept.
pub fn all_secrets(api: Api<PartialObjectMeta<Secret>>) -> Events<PartialObjectMeta<Secret>> {
    watcher(api, watcher::Config::default()).default_backoff().touched_objects().boxed()
}
// ANCHOR_END: solution-4-3-triggers
