//! Filling in what a schema says of absent fields.

use super::{Node, Shape};
use serde_json::Value;

/// Fills absent fields of `value` from the schema's defaults. A null where none is allowed counts as absent.
pub(crate) fn apply(node: &Node, value: &mut Value) {
    match (&node.shape, value) {
        (Shape::Struct(fields), Value::Object(map)) => {
            for (name, field) in fields {
                if let Some(default) = &field.default {
                    let absent = match map.get(name) {
                        None => true,
                        Some(value) => value.is_null() && !field.nullable,
                    };
                    if absent {
                        map.insert(name.clone(), default.clone());
                    }
                }
                if let Some(value) = map.get_mut(name) {
                    apply(field, value);
                }
            }
        }
        (Shape::Map(values), Value::Object(map)) => {
            for value in map.values_mut() {
                if let Some(default) = values.default.as_ref().filter(|_| value.is_null() && !values.nullable)
                {
                    *value = default.clone();
                }
                apply(values, value);
            }
        }
        (Shape::List(items, _), Value::Array(list)) => list.iter_mut().for_each(|value| apply(items, value)),
        _ => {}
    }
}

/// Removes nulls, which for built-in types mean the same as absence.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
