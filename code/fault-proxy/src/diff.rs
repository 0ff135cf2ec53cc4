//! The fields in which two versions of an object differ, short enough to read.

use serde::Serialize;
use serde_json::Value;

/// So many fields of a change are kept.
const FIELDS: usize = 60;
/// So many characters of a value.
const VALUE: usize = 120;
/// In place of what a Secret holds.
const HIDDEN: &str = "(hidden)";
/// Set by the API server in every write, or said elsewhere in the log.
const ASIDE: [&str; 9] = [
    ".apiVersion",
    ".kind",
    ".metadata.creationTimestamp",
    ".metadata.managedFields",
    ".metadata.name",
    ".metadata.namespace",
    ".metadata.resourceVersion",
    ".metadata.selfLink",
    ".metadata.uid",
];

/// A field that a write changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Where it is, as `kubectl` writes paths: `.spec.replicas`. Items of a list of named things go by their names:
    /// `.status.conditions[Ready].status`.
    pub path: String,
    /// JSON of its value before, cut off where it is long; absent if there was none. What a Secret holds is hidden.
    pub old: Option<String>,
    /// Its value after.
    pub new: Option<String>,
}

/// The fields that differ, and how many more there are than are kept.
pub(crate) fn between(old: &Value, new: &Value, secret: bool) -> (Vec<FieldChange>, usize) {
    let mut fields = Vec::new();
    walk(String::new(), Some(old), Some(new), &mut fields);
    if secret {
        fields.iter_mut().for_each(hide);
    }
    let omitted = fields.len().saturating_sub(FIELDS);
    fields.truncate(FIELDS);
    (fields, omitted)
}

fn walk(path: String, old: Option<&Value>, new: Option<&Value>, fields: &mut Vec<FieldChange>) {
    if old == new || ASIDE.contains(&path.as_str()) {
        return;
    }
    // What is missing, or another kind of thing, is walked as an empty one: the fields are told, not their sum.
    match (parts(old, new), parts(new, old)) {
        (Some(mut before), Some(mut after)) => {
            let added = after.extract_if(.., |(key, _)| before.iter().all(|(known, _)| known != key));
            let added: Vec<_> = added.collect();
            for (key, value) in before.drain(..) {
                let now = after.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
                walk(join(&path, &key), Some(value), now, fields);
            }
            for (key, value) in added {
                walk(join(&path, &key), None, Some(value), fields);
            }
        }
        _ => {
            fields.push(FieldChange {
                path,
                old: old.filter(|it| !it.is_null()).map(short),
                new: new.map(short),
            });
        }
    }
}

/// Key and value of everything in a value; `None` for one that has no parts. `other` is what it is compared with.
fn parts<'a>(value: Option<&'a Value>, other: Option<&Value>) -> Option<Vec<(String, &'a Value)>> {
    match (value, other) {
        (Some(Value::Object(fields)), _) if !fields.is_empty() || has_parts(other) => {
            Some(fields.iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        (Some(Value::Array(items)), _) if !items.is_empty() || has_parts(other) => {
            let key = key_of(items, other);
            let named = items.iter().enumerate().map(|(index, item)| {
                let name = key.and_then(|key| item[key].as_str()).map(str::to_owned);
                (format!("[{}]", name.unwrap_or_else(|| index.to_string())), item)
            });
            Some(named.collect())
        }
        (None | Some(Value::Null), other) if has_parts(other) => Some(Vec::new()),
        _ => None,
    }
}

fn has_parts(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// The field that tells items of a list apart, in this list and in the one that it is compared with.
fn key_of(items: &[Value], other: Option<&Value>) -> Option<&'static str> {
    let others = other.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let tells = |items: &[Value], key: &str| {
        let names: Vec<_> = items.iter().map(|item| item[key].as_str()).collect();
        names.iter().enumerate().all(|(index, name)| name.is_some() && !names[..index].contains(name))
    };
    ["name", "type", "ip"].into_iter().find(|key| tells(items, key) && tells(others, key))
}

fn join(path: &str, key: &str) -> String {
    let plain = |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    match key {
        item if item.starts_with('[') => format!("{path}{item}"),
        field if plain(field) => format!("{path}.{field}"),
        // Labels and annotations have dots and slashes in their names.
        field => format!("{path}[{field}]"),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Hides what a Secret holds, also where `kubectl apply` writes it down once more.
fn hide(field: &mut FieldChange) {
    let holds = |start: &str| field.path == start || field.path.starts_with(&format!("{start}."));
    let holds = |start: &str| holds(start) || field.path.starts_with(&format!("{start}["));
    if holds(".data") || holds(".stringData") || field.path.contains("last-applied-configuration") {
        for value in [&mut field.old, &mut field.new].into_iter().flatten() {
            HIDDEN.clone_into(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(old: &Value, new: &Value, secret: bool) -> Vec<String> {
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "∅".into());
        let (fields, _) = between(old, new, secret);
        fields
            .into_iter()
            .map(|it| format!("{} {} → {}", it.path, or_none(it.old), or_none(it.new)))
            .collect()
    }

    #[test]
    fn fields_are_told_where_they_differ() {
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status});
        for (old, new, expected) in [
            (json!({"spec": {"a": 1, "b": 2}}), json!({"spec": {"a": 1, "b": 3}}), vec![".spec.b 2 → 3"]),
            (json!({"a": "x"}), json!({"b": "x"}), vec![".a \"x\" → ∅", ".b ∅ → \"x\""]),
            (json!({}), json!({"a": {"b": {"c": true}}}), vec![".a.b.c ∅ → true"]),
            (json!({"a": {"b": 1}}), json!({}), vec![".a.b 1 → ∅"]),
            (json!({}), json!({"a": {}, "b": []}), vec![".a ∅ → {}", ".b ∅ → []"]),
            (json!({"a": {}}), json!({"a": {"b": 1}}), vec![".a.b ∅ → 1"]),
            (json!({"a": 1}), json!({"a": {"b": 1}}), vec![".a 1 → {\"b\":1}"]),
            (json!({"a": ["x", "y"]}), json!({"a": ["x", "z"]}), vec![".a[1] \"y\" → \"z\""]),
            (
                json!({"conditions": [condition("Ready", "False"), condition("Failed", "False")]}),
                json!({"conditions": [condition("Failed", "False"), condition("Ready", "True")]}),
                vec![".conditions[Ready].status \"False\" → \"True\""],
            ),
            (
                json!({"metadata": {"resourceVersion": "1", "generation": 1, "managedFields": [{"manager": "a"}]}}),
                json!({"metadata": {"resourceVersion": "2", "generation": 2, "managedFields": []}}),
                vec![".metadata.generation 1 → 2"],
            ),
            (
                json!({}),
                json!({"metadata": {"labels": {"app.kubernetes.io/name": "a"}}}),
                vec![".metadata.labels[app.kubernetes.io/name] ∅ → \"a\""],
            ),
        ] {
            assert_eq!(lines(&old, &new, false), expected, "{old} and {new}");
        }
    }

    #[test]
    fn what_a_secret_holds_is_hidden_and_that_it_changed_is_not() {
        let applied = "kubectl.kubernetes.io/last-applied-configuration";
        let old = json!({"type": "Opaque", "data": {"password": "YQ==", "same": "YQ=="}});
        let new = json!({
            "type": "Opaque", "data": {"password": "Yg==", "same": "YQ==", ".dotted": "Yg=="}, "stringData": {"c": "plain"},
            "metadata": {"annotations": {applied: "{\"data\":{\"password\":\"Yg==\"}}"}},
        });
        let told = lines(&old, &new, true);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().all(|line| line.ends_with("→ (hidden)")), "{told:?}");
        assert!(told.contains(&".data.password (hidden) → (hidden)".to_owned()), "{told:?}");
        let wholly = lines(&json!({"data": "x"}), &json!({"data": {"a": "b"}}), true);
        assert_eq!(wholly, [".data (hidden) → (hidden)"]);
    }

    #[test]
    fn long_changes_are_cut_and_say_so() {
        let many: serde_json::Map<_, _> =
            (0..100).map(|n| (format!("f{n}"), json!("ä".repeat(500)))).collect();
        let (fields, omitted) = between(&json!({}), &Value::Object(many), false);
        assert_eq!((fields.len(), omitted), (FIELDS, 100 - FIELDS));
        let value = fields[0].new.as_deref().unwrap_or_default();
        assert!(value.chars().count() == VALUE + 1 && value.ends_with('…'), "{value}");
    }
}
