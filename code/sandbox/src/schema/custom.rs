//! What a CustomResourceDefinition's version says of its objects.

use super::{Node, builtin};
use kube_cel::CompiledSchema;
use serde_json::Value;
use std::sync::Arc;

/// One version of a custom resource.
#[derive(Debug)]
pub(crate) struct Custom {
    /// `None` for a schema that keeps everything.
    pub(crate) schema: Option<Value>,
    pub(crate) node: Arc<Node>,
    pub(crate) rules: Option<CompiledSchema>,
    pub(crate) columns: Vec<Column>,
    /// JSON paths of fields that field selectors may name.
    pub(crate) selectable: Vec<String>,
    pub(crate) deprecated: Option<String>,
    /// There are objects from before this schema: reading them prunes and fills in what it says.
    pub(crate) reshapes: bool,
}

/// A printer column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

impl Custom {
    /// Reads `spec.versions[]` of a definition.
    pub(crate) fn new(version: &Value, deprecated: Option<String>, reshapes: bool) -> Self {
        let schema = version["schema"].get("openAPIV3Schema").cloned();
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let columns = version["additionalPrinterColumns"].as_array().into_iter().flatten();
        let columns = columns
            .map(|column| Column {
                name: text(column, "name"),
                kind: text(column, "type"),
                format: text(column, "format"),
                description: text(column, "description"),
                priority: column["priority"].as_i64().unwrap_or_default(),
                path: text(column, "jsonPath"),
            })
            .collect();
        let selectable = version["selectableFields"].as_array().into_iter().flatten();
        let has_rules = version.to_string().contains("x-kubernetes-validations");
        Self {
            node: Arc::new(Node::of_custom(schema.as_ref(), builtin::definitions())),
            rules: schema
                .as_ref()
                .filter(|_| has_rules)
                .map(|schema| kube_cel::compile_schema(&super::cel::prepared(schema))),
            schema,
            columns,
            selectable: selectable.map(|field| text(field, "jsonPath")).collect(),
            deprecated,
            reshapes,
        }
    }
}
