//! CustomResourceDefinitions.

use super::fill;
use crate::{error::Cause, schema::structural};
use serde_json::{Value, json};

pub(crate) fn default(object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    fill(spec, "conversion", json!({ "strategy": "None" }));
    let kind = spec["names"]["kind"].as_str().unwrap_or_default().to_owned();
    if spec["names"].is_object() {
        fill(&mut spec["names"], "singular", json!(kind.to_lowercase()));
        fill(&mut spec["names"], "listKind", json!(format!("{kind}List")));
    }
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let mut causes = Vec::new();
    let name = &object["metadata"]["name"];
    if *name != format!("{plural}.{group}") {
        causes.push(Cause::invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !group.contains('.') {
        let why = "should be a domain with at least one dot";
        causes.push(Cause::invalid("spec.group", &spec["group"], why));
    }
    let scopes = ["Cluster", "Namespaced"];
    if !scopes.iter().any(|scope| spec["scope"] == *scope) {
        if text(&spec["scope"]).is_empty() {
            causes.push(Cause::required("spec.scope", ""));
        } else {
            causes.push(Cause::unsupported("spec.scope", &spec["scope"], &scopes.map(str::to_owned)));
        }
    }
    for field in ["plural", "kind"] {
        if text(&spec["names"][field]).is_empty() {
            causes.push(Cause::required(&format!("spec.names.{field}"), ""));
        }
    }
    causes.extend(versions(spec));
    causes.extend(stored_versions(object));
    if let Some(old) = old {
        for field in ["group", "scope"] {
            if old["spec"][field] != spec[field] {
                causes.push(Cause::invalid(&format!("spec.{field}"), &spec[field], "field is immutable"));
            }
        }
        for field in ["kind", "plural"] {
            if old["spec"]["names"][field] != spec["names"][field] {
                let path = format!("spec.names.{field}");
                causes.push(Cause::invalid(&path, &spec["names"][field], "field is immutable"));
            }
        }
    }
    causes
}

/// Objects may be stored at each of these, and could not be read any more without it.
fn stored_versions(object: &Value) -> Vec<Cause> {
    let versions = object["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let stored = object["status"]["storedVersions"].as_array().into_iter().flatten().enumerate();
    stored
        .filter(|(_, stored)| !versions.iter().any(|version| version["name"] == **stored))
        .map(|(at, stored)| {
            Cause::invalid(&format!("status.storedVersions[{at}]"), stored, "must appear in spec.versions")
        })
        .collect()
}

fn versions(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let stored = versions.iter().filter(|version| version["storage"] == true).count();
    if stored != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    for (at, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{at}].schema.openAPIV3Schema");
        match version["schema"].get("openAPIV3Schema") {
            Some(schema) => causes.extend(structural::check(&path, schema)),
            None => causes.push(Cause::required(&path, "schemas are required")),
        }
    }
    causes
}
