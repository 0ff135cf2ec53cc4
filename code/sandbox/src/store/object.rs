//! A stored object: its JSON text and what is looked at without parsing it.

use crate::{
    registry::Resource,
    schema::{default, prune},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where an object is in its table. Cluster-scoped objects have an empty namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// An object as it was at one resource version. Text, not a tree: lists and watches hand it out as it is, and it takes a tenth
/// of the tree's memory.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) key: Key,
    pub(crate) revision: u64,
    /// The JSON without `apiVersion`, `kind` and the opening brace: the version it is served as is the reader's.
    rest: Box<str>,
}

impl Object {
    /// Takes `value` in, with `revision` as its resource version.
    pub(crate) fn new(key: Key, revision: u64, value: &Value) -> Self {
        let mut map = value.as_object().cloned().unwrap_or_default();
        map.remove("apiVersion");
        map.remove("kind");
        let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        metadata["resourceVersion"] = Value::String(revision.to_string());
        let text = Value::Object(map).to_string();
        Self { key, revision, rest: text[1..].into() }
    }

    /// The same object at a later version: what a delete event carries.
    pub(crate) fn at(&self, revision: u64) -> Self {
        Self::new(self.key.clone(), revision, &self.bare())
    }

    /// How many bytes its text has.
    pub(super) fn size(&self) -> usize {
        self.rest.len()
    }

    fn bare(&self) -> Value {
        serde_json::from_str(&format!("{{{}", self.rest)).unwrap_or_default()
    }

    /// The object as `resource` names and versions it.
    pub(crate) fn value(&self, resource: &Resource) -> Value {
        let mut value = self.bare();
        value["apiVersion"] = Value::String(resource.api_version());
        value["kind"] = Value::String(resource.kind.clone());
        crate::kinds::event::to_served(resource, &mut value);
        if let Some(custom) = resource.custom().filter(|custom| custom.reshapes) {
            prune::prune(&custom.node, &mut value);
            default::apply(&custom.node, &mut value);
        }
        value
    }

    /// Writes the object as JSON behind what `out` holds.
    pub(crate) fn write(&self, resource: &Resource, out: &mut Vec<u8>) {
        if resource.converts() {
            out.extend_from_slice(self.value(resource).to_string().as_bytes());
            return;
        }
        out.extend_from_slice(b"{\"apiVersion\":\"");
        out.extend_from_slice(resource.api_version().as_bytes());
        out.extend_from_slice(b"\",\"kind\":\"");
        out.extend_from_slice(resource.kind.as_bytes());
        out.extend_from_slice(b"\",");
        out.extend_from_slice(self.rest.as_bytes());
    }

    /// Writes the object as an item of a list: lists of built-in kinds leave out what the list already says.
    pub(crate) fn write_item(&self, resource: &Resource, out: &mut Vec<u8>) {
        if resource.is_custom() || resource.converts() {
            self.write(resource, out);
        } else {
            out.push(b'{');
            out.extend_from_slice(self.rest.as_bytes());
        }
    }

    /// Whether the object is marked as being deleted.
    pub(crate) fn is_deleting(&self) -> bool {
        // The name of the field may also be part of a text, so a hit has to be looked at.
        self.rest.contains("\"deletionTimestamp\"") && !self.bare()["metadata"]["deletionTimestamp"].is_null()
    }

    /// The labels alone, without a tree of the rest.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        #[derive(serde::Deserialize, Default)]
        struct Labels {
            #[serde(default)]
            labels: Option<BTreeMap<String, String>>,
        }
        #[derive(serde::Deserialize)]
        struct Head {
            #[serde(default)]
            metadata: Labels,
        }
        let text = format!("{{{}", self.rest);
        serde_json::from_str::<Head>(&text).ok().and_then(|head| head.metadata.labels).unwrap_or_default()
    }
}
