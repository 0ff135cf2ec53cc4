//! Who owns which field, and server-side apply, as `structured-merge-diff` does it.

mod compare;
mod fields;
mod managed;
mod merge;
mod remove;

pub(crate) use managed::{Manager, Operation};

use crate::{
    error::{Failure, Outcome},
    schema::Node,
};
use compare::compare;
use fields::Set;
use managed::Entries;
use serde_json::Value;

/// Applies `config` to `live` for `manager`: the merged object with its new `managedFields`.
pub(crate) fn apply(
    node: &Node,
    live: &Value,
    config: &Value,
    manager: &Manager,
    force: bool,
    now: &str,
) -> Outcome<Value> {
    let mut entries = Entries::read(live);
    let mut wanted = Set::of(node, &without_system_fields(config));
    wanted.strip();
    let last = entries.of(manager);
    let mut merged = merge::merge(node, live, config);
    entries.set(manager, wanted.clone());
    if let Some(last) = &last {
        remove::remove(node, &mut merged, last, &entries.all());
    }
    let difference = compare(node, &without_system_fields(live), &without_system_fields(&merged));
    let mut touched = difference.changed();
    touched.strip();
    let conflicts: Vec<(String, String)> = entries.conflicts(manager, &touched);
    if !conflicts.is_empty() && !force {
        return Err(Failure::apply_conflict(&conflicts));
    }
    entries.take_from_others(manager, &touched);
    entries.forget(&difference.removed);
    entries.write(&mut merged, live, manager, now);
    Ok(merged)
}

/// Records that `manager` turned `live` into `new` by a plain write.
pub(crate) fn track(node: &Node, live: &Value, new: &mut Value, manager: &Manager, now: &str) {
    // An empty list of managers is the wish to start anew.
    let reset =
        |list: &Vec<Value>| list.iter().all(|entry| entry.as_object().is_some_and(serde_json::Map::is_empty));
    let sent = new["metadata"]["managedFields"].as_array();
    if !live["metadata"]["managedFields"].is_null() && sent.is_some_and(reset) {
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        return;
    }
    let mut entries = Entries::read(live);
    let difference = compare(node, &without_system_fields(live), &without_system_fields(new));
    let mut touched = difference.changed();
    touched.strip();
    manager.keep_own(&mut touched);
    entries.take_from_others(manager, &touched);
    let mut own = entries.of(manager).unwrap_or_default();
    own.add(&touched);
    own.take(&difference.removed);
    entries.set(manager, own);
    entries.forget(&difference.removed);
    entries.write(new, live, manager, now);
}

/// A copy without what nobody manages.
fn without_system_fields(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in [
                "creationTimestamp",
                "deletionGracePeriodSeconds",
                "deletionTimestamp",
                "generation",
                "managedFields",
                "name",
                "namespace",
                "resourceVersion",
                "selfLink",
                "uid",
            ] {
                metadata.remove(field);
            }
        }
    }
    value
}
