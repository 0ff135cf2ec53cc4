//! What is special about built-in kinds: defaults, rules, and what follows a write.

pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod definition;
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod namespace;
pub(crate) mod pod;
pub(crate) mod pod_rules;
pub(crate) mod rbac;
pub(crate) mod service;
pub(crate) mod stateful_set;
pub(crate) mod workload;

use crate::{
    error::{Cause, Failure, Outcome},
    metadata, namespaces, quota,
    registry::{Resource, custom},
    server::Server,
    store::Object,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Fills in what a built-in object leaves out.
pub(crate) fn default(resource: &Resource, object: &mut Value) {
    match resource.table.as_str() {
        "pods" => pod::default(&mut object["spec"]),
        "services" => service::default(object),
        "secrets" => config::default_secret(object),
        "namespaces" => namespace::default(object),
        "persistentvolumeclaims" => claim::default(object),
        "persistentvolumes" => claim::default_volume(object),
        "statefulsets.apps" => stateful_set::default(object),
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" => workload::default(resource, object),
        "jobs.batch" | "cronjobs.batch" => job::default(resource, object),
        "storageclasses.storage.k8s.io" => claim::default_class(object),
        "customresourcedefinitions.apiextensions.k8s.io" => definition::default(object),
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            rbac::default(object);
        }
        _ => {}
    }
}

/// What the server adds to an object that it takes in or changes.
pub(crate) fn prepare(server: &Server, resource: &Resource, object: &mut Value, old: Option<&Value>) {
    match (resource.table.as_str(), old) {
        ("services", _) => service::prepare(server, object, old),
        ("namespaces", None) => namespace::begin(object),
        ("pods", None) => pod::begin(object),
        ("persistentvolumeclaims", None) => claim::begin(server, object),
        ("persistentvolumes", None) => object["status"] = json!({ "phase": "Pending" }),
        ("statefulsets.apps", None) => object["status"] = json!({ "replicas": 0, "availableReplicas": 0 }),
        ("deployments.apps" | "jobs.batch" | "cronjobs.batch", None) => object["status"] = json!({}),
        ("replicasets.apps", None) => object["status"] = json!({ "replicas": 0 }),
        _ => {}
    }
    if resource.table == "jobs.batch" && old.is_none() {
        job::begin(object);
    }
}

/// Counts up the generation when something other than metadata and status changed.
pub(crate) fn count_generation(resource: &Resource, object: &mut Value, old: &Value) {
    if !resource.has_generation() {
        return;
    }
    let rest = |object: &Value| -> Map<String, Value> {
        let mut rest = object.as_object().cloned().unwrap_or_default();
        rest.remove("metadata");
        if resource.status {
            rest.remove("status");
        }
        rest
    };
    if rest(object) != rest(old) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
        metadata::set(object, "generation", Some(json!(generation + 1)));
    }
}

/// What is wrong with a built-in object.
pub(crate) fn validate(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    match resource.table.as_str() {
        "pods" => pod_rules::validate(object, old),
        "services" => service::validate(object, old),
        "secrets" => config::validate_secret(object, old),
        "configmaps" => config::validate_config_map(object, old),
        "persistentvolumeclaims" => claim::validate(object, old),
        "statefulsets.apps" => stateful_set::validate(object, old),
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" => workload::validate(object, old),
        "jobs.batch" => job::validate(object, old),
        "customresourcedefinitions.apiextensions.k8s.io" => definition::validate(object, old),
        "storageclasses.storage.k8s.io" => claim::validate_class(object, old),
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            rbac::validate(object, old)
        }
        _ => Vec::new(),
    }
}

/// Refuses what the rules of its kind allow and the state of the cluster does not.
pub(crate) fn admit(
    server: &Server,
    resource: &Resource,
    object: &Value,
    old: Option<&Value>,
) -> Outcome<()> {
    match (resource.table.as_str(), old) {
        ("persistentvolumeclaims", Some(old)) => claim::admit(server, resource, object, old),
        _ => Ok(()),
    }
}

/// Whether nothing holds a deleted object back any more.
pub(crate) fn may_go(resource: &Resource, object: &Value) -> bool {
    let waits_for_node =
        resource.table == "pods" && object["metadata"]["deletionGracePeriodSeconds"].as_i64() > Some(0);
    let has_content = resource.table == "namespaces"
        && object["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    metadata::finalizers(object).is_empty() && !waits_for_node && !has_content
}

/// How long a deleted object may take to end by itself. Only pods have something to end.
pub(crate) fn grace(resource: &Resource, object: &Value, wish: Option<i64>) -> i64 {
    if resource.table != "pods" {
        return 0;
    }
    let ended = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if object["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() || ended {
        return 0;
    }
    let own = object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    wish.unwrap_or(own).max(0)
}

/// What a delete changes besides the mark.
pub(crate) fn mark_deleted(resource: &Resource, object: &mut Value) {
    if resource.table == "namespaces" {
        object["status"]["phase"] = json!("Terminating");
    }
}

/// Whether a delete is answered with the object that was deleted.
pub(crate) fn returns_deleted(resource: &Resource) -> bool {
    const RETURNED: [&str; 6] = [
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ];
    RETURNED.contains(&resource.table.as_str())
}

/// Whether the object may be deleted at all.
pub(crate) fn check_delete(resource: &Resource, object: &Value) -> Outcome<()> {
    let name = metadata::text(object, "name");
    if resource.table == "namespaces" && ["default", "kube-public", "kube-system"].contains(&name) {
        return Err(Failure::forbidden(resource, name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// What follows a write.
pub(crate) fn written(server: &Arc<Server>, resource: &Resource, object: &Object) {
    match resource.table.as_str() {
        "namespaces" if object.is_deleting() => {
            tokio::spawn(namespaces::empty(Arc::downgrade(server), object.key.name.clone()));
        }
        "customresourcedefinitions.apiextensions.k8s.io" => {
            custom::definition_written(server, &object.key.name);
        }
        "events" => server.events.written(server, resource, object),
        _ => {}
    }
    quota::count(server, resource, &object.key.namespace);
}

/// What follows a removal.
pub(crate) fn removed(server: &Arc<Server>, resource: &Resource, object: &Object) {
    if resource.table == "customresourcedefinitions.apiextensions.k8s.io" {
        custom::definition_removed(server, &object.key.name);
    }
    quota::count(server, resource, &object.key.namespace);
}

/// Sets `object[field]` if it is absent.
pub(crate) fn fill(object: &mut Value, field: &str, value: Value) {
    let Some(map) = object.as_object_mut() else { return };
    map.entry(field).or_insert(value);
}
