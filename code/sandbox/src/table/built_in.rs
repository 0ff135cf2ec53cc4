//! The columns of built-in kinds.

use super::{Column, age, events};
use serde_json::{Value, json};

/// Names and types of a kind's columns; `+` marks those that only `-o wide` shows.
fn names(table: &str) -> &'static [&'static str] {
    match table {
        "pods" => &[
            "Name",
            "Ready",
            "Status",
            "Restarts",
            "Age",
            "+IP",
            "+Node",
            "+Nominated Node",
            "+Readiness Gates",
        ],
        "statefulsets.apps" => &["Name", "Ready", "Age", "+Containers", "+Images"],
        "deployments.apps" => {
            &["Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector"]
        }
        "replicasets.apps" => {
            &["Name", "Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector"]
        }
        "persistentvolumeclaims" => &[
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ],
        "persistentvolumes" => {
            &["Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "Age"]
        }
        "services" => &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
        "endpoints" => &["Name", "Endpoints", "Age"],
        "secrets" => &["Name", "Type", "Data", "Age"],
        "configmaps" => &["Name", "Data", "Age"],
        "namespaces" => &["Name", "Status", "Age"],
        "nodes" => &["Name", "Status", "Roles", "Age", "Version", "+Internal-IP"],
        "events" => &[
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "+Subobject",
            "+Source",
            "Message",
            "+First Seen",
            "+Count",
            "+Name",
        ],
        "jobs.batch" => &["Name", "Status", "Completions", "Duration", "Age"],
        "leases.coordination.k8s.io" => &["Name", "Holder", "Age"],
        "customresourcedefinitions.apiextensions.k8s.io" => &["Name", "Created At"],
        "resourcequotas" => &["Name", "Request", "Limit", "Age"],
        "storageclasses.storage.k8s.io" => {
            &["Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"]
        }
        "controllerrevisions.apps" => &["Name", "Controller", "Revision", "Age"],
        _ => &["Name", "Age"],
    }
}

pub(super) fn columns(table: &str) -> Vec<Column> {
    let column = |name: &&str| {
        let priority = i64::from(name.starts_with('+'));
        let number =
            matches!(*name, "Data" | "Desired" | "Current" | "Up-to-date" | "Available" | "Revision");
        let kind = if number { "integer" } else { "string" };
        Column { name: name.trim_start_matches('+').to_owned(), kind, priority }
    };
    names(table).iter().map(column).collect()
}

pub(super) fn age_column() -> Column {
    Column { name: "Age".to_owned(), kind: "string", priority: 0 }
}

pub(super) fn cells(table: &str, object: &Value) -> Value {
    names(table).iter().map(|name| cell(table, name.trim_start_matches('+'), object)).collect()
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Null | Value::String(_) => "<none>".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn joined(value: &Value, field: &str) -> String {
    let items = value.as_array().into_iter().flatten().map(|item| text(&item[field]));
    items.collect::<Vec<_>>().join(",")
}

fn labels(value: &Value) -> String {
    let labels = value.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value)));
    let labels = labels.collect::<Vec<_>>().join(",");
    if labels.is_empty() { "<none>".to_owned() } else { labels }
}

fn cell(table: &str, column: &str, object: &Value) -> Value {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let time = |value: &Value| age::since(value.as_str().unwrap_or_default());
    json!(match (table, column) {
        (_, "Name") => text(&metadata["name"]),
        (_, "Age") => time(&metadata["creationTimestamp"]),
        ("pods", _) => return json!(pod(column, object)),
        ("statefulsets.apps" | "deployments.apps", "Ready") => {
            format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"]))
        }
        (_, "Up-to-date") => return json!(count(&status["updatedReplicas"])),
        (_, "Available") => return json!(count(&status["availableReplicas"])),
        (_, "Desired") => return json!(count(&spec["replicas"])),
        (_, "Current") => return json!(count(&status["replicas"])),
        ("replicasets.apps", "Ready") => return json!(count(&status["readyReplicas"])),
        (_, "Containers") => joined(&spec["template"]["spec"]["containers"], "name"),
        (_, "Images") => joined(&spec["template"]["spec"]["containers"], "image"),
        ("services", _) => service(column, spec),
        ("secrets", "Type") => text(&object["type"]),
        ("secrets" | "configmaps", "Data") => {
            let size = |field: &str| object[field].as_object().map_or(0, serde_json::Map::len);
            return json!(size("data") + size("binaryData"));
        }
        (_, "Selector") => labels(&spec["selector"]["matchLabels"]),
        ("persistentvolumeclaims" | "persistentvolumes", _) => volume(table, column, object),
        ("namespaces", _) => text(&status["phase"]),
        ("nodes", _) => node(column, object),
        ("events", _) => events::cell(column, object),
        ("endpoints", _) => endpoints(object),
        ("jobs.batch", "Status") => job_status(status),
        ("jobs.batch", "Completions") =>
            format!("{}/{}", count(&status["succeeded"]), count(&spec["completions"])),
        ("jobs.batch", _) => String::new(),
        (_, "Holder") => spec["holderIdentity"].as_str().unwrap_or_default().to_owned(),
        (_, "Created At") => text(&metadata["creationTimestamp"]),
        ("resourcequotas", "Request") => {
            let hard = status["hard"].as_object().into_iter().flatten();
            let parts = hard.map(|(name, limit)| {
                format!("{name}: {}/{}", text(&status["used"][name.as_str()]), text(limit))
            });
            parts.collect::<Vec<_>>().join(", ")
        }
        ("resourcequotas", _) => String::new(),
        (_, "Provisioner") => text(&object["provisioner"]),
        (_, "ReclaimPolicy") => text(&object["reclaimPolicy"]),
        (_, "VolumeBindingMode") => text(&object["volumeBindingMode"]),
        (_, "AllowVolumeExpansion") => (object["allowVolumeExpansion"] == true).to_string(),
        (_, "Controller") => {
            let owner = &metadata["ownerReferences"][0];
            format!("{}/{}", text(&owner["kind"]).to_lowercase(), text(&owner["name"]))
        }
        (_, "Revision") => return json!(count(&object["revision"])),
        _ => String::new(),
    })
}

fn pod(column: &str, object: &Value) -> String {
    let (spec, status) = (&object["spec"], &object["status"]);
    let containers = status["containerStatuses"].as_array().map_or(&[][..], Vec::as_slice);
    match column {
        "Ready" => {
            let ready = containers.iter().filter(|state| state["ready"] == true).count();
            let all = spec["containers"].as_array().map_or(0, Vec::len);
            format!("{ready}/{all}")
        }
        "Status" => {
            if !object["metadata"]["deletionTimestamp"].is_null() {
                return "Terminating".to_owned();
            }
            let reason = |state: &&Value| {
                let state = &state["state"];
                let reason = state["waiting"]["reason"].as_str().or(state["terminated"]["reason"].as_str());
                reason.map(str::to_owned)
            };
            let own = status["reason"].as_str().map(str::to_owned);
            containers
                .iter()
                .rev()
                .find_map(|state| reason(&state))
                .or(own)
                .unwrap_or_else(|| text(&status["phase"]))
        }
        "Restarts" => containers.iter().map(|state| count(&state["restartCount"])).sum::<i64>().to_string(),
        "IP" => text(&status["podIP"]),
        "Node" => text(&spec["nodeName"]),
        "Nominated Node" => text(&status["nominatedNodeName"]),
        _ => "<none>".to_owned(),
    }
}

fn service(column: &str, spec: &Value) -> String {
    match column {
        "Type" => text(&spec["type"]),
        "Cluster-IP" => text(&spec["clusterIP"]),
        "External-IP" => "<none>".to_owned(),
        "Port(s)" => {
            let ports = spec["ports"].as_array().into_iter().flatten();
            let ports: Vec<String> =
                ports.map(|port| format!("{}/{}", port["port"], text(&port["protocol"]))).collect();
            if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }
        }
        _ => labels(&spec["selector"]),
    }
}

fn volume(table: &str, column: &str, object: &Value) -> String {
    let (spec, status) = (&object["spec"], &object["status"]);
    let optional = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let modes = |value: &Value| {
        let modes = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let short = modes.map(|mode| mode.chars().filter(char::is_ascii_uppercase).collect::<String>());
        short.collect::<Vec<_>>().join(",")
    };
    match (table, column) {
        (_, "Status") => text(&status["phase"]),
        (_, "Volume") => optional(&spec["volumeName"]),
        ("persistentvolumes", "Capacity") => optional(&spec["capacity"]["storage"]),
        (_, "Capacity") => optional(&status["capacity"]["storage"]),
        ("persistentvolumes", "Access Modes") => modes(&spec["accessModes"]),
        (_, "Access Modes") => modes(&status["accessModes"]),
        (_, "StorageClass") => optional(&spec["storageClassName"]),
        (_, "VolumeAttributesClass") => "<unset>".to_owned(),
        (_, "Reclaim Policy") => optional(&spec["persistentVolumeReclaimPolicy"]),
        (_, "Claim") => {
            format!("{}/{}", optional(&spec["claimRef"]["namespace"]), optional(&spec["claimRef"]["name"]))
        }
        _ => text(&spec["volumeMode"]),
    }
}

fn node(column: &str, object: &Value) -> String {
    let status = &object["status"];
    match column {
        "Status" => {
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
            if ready { "Ready".to_owned() } else { "NotReady".to_owned() }
        }
        "Roles" => {
            let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
            let roles = labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
            let roles = roles.collect::<Vec<_>>().join(",");
            if roles.is_empty() { "<none>".to_owned() } else { roles }
        }
        "Version" => status["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default().to_owned(),
        _ => text(&status["addresses"][0]["address"]),
    }
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in object["subsets"].as_array().into_iter().flatten() {
        for address in subset["addresses"].as_array().into_iter().flatten() {
            for port in subset["ports"].as_array().into_iter().flatten() {
                all.push(format!("{}:{}", text(&address["ip"]), port["port"]));
            }
        }
    }
    if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
}

fn job_status(status: &Value) -> String {
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    let holds = |kind: &str| conditions().any(|one| one["type"] == kind && one["status"] == "True");
    ["Complete", "Failed", "Suspended"].into_iter().find(|kind| holds(kind)).unwrap_or("Running").to_owned()
}
