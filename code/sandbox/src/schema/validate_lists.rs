//! Lists whose items have to differ: sets, and maps by their keys.

use super::{ListKind, Node, Shape};
use crate::error::Cause;
use serde_json::{Map, Value};

pub(super) fn check(node: &Node, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match (&node.shape, value) {
        (Shape::Struct(fields), Value::Object(map)) => {
            for (name, value) in map.iter().filter(|(name, _)| !(path.is_empty() && *name == "metadata")) {
                if let Some(node) = fields.get(name) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    check(node, value, &path, causes);
                }
            }
        }
        (Shape::Map(values), Value::Object(map)) => {
            for (name, value) in map {
                check(values, value, &format!("{path}.{name}"), causes);
            }
        }
        (Shape::List(items, kind), Value::Array(list)) => {
            let mut seen = Vec::with_capacity(list.len());
            for (at, item) in list.iter().enumerate() {
                let path = format!("{path}[{at}]");
                check(items, item, &path, causes);
                if let Some(own) = identity(kind, item) {
                    if seen.contains(&own) {
                        causes.push(Cause::duplicate(&path, &own));
                    }
                    seen.push(own);
                }
            }
        }
        _ => {}
    }
}

/// What an item is told apart by.
fn identity(kind: &ListKind, item: &Value) -> Option<Value> {
    match kind {
        ListKind::Atomic => None,
        ListKind::Set => Some(item.clone()),
        ListKind::Map(keys) => {
            let keys = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
            Some(Value::Object(keys.collect::<Map<_, _>>()))
        }
    }
}
