//! What a client can do with resources, one file each.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod scale;
pub(crate) mod watch;
pub(crate) mod write;

use crate::{
    http::{Answer, negotiate::Form, respond},
    registry::Resource,
    table,
};
use serde_json::{Value, json};

/// One object in the form that the client wants.
pub(crate) fn object(code: u16, form: Form, resource: &Resource, object: &Value) -> Answer {
    match form {
        Form::Table => respond::json(code, &table::of_one(resource, object)),
        Form::Partial => respond::json(code, &partial(object)),
        Form::Yaml => respond::yaml(code, object),
        Form::Json | Form::Aggregated => respond::json(code, object),
    }
}

/// The metadata alone.
pub(crate) fn partial(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}
