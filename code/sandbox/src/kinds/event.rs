//! Events: one storage, two APIs. What is kept is the core form, and not for long.

use crate::{
    registry::Resource,
    server::Server,
    store::{Key, Object},
};
use serde_json::{Map, Value};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long an event is kept after its last write: what `--event-ttl` of a real server is if nobody says otherwise.
const KEPT: Duration = Duration::from_hours(1);

/// When each event was written, and its version then: the oldest write first.
#[derive(Debug, Default)]
pub(crate) struct Expiry(Mutex<VecDeque<(Instant, Key, u64)>>);

impl Expiry {
    /// Takes note of a write, and removes the events whose time is over.
    pub(crate) fn written(&self, server: &Arc<Server>, resource: &Resource, object: &Object) {
        let now = Instant::now();
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writes.push_back((now, object.key.clone(), object.revision));
        while let Some((_, key, revision)) = writes.pop_front_if(|(at, ..)| now - *at >= KEPT) {
            // One that was written again has another version, and its time is not over.
            if let Some(gone) = server.store.remove(&resource.table, &key, revision) {
                super::removed(server, resource, &gone);
            }
        }
    }
}

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
