//! What a CustomResourceDefinition's schema has to be like.

use crate::error::Cause;
use serde_json::Value;

/// What is wrong with the schema at `path`.
pub(crate) fn check(path: &str, schema: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if schema["type"] != "object" {
        if schema["type"].is_null() {
            causes.push(Cause::required(&format!("{path}.type"), "must not be empty at the root"));
        } else {
            let why = "must be object at the root";
            causes.push(Cause::invalid(&format!("{path}.type"), &schema["type"], why));
        }
    }
    walk(path, schema, true, &mut causes);
    causes
}

fn walk(path: &str, schema: &Value, root: bool, causes: &mut Vec<Cause>) {
    let typed = schema["type"].is_string();
    let free = schema["x-kubernetes-int-or-string"] == true
        || schema["x-kubernetes-preserve-unknown-fields"] == true;
    if !root && !typed && !free {
        causes
            .push(Cause::required(&format!("{path}.type"), "must not be empty for specified object fields"));
    }
    if schema["properties"].is_object() && schema.get("additionalProperties").is_some() {
        let why = "additionalProperties and properties are mutual exclusive";
        causes.push(Cause::forbidden(&format!("{path}.additionalProperties"), why));
    }
    if schema["additionalProperties"] == false {
        let why = "additionalProperties cannot be set to false";
        causes.push(Cause::forbidden(&format!("{path}.additionalProperties"), why));
    }
    if schema["type"] == "array" && !schema["items"].is_object() {
        causes.push(Cause::required(&format!("{path}.items"), "must be specified"));
    }
    if schema["uniqueItems"] == true {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(Cause::forbidden(&format!("{path}.uniqueItems"), why));
    }
    if schema["x-kubernetes-list-type"] == "map" {
        map_keys(path, schema, causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if !(root && name == "metadata") {
            walk(&format!("{path}.properties[{name}]"), property, root && name == "metadata", causes);
        }
    }
    if schema["items"].is_object() {
        walk(&format!("{path}.items"), &schema["items"], false, causes);
    }
    if schema["additionalProperties"].is_object() {
        walk(&format!("{path}.additionalProperties"), &schema["additionalProperties"], false, causes);
    }
    if let Some(default) = schema.get("default") {
        let wrong = super::validate::value(schema, default, &format!("{path}.default"));
        causes.extend(wrong);
    }
    rules(path, schema, root, causes);
}

/// Items of a list that is a map are told apart by keys that each of them has.
fn map_keys(path: &str, schema: &Value, causes: &mut Vec<Cause>) {
    let keys = schema["x-kubernetes-list-map-keys"].as_array().map_or(&[][..], Vec::as_slice);
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        causes.push(Cause::required(&format!("{path}.x-kubernetes-list-map-keys"), why));
    }
    let items = &schema["items"];
    let required = items["required"].as_array().map_or(&[][..], Vec::as_slice);
    for key in keys {
        let Some(name) = key.as_str() else { continue };
        let Some(property) = items["properties"].get(name) else { continue };
        let path = format!("{path}.items.properties[{name}]");
        if !required.contains(key) && property.get("default").is_none() {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            causes.push(Cause::required(&format!("{path}.default"), why));
        }
        if property["nullable"] == true {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            causes.push(Cause::forbidden(&format!("{path}.nullable"), why));
        }
    }
}

/// Rules that are no CEL are refused with the definition, not with the first object.
fn rules(path: &str, schema: &Value, root: bool, causes: &mut Vec<Cause>) {
    let rules = schema["x-kubernetes-validations"].as_array();
    if rules.is_none() {
        return;
    }
    let own = serde_json::json!({ "type": "object", "x-kubernetes-validations": schema["x-kubernetes-validations"] });
    let compiled = kube_cel::compile_schema(&own);
    for (at, rule) in compiled.validations.iter().enumerate() {
        let own = &schema["x-kubernetes-validations"][at];
        let why = match rule {
            Err(error) => Some(error.to_string()),
            Ok(_) => super::cel_fields::undefined(own, schema, root)
                .map(|field| format!("ERROR: <input>: undefined field '{field}'")),
        };
        if let Some(why) = why {
            let field = format!("{path}.x-kubernetes-validations[{at}].rule");
            causes.push(Cause::invalid(&field, &own["rule"], format!("compilation failed: {why}")));
        }
    }
}
