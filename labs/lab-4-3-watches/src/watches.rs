//! Given: the controller and its triggers.

use crate::{
    index::SecretIndex,
    news::news,
    sources::{all_secrets, children, filled, named_by_label},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{
        Controller, PredicateConfig, WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use postgres_operator::{
    api::Database,
    lab::{done_or, watch_or_none},
    watches::{Caches, Events, More, Scope, Stores, strip},
};

/// The controller with its triggers, and the caches that they fill.
pub fn controller(client: &Client, scope: &Scope, more: More) -> (Controller<Database>, Caches) {
    let index = SecretIndex::default();
    let (databases, database_events) = databases(scope.api(client), index.clone());
    let (stateful_sets, set_events) = watch_or_none(|| children(scope.api(client)));
    let (services, service_events) = watch_or_none(|| children(scope.api(client)));
    let (service_accounts, account_events) = watch_or_none(|| children(scope.api(client)));
    let (secrets, secret_events) = watch_or_none(|| children(scope.api(client)));
    let (pods, pod_events) = watch_or_none(|| children(scope.api(client)));
    let named_secrets = done_or(|_| stream::pending().boxed(), || all_secrets(scope.api(client)));
    let controller = Controller::for_stream(database_events, databases)
        .owns_stream(set_events)
        .owns_stream(service_events)
        .owns_stream(account_events)
        // No owner reference leads from these to their Database: the label does.
        .watches_stream(secret_events, by_label)
        .watches_stream(pod_events, by_label)
        // Nor from a user's own Secret: the index does.
        .watches_stream(named_secrets, move |secret| by_index(&secret, &index))
        .reconcile_on(more);
    let stores = Stores { stateful_sets, services, service_accounts, secrets, pods };
    (controller, Caches::new(stores, |stores| filled(stores).boxed()))
}

/// A task that is not done leads nowhere, and the other triggers work.
#[expect(clippy::needless_pass_by_value, reason = "the controller hands over its objects")]
fn by_label<K: Resource<DynamicType = ()>>(object: K) -> Option<ObjectRef<Database>> {
    done_or(|_| None, || named_by_label(&object))
}

fn by_index(secret: &impl ResourceExt, index: &SecretIndex) -> Vec<ObjectRef<Database>> {
    let namespace = secret.namespace().unwrap_or_default();
    done_or(|_| Vec::new(), || index.naming(&namespace, &secret.name_any()))
}

/// The Databases: a store, and what is news of them. The index sees every event.
fn databases(api: Api<Database>, index: SecretIndex) -> (Store<Database>, Events<Database>) {
    let (store, writer) = reflector::store();
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(strip)
        .reflect(writer)
        .inspect_ok(move |event| done_or(drop, || index.update(event)))
        .touched_objects()
        .predicate_filter(|db: &Database| done_or(|_| None, || news(db)), PredicateConfig::default());
    (store, events.boxed())
}
