//! Strategic merge patch: a merge patch that knows by which key a list's items are matched.

use crate::{
    error::{Failure, Outcome},
    schema::{Node, Shape},
};
use serde_json::{Map, Value};

const PATCH: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Merges `patch` into `live`.
pub(super) fn merge(node: &Node, live: &mut Value, patch: &Value) -> Outcome<()> {
    let (Value::Object(_), Value::Object(changes)) = (&*live, patch) else {
        *live = patch.clone();
        return Ok(());
    };
    match changes.get(PATCH).and_then(Value::as_str) {
        Some("delete") => {
            *live = Value::Object(Map::new());
            return Ok(());
        }
        Some("replace") => {
            *live = plain(patch);
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(Failure::plain(format!("Unknown patch type: {other}"))),
    }
    let Value::Object(map) = live else { return Ok(()) };
    if let Some(keep) = changes.get(RETAIN).and_then(Value::as_array) {
        map.retain(|name, _| keep.iter().any(|kept| kept == name));
    }
    for (name, change) in changes {
        if let Some(field) = name.strip_prefix(DELETE) {
            if let (Some(Value::Array(list)), Value::Array(gone)) = (map.get_mut(field), change) {
                list.retain(|item| !gone.contains(item));
            }
        } else if !name.starts_with('$') {
            merge_field(&node.field_or_any(name), map, name, change)?;
        }
    }
    for (name, order) in changes {
        if let (Some(field), Value::Array(order)) = (name.strip_prefix(ORDER), order) {
            let key = node.field(field).and_then(|node| node.patch_key);
            if let Some(Value::Array(list)) = map.get_mut(field) {
                sort(list, order, key);
            }
        }
    }
    Ok(())
}

fn merge_field(node: &Node, map: &mut Map<String, Value>, name: &str, change: &Value) -> Outcome<()> {
    match change {
        Value::Null => {
            map.remove(name);
            Ok(())
        }
        Value::Object(fields) => match map.get_mut(name) {
            Some(live @ Value::Object(_))
                if fields.get(PATCH).is_some_and(|directive| directive == "delete") =>
            {
                *live = Value::Null;
                map.remove(name);
                Ok(())
            }
            Some(live @ Value::Object(_)) => merge(node, live, change),
            _ => {
                map.insert(name.to_owned(), plain(change));
                Ok(())
            }
        },
        Value::Array(items) => {
            if let (Some(key), Some(Value::Array(live))) = (node.patch_key, map.get_mut(name)) {
                return merge_list(node, key, live, items);
            }
            map.insert(name.to_owned(), plain(change));
            Ok(())
        }
        other => {
            map.insert(name.to_owned(), other.clone());
            Ok(())
        }
    }
}

fn merge_list(node: &Node, key: &str, live: &mut Vec<Value>, items: &[Value]) -> Outcome<()> {
    let any = Node::any();
    let item_node = if let Shape::List(items, _) = &node.shape { items } else { &any };
    if items.iter().any(|item| item[PATCH] == "replace") {
        *live = items.iter().filter(|item| item.get(PATCH).is_none()).map(plain).collect();
        return Ok(());
    }
    for item in items {
        if key == "=" {
            if !live.contains(item) {
                live.push(item.clone());
            }
            continue;
        }
        let Some(wanted) = item.get(key) else {
            return Err(Failure::plain(format!("map: {item} does not contain declared merge key: {key}")));
        };
        let at = live.iter().position(|live| live.get(key) == Some(wanted));
        match (item[PATCH].as_str(), at) {
            (Some("delete"), at) => {
                if let Some(at) = at {
                    live.remove(at);
                }
            }
            (_, Some(at)) => merge(item_node, &mut live[at], item)?,
            (_, None) => live.push(plain(item)),
        }
    }
    Ok(())
}

/// Puts the items named in `order` into that order; the others keep their place behind the item before them.
fn sort(list: &mut [Value], order: &[Value], key: Option<&str>) {
    let place_of = |item: &Value| {
        order.iter().position(|wanted| match key {
            Some(key) if key != "=" => item.get(key) == wanted.get(key),
            _ => item == wanted,
        })
    };
    let mut previous = 0;
    let ranks: Vec<usize> = list
        .iter()
        .map(|item| {
            previous = place_of(item).unwrap_or(previous);
            previous
        })
        .collect();
    let mut indexed: Vec<(usize, Value)> = ranks.into_iter().zip(list.iter().cloned()).collect();
    indexed.sort_by_key(|(rank, _)| *rank);
    for (place, (_, item)) in list.iter_mut().zip(indexed) {
        *place = item;
    }
}

/// A patch that meets nothing: what it says without directives and nulls.
fn plain(patch: &Value) -> Value {
    match patch {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(name, value)| !name.starts_with('$') && !value.is_null())
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect(),
        ),
        Value::Array(list) => {
            Value::Array(list.iter().filter(|item| item[PATCH] != "delete").map(plain).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;
    use serde_json::json;

    #[test]
    fn lists_merge_by_their_key() {
        let node = Registry::new().built_in("pods").node();
        let live = json!({ "spec": { "containers": [
            { "name": "a", "image": "1", "env": [{ "name": "X", "value": "1" }] }, { "name": "b", "image": "2" }] } });
        for (patch, expected) in [
            (
                json!({ "spec": { "containers": [{ "name": "b", "image": "3" }] } }),
                json!([{ "name": "a", "image": "1", "env": [{ "name": "X", "value": "1" }] }, { "name": "b", "image": "3" }]),
            ),
            (
                json!({ "spec": { "containers": [{ "name": "a", "$patch": "delete" }] } }),
                json!([{ "name": "b", "image": "2" }]),
            ),
            (
                json!({ "spec": { "containers": [{ "name": "c" }, { "$patch": "replace" }] } }),
                json!([{ "name": "c" }]),
            ),
            (
                json!({ "spec": { "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }],
                    "containers": [{ "name": "a", "env": null }] } }),
                json!([{ "name": "b", "image": "2" }, { "name": "a", "image": "1" }]),
            ),
        ] {
            let mut merged = live.clone();
            merge(&node, &mut merged, &patch).unwrap_or_else(|failure| panic!("{failure:?}"));
            assert_eq!(merged["spec"]["containers"], expected, "{patch}");
        }
    }
}
