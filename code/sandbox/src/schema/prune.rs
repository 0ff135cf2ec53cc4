//! Dropping fields that the schema does not name.

use super::{Node, Shape};
use serde_json::Value;

const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes unknown fields from `value` and returns their paths.
pub(crate) fn prune(node: &Node, value: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(node, value, "", &mut unknown);
    unknown
}

fn walk(node: &Node, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match (&node.shape, value) {
        (Shape::Struct(fields), Value::Object(map)) => {
            if !node.open {
                map.retain(|name, _| {
                    let known = fields.contains_key(name)
                        || (node.embedded && OF_EVERY_OBJECT.contains(&name.as_str()));
                    if !known {
                        unknown.push(below(path, name));
                    }
                    known
                });
            }
            for (name, value) in map {
                if let Some(node) = fields.get(name) {
                    walk(node, value, &below(path, name), unknown);
                }
            }
        }
        (Shape::Map(values), Value::Object(map)) => {
            for (name, value) in map {
                walk(values, value, &below(path, name), unknown);
            }
        }
        (Shape::List(items, _), Value::Array(list)) => {
            for (index, value) in list.iter_mut().enumerate() {
                walk(items, value, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
