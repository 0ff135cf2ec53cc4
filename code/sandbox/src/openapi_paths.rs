//! `/openapi/v2` and `/openapi/v3`.

use crate::{
    error::{Failure, Outcome},
    http::{Answer, negotiate::Form, respond},
    registry::Resource,
    schema::openapi,
    server::Server,
};
use serde_json::{Map, Value, json};
use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
};

pub(crate) fn answer(server: &Server, rest: &[&str], _form: Form) -> Outcome<Answer> {
    let all = server.registry.all();
    let of = |prefix: &str| -> Vec<Arc<Resource>> {
        all.values().filter(|resource| path(resource) == prefix).map(Arc::clone).collect()
    };
    match rest {
        ["v2"] => {
            let resources: Vec<Arc<Resource>> = all.values().map(Arc::clone).collect();
            Ok(respond::json(200, &openapi::version_2(&resources)))
        }
        ["v3"] => {
            let mut paths = Map::new();
            for resource in all.values() {
                let path = path(resource);
                let url = format!("/openapi/v3/{path}?hash={:X}", hash(&of(&path)));
                paths.insert(path, json!({ "serverRelativeURL": url }));
            }
            Ok(respond::json(200, &json!({ "paths": paths })))
        }
        ["v3", rest @ ..] => {
            let resources = of(&rest.join("/"));
            if resources.is_empty() {
                return Err(Failure::no_such_path());
            }
            Ok(respond::json(200, &openapi::version_3(&resources)))
        }
        _ => Err(Failure::no_such_path()),
    }
}

fn path(resource: &Resource) -> String {
    let root = if resource.group.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", resource.api_version())
}

/// Changes with the schemas, so that clients may keep what they have read.
fn hash(resources: &[Arc<Resource>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for resource in resources {
        resource.kind.hash(&mut hasher);
        let schema = resource.custom().and_then(|custom| custom.schema.as_ref()).map(Value::to_string);
        schema.hash(&mut hasher);
    }
    hasher.finish()
}
