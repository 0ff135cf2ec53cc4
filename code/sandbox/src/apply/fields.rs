//! Sets of fields, in the form that `managedFields` has: a tree of `f:name`, `k:{keys}` and `v:value`.

use crate::schema::{ListKind, Node, Shape};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A set of fields. A node is in the set by itself (`member`) or only on the way to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set {
    pub(super) member: bool,
    pub(super) children: BTreeMap<String, Set>,
}

impl Set {
    pub(super) fn leaf() -> Self {
        Self { member: true, children: BTreeMap::new() }
    }

    /// The fields that `value` states.
    pub(super) fn of(node: &Node, value: &Value) -> Self {
        let mut set = Self::default();
        if node.atomic {
            return Self::leaf();
        }
        match (&node.shape, value) {
            (Shape::List(_, ListKind::Atomic), _) => return Self::leaf(),
            (Shape::Struct(_) | Shape::Map(_) | Shape::Any, Value::Object(map)) if !map.is_empty() => {
                for (name, value) in map {
                    set.children.insert(format!("f:{name}"), Self::of(&node.field_or_any(name), value));
                }
            }
            (Shape::List(items, kind), Value::Array(list)) if !list.is_empty() => {
                for item in list {
                    let mut child = match kind {
                        ListKind::Map(_) => Self::of(items, item),
                        _ => Self::default(),
                    };
                    child.member = true;
                    set.children.insert(element(kind, items, item), child);
                }
            }
            _ => return Self::leaf(),
        }
        set
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    /// Everything of `other` as well.
    pub(super) fn add(&mut self, other: &Self) {
        self.member |= other.member;
        for (name, child) in &other.children {
            self.children.entry(name.clone()).or_default().add(child);
        }
    }

    /// Nothing of `other` any more.
    pub(super) fn take(&mut self, other: &Self) {
        if other.member {
            self.member = false;
        }
        for (name, child) in &other.children {
            if let Some(own) = self.children.get_mut(name) {
                own.take(child);
            }
        }
        self.children.retain(|_, child| !child.is_empty());
    }

    /// What both have, as paths.
    pub(super) fn common(&self, other: &Self, path: &str, found: &mut Vec<String>) {
        if self.member && other.member {
            found.push(path.to_owned());
        }
        for (name, child) in &self.children {
            if let Some(other) = other.children.get(name) {
                child.common(other, &below(path, name), found);
            }
        }
    }

    /// Drops the empty shell of `metadata`, which nobody owns.
    pub(super) fn strip(&mut self) {
        if let Some(metadata) = self.children.get_mut("f:metadata") {
            metadata.member = false;
        }
        self.member = false;
        self.children.retain(|_, child| !child.is_empty());
    }

    pub(super) fn read(value: &Value) -> Self {
        let Some(map) = value.as_object() else { return Self::default() };
        let mut set = Self { member: map.is_empty() || map.contains_key("."), children: BTreeMap::new() };
        for (name, child) in map.iter().filter(|(name, _)| *name != ".") {
            set.children.insert(canonical(name), Self::read(child));
        }
        set
    }

    pub(super) fn json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".to_owned(), json!({}));
        }
        for (name, child) in &self.children {
            map.insert(name.clone(), child.json());
        }
        Value::Object(map)
    }
}

/// Keys are compared as text, so they are written one way.
fn canonical(name: &str) -> String {
    let Some(keys) = name.strip_prefix("k:") else { return name.to_owned() };
    serde_json::from_str::<Value>(keys).map_or_else(|_| name.to_owned(), |keys| format!("k:{keys}"))
}

/// How a list's item is named in a set.
pub(super) fn element(kind: &ListKind, items: &Node, item: &Value) -> String {
    match kind {
        ListKind::Map(keys) => {
            let keys: Map<String, Value> =
                keys.iter().filter_map(|key| Some((key.clone(), key_of(items, item, key)?))).collect();
            format!("k:{}", Value::Object(keys))
        }
        _ => format!("v:{item}"),
    }
}

/// The value of an item's key field; absent ones have the schema's default, or that of the API.
fn key_of(items: &Node, item: &Value, key: &str) -> Option<Value> {
    let default = || items.field(key).and_then(|node| node.default.clone());
    let known = || (key == "protocol").then(|| json!("TCP"));
    item.get(key).cloned().or_else(default).or_else(known)
}

fn below(path: &str, name: &str) -> String {
    match name.split_at(2) {
        ("k:", keys) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{path}[{}]", keys.join(","))
        }
        ("v:", value) => format!("{path}[={value}]"),
        (_, field) => format!("{path}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_survive_their_written_form() {
        let written = json!({ "f:spec": { "f:list": { "k:{\"b\":1,\"a\":\"x\"}": { ".": {}, "f:v": {} } }, "f:n": {} } });
        let set = Set::read(&written);
        let again = Set::read(&set.json());
        assert_eq!(set, again);
        let mut paths = Vec::new();
        set.common(&again, "", &mut paths);
        assert_eq!(paths, [".spec.list[a=\"x\",b=1]", ".spec.list[a=\"x\",b=1].v", ".spec.n"]);
    }

    #[test]
    fn taking_everything_leaves_nothing() {
        let set = Set::read(&json!({ "f:a": { "f:b": {} }, "f:c": {} }));
        let mut rest = set.clone();
        rest.take(&set);
        assert!(rest.is_empty() && rest.children.is_empty());
    }
}
