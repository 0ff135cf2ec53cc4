//! The tree of a kind's fields.

use super::list_types::{self, ListType};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One field, or the object itself.
#[allow(clippy::struct_excessive_bools, reason = "each is a word of the schema")]
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    /// Replaced as a whole by server-side apply, never merged.
    pub(crate) atomic: bool,
    /// Keeps fields that the schema does not name.
    pub(crate) open: bool,
    pub(crate) nullable: bool,
    /// A Kubernetes object by itself: `apiVersion`, `kind` and `metadata` are known without being named.
    pub(crate) embedded: bool,
    pub(crate) default: Option<Value>,
    /// The key by which strategic merge matches the list's items.
    pub(crate) patch_key: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Struct(BTreeMap<String, Node>),
    Map(Box<Node>),
    List(Box<Node>, ListKind),
    Scalar(Scalar),
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Bytes,
    Time,
    Integer32,
    Integer,
    Number,
    Boolean,
    IntOrText,
}

/// How the items of a list are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    Map(Vec<String>),
}

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// Schemas of schemas contain themselves: the tree ends there.
const ENDLESS: [&str; 1] = ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"];

impl Node {
    pub(crate) fn new(shape: Shape) -> Self {
        let default = None;
        Self { shape, atomic: false, open: false, nullable: false, embedded: false, default, patch_key: None }
    }

    pub(crate) fn any() -> Self {
        Self { open: true, ..Self::new(Shape::Any) }
    }

    /// The tree of the type `name` among the OpenAPI schemas of built-in types.
    pub(crate) fn of_type(name: &str, definitions: &Map<String, Value>) -> Self {
        let short = name.rsplit('.').next().unwrap_or(name);
        let Some(schema) = definitions.get(name).filter(|_| !ENDLESS.contains(&name)) else {
            return Self::any();
        };
        let mut node = Self::from_schema(schema, definitions);
        node.atomic = list_types::is_atomic(short);
        if let Shape::Struct(fields) = &mut node.shape {
            for (field, node) in fields.iter_mut() {
                let Shape::List(_, kind) = &mut node.shape else { continue };
                if let Some(ListType { patch, keys, .. }) = list_types::of(short, field) {
                    node.patch_key = *patch;
                    *kind = list_types::kind(keys);
                }
            }
        }
        node
    }

    /// The tree of `schema`, whose references lead into `definitions`.
    pub(crate) fn from_schema(schema: &Value, definitions: &Map<String, Value>) -> Self {
        // Beside a description, schemars wraps the reference.
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(reference) = reference {
            return Self::of_type(reference.rsplit('/').next().unwrap_or(reference), definitions);
        }
        let flag = |name: &str| schema[name].as_bool() == Some(true);
        let mut node = Self::new(shape(schema, definitions));
        node.open = flag("x-kubernetes-preserve-unknown-fields") || matches!(node.shape, Shape::Any);
        node.embedded = flag("x-kubernetes-embedded-resource");
        node.nullable = flag("nullable");
        node.default = schema.get("default").cloned();
        node.atomic = schema["x-kubernetes-map-type"] == "atomic";
        node
    }

    /// The tree of a custom resource: its own schema and what every object has.
    pub(crate) fn of_custom(schema: Option<&Value>, definitions: &Map<String, Value>) -> Self {
        let mut node = match schema {
            // Custom schemas refer to nothing.
            Some(schema) => Self::from_schema(schema, &Map::new()),
            None => Self { open: true, ..Self::new(Shape::Struct(BTreeMap::new())) },
        };
        if !matches!(node.shape, Shape::Struct(_)) {
            node.shape = Shape::Struct(BTreeMap::new());
        }
        node.with_type(Self::of_type(METADATA, definitions));
        node
    }

    /// Adds what every Kubernetes object has.
    pub(crate) fn with_type(&mut self, metadata: Self) {
        if let Shape::Struct(fields) = &mut self.shape {
            for field in ["apiVersion", "kind"] {
                fields.insert(field.to_owned(), Self::new(Shape::Scalar(Scalar::Text)));
            }
            fields.insert("metadata".to_owned(), metadata);
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Struct(fields) => fields.get(name),
            Shape::Map(values) => Some(values),
            _ => None,
        }
    }

    /// The node of field `name`, or one that knows nothing.
    pub(crate) fn field_or_any(&self, name: &str) -> std::borrow::Cow<'_, Self> {
        self.field(name).map_or_else(|| std::borrow::Cow::Owned(Self::any()), std::borrow::Cow::Borrowed)
    }
}

fn shape(schema: &Value, definitions: &Map<String, Value>) -> Shape {
    if schema["x-kubernetes-int-or-string"] == true {
        return Shape::Scalar(Scalar::IntOrText);
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        // schemars writes an optional field's type as ["string", "null"].
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ => "",
    };
    match (kind, schema["format"].as_str()) {
        ("object", _) => object(schema, definitions),
        ("array", _) => {
            let items =
                schema.get("items").map_or_else(Node::any, |items| Node::from_schema(items, definitions));
            let keys = || {
                let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                keys.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let kind = match schema["x-kubernetes-list-type"].as_str() {
                Some("set") => ListKind::Set,
                Some("map") => ListKind::Map(keys()),
                _ => ListKind::Atomic,
            };
            Shape::List(Box::new(items), kind)
        }
        ("string", Some("byte")) => Shape::Scalar(Scalar::Bytes),
        ("string", Some("date-time")) => Shape::Scalar(Scalar::Time),
        ("string", _) => Shape::Scalar(Scalar::Text),
        ("integer", Some("int32")) => Shape::Scalar(Scalar::Integer32),
        ("integer", _) => Shape::Scalar(Scalar::Integer),
        ("number", _) => Shape::Scalar(Scalar::Number),
        ("boolean", _) => Shape::Scalar(Scalar::Boolean),
        _ => Shape::Any,
    }
}

fn object(schema: &Value, definitions: &Map<String, Value>) -> Shape {
    if let Some(properties) = schema["properties"].as_object() {
        let fields =
            properties.iter().map(|(name, schema)| (name.clone(), Node::from_schema(schema, definitions)));
        return Shape::Struct(fields.collect());
    }
    match schema.get("additionalProperties") {
        Some(values @ Value::Object(_)) => Shape::Map(Box::new(Node::from_schema(values, definitions))),
        Some(Value::Bool(true)) => Shape::Map(Box::new(Node::any())),
        _ if definitions.is_empty() => Shape::Struct(BTreeMap::new()),
        _ => Shape::Any,
    }
}
