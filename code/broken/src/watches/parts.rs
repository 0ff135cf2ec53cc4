//! The solution's controller in parts, so that a mistake can take the place of one.

use super::naive::naive_children;
use futures::{FutureExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::PartialObjectMeta,
    runtime::{
        Controller, PredicateConfig, WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher::{self, Event, watcher},
    },
};
use postgres_operator::{
    api::Database,
    kept::Kept,
    watches::{Caches, Events, Filled, More, Scope, Stores, strip},
};
use serde::de::DeserializeOwned;
use solution_4_3_watches::{
    index::SecretIndex,
    news::news,
    sources::{all_secrets, children, filled, named_by_label},
};
use std::fmt::Debug;

type Update = Box<dyn Fn(&Event<Database>) + Send>;
type Naming = Box<dyn Fn(&str, &str) -> Vec<ObjectRef<Database>> + Send + Sync>;

/// What the lab asks for.
pub(super) struct Parts {
    /// Whether a child that is deleted is news.
    pub(super) deletes: bool,
    /// What becomes of the Services' events.
    pub(super) services: fn(Events<Kept<Service>>) -> Events<Kept<Service>>,
    /// What is news of a Database.
    pub(super) news: fn(&Database) -> Option<u64>,
    /// Follows the Databases.
    pub(super) update: Update,
    /// Events of all Secrets.
    pub(super) secrets: fn(&Client, &Scope) -> Events<PartialObjectMeta<Secret>>,
    /// Which Databases name a Secret.
    pub(super) naming: Naming,
    /// When the stores may be looked into.
    pub(super) filled: Filled,
}

impl Parts {
    /// As the solution has them.
    pub(super) fn right() -> Self {
        let index = SecretIndex::default();
        let answers = index.clone();
        Self {
            deletes: true,
            services: |events| events,
            news,
            update: Box::new(move |event| index.update(event)),
            secrets: |client, scope| all_secrets(scope.api(client)),
            naming: Box::new(move |namespace, secret| answers.naming(namespace, secret)),
            filled: |stores| filled(stores).boxed(),
        }
    }
}

/// The solution's controller, of these parts.
pub(super) fn controller(
    client: &Client,
    scope: &Scope,
    more: More,
    parts: Parts,
) -> (Controller<Database>, Caches) {
    let Parts { deletes, services: of_services, news, update, secrets: of_secrets, naming, filled } = parts;
    let (databases, database_events) = databases(scope.api(client), update, news);
    let (stateful_sets, set_events) = watched(scope.api(client), deletes);
    let (services, service_events) = watched(scope.api(client), deletes);
    let (service_accounts, account_events) = watched(scope.api(client), deletes);
    let (secrets, secret_events) = watched(scope.api(client), deletes);
    let (pods, pod_events) = watched(scope.api(client), deletes);
    let controller = Controller::for_stream(database_events, databases)
        .owns_stream(set_events)
        .owns_stream(of_services(service_events))
        .owns_stream(account_events)
        .watches_stream(secret_events, |secret| named_by_label(&secret))
        .watches_stream(pod_events, |pod| named_by_label(&pod))
        .watches_stream(of_secrets(client, scope), move |secret| {
            naming(&secret.namespace().unwrap_or_default(), &secret.name_any())
        })
        .reconcile_on(more);
    let stores = Stores { stateful_sets, services, service_accounts, secrets, pods };
    (controller, Caches::new(stores, filled))
}

fn databases(
    api: Api<Database>,
    update: Update,
    news: fn(&Database) -> Option<u64>,
) -> (Store<Database>, Events<Database>) {
    let (store, writer) = reflector::store();
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(strip)
        .reflect(writer)
        .inspect_ok(update)
        .touched_objects()
        .predicate_filter(news, PredicateConfig::default());
    (store, events.boxed())
}

fn watched<K>(api: Api<K>, deletes: bool) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    if deletes { children(api) } else { naive_children(api) }
}
