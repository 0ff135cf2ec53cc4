//! `metadata.managedFields`: which manager owns which fields.

use super::fields::Set;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who writes, how, and to what. Each combination has an entry of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

impl Manager {
    /// A write to the status owns nothing else, and a write to the object nothing of the status.
    pub(super) fn keep_own(&self, set: &mut Set) {
        if self.subresource == "status" {
            set.children.retain(|name, _| name == "f:status" || name == "f:metadata");
        }
    }

    fn shown(&self) -> String {
        let name = &self.name;
        let part = if self.subresource.is_empty() {
            String::new()
        } else {
            format!(" with subresource {:?}", self.subresource)
        };
        let version = match self.operation {
            Operation::Apply => String::new(),
            Operation::Update => format!(" using {}", self.api_version),
        };
        format!("{name:?}{part}{version}")
    }
}

#[derive(Clone, Debug)]
struct Entry {
    manager: Manager,
    set: Set,
    time: Value,
}

/// All managers of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries(Vec<Entry>);

impl Entries {
    pub(super) fn read(object: &Value) -> Self {
        let list = object["metadata"]["managedFields"].as_array().into_iter().flatten();
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        Self(
            list.map(|entry| Entry {
                manager: Manager {
                    name: text(entry, "manager"),
                    operation: if entry["operation"] == "Apply" {
                        Operation::Apply
                    } else {
                        Operation::Update
                    },
                    api_version: text(entry, "apiVersion"),
                    subresource: text(entry, "subresource"),
                },
                set: Set::read(&entry["fieldsV1"]),
                time: entry["time"].clone(),
            })
            .collect(),
        )
    }

    pub(super) fn of(&self, manager: &Manager) -> Option<Set> {
        self.0.iter().find(|entry| same(&entry.manager, manager)).map(|entry| entry.set.clone())
    }

    pub(super) fn set(&mut self, manager: &Manager, set: Set) {
        match self.0.iter_mut().find(|entry| same(&entry.manager, manager)) {
            Some(entry) => {
                entry.set = set;
                entry.manager.api_version.clone_from(&manager.api_version);
            }
            None => self.0.push(Entry { manager: manager.clone(), set, time: Value::Null }),
        }
    }

    /// Everything that anybody owns.
    pub(super) fn all(&self) -> Set {
        let mut all = Set::default();
        self.0.iter().for_each(|entry| all.add(&entry.set));
        all
    }

    /// The managers other than `manager` that own something of `touched`, with the fields.
    pub(super) fn conflicts(&self, manager: &Manager, touched: &Set) -> Vec<(String, String)> {
        let mut conflicts = Vec::new();
        for entry in self.0.iter().filter(|entry| !same(&entry.manager, manager)) {
            let mut fields = Vec::new();
            entry.set.common(touched, "", &mut fields);
            conflicts.extend(fields.into_iter().map(|field| (entry.manager.shown(), field)));
        }
        conflicts
    }

    pub(super) fn take_from_others(&mut self, manager: &Manager, touched: &Set) {
        for entry in self.0.iter_mut().filter(|entry| !same(&entry.manager, manager)) {
            entry.set.take(touched);
        }
    }

    pub(super) fn forget(&mut self, removed: &Set) {
        self.0.iter_mut().for_each(|entry| entry.set.take(removed));
    }

    /// Writes the entries into `object`. The time moves only for an entry whose fields changed.
    pub(super) fn write(mut self, object: &mut Value, live: &Value, manager: &Manager, now: &str) {
        let before = Self::read(live);
        for entry in &mut self.0 {
            let old = before.0.iter().find(|old| same(&old.manager, &entry.manager));
            let moved = same(&entry.manager, manager) && old.is_none_or(|old| old.set != entry.set);
            if moved || entry.time.is_null() {
                entry.time = json!(now);
            }
        }
        self.0.retain(|entry| !entry.set.is_empty());
        // As a real server sorts them: applied ones first, then by time, then by name.
        self.0.sort_by_cached_key(|entry| {
            let time = entry.time.as_str().unwrap_or_default().to_owned();
            (entry.manager.operation == Operation::Update, time, entry.manager.name.clone())
        });
        let list: Vec<Value> = self.0.iter().map(Entry::json).collect();
        if list.is_empty() {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("managedFields");
            }
        } else {
            object["metadata"]["managedFields"] = Value::Array(list);
        }
    }
}

/// The entry of an applier stays the same when it moves on to another version of the API.
fn same(a: &Manager, b: &Manager) -> bool {
    a.name == b.name
        && a.operation == b.operation
        && a.subresource == b.subresource
        && (a.operation == Operation::Apply || a.api_version == b.api_version)
}

impl Entry {
    fn json(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager.name, "operation": self.manager.operation.name(),
            "apiVersion": self.manager.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": self.set.json(),
        });
        if !self.manager.subresource.is_empty() {
            entry["subresource"] = json!(self.manager.subresource);
        }
        entry
    }
}
