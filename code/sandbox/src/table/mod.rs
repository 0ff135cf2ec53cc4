//! Rows and columns, as `kubectl get` prints them.

mod age;
mod built_in;
mod events;
mod path;

use crate::registry::Resource;
use serde_json::{Value, json};

/// A column's name, type, format, description and priority, and how its cell is made.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) priority: i64,
}

/// A table of one object.
pub(crate) fn of_one(resource: &Resource, object: &Value) -> Value {
    let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
    of_many(resource, &metadata, std::slice::from_ref(object))
}

pub(crate) fn of_many(resource: &Resource, metadata: &Value, objects: &[Value]) -> Value {
    let (definitions, cells): (Value, Vec<Value>) = if let Some(custom) = resource.custom() {
        let mut definitions = vec![name_column()];
        definitions.extend(custom.columns.iter().map(|column| {
            json!({
                "name": column.name, "type": column.kind, "format": column.format,
                "description": column.description, "priority": column.priority,
            })
        }));
        if custom.columns.is_empty() {
            definitions.push(column_json(&built_in::age_column()));
        }
        let cells = objects.iter().map(|object| custom_cells(&custom.columns, object)).collect();
        (Value::Array(definitions), cells)
    } else {
        let columns = built_in::columns(&resource.table);
        let definitions = columns.iter().map(column_json).collect();
        (definitions, objects.iter().map(|object| built_in::cells(&resource.table, object)).collect())
    };
    let rows: Vec<Value> = objects
        .iter()
        .zip(cells)
        .map(|(object, cells)| {
            let partial = json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
            });
            json!({ "cells": cells, "object": partial })
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    })
}

/// Puts into the rows what the client wants beside the cells: the object, nothing, or by default its metadata.
pub(crate) fn include(table: &mut Value, objects: &[Value], wanted: Option<&str>) {
    let rows = table["rows"].as_array_mut().into_iter().flatten();
    for (row, object) in rows.zip(objects) {
        match wanted {
            Some("Object") => row["object"] = object.clone(),
            Some("None") => row["object"] = Value::Null,
            _ => {}
        }
    }
}

/// A bookmark in a watch for tables.
pub(crate) fn bookmark(object: &Value) -> Value {
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": object["metadata"]["resourceVersion"] },
        "columnDefinitions": null, "rows": [{ "cells": [], "object": object }],
    })
}

fn name_column() -> Value {
    column_json(&Column { name: "Name".to_owned(), kind: "string", priority: 0 })
}

fn column_json(column: &Column) -> Value {
    let format = if column.name == "Name" { "name" } else { "" };
    json!({ "name": column.name, "type": column.kind, "format": format, "description": "", "priority": column.priority })
}

fn custom_cells(columns: &[crate::schema::custom::Column], object: &Value) -> Value {
    let mut cells = vec![object["metadata"]["name"].clone()];
    for column in columns {
        let found = path::find(&column.path, object);
        cells.push(match (column.kind.as_str(), found) {
            (_, None) => Value::Null,
            ("date", Some(Value::String(time))) => json!(age::since(&time)),
            ("string", Some(Value::String(text))) => json!(text),
            ("string", Some(other)) => json!(other.to_string()),
            (_, Some(value)) => value,
        });
    }
    if columns.is_empty() {
        cells.push(json!(age::since(object["metadata"]["creationTimestamp"].as_str().unwrap_or_default())));
    }
    Value::Array(cells)
}
