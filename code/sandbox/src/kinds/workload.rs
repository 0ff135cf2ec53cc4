//! What Deployments, ReplicaSets and DaemonSets share with StatefulSets: a selector and a template of pods.

use super::{fill, pod, pod_rules};
use crate::{error::Cause, registry::Resource};
use serde_json::{Value, json};

pub(crate) fn default(resource: &Resource, object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    match resource.table.as_str() {
        "deployments.apps" => {
            fill(spec, "replicas", json!(1));
            fill(spec, "revisionHistoryLimit", json!(10));
            fill(spec, "progressDeadlineSeconds", json!(600));
            fill(spec, "strategy", json!({}));
            fill(&mut spec["strategy"], "type", json!("RollingUpdate"));
            if spec["strategy"]["type"] == "RollingUpdate" {
                fill(&mut spec["strategy"], "rollingUpdate", json!({}));
                fill(&mut spec["strategy"]["rollingUpdate"], "maxUnavailable", json!("25%"));
                fill(&mut spec["strategy"]["rollingUpdate"], "maxSurge", json!("25%"));
            }
        }
        "daemonsets.apps" => {
            fill(spec, "revisionHistoryLimit", json!(10));
            let rolling =
                json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } });
            fill(spec, "updateStrategy", rolling);
        }
        _ => fill(spec, "replicas", json!(1)),
    }
    template(spec);
}

/// Fills in the template of a workload's pods.
pub(crate) fn template(spec: &mut Value) {
    if spec["template"].is_object() {
        if let Some(metadata) = spec["template"]["metadata"].as_object_mut() {
            metadata.entry("creationTimestamp").or_insert(Value::Null);
            metadata.retain(|name, value| name != "creationTimestamp" || !value.is_null());
        }
        pod::default(&mut spec["template"]["spec"]);
    }
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = selector_and_template(&object["spec"], true);
    if object["spec"]["replicas"].as_i64().is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.replicas", &object["spec"]["replicas"], why));
    }
    if let Some(old) = old
        && old["spec"]["selector"] != object["spec"]["selector"]
    {
        causes.push(Cause::invalid("spec.selector", &object["spec"]["selector"], "field is immutable"));
    }
    causes
}

/// The selector has to be there and to match the template.
pub(crate) fn selector_and_template(spec: &Value, mounts: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    let wanted = spec["selector"]["matchLabels"].as_object().cloned().unwrap_or_default();
    let expressions = spec["selector"]["matchExpressions"].as_array().is_some_and(|list| !list.is_empty());
    if spec["selector"].is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if wanted.is_empty() && !expressions {
        causes.push(Cause::invalid(
            "spec.selector",
            &spec["selector"],
            "empty selector is invalid for deployment",
        ));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if !wanted.iter().all(|(key, value)| &labels[key] == value) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    let mut template = spec["template"]["spec"].clone();
    if !mounts && template.is_object() {
        // The volumes of claims come by their templates.
        let mut volumes = template["volumes"].as_array().cloned().unwrap_or_default();
        volumes.push(json!({ "name": "*" }));
        template["volumes"] = Value::Array(volumes);
    }
    causes.extend(pod_rules::spec("spec.template.spec", &template));
    causes
}
