//! One object.

use crate::{
    error::{Failure, Outcome},
    http::{Answer, Target, negotiate::Form, respond},
    server::Call,
    store::Key,
    table,
};
use serde_json::Value;

pub(crate) fn get(call: &Call, target: &Target) -> Outcome<Answer> {
    if let Some(asked) = call.query.revision()? {
        let current = call.server.store.revision();
        if asked > current {
            return Err(Failure::version_too_large(asked, current));
        }
    }
    let object = value(call, target)?;
    if call.form == Form::Table {
        let mut table = table::of_one(&target.resource, &object);
        table::include(&mut table, std::slice::from_ref(&object), call.query.get("includeObject"));
        return Ok(respond::json(200, &table));
    }
    Ok(super::object(200, call.form, &target.resource, &object))
}

/// The object that a path names.
pub(crate) fn value(call: &Call, target: &Target) -> Outcome<Value> {
    let key = Key::new(&target.namespace, &target.name);
    let object = call.server.store.get(&target.resource.table, &key);
    let object = object.ok_or_else(|| Failure::not_found(&target.resource, &target.name))?;
    Ok(object.value(&target.resource))
}
