//! Volumes, claims and their classes.

use super::fill;
use crate::{
    error::{Cause, Failure, Outcome},
    metadata,
    registry::Resource,
    server::Server,
    store::Key,
};
use serde_json::{Value, json};

pub(crate) fn default(object: &mut Value) {
    if object["spec"].is_object() {
        fill(&mut object["spec"], "volumeMode", json!("Filesystem"));
    }
}

pub(crate) fn default_volume(object: &mut Value) {
    if object["spec"].is_object() {
        fill(&mut object["spec"], "volumeMode", json!("Filesystem"));
        fill(&mut object["spec"], "persistentVolumeReclaimPolicy", json!("Retain"));
    }
}

pub(crate) fn default_class(object: &mut Value) {
    fill(object, "reclaimPolicy", json!("Delete"));
    fill(object, "volumeBindingMode", json!("Immediate"));
}

/// A new claim: of the default class if it names none, and protected.
pub(crate) fn begin(server: &Server, object: &mut Value) {
    object["status"] = json!({ "phase": "Pending" });
    let spec = &mut object["spec"];
    if !spec.is_object() || !spec["storageClassName"].is_null() {
        if spec["storageClassName"].is_null()
            && let Some(map) = spec.as_object_mut()
        {
            map.remove("storageClassName");
        }
        return;
    }
    let classes = server.registry.built_in("storageclasses.storage.k8s.io");
    let default = server.store.inspect(|inner| {
        inner.in_namespace(&classes.table, "").find(|class| {
            let class = class.value(&classes);
            class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
        })
    });
    match default {
        Some(class) => spec["storageClassName"] = json!(class.key.name),
        None => {
            if let Some(map) = spec.as_object_mut() {
                map.remove("storageClassName");
            }
        }
    }
}

/// An amount in bytes: `10Gi`, `500M`, `1e3`.
fn bytes(amount: &Value) -> Option<f64> {
    let text = match amount {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some(number * factor)
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    if spec["accessModes"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    let size = &spec["resources"]["requests"]["storage"];
    if size.is_null() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    } else if bytes(size).is_none_or(|size| size <= 0.0) {
        causes.push(Cause::invalid("spec.resources[storage]", size, "must be greater than zero"));
    }
    if let Some(old) = old {
        causes.extend(unchanged(old, spec));
    }
    causes
}

/// A claim's spec stays, but it may grow once it is bound, and get its volume.
fn unchanged(old: &Value, new: &Value) -> Option<Cause> {
    let storage = |spec: &Value| bytes(&spec["resources"]["requests"]["storage"]);
    let (before, after) = (storage(&old["spec"]), storage(new));
    let bound = old["status"]["phase"] == "Bound";
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        if bound {
            spec["resources"]["requests"]["storage"] = Value::Null;
        }
        if old["spec"]["volumeName"].is_null()
            && let Some(map) = spec.as_object_mut()
        {
            map.remove("volumeName");
        }
        spec
    };
    if fixed(&old["spec"]) != fixed(new) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
                   claims";
        return Some(Cause::forbidden("spec", why));
    }
    (bound && after < before).then(|| {
        Cause::forbidden("spec.resources.requests.storage", "field can not be less than previous value")
    })
}

/// Refuses growth that the claim's class does not allow. Follows the admission plugin PersistentVolumeClaimResize.
pub(crate) fn admit(server: &Server, resource: &Resource, object: &Value, old: &Value) -> Outcome<()> {
    let storage = |object: &Value| bytes(&object["spec"]["resources"]["requests"]["storage"]);
    if storage(object) <= storage(old) {
        return Ok(());
    }
    let name = old["spec"]["storageClassName"].as_str().unwrap_or_default();
    let classes = server.registry.built_in("storageclasses.storage.k8s.io");
    let class = server.store.get(&classes.table, &Key::new("", name));
    if class.is_some_and(|class| class.value(&classes)["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support \
               resize";
    Err(Failure::forbidden(resource, metadata::text(object, "name"), why))
}

pub(crate) fn validate_class(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    if object["provisioner"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
    let Some(old) = old else { return causes };
    for field in ["parameters", "provisioner"] {
        if old[field] != object[field] {
            causes.push(Cause::forbidden(field, format!("updates to {field} are forbidden.")));
        }
    }
    for field in ["reclaimPolicy", "volumeBindingMode"] {
        if old[field] != object[field] {
            causes.push(Cause::invalid(field, &object[field], "field is immutable"));
        }
    }
    causes
}
