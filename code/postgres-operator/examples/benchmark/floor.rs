//! What the machine needs for the same children without an operator: no time of an operator can be below it.

use futures::{StreamExt, stream, stream::TryStreamExt};
use k8s_openapi::{NamespaceResourceScope, api::apps::v1::StatefulSet};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};
use postgres_operator::{
    api::{Database, DatabaseSpec},
    resources::{credentials, service_account, services, stateful_set},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashSet, fmt::Debug, pin::pin};

/// Creates each Database's children with a plain create each.
pub(crate) async fn create(client: &Client, databases: usize) -> Result<(), kube::Error> {
    stream::iter(0..databases)
        .map(|number| {
            let client = client.clone();
            async move {
                let mut db = Database::new(&format!("db-{number}"), DatabaseSpec::default());
                db.metadata.namespace = Some(crate::NAMESPACE.into());
                db.metadata.uid = Some(format!("{number}"));
                one(&client, credentials(&db)).await?;
                one(&client, service_account(&db)).await?;
                for service in services(&db) {
                    one(&client, service).await?;
                }
                one(&client, stateful_set(&db, None)).await
            }
        })
        .buffer_unordered(crate::CREATES_AT_ONCE)
        .try_collect()
        .await
}

async fn one<K>(client: &Client, mut child: K) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    // An owner that does not exist would be garbage collection's business.
    child.meta_mut().owner_references = None;
    Api::<K>::namespaced(client.clone(), crate::NAMESPACE)
        .create(&PostParams::default(), &child)
        .await
        .map(drop)
}

/// Waits until the servers of all have their pod ready.
pub(crate) async fn all_ready(client: Client, databases: usize) -> Result<(), String> {
    let api: Api<StatefulSet> = Api::namespaced(client, crate::NAMESPACE);
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff().applied_objects());
    let mut ready = HashSet::new();
    while ready.len() < databases {
        let set = events.next().await.ok_or("the watch ended")?.map_err(|error| error.to_string())?;
        if set.status.as_ref().and_then(|status| status.ready_replicas) == Some(1) {
            ready.insert(set.name_any());
        }
    }
    Ok(())
}
