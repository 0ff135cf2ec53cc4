//! Bindings of roles.

use super::fill;
use crate::error::Cause;
use serde_json::{Value, json};

pub(crate) fn default(object: &mut Value) {
    if object["roleRef"].is_object() {
        fill(&mut object["roleRef"], "apiGroup", json!("rbac.authorization.k8s.io"));
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        let group = if subject["kind"] == "ServiceAccount" { "" } else { "rbac.authorization.k8s.io" };
        if !group.is_empty() {
            fill(subject, "apiGroup", json!(group));
        }
    }
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let kinds = ["ClusterRole", "Role"];
    if !kinds.iter().any(|kind| object["roleRef"]["kind"] == *kind) {
        causes.push(Cause::unsupported(
            "roleRef.kind",
            &object["roleRef"]["kind"],
            &kinds.map(str::to_owned),
        ));
    }
    if object["roleRef"]["name"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    }
    if let Some(old) = old
        && old["roleRef"] != object["roleRef"]
    {
        causes.push(Cause::invalid("roleRef", &object["roleRef"], "cannot change roleRef"));
    }
    causes
}
