//! Field selectors: `metadata.name=a,status.phase!=Running`.

use crate::{
    error::{Failure, Outcome},
    registry::Resource,
    store::Object,
};
use serde_json::Value;

/// All requirements have to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldSelector(Vec<Requirement>);

#[derive(Clone, Debug)]
struct Requirement {
    field: String,
    equal: bool,
    value: String,
}

/// The fields that a resource can be selected by, besides name and namespace.
fn fields(table: &str) -> &'static [&'static str] {
    match table {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "jobs.batch" => &["status.successful"],
        "replicasets.apps" => &["status.replicas"],
        "services" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

impl FieldSelector {
    pub(super) fn parse(resource: &Resource, text: &str) -> Outcome<Self> {
        let mut all = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, true, value)
            } else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{part}'; can't understand '{part}'"
                )));
            };
            check(resource, field)?;
            all.push(Requirement { field: field.to_owned(), equal, value: value.to_owned() });
        }
        Ok(Self(all))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, resource: &Resource, object: &Object) -> bool {
        let mut value = None;
        self.0.iter().all(|requirement| {
            let found = match requirement.field.as_str() {
                "metadata.name" => object.key.name.clone(),
                "metadata.namespace" => object.key.namespace.clone(),
                field => text_at(value.get_or_insert_with(|| object.value(resource)), field),
            };
            (found == requirement.value) == requirement.equal
        })
    }
}

fn check(resource: &Resource, field: &str) -> Outcome<()> {
    let selectable = resource
        .custom()
        .is_some_and(|custom| custom.selectable.iter().any(|path| path.trim_start_matches('.') == field));
    let known = field == "metadata.name" || (field == "metadata.namespace" && resource.namespaced);
    if known || selectable || fields(&resource.table).contains(&field) {
        return Ok(());
    }
    let only_names = !resource.is_custom() && fields(&resource.table).is_empty();
    Err(Failure::bad_request(if only_names {
        format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {field}")
    }))
}

fn text_at(value: &Value, path: &str) -> String {
    if path == "source" {
        return value["source"]["component"].as_str().unwrap_or_default().to_owned();
    }
    let found = path.split('.').fold(value, |value, part| &value[part]);
    match found {
        Value::String(text) => text.clone(),
        Value::Null => match path {
            "status.successful" | "status.replicas" => "0".to_owned(),
            "spec.unschedulable" | "spec.hostNetwork" => "false".to_owned(),
            _ => String::new(),
        },
        other => other.to_string(),
    }
}
