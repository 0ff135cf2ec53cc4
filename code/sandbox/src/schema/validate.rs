//! The checks of a custom resource against its schema, in the words of a real server.

use super::{
    cel,
    custom::Custom,
    ratchet::old_item,
    validate_lists,
    validate_scalars::{check_number, check_text},
};
use crate::error::Cause;
use serde_json::Value;

/// Everything that is wrong with `object`. What was wrong before and has not changed is let be, as since Kubernetes 1.30.
pub(crate) fn custom(custom: &Custom, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let Some(schema) = &custom.schema else { return Vec::new() };
    let mut causes = Vec::new();
    check(schema, object, old, "", &mut causes);
    let repeated = |object: &Value| {
        let mut causes = Vec::new();
        validate_lists::check(&custom.node, object, "", &mut causes);
        causes
    };
    if old.is_none_or(|old| repeated(old).is_empty()) {
        causes.extend(repeated(object));
    }
    let Some(rules) = &custom.rules else { return causes };
    if causes.is_empty() {
        return cel::check(rules, schema, object, old);
    }
    let why = "some validation rules were not checked because the object was invalid; correct the existing errors to \
               complete validation";
    causes.push(Cause::invalid("", &Value::Null, why));
    causes
}

/// What is wrong with a value by itself.
pub(super) fn value(schema: &Value, value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, value, None, path, &mut causes);
    causes
}

fn check(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if old == Some(value) {
        return;
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(cause) = wrong_type(schema, value, path) {
        causes.push(cause);
        return;
    }
    match value {
        Value::Object(_) => check_object(schema, value, old, path, causes),
        Value::Array(items) => check_list(schema, items, old, path, causes),
        Value::String(text) => check_text(schema, text, path, causes),
        Value::Number(_) => check_number(schema, value, path, causes),
        _ => {}
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let supported: Vec<String> =
            allowed.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
        causes.push(Cause::unsupported(path, value, &supported));
    }
    check_combinations(schema, value, old, path, causes);
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|n| n.fract() != 0.0) => {
            "number"
        }
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let found = type_of(value);
    if schema["x-kubernetes-int-or-string"] == true {
        let fits = matches!(found, "integer" | "string");
        let why = format!("{path} in body must be of type integer,string: {found:?}");
        return (!fits).then(|| Cause::wrong_type(path, found, why));
    }
    let expected = schema["type"].as_str()?;
    let fits = expected == found || (expected == "number" && found == "integer");
    let why = format!("{path} in body must be of type {expected}: {found:?}");
    (!fits).then(|| Cause::wrong_type(path, found, why))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn check_object(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let Some(map) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            causes.push(Cause::required(&below(path, name), ""));
        }
    }
    if let Some(least) = schema["minProperties"].as_u64().filter(|least| (map.len() as u64) < *least) {
        let why = format!("{path} in body should have at least {least} properties");
        causes.push(Cause::invalid(path, &map.len().into(), why));
    }
    if let Some(most) = schema["maxProperties"].as_u64().filter(|most| map.len() as u64 > *most) {
        causes.push(Cause::too_many(path, map.len(), most));
    }
    let properties = schema["properties"].as_object();
    for (name, value) in map {
        // The metadata are checked as every object's are.
        if path.is_empty() && name == "metadata" {
            continue;
        }
        let own = properties.and_then(|properties| properties.get(name));
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        if let Some(schema) = own.or(any) {
            check(schema, value, old.and_then(|old| old.get(name)), &below(path, name), causes);
        }
    }
}

fn check_list(schema: &Value, items: &[Value], old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if let Some(least) = schema["minItems"].as_u64().filter(|least| (items.len() as u64) < *least) {
        let why = format!("{path} in body should have at least {least} items");
        causes.push(Cause::invalid(path, &items.len().into(), why));
    }
    if let Some(most) = schema["maxItems"].as_u64().filter(|most| items.len() as u64 > *most) {
        causes.push(Cause::too_many(path, items.len(), most));
    }
    let item_schema = &schema["items"];
    for (at, item) in items.iter().enumerate() {
        check(item_schema, item, old_item(schema, old, item), &format!("{path}[{at}]"), causes);
    }
}

fn check_combinations(
    schema: &Value,
    value: &Value,
    old: Option<&Value>,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    let fits = |schema: &Value| {
        let mut causes = Vec::new();
        check(schema, value, None, path, &mut causes);
        causes.is_empty()
    };
    let shown = if path.is_empty() { "<nil>" } else { path };
    let mut refuse = |why: String| causes.push(Cause::invalid(path, value, why));
    if let Some(all) = schema["anyOf"].as_array()
        && !all.iter().any(fits)
    {
        refuse(format!("{shown:?} must validate at least one schema (anyOf)"));
    }
    if let Some(all) = schema["oneOf"].as_array() {
        match all.iter().filter(|schema| fits(schema)).count() {
            1 => {}
            0 => refuse(format!("{shown:?} must validate one and only one schema (oneOf). Found none valid")),
            count => refuse(format!(
                "{shown:?} must validate one and only one schema (oneOf). Found {count} valid alternatives"
            )),
        }
    }
    if schema["not"].is_object() && fits(&schema["not"]) {
        refuse(format!("{shown:?} must not validate the schema (not)"));
    }
    for schema in schema["allOf"].as_array().into_iter().flatten() {
        check(schema, value, old, path, causes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn broken_values_are_named_in_the_servers_words() {
        let at = |schema: Value, value: Value| {
            let schema = json!({ "type": "object", "properties": { "a": schema } });
            let mut causes = Vec::new();
            check(&schema, &json!({ "a": value }), None, "", &mut causes);
            causes.iter().map(Cause::text).collect::<Vec<_>>().join("; ")
        };
        for (schema, value, expected) in [
            (
                json!({ "type": "integer", "minimum": 1.0 }),
                json!(0),
                "a: Invalid value: 0: a in body should be greater than or equal to 1",
            ),
            (
                json!({ "type": "integer" }),
                json!("x"),
                "a: Invalid value: \"string\": a in body must be of type integer: \"string\"",
            ),
            (
                json!({ "type": "string", "pattern": "^b$" }),
                json!("c"),
                "a: Invalid value: \"c\": a in body should match '^b$'",
            ),
            (
                json!({ "type": "string", "enum": ["x", "y"] }),
                json!("z"),
                "a: Unsupported value: \"z\": supported values: \"x\", \"y\"",
            ),
            (
                json!({ "type": "string", "maxLength": 1 }),
                json!("zz"),
                "a: Too long: may not be more than 1 bytes",
            ),
            (json!({ "type": "object", "required": ["b"] }), json!({}), "a.b: Required value"),
            (
                json!({ "type": "array", "maxItems": 1 }),
                json!([1, 2]),
                "a: Too many: 2: must have at most 1 items",
            ),
            (json!({ "type": "string", "nullable": true }), json!(null), ""),
            (json!({ "x-kubernetes-int-or-string": true }), json!("5%"), ""),
            (json!({ "oneOf": [{ "required": ["b"] }, { "required": ["c"] }] }), json!({ "b": 1 }), ""),
        ] {
            assert_eq!(at(schema, value), expected);
        }
    }
    #[test]
    fn what_has_not_changed_may_stay_wrong() {
        let number = json!({"type": "integer", "minimum": 5});
        let schema = json!({"type": "object", "required": ["b"], "properties": {
            "any": {"type": "object", "additionalProperties": number},
            "map": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "size": number}},
            },
            "list": {"type": "array", "items": number},
        }});
        let wrong = |old: Value, new: Value| {
            let mut causes = Vec::new();
            check(&schema, &new, Some(&old), "", &mut causes);
            causes.iter().map(Cause::field).collect::<Vec<_>>().join(", ")
        };
        for (old, new, expected) in [
            (json!({"any": {"a": 1}}), json!({"any": {"a": 1}}), ""),
            (json!({"any": {"a": 1}}), json!({"any": {"a": 1}, "c": 1}), "b"),
            (
                json!({"b": 1, "any": {"a.b/c": 1, "d.e/f": 1}}),
                json!({"b": 1, "any": {"a.b/c": 1, "d.e/f": 2}}),
                "any.d.e/f",
            ),
            (
                json!({"b": 1, "map": [{"name": "x", "size": 1}, {"name": "y", "size": 1}]}),
                json!({"b": 1, "map": [{"name": "y", "size": 1}, {"name": "x", "size": 2}]}),
                "map[1].size",
            ),
            (json!({"b": 1, "list": [1]}), json!({"b": 1, "list": [1, 9]}), "list[0]"),
        ] {
            assert_eq!(wrong(old, new.clone()), expected, "{new}");
        }
    }
}
