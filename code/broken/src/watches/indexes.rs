//! Indexes that look right.

use super::{
    Watched,
    parts::{Parts, controller},
};
use kube::{
    Client, ResourceExt,
    runtime::{reflector::ObjectRef, watcher::Event},
};
use postgres_operator::{
    api::Database,
    index::named_in,
    watches::{More, Scope},
};
use solution_4_3_watches::index::SecretIndex;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

type Shared<K, V> = Arc<RwLock<HashMap<K, BTreeSet<V>>>>;

/// Mistake: a Database that names another Secret, or none any more, keeps its old entry.
pub(super) fn index_only_grows(client: &Client, scope: &Scope, more: More) -> Watched {
    let index = Shared::<(String, String), String>::default();
    let answers = index.clone();
    let update = move |event: &Event<Database>| {
        let (Event::Apply(db) | Event::InitApply(db)) = event else { return };
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        for secret in named_in(db) {
            let key = (db.namespace().unwrap_or_default(), secret);
            index.entry(key).or_default().insert(db.name_any());
        }
    };
    let naming = move |namespace: &str, secret: &str| {
        let index = answers.read().unwrap_or_else(PoisonError::into_inner);
        let names = index.get(&(namespace.to_owned(), secret.to_owned())).into_iter().flatten();
        names.map(|name| ObjectRef::new(name).within(namespace)).collect()
    };
    let parts = Parts { update: Box::new(update), naming: Box::new(naming), ..Parts::right() };
    controller(client, scope, more, parts)
}

/// Mistake: a Database gets its entry when its Secret has been found, so none waits for a Secret.
pub(super) fn index_of_the_found(client: &Client, scope: &Scope, more: More) -> Watched {
    let index = SecretIndex::default();
    let answers = index.clone();
    let update = move |event: &Event<Database>| match event {
        Event::Apply(db) | Event::InitApply(db) if misses_its_secret(db) => {
            index.update(&Event::Delete(db.clone()));
        }
        event => index.update(event),
    };
    let naming = move |namespace: &str, secret: &str| answers.naming(namespace, secret);
    let parts = Parts { update: Box::new(update), naming: Box::new(naming), ..Parts::right() };
    controller(client, scope, more, parts)
}

fn misses_its_secret(db: &Database) -> bool {
    db.conditions().iter().any(|condition| condition.reason == "SecretMissing")
}

/// Mistake: the Secrets of all namespaces share their names.
pub(super) fn index_forgets_the_namespace(client: &Client, scope: &Scope, more: More) -> Watched {
    let index = Shared::<ObjectRef<Database>, String>::default();
    let answers = index.clone();
    let update = move |event: &Event<Database>| {
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(db) | Event::InitApply(db) => {
                index.insert(ObjectRef::from_obj(db), named_in(db));
            }
            Event::Delete(db) => drop(index.remove(&ObjectRef::from_obj(db))),
            Event::Init | Event::InitDone => {}
        }
    };
    let naming = move |_: &str, secret: &str| {
        let index = answers.read().unwrap_or_else(PoisonError::into_inner);
        let naming = index.iter().filter(|(_, secrets)| secrets.contains(secret));
        naming.map(|(db, _)| db.clone()).collect()
    };
    let parts = Parts { update: Box::new(update), naming: Box::new(naming), ..Parts::right() };
    controller(client, scope, more, parts)
}
