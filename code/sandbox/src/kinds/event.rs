//! Events: one storage, two APIs. What is kept is the core form.

use crate::registry::Resource;
use serde_json::{Map, Value};

/// The names of fields in `events.k8s.io` and in the core group.
const NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn rename(map: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = map.remove(from) {
        map.insert(to.to_owned(), value);
    }
}

/// From the form of `events.k8s.io` to the core form, if `resource` is the former.
pub(crate) fn to_stored(resource: &Resource, object: &mut Value) {
    if let (true, Some(map)) = (resource.group == "events.k8s.io", object.as_object_mut()) {
        for (new, core) in NAMES {
            rename(map, new, core);
        }
    }
}

/// From the core form to that of `events.k8s.io`, if `resource` is the latter.
pub(crate) fn to_served(resource: &Resource, object: &mut Value) {
    if let (true, Some(map)) = (resource.group == "events.k8s.io", object.as_object_mut()) {
        for (new, core) in NAMES {
            rename(map, core, new);
        }
    }
}
