//! OpenAPI documents: the schemas of one group and version, with the paths that kubectl looks at.

use super::builtin;
use crate::registry::{Body, Resource};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc};

const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// The name of a resource's schema.
fn schema_name(resource: &Resource) -> String {
    match &resource.body {
        Body::BuiltIn(row) => row.type_name.to_owned(),
        Body::Custom(_) => {
            let group: Vec<&str> = resource.group.split('.').rev().collect();
            format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
        }
    }
}

/// The schemas of `resources` and of everything that they refer to.
pub(crate) fn schemas(resources: &[Arc<Resource>]) -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut wanted = BTreeSet::new();
    for resource in resources {
        let mut schema = match &resource.body {
            Body::BuiltIn(row) => builtin::definitions().get(row.type_name).cloned().unwrap_or_default(),
            Body::Custom(custom) => {
                let mut schema = custom.schema.clone().unwrap_or_else(
                    || json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true }),
                );
                let metadata = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
                schema["properties"]["metadata"] = json!({ "allOf": [{ "$ref": metadata }] });
                schema["properties"]["apiVersion"] = json!({ "type": "string" });
                schema["properties"]["kind"] = json!({ "type": "string" });
                schema
            }
        };
        schema["x-kubernetes-group-version-kind"] =
            json!([{ "group": resource.group, "version": resource.version, "kind": resource.kind }]);
        references(&schema, &mut wanted);
        schemas.insert(schema_name(resource), schema);
    }
    while let Some(name) = wanted.pop_first() {
        if schemas.contains_key(&name) {
            continue;
        }
        let schema =
            builtin::definitions().get(&name).cloned().unwrap_or_else(|| json!({ "type": "object" }));
        references(&schema, &mut wanted);
        schemas.insert(name, schema);
    }
    for (name, schema) in &mut schemas {
        merge_keys(name, schema);
    }
    schemas
}

/// What k8s-openapi leaves out and kubectl's patches need.
fn merge_keys(name: &str, schema: &mut Value) {
    let short = name.rsplit('.').next().unwrap_or(name);
    if !name.starts_with("io.k8s.") {
        return;
    }
    for (field, property) in schema["properties"].as_object_mut().into_iter().flatten() {
        let Some(list) = super::list_types::of(short, field) else { continue };
        match list.patch {
            Some("=") => property["x-kubernetes-patch-strategy"] = json!("merge"),
            Some(key) => {
                property["x-kubernetes-patch-strategy"] = json!("merge");
                property["x-kubernetes-patch-merge-key"] = json!(key);
            }
            None => {}
        }
    }
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                found.insert(name.rsplit('/').next().unwrap_or(name).to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The paths of `resources`: enough to say what kind they take, and which parameters a write has.
pub(crate) fn paths(resources: &[Arc<Resource>]) -> Map<String, Value> {
    let mut paths = Map::new();
    for resource in resources {
        let root = if resource.group.is_empty() { "/api" } else { "/apis" };
        let namespace = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let all = format!("{root}/{}{namespace}/{}", resource.api_version(), resource.plural);
        let kind = json!({ "group": resource.group, "version": resource.version, "kind": resource.kind });
        let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{}", schema_name(resource)) } } });
        let operation = |action: &str, parameters: &[&str]| {
            let parameters: Vec<Value> = parameters
                .iter()
                .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } }))
                .collect();
            let mut operation = json!({
                "operationId": format!("{action}{}{}", resource.version, resource.kind),
                "parameters": parameters,
                "responses": { "200": { "description": "OK", "content": content } },
                "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind,
            });
            if matches!(action, "post" | "put" | "patch") {
                operation["requestBody"] = json!({ "content": content, "required": true });
            }
            operation
        };
        let write = ["dryRun", "fieldManager", "fieldValidation"];
        let apply = ["dryRun", "fieldManager", "fieldValidation", "force"];
        let mut of_all = json!({ "get": operation("list", &[]), "post": operation("post", &write) });
        if resource.deletes_collections() {
            of_all["delete"] = operation("deletecollection", &["dryRun"]);
        }
        paths.insert(all.clone(), of_all);
        paths.insert(
            format!("{all}/{{name}}"),
            json!({ "get": operation("get", &[]), "put": operation("put", &write),
                "patch": operation("patch", &apply), "delete": operation("delete", &["dryRun"]) }),
        );
    }
    paths
}

/// The document of one group and version, in OpenAPI 3.
pub(crate) fn version_3(resources: &[Arc<Resource>]) -> Value {
    let mut schemas = schemas(resources);
    schemas.entry(STATUS).or_insert_with(|| json!({ "type": "object" }));
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": crate::discovery::VERSION },
        "paths": paths(resources),
        "components": { "schemas": schemas },
    })
}

/// The document of everything, in OpenAPI 2.
pub(crate) fn version_2(resources: &[Arc<Resource>]) -> Value {
    let document = json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": crate::discovery::VERSION },
        "paths": {},
        "definitions": schemas(resources),
    });
    let text = document.to_string().replace("#/components/schemas/", "#/definitions/");
    serde_json::from_str(&text).unwrap_or(document)
}
