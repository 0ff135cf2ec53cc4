//! The scale subresource: how many replicas there are to be, and how many there are.

use crate::{
    apply::Operation,
    error::{Cause, Failure, Outcome},
    http::{Answer, Target, Verb, respond},
    metadata,
    patch::Patch,
    registry::Scale,
    server::Call,
    write::Change,
};
use serde_json::{Value, json};

pub(crate) fn scale(call: &Call, target: &Target, verb: Verb) -> Outcome<Answer> {
    let Some(paths) = &target.resource.scale else { return Err(Failure::no_such_path()) };
    let live = super::get::value(call, target)?;
    let current = shown(target, paths, &live);
    let wanted = match verb {
        Verb::Get => return Ok(respond::json(200, &current)),
        Verb::Update => call.input.object("Scale")?,
        Verb::Patch => patched(call, &current)?,
        _ => return Err(Failure::method_not_allowed()),
    };
    let replicas = &wanted["spec"]["replicas"];
    let number = replicas.as_i64().unwrap_or_default();
    if number < 0 {
        let why = if target.resource.is_custom() {
            "should be a non-negative integer"
        } else {
            "must be greater than or equal to 0"
        };
        let cause = Cause::invalid("spec.replicas", replicas, why);
        return Err(Failure::invalid(&target.resource, &target.name, &[cause]));
    }
    let mut change = json!({});
    put(&mut change, &paths.spec_replicas, json!(number));
    let version = metadata::text(&wanted, "resourceVersion");
    if !version.is_empty() {
        change["metadata"] = json!({ "resourceVersion": version });
    }
    // The object itself is written, by the name of the one who scales it.
    let main = Target { subresource: String::new(), ..target.clone() };
    let mut write = super::write::write(call, &main, Operation::Update)?;
    let mut manager = write.manager.clone();
    "scale".clone_into(&mut manager.subresource);
    write.manager = manager;
    let object = write.update(&Change::Patch(Patch::Merge(change)))?;
    Ok(respond::json(200, &shown(target, paths, &object)))
}

fn patched(call: &Call, current: &Value) -> Outcome<Value> {
    let patch = call.input.json().map_err(|_| Failure::plain("Invalid JSON Patch"))?;
    let mut wanted = current.clone();
    match call.input.media_type.as_str() {
        "application/json-patch+json" => {
            let patch: json_patch::Patch =
                serde_json::from_value(patch).map_err(|error| Failure::bad_request(error.to_string()))?;
            json_patch::patch(&mut wanted, &patch).map_err(|_| Failure::patch_rejected())?;
        }
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            json_patch::merge(&mut wanted, &patch);
        }
        _ => return Err(Failure::unsupported_media("415: Unsupported Media Type".to_owned())),
    }
    if wanted["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"] {
        metadata::set(&mut wanted, "resourceVersion", None);
    }
    Ok(wanted)
}

fn shown(target: &Target, paths: &Scale, object: &Value) -> Value {
    let at = |path: &[String]| path.iter().fold(object, |value, part| &value[part.as_str()]);
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": target.name, "namespace": target.namespace, "uid": object["metadata"]["uid"],
            "resourceVersion": object["metadata"]["resourceVersion"],
            "creationTimestamp": object["metadata"]["creationTimestamp"],
        },
        "spec": {},
        "status": { "replicas": at(&paths.status_replicas).as_i64().unwrap_or_default() },
    });
    if let Some(replicas) = at(&paths.spec_replicas).as_i64() {
        scale["spec"]["replicas"] = json!(replicas);
    }
    match paths.selector.as_deref().map(at) {
        Some(Value::String(text)) => scale["status"]["selector"] = json!(text),
        Some(selector @ Value::Object(_)) => scale["status"]["selector"] = json!(selector_text(selector)),
        _ => {}
    }
    scale
}

fn selector_text(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    labels.join(",")
}

fn put(object: &mut Value, path: &[String], value: Value) {
    let place = path.iter().fold(object, |object, part| &mut object[part.as_str()]);
    *place = value;
}
