//! What holds for the metadata of every object.

use crate::{clock::Clock, error::Cause, names, registry::Resource};
use serde_json::{Value, json};

/// A new random UID.
pub(crate) fn uid() -> String {
    let bits: u128 = rand::random();
    // Version 4, variant 1, as RFC 4122 numbers them.
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A name from `generateName`: letters and digits that make no words.
pub(crate) fn generated(prefix: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let suffix = (0..5).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]));
    let prefix: String = prefix.chars().take(58).collect();
    prefix + &suffix.collect::<String>()
}

pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Gives a new object what only the server gives.
pub(crate) fn begin(clock: &Clock, resource: &Resource, object: &mut Value, namespace: &str) {
    let Some(metadata) = object["metadata"].as_object_mut() else {
        object["metadata"] = json!({});
        return begin(clock, resource, object, namespace);
    };
    for field in
        ["deletionGracePeriodSeconds", "deletionTimestamp", "generation", "resourceVersion", "selfLink"]
    {
        metadata.remove(field);
    }
    metadata.insert("uid".to_owned(), json!(uid()));
    metadata.insert("creationTimestamp".to_owned(), json!(clock.stamp()));
    if resource.namespaced {
        metadata.insert("namespace".to_owned(), json!(namespace));
    } else {
        metadata.remove("namespace");
    }
    if resource.has_generation() {
        metadata.insert("generation".to_owned(), json!(1));
    }
}

/// Keeps in an updated object what only the server changes.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    if !new["metadata"].is_object() {
        new["metadata"] = json!({});
    }
    for field in [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generateName",
        "generation",
        "selfLink",
    ] {
        set(new, field, old["metadata"].get(field).cloned());
    }
    if new["metadata"]["uid"].is_null() {
        set(new, "uid", old["metadata"].get("uid").cloned());
    }
    if old["metadata"]["namespace"].is_string() && new["metadata"]["namespace"].is_null() {
        set(new, "namespace", old["metadata"].get("namespace").cloned());
    }
}

/// Drops empty lists and maps, as Go does when it writes them.
pub(crate) fn compact(object: &mut Value) {
    for field in ["annotations", "finalizers", "labels", "ownerReferences"] {
        let empty = match &object["metadata"][field] {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if empty {
            set(object, field, None);
        }
    }
}

pub(crate) fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        match value {
            Some(value) => metadata.insert(field.to_owned(), value),
            None => metadata.remove(field),
        };
    }
}

/// What is wrong with an object's metadata.
pub(crate) fn validate(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = text(object, "name");
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if let Err(why) = check_name(resource, name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), why));
    }
    let maps = |field: &str| object["metadata"][field].as_object().cloned().unwrap_or_default();
    for (key, value) in maps("labels") {
        if let Err(why) = names::qualified(&key) {
            causes.push(Cause::invalid("metadata.labels", &json!(key), why));
        }
        if let Err(why) = names::label_value(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid("metadata.labels", &value, why));
        }
    }
    let mut size = 0;
    for (key, value) in maps("annotations") {
        if let Err(why) = names::qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), why));
        }
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > 256 * 1024 {
        causes.push(Cause::too_big("metadata.annotations", 256 * 1024));
    }
    causes.extend(validate_owners(object));
    for (at, finalizer) in finalizers(object).iter().enumerate() {
        causes.extend(validate_finalizer(resource, &format!("metadata.finalizers[{at}]"), finalizer));
    }
    causes
}

fn validate_finalizer(resource: &Resource, field: &str, finalizer: &str) -> Option<Cause> {
    if let Err(why) = names::qualified(finalizer) {
        return Some(Cause::invalid(field, &json!(finalizer), why));
    }
    let standard = ["orphan", "foregroundDeletion", "kubernetes"].contains(&finalizer);
    // Only the core group insists on a domain.
    (resource.group.is_empty() && !standard && !finalizer.contains('/')).then(|| {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        Cause::invalid(field, &json!(finalizer), why)
    })
}

fn validate_owners(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    for owner in &owners {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().unwrap_or_default().is_empty() {
                let path = format!("metadata.ownerReferences.{field}");
                let why = match field {
                    "apiVersion" => "version must not be empty",
                    "kind" => "kind must not be empty",
                    "name" => "name must not be empty",
                    _ => "uid must not be empty",
                };
                causes.push(Cause::invalid(&path, &json!(""), why));
            }
        }
    }
    let controllers: Vec<&Value> = owners.iter().filter(|owner| owner["controller"] == true).collect();
    if let [first, second, ..] = controllers[..] {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            first["kind"].as_str().unwrap_or_default(),
            first["name"].as_str().unwrap_or_default(),
            second["kind"].as_str().unwrap_or_default(),
            second["name"].as_str().unwrap_or_default()
        );
        causes.push(Cause::invalid("metadata.ownerReferences", &Value::Array(owners), why));
    }
    causes
}

fn check_name(resource: &Resource, name: &str) -> Result<(), String> {
    match resource.table.as_str() {
        "namespaces" => names::label(name),
        "services" => names::service(name),
        table if table.ends_with("rbac.authorization.k8s.io") => names::path_segment(name),
        _ => names::subdomain(name),
    }
}

/// What an update must not touch.
pub(crate) fn validate_update(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["name", "namespace", "uid"] {
        let (before, after) = (&old["metadata"][field], &new["metadata"][field]);
        if before != after {
            causes.push(Cause::invalid(&format!("metadata.{field}"), after, "field is immutable"));
        }
    }
    if is_deleting(old) {
        let before = finalizers(old);
        let added: Vec<String> = finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
        if !added.is_empty() {
            let shown: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                shown.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", why));
        }
    }
    causes
}
