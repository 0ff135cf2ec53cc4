//! The schemas of the built-in kinds, from k8s-openapi, made when first asked for.

use super::Node;
use crate::registry::builtin::{ROWS, Row};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// The schemas of all built-in types by their full names.
pub(crate) fn definitions() -> &'static Map<String, Value> {
    static ALL: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let mut generator = SchemaGenerator::new(SchemaSettings::openapi3());
        for row in ROWS.iter() {
            (row.schema)(&mut generator);
        }
        generator.take_definitions(true)
    });
    &ALL
}

/// The tree of a built-in kind.
pub(crate) fn node(row: &Row) -> Arc<Node> {
    static TREES: LazyLock<Mutex<HashMap<&'static str, Arc<Node>>>> = LazyLock::new(Mutex::default);
    let name = row.type_name;
    if let Some(tree) = TREES.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
        return Arc::clone(tree);
    }
    let mut node = Node::of_type(row.type_name, definitions());
    node.atomic = false;
    let tree = Arc::new(node);
    TREES.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&tree));
    tree
}
