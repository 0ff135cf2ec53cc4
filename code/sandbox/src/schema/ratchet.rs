//! What of an object is as it was before a write: its violations are let be, as since Kubernetes 1.30.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting>

use super::cel;
use serde_json::Value;
use std::collections::HashSet;

/// What `item` was in the old list. Only the items of a list that is a map by their keys can be told again.
pub(super) fn old_item<'a>(schema: &Value, old: Option<&'a Value>, item: &Value) -> Option<&'a Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array()?;
    let same = |old: &&Value| keys.iter().filter_map(Value::as_str).all(|key| old.get(key) == item.get(key));
    old?.as_array()?.iter().find(same)
}

/// Where a rule's error is told, and the rule.
type Told = (String, String);

/// The rules on parts of the object that have not changed, except for those that are about changes.
pub(super) fn settled_rules(schema: &Value, object: &Value, old: &Value) -> HashSet<Told> {
    let mut found = HashSet::new();
    collect(schema, object, Some(old), "", &mut found);
    found
}

fn collect(schema: &Value, value: &Value, old: Option<&Value>, path: &str, found: &mut HashSet<Told>) {
    // Without an old one, nothing below has one either.
    let Some(before) = old else { return };
    if before == value {
        for own in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let rule = own["rule"].as_str().unwrap_or_default();
            if !cel::is_about_changes(rule) {
                found.insert((told_at(path, own["fieldPath"].as_str()), rule.to_owned()));
            }
        }
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let own = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
                let Some(own) = own else { continue };
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(own, value, before.get(name), &path, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                // A list that is the same as before has the same items in the same places.
                let same = if before == value { Some(item) } else { old_item(schema, old, item) };
                collect(&schema["items"], item, same, &format!("{path}[{at}]"), found);
            }
        }
        _ => {}
    }
}

/// The field that an error names: a rule may point at one below its own.
fn told_at(path: &str, field: Option<&str>) -> String {
    match field {
        Some(field) if field.starts_with('.') => format!("{path}{field}"),
        Some(field) if path.is_empty() => field.to_owned(),
        Some(field) => format!("{path}.{field}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::settled_rules;
    use serde_json::{Value, json};

    #[test]
    fn rules_on_what_has_not_changed_as_a_table() {
        let rules = |rule: &str| json!([{"rule": rule}]);
        let schema = json!({"type": "object", "properties": {"spec": {
            "x-kubernetes-validations": [{"rule": "self.a", "fieldPath": ".a"}, {"rule": "self == oldSelf"}],
            "properties": {
                "any": {"additionalProperties": {"x-kubernetes-validations": rules("each")}},
                "map": {
                    "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"x-kubernetes-validations": rules("item")},
                },
                "list": {"items": {"x-kubernetes-validations": rules("item")}},
            },
        }}});
        let settled = |old: Value, new: Value| {
            let found = settled_rules(&schema, &json!({"spec": new}), &json!({"spec": old}));
            let mut found: Vec<_> = found.into_iter().map(|(path, rule)| format!("{path}: {rule}")).collect();
            found.sort_unstable();
            found.join(", ")
        };
        for (old, new, expected) in [
            (json!({"a": 1}), json!({"a": 1}), "spec.a: self.a"),
            (json!({"a": 1}), json!({"a": 2}), ""),
            (
                json!({"any": {"a.b/c": 1, "d": 1}}),
                json!({"any": {"a.b/c": 1, "d": 2}}),
                "spec.any.a.b/c: each",
            ),
            (
                json!({"map": [{"name": "a"}, {"name": "b"}]}),
                json!({"map": [{"name": "b"}, {"name": "a", "x": 1}]}),
                "spec.map[0]: item",
            ),
            (json!({"list": [1, 2]}), json!({"list": [1, 3]}), ""),
            (json!({"list": [1]}), json!({"list": [1], "b": 1}), "spec.list[0]: item"),
        ] {
            assert_eq!(settled(old, new), expected);
        }
    }
}
