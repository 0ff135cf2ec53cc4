//! What the API server fills into pods.

use super::fill;
use serde_json::{Value, json};

/// Fills in a pod's spec, that of a template too.
pub(crate) fn default(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    fill(spec, "restartPolicy", json!("Always"));
    fill(spec, "terminationGracePeriodSeconds", json!(30));
    fill(spec, "dnsPolicy", json!("ClusterFirst"));
    fill(spec, "securityContext", json!({}));
    fill(spec, "schedulerName", json!("default-scheduler"));
    if let Some(account) = spec["serviceAccountName"].as_str().map(str::to_owned) {
        fill(spec, "serviceAccount", json!(account));
    }
    for list in ["containers", "initContainers"] {
        spec[list].as_array_mut().into_iter().flatten().for_each(container);
        if spec[list].is_null()
            && let Some(map) = spec.as_object_mut()
        {
            map.remove(list);
        }
    }
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.iter_mut().for_each(volume);
    }
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().unwrap_or_default();
    let floating = !tag.contains('@') && (!tag.contains(':') || tag.ends_with(":latest"));
    let policy = if floating { "Always" } else { "IfNotPresent" };
    fill(container, "imagePullPolicy", json!(policy));
    fill(container, "resources", json!({}));
    fill(container, "terminationMessagePath", json!("/dev/termination-log"));
    fill(container, "terminationMessagePolicy", json!("File"));
    if let Some(ports) = container.get_mut("ports").and_then(Value::as_array_mut) {
        for port in ports {
            fill(port, "protocol", json!("TCP"));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                fill(probe, field, json!(value));
            }
            if let Some(get) = probe.get_mut("httpGet") {
                fill(get, "scheme", json!("HTTP"));
                fill(get, "path", json!("/"));
            }
        }
    }
    for env in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = env.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")) {
            fill(field, "apiVersion", json!("v1"));
        }
    }
    if let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut)
        && let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned()
    {
        // What is limited is also asked for, unless that is said.
        let requests = resources.entry("requests").or_insert_with(|| json!({}));
        for (name, amount) in limits {
            fill(requests, &name, amount);
        }
    }
}

fn volume(volume: &mut Value) {
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source) {
            fill(source, "defaultMode", json!(420));
        }
    }
    let sources = volume.as_object().map_or(0, serde_json::Map::len);
    if sources == 1 {
        fill(volume, "emptyDir", json!({}));
    }
}

/// What a new pod has besides its spec's defaults.
pub(crate) fn begin(object: &mut Value) {
    let spec = &mut object["spec"];
    fill(spec, "enableServiceLinks", json!(true));
    fill(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    fill(spec, "priority", json!(0));
    fill(spec, "serviceAccountName", json!("default"));
    fill(spec, "serviceAccount", json!("default"));
    if spec["tolerations"].is_null() {
        spec["tolerations"] = json!([
            { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
            { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
        ]);
    }
    object["status"] = json!({ "phase": "Pending", "qosClass": quality(&object["spec"]) });
}

/// The quality of service class, from what the containers ask for.
fn quality(spec: &Value) -> &'static str {
    let containers = || spec["containers"].as_array().into_iter().flatten();
    let has = |container: &Value, kind: &str, name: &str| !container["resources"][kind][name].is_null();
    let nothing = containers().all(|container| {
        ["cpu", "memory"]
            .iter()
            .all(|name| !has(container, "limits", name) && !has(container, "requests", name))
    });
    let all = containers().all(|container| {
        ["cpu", "memory"].iter().all(|name| {
            let resources = &container["resources"];
            has(container, "limits", name) && resources["limits"][name] == resources["requests"][name]
        })
    });
    if nothing {
        "BestEffort"
    } else if all {
        "Guaranteed"
    } else {
        "Burstable"
    }
}
