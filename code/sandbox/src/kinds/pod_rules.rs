//! What is wrong with a pod, or with a pod template.

use crate::{error::Cause, names};
use serde_json::{Value, json};
use std::collections::HashSet;

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = spec("spec", &object["spec"]);
    if let Some(old) = old {
        causes.extend(unchanged(&old["spec"], &object["spec"]));
    }
    causes
}

/// Checks a pod's spec at `path`.
pub(crate) fn spec(path: &str, spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{path}.containers"), ""));
    }
    let mut seen = HashSet::new();
    let volumes: HashSet<&str> = spec["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|volume| volume["name"].as_str())
        .collect();
    for list in ["initContainers", "containers"] {
        for (at, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}.{list}[{at}]");
            causes.extend(check_container(&path, container, &mut seen, &volumes));
        }
    }
    let policies = ["Always", "OnFailure", "Never"];
    let policy = &spec["restartPolicy"];
    if !policies.iter().any(|known| policy == known) {
        causes.push(Cause::unsupported(
            &format!("{path}.restartPolicy"),
            policy,
            &policies.map(str::to_owned),
        ));
    }
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        let field = format!("{path}.terminationGracePeriodSeconds");
        causes.push(Cause::invalid(
            &field,
            &spec["terminationGracePeriodSeconds"],
            "must be greater than or equal to 0",
        ));
    }
    causes
}

fn check_container<'a>(
    path: &str,
    container: &'a Value,
    seen: &mut HashSet<&'a str>,
    volumes: &HashSet<&str>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = container["name"].as_str().unwrap_or_default();
    let field = format!("{path}.name");
    if name.is_empty() {
        causes.push(Cause::required(&field, ""));
    } else if let Err(why) = names::label(name) {
        causes.push(Cause::invalid(&field, &json!(name), why));
    } else if !seen.insert(name) {
        causes.push(Cause::duplicate(&field, &json!(name)));
    }
    if container["image"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required(&format!("{path}.image"), ""));
    }
    for (at, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        let number = &port["containerPort"];
        if !number.as_i64().is_some_and(|number| (1..=65_535).contains(&number)) {
            let field = format!("{path}.ports[{at}].containerPort");
            causes.push(Cause::invalid(&field, number, "must be between 1 and 65535, inclusive"));
        }
    }
    for (at, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        let name = mount["name"].as_str().unwrap_or_default();
        // Templates of StatefulSets mount volumes that their claims bring; they are checked by the caller's list.
        if !volumes.contains(name) && !volumes.contains("*") {
            causes.push(Cause::not_found(&format!("{path}.volumeMounts[{at}].name"), &json!(name)));
        }
    }
    causes
}

/// A pod's spec stays as it is, but for a few fields.
fn unchanged(old: &Value, new: &Value) -> Option<Cause> {
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        if let Some(map) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "initContainers", "tolerations"] {
                if map.get(field).is_some_and(Value::is_null) || field != "initContainers" {
                    map.remove(field);
                }
            }
            // The scheduler's word, once.
            if old["nodeName"].is_null() {
                map.remove("nodeName");
            }
            if map.get("terminationGracePeriodSeconds") == Some(&json!(1)) {
                map.insert(
                    "terminationGracePeriodSeconds".to_owned(),
                    old["terminationGracePeriodSeconds"].clone(),
                );
            }
        }
        spec
    };
    (fixed(old) != fixed(new)).then(|| {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,\
                   `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                   existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                   previously negative)";
        Cause::forbidden("spec", why)
    })
}
