//! Removing what a manager applied before and does not apply any more.

use super::fields::{Set, element};
use crate::schema::{Node, Shape};
use serde_json::Value;

/// Removes from `value` the fields of `last` that are in nobody's `owned` set.
pub(super) fn remove(node: &Node, value: &mut Value, last: &Set, owned: &Set) {
    match (&node.shape, value) {
        (Shape::List(inner, kind), Value::Array(items)) => items.retain_mut(|item| {
            let name = element(kind, inner, item);
            stays(inner, item, last.children.get(&name), owned.children.get(&name))
        }),
        (_, Value::Object(map)) => {
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                let path = format!("f:{name}");
                let Some(value) = map.get_mut(&name) else { continue };
                let child = node.field_or_any(&name);
                if !stays(&child, value, last.children.get(&path), owned.children.get(&path)) {
                    map.remove(&name);
                }
            }
        }
        _ => {}
    }
}

/// Whether `value` stays, after what has to go from inside it is gone.
fn stays(node: &Node, value: &mut Value, last: Option<&Set>, owned: Option<&Set>) -> bool {
    let Some(last) = last else { return true };
    match owned {
        Some(owned) if !owned.is_empty() => {
            remove(node, value, last, owned);
            true
        }
        _ if last.children.is_empty() => false,
        _ => {
            // Nobody owns anything here: gone with it, but for what this manager never had.
            remove(node, value, last, &Set::default());
            match value {
                // An item or a map that the manager made itself goes with it, whatever defaults were added.
                Value::Object(map) => !map.is_empty() && !last.member,
                Value::Array(items) => !items.is_empty(),
                _ => false,
            }
        }
    }
}
