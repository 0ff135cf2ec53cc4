//! Namespaces.

use super::fill;
use serde_json::{Value, json};

pub(crate) fn default(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    if object["metadata"]["labels"].is_null() {
        object["metadata"]["labels"] = json!({});
    }
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    if object["spec"].is_null() {
        object["spec"] = json!({});
    }
}

/// A new namespace is in use until its content is gone.
pub(crate) fn begin(object: &mut Value) {
    fill(&mut object["spec"], "finalizers", json!(["kubernetes"]));
    object["status"] = json!({ "phase": "Active" });
}
