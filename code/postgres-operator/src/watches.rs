//! Watches: which events lead to a pass, and the caches that they fill on the way.

use crate::{
    api::Database,
    error::Error,
    index::SecretIndex,
    kept::Kept,
    resources::{INSTANCE, MANAGED_BY},
    waiting::{Waiting, owners},
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Pod, Secret, Service, ServiceAccount},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::PartialObjectMeta,
    runtime::{
        Controller, Predicate, PredicateConfig, WatchStreamExt, predicates,
        reflector::{self, ObjectRef, Store, store::WriterDropped},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::sync::OnceCell;

const CACHES_READY_WITHIN: Duration = Duration::from_secs(30);

/// What the watches hold of the operator's own objects.
pub struct Stores {
    /// The servers: their storage and their status.
    pub stateful_sets: Store<Kept<StatefulSet>>,
    /// The Services: which they are, and whose.
    pub services: Store<Kept<Service>>,
    /// The pods' identities: which they are, and whose.
    pub service_accounts: Store<Kept<ServiceAccount>>,
    /// The generated passwords, as a whole.
    pub secrets: Store<Secret>,
    /// The pods: whether they are ready, their address, and what keeps their containers from it.
    pub pods: Store<Kept<Pod>>,
}

/// Waits until every store has had its first list.
pub type Filled = fn(&Stores) -> BoxFuture<'_, Result<(), WriterDropped>>;

/// The stores, once they are filled, and who waits for a pass because of what came in.
pub struct Caches {
    stores: Stores,
    filled: Filled,
    /// Counted if the watches note it there.
    pub waiting: Waiting,
    /// One waits for all: of several that wait for a store at the same time, kube wakes the last one only.
    ready: OnceCell<()>,
}

impl Caches {
    /// Stores that a pass may look into when `filled` says so.
    pub fn new(stores: Stores, filled: Filled) -> Self {
        Self { stores, filled, waiting: Waiting::default(), ready: OnceCell::new() }
    }

    // ANCHOR: caches-ready
    /// Waits until every store has had its first list. The controller waits for the Databases only, and to a store that is
    /// still empty every child seems to be missing.
    pub async fn ready(&self) -> Result<&Stores, Error> {
        let filled = self.ready.get_or_try_init(|| (self.filled)(&self.stores));
        match tokio::time::timeout(CACHES_READY_WITHIN, filled).await {
            Ok(Ok(())) => Ok(&self.stores),
            _ => Err(Error::CachesNotReady(CACHES_READY_WITHIN)),
        }
    }
    // ANCHOR_END: caches-ready

    /// Whether every store has had its first list.
    pub fn are_ready(&self) -> bool {
        self.ready().now_or_never().is_some_and(|filled| filled.is_ok())
    }
}

async fn filled(stores: &Stores) -> Result<(), WriterDropped> {
    let Stores { stateful_sets, services, service_accounts, secrets, pods } = stores;
    stateful_sets.wait_until_ready().await?;
    services.wait_until_ready().await?;
    service_accounts.wait_until_ready().await?;
    secrets.wait_until_ready().await?;
    pods.wait_until_ready().await
}

/// Where to watch.
#[derive(Clone, Debug)]
pub enum Scope {
    /// In every namespace.
    Cluster,
    /// In one.
    Namespace(String),
}

impl Scope {
    /// The API of a kind in this scope.
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}

/// Databases that want a pass for reasons of their own: no watch tells of those.
pub type More = BoxStream<'static, ObjectRef<Database>>;

/// The controller with its triggers, and the caches that they fill.
pub fn controller(client: &Client, scope: &Scope, more: More) -> (Controller<Database>, Caches) {
    let ours = watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
    let index = SecretIndex::default();
    let (databases, database_events) = databases(scope.api(client), index.clone());
    let (stateful_sets, stateful_set_events) = watched(scope.api(client), ours.clone());
    let (services, service_events) = watched(scope.api(client), ours.clone());
    let (service_accounts, service_account_events) = watched(scope.api(client), ours.clone());
    let (secrets, secret_events) = watched(scope.api(client), ours.clone());
    let (pods, pod_events) = watched(scope.api(client), ours);
    // No owner reference leads from a user's own Secret to those that name it: the index does.
    let named_by_index = move |secret: &PartialObjectMeta<Secret>| {
        index.naming(&secret.namespace().unwrap_or_default(), &secret.name_any())
    };
    let named_secrets = named_secrets(scope.api(client));
    let stores = Stores { stateful_sets, services, service_accounts, secrets, pods };
    let caches = Caches::new(stores, |stores| filled(stores).boxed());
    let waiting = &caches.waiting;
    let controller =
        Controller::for_stream(waiting.note(database_events, |db| [ObjectRef::from_obj(db)]), databases)
            .owns_stream(waiting.note(stateful_set_events, owners))
            .owns_stream(waiting.note(service_events, owners))
            .owns_stream(waiting.note(service_account_events, owners))
            // Nor from these: the label does.
            .watches_stream(waiting.note(secret_events, named_by_label), |secret| named_by_label(&secret))
            .watches_stream(waiting.note(pod_events, named_by_label), |pod| named_by_label(&pod))
            .watches_stream(waiting.note(named_secrets, named_by_index.clone()), move |secret| {
                named_by_index(&secret)
            })
            .reconcile_on(waiting.note_more(more));
    (controller, caches)
}

/// The Databases. The index sees every event; the controller only those that change what a pass decides on. A status does not:
/// the operator writes it itself.
// ANCHOR: database-events
fn databases(api: Api<Database>, index: SecretIndex) -> (Store<Database>, Events<Database>) {
    let (store, writer) = reflector::store();
    let news = predicates::generation
        .combine(predicates::finalizers)
        .combine(predicates::labels)
        .combine(predicates::annotations);
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(strip)
        .reflect(writer)
        .inspect_ok(move |event| index.update(event))
        .touched_objects()
        .predicate_filter(news, PredicateConfig::default());
    (store, events.boxed())
}
// ANCHOR_END: database-events

/// Events of all Secrets, as metadata, and none of them is kept: what a Database names is read when a pass needs it.
fn named_secrets(api: Api<PartialObjectMeta<Secret>>) -> Events<PartialObjectMeta<Secret>> {
    watcher(api, watcher::Config::default()).default_backoff().touched_objects().boxed()
}

/// Drops the managed fields: as large as the rest of the object, and nothing here looks at them.
pub fn strip<K: Resource<DynamicType = ()>>(object: &mut K) {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    // A list of one has been parsed into room for four, and most that is cached is a list of one.
    meta.owner_references.iter_mut().for_each(Vec::shrink_to_fit);
    meta.finalizers.iter_mut().for_each(Vec::shrink_to_fit);
}

/// The Database that an object's label names, in the object's own namespace.
fn named_by_label<K: Resource<DynamicType = ()>>(object: &K) -> Option<ObjectRef<Database>> {
    let name = object.labels().get(INSTANCE)?;
    Some(ObjectRef::new(name).within(&object.namespace()?))
}

/// What a watch tells, with the deleted objects among them.
pub type Events<K> = BoxStream<'static, Result<K, watcher::Error>>;

/// A store, and the events that pass through it. Each stream backs off by itself: with one backoff for all of a
/// controller's triggers, a kind that may not be watched would hold up the others.
// ANCHOR: watched
fn watched<K>(api: Api<K>, config: watcher::Config) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let events = watcher(api, config)
        .default_backoff()
        .modify(strip)
        .reflect(writer)
        // Deletions too: a child that goes is news.
        .touched_objects();
    (store, events.boxed())
}
// ANCHOR_END: watched

#[cfg(test)]
#[path = "watches_tests.rs"]
mod tests;
