//! Watches and a mapper as one writes them first. The lesson shows them.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, PartialObjectMeta},
    core::PartialObjectMetaExt,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher::{self, watcher},
    },
};
use postgres_operator::{
    api::Database,
    index::named_in,
    resources::MANAGED_BY,
    watches::{Events, strip},
};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

// ANCHOR: naive-children
pub(crate) fn naive_children<K>(api: Api<K>) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let ours = watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
    let (store, writer) = reflector::store();
    let events = watcher(api, ours).default_backoff().modify(strip).reflect(writer).applied_objects();
    (store, events.boxed())
}
// ANCHOR_END: naive-children

// ANCHOR: naive-naming
pub(crate) async fn naive_naming(
    databases: Api<Database>,
    namespace: Option<String>,
    secret: String,
) -> Vec<ObjectRef<Database>> {
    let all = databases.list(&ListParams::default()).await;
    let all = all.map(|list| list.items).unwrap_or_default();
    let naming = |db: &&Database| db.namespace() == namespace && named_in(db).contains(&secret);
    all.iter().filter(naming).map(ObjectRef::from_obj).collect()
}
// ANCHOR_END: naive-naming

// ANCHOR: naive-secrets
pub(crate) fn naive_secrets(api: Api<Secret>) -> Events<PartialObjectMeta<Secret>> {
    let (_, writer) = reflector::store();
    watcher(api, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .touched_objects()
        .map_ok(|secret| secret.metadata.into_response_partial())
        .boxed()
}
// ANCHOR_END: naive-secrets
