//! Which parts of an object a write is about, and which object it means.

use crate::{
    error::{Failure, Outcome},
    metadata,
    write::{Change, Write},
};
use serde_json::Value;

impl Write<'_> {
    /// A write to the status says nothing else, and a write to the object nothing of the status.
    pub(crate) fn own_part(&self, mut config: Value) -> Value {
        let status = self.manager.subresource == "status";
        if let Some(map) = config.as_object_mut() {
            if status {
                map.retain(|name, _| ["apiVersion", "kind", "metadata", "status"].contains(&name.as_str()));
                if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.retain(|name, _| {
                        ["name", "namespace", "resourceVersion", "uid"].contains(&name.as_str())
                    });
                }
            } else if self.target.resource.status {
                map.remove("status");
            }
        }
        config
    }

    pub(crate) fn check_version(&self, live: &Value, new: &Value) -> Outcome<()> {
        let (resource, asked) = (&self.target.resource, metadata::text(new, "resourceVersion"));
        if asked.is_empty() || asked == metadata::text(live, "resourceVersion") {
            return Ok(());
        }
        if asked.parse::<u64>().is_err() {
            return Err(Failure::plain(format!("strconv.ParseUint: parsing {asked:?}: invalid syntax")));
        }
        Err(Failure::modified(resource, &self.target.name))
    }

    /// A whole object of another UID is another object's; a patch or an apply of one is a mistake that validation names.
    pub(crate) fn check_uid(&self, live: &Value, new: &Value, change: &Change) -> Outcome<()> {
        let (asked, own) = (metadata::text(new, "uid"), metadata::text(live, "uid"));
        if asked.is_empty() || asked == own || !matches!(change, Change::Replace(_)) {
            return Ok(());
        }
        let resource = &self.target.resource;
        let path = if resource.namespaced {
            format!("{}/{}", self.target.namespace, self.target.name)
        } else {
            self.target.name.clone()
        };
        let group = if resource.is_custom() {
            format!("{}/{}", resource.group, resource.plural)
        } else {
            resource.plural.clone()
        };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{group}/{path}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {asked}, UID in object meta: {own}"
        );
        Err(Failure::conflict(resource, &self.target.name, &why))
    }

    /// What of the write counts: the status alone for the status subresource, everything else without it.
    pub(crate) fn merged_parts(&self, live: &Value, mut new: Value) -> Value {
        let resource = &self.target.resource;
        let part = |from: &Value, to: &mut Value, field: &str| match from.get(field) {
            Some(value) => to[field] = value.clone(),
            None => {
                if let Some(map) = to.as_object_mut() {
                    map.remove(field);
                }
            }
        };
        match self.manager.subresource.as_str() {
            "status" => {
                let mut merged = live.clone();
                part(&new, &mut merged, "status");
                if resource.is_custom() {
                    metadata::set(
                        &mut merged,
                        "managedFields",
                        new["metadata"].get("managedFields").cloned(),
                    );
                } else {
                    merged["metadata"] = new["metadata"].take();
                }
                merged
            }
            "finalize" => {
                let mut merged = live.clone();
                part(&new, &mut merged, "spec");
                merged
            }
            _ => {
                if resource.status {
                    part(live, &mut new, "status");
                }
                new
            }
        }
    }
}
