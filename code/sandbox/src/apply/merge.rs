//! Laying a configuration over an object: fields by name, lists by their keys.

use super::fields::element;
use crate::schema::{ListKind, Node, Shape};
use serde_json::Value;

pub(super) fn merge(node: &Node, live: &Value, config: &Value) -> Value {
    if node.atomic {
        return config.clone();
    }
    match (&node.shape, live, config) {
        (
            Shape::List(items, kind @ (ListKind::Map(_) | ListKind::Set)),
            Value::Array(live),
            Value::Array(config),
        ) => Value::Array(lists(items, kind, live, config)),
        (Shape::Struct(_) | Shape::Map(_) | Shape::Any, Value::Object(live), Value::Object(config)) => {
            let mut merged = live.clone();
            for (name, value) in config {
                let value = match live.get(name) {
                    Some(live) => merge(&node.field_or_any(name), live, value),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        _ => config.clone(),
    }
}

/// The configuration's items in its order; what only the object has stays before the item that it stood before.
fn lists(items: &Node, kind: &ListKind, live: &[Value], config: &[Value]) -> Vec<Value> {
    let name = |item: &Value| element(kind, items, item);
    let wanted: Vec<String> = config.iter().map(name).collect();
    let mut merged = Vec::with_capacity(live.len() + config.len());
    let mut next = 0;
    for item in live {
        let found = wanted.iter().position(|other| *other == name(item));
        let Some(at) = found else {
            merged.push(item.clone());
            continue;
        };
        while next <= at {
            merged.push(with_live(items, kind, live, &config[next]));
            next += 1;
        }
    }
    merged.extend(config[next..].iter().map(|item| with_live(items, kind, live, item)));
    merged
}

fn with_live(items: &Node, kind: &ListKind, live: &[Value], item: &Value) -> Value {
    let name = element(kind, items, item);
    match live.iter().find(|live| element(kind, items, live) == name) {
        Some(live) if matches!(kind, ListKind::Map(_)) => merge(items, live, item),
        _ => item.clone(),
    }
}
