//! Namespaces: nothing is made in one that is missing or going, and one that goes takes everything with it.

use crate::{
    clock::Clock,
    error::{Failure, Outcome},
    kinds, metadata,
    registry::Resource,
    server::Server,
    store::{Inner, Key},
    verbs::delete,
};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

/// Those that every cluster has.
pub(crate) const FIRST: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Whether `name` may be made in `namespace`, before anything else is looked at.
pub(crate) fn check(server: &Server, resource: &Resource, namespace: &str, name: &str) -> Outcome<()> {
    server.store.inspect(|inner| check_in(inner, server, resource, namespace, name))
}

/// The same, under the store's lock.
pub(crate) fn check_in(
    inner: &Inner,
    server: &Server,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Outcome<()> {
    if !resource.namespaced {
        return Ok(());
    }
    let namespaces = server.registry.built_in("namespaces");
    let Some(found) = inner.get("namespaces", &Key::new("", namespace)) else {
        return Err(Failure::not_found(&namespaces, namespace));
    };
    if !found.is_deleting() {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let message = format!("namespace {namespace} is being terminated");
    Err(Failure::forbidden(resource, name, &why).with_cause(
        "NamespaceTerminating",
        &message,
        "metadata.namespace",
    ))
}

/// Empties a namespace that is going, until nothing is left that could keep it.
pub(crate) async fn empty(server: Weak<Server>, name: String) {
    let Some(mut news) = server.upgrade().map(|server| server.store.subscribe_to_all()) else { return };
    loop {
        let Some(strong) = server.upgrade() else { return };
        news.mark_unchanged();
        if sweep(&strong, &name) {
            return;
        }
        drop(strong);
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// Deletes what is there. Returns whether the namespace is gone.
fn sweep(server: &Arc<Server>, name: &str) -> bool {
    let namespaces = server.registry.built_in("namespaces");
    let key = Key::new("", name);
    let Some(namespace) = server.store.get("namespaces", &key) else { return true };
    let mut kept: Vec<Kept> = Vec::new();
    let all = server.registry.all();
    let mut tables: Vec<&Arc<Resource>> = all.values().filter(|resource| resource.namespaced).collect();
    tables.dedup_by_key(|resource| resource.table.clone());
    for resource in tables.into_iter().filter(|resource| resource.group != "events.k8s.io") {
        let objects: Vec<_> =
            server.store.inspect(|inner| inner.in_namespace(&resource.table, name).collect());
        for object in objects {
            if !object.is_deleting() {
                // It may be gone or changed by now; the next sweep sees that.
                let _ = delete::remove_plainly(server, resource, &object.key);
            }
            if let Some(left) = server.store.get(&resource.table, &object.key) {
                kept.push((
                    format!("{}.{}", resource.plural, resource.group),
                    metadata::finalizers(&left.value(resource)),
                ));
            }
        }
    }
    let mut value = namespace.value(&namespaces);
    if kept.is_empty() {
        value["spec"]["finalizers"] = json!([]);
        if kinds::may_go(&namespaces, &value) {
            return server.store.remove("namespaces", &key, namespace.revision).is_some();
        }
    }
    let before = value["status"].clone();
    value["status"]["conditions"] = conditions(&server.clock, &kept, &before["conditions"]);
    if value["status"] != before {
        let nothing = |_: &Inner| Ok::<(), ()>(());
        let _ = server.store.put("namespaces", &key, Some(namespace.revision), &value, nothing);
    }
    false
}

/// A resource with something left, and the finalizers that hold it.
type Kept = (String, Vec<String>);

/// What a namespace says of its emptying, as the namespace controller writes it.
fn conditions(clock: &Clock, kept: &[Kept], before: &Value) -> Value {
    let count = |of: &dyn Fn(&Kept) -> Vec<String>| {
        let mut counts = std::collections::BTreeMap::new();
        for key in kept.iter().flat_map(of) {
            *counts.entry(key).or_insert(0_usize) += 1;
        }
        counts
    };
    let content = count(&|(resource, _)| vec![resource.clone()]);
    let finalizers = count(&|(_, finalizers)| finalizers.clone());
    let list = |counts: &std::collections::BTreeMap<String, usize>, verb: &str| {
        counts
            .iter()
            .map(|(name, count)| format!("{name} {verb} {count} resource instances"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let left = format!("Some resources are remaining: {}", list(&content, "has"));
    let waits =
        format!("Some content in the namespace has finalizers remaining: {}", list(&finalizers, "in"));
    let one = |kind: &str, bad: bool, reason: (&str, &str), message: (&str, &str)| {
        let status = if bad { "True" } else { "False" };
        let old = before
            .as_array()
            .into_iter()
            .flatten()
            .find(|old| old["type"] == kind && old["status"] == status);
        let time = old.map_or_else(|| json!(clock.stamp()), |old| old["lastTransitionTime"].clone());
        let (reason, message) = if bad { (reason.0, message.0) } else { (reason.1, message.1) };
        json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": time })
    };
    json!([
        one(
            "NamespaceDeletionDiscoveryFailure",
            false,
            ("", "ResourcesDiscovered"),
            ("", "All resources successfully discovered")
        ),
        one(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            ("", "ParsedGroupVersions"),
            ("", "All legacy kube types successfully parsed")
        ),
        one(
            "NamespaceDeletionContentFailure",
            false,
            ("", "ContentDeleted"),
            ("", "All content successfully deleted, may be waiting on finalization")
        ),
        one(
            "NamespaceContentRemaining",
            !content.is_empty(),
            ("SomeResourcesRemain", "ContentRemoved"),
            (&left, "All content successfully removed")
        ),
        one(
            "NamespaceFinalizersRemaining",
            !finalizers.is_empty(),
            ("SomeFinalizersRemain", "ContentHasNoFinalizers"),
            (&waits, "All content-preserving finalizers finished")
        ),
    ])
}

/// Makes the namespaces that every cluster has.
pub(crate) fn make_first(server: &Server) {
    let namespaces = server.registry.built_in("namespaces");
    for name in FIRST {
        let mut object = json!({ "metadata": { "name": name } });
        metadata::begin(&server.clock, &namespaces, &mut object, "");
        kinds::default(&namespaces, &mut object);
        kinds::namespace::begin(&mut object);
        let nothing = |_: &Inner| Ok::<(), ()>(());
        let _ = server.store.put("namespaces", &Key::new("", name), None, &object, nothing);
    }
}
