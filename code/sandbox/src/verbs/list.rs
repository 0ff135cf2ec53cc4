//! Lists: of now or of a version, whole or in parts.

use crate::{
    error::{Cause, Failure, Outcome},
    http::{Answer, Target, negotiate::Form, respond},
    selectors::Selection,
    server::Call,
    store::{Key, Object, Unreadable},
    table,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a list goes on.
#[derive(Serialize, Deserialize)]
struct Continue {
    v: String,
    rv: u64,
    start: String,
}

pub(crate) fn list(call: &Call, target: &Target) -> Outcome<Answer> {
    let selection = Selection::parse(&target.resource, &call.query)?;
    let limit = usize::try_from(call.query.number("limit")?.unwrap_or_default()).unwrap_or_default();
    let (revision, after) = start(call)?;
    let resource = &target.resource;
    let snapshot = call.server.store.list(&resource.table, &target.namespace, revision);
    let snapshot = snapshot.map_err(|unreadable| match unreadable {
        Unreadable::Future(current) => Failure::version_too_large(revision.unwrap_or_default(), current),
        Unreadable::Compacted(_) if after.is_some() => Failure::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
             results. Continuing with the provided token results in an inconsistent list - objects that were created, \
             modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        ),
        Unreadable::Compacted(oldest) => Failure::expired(format!(
            "too old resource version: {} ({oldest})",
            revision.unwrap_or_default()
        )),
    })?;
    let mut objects: Vec<Arc<Object>> = snapshot.objects;
    if let Some(after) = &after {
        objects.retain(|object| object.key > *after);
    }
    let everything = selection.is_everything();
    if !everything {
        objects.retain(|object| selection.matches(resource, object));
    }
    let mut metadata = json!({ "resourceVersion": snapshot.revision.to_string() });
    if limit > 0 && objects.len() > limit {
        let rest = objects.len() - limit;
        objects.truncate(limit);
        metadata["continue"] = json!(objects.last().map(|last| token(snapshot.revision, &last.key)));
        if everything {
            metadata["remainingItemCount"] = json!(rest);
        }
    }
    Ok(answer(call.form, call.query.get("includeObject"), target, &metadata, &objects))
}

/// The version to list at and the key to go on after.
fn start(call: &Call) -> Outcome<(Option<u64>, Option<Key>)> {
    let asked = call.query.revision()?;
    if call.query.get("sendInitialEvents").is_some() {
        let cause = Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
        return Err(Failure::invalid_options("ListOptions", cause));
    }
    let rule = call.query.get("resourceVersionMatch");
    if let Some(token) = call.query.get("continue") {
        if asked.is_some_and(|asked| asked > 0) {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let bad = |why: &str| {
            Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let text = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad("illegal base64 data at input byte 0"))?;
        let token: Continue =
            serde_json::from_slice(&text).map_err(|_| bad("unexpected end of JSON input"))?;
        let (namespace, name) = token.start.split_once('/').ok_or_else(|| bad("not a key"))?;
        return Ok((Some(token.rv), Some(Key::new(namespace, name))));
    }
    match (asked, rule) {
        (None, Some(_)) => {
            Err(forbidden_rule("resourceVersionMatch is forbidden unless resourceVersion is provided"))
        }
        (Some(0), Some("Exact")) => {
            Err(forbidden_rule("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""))
        }
        (Some(asked), Some("Exact")) => Ok((Some(asked), None)),
        (Some(asked), _) => {
            // "Not older than": now is right, unless the version lies ahead.
            let current = call.server.store.revision();
            Ok(((asked > current).then_some(asked), None))
        }
        (None, None) => Ok((None, None)),
    }
}

fn forbidden_rule(why: &str) -> Failure {
    Failure::invalid_options("ListOptions", Cause::forbidden("resourceVersionMatch", why))
}

fn token(revision: u64, last: &Key) -> String {
    let start = format!("{}/{}", last.namespace, last.name);
    let token = Continue { v: "meta.k8s.io/v1".to_owned(), rv: revision, start };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn answer(
    form: Form,
    include: Option<&str>,
    target: &Target,
    metadata: &Value,
    objects: &[Arc<Object>],
) -> Answer {
    let resource = &target.resource;
    match form {
        Form::Table => {
            let values: Vec<Value> = objects.iter().map(|object| object.value(resource)).collect();
            let mut table = table::of_many(resource, metadata, &values);
            table::include(&mut table, &values, include);
            respond::json(200, &table)
        }
        Form::Partial => {
            let items: Vec<Value> =
                objects.iter().map(|object| super::partial(&object.value(resource))).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
            });
            respond::json(200, &list)
        }
        Form::Yaml => {
            let items: Vec<Value> = objects.iter().map(|object| object.value(resource)).collect();
            let list = json!({
                "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata, "items": items,
            });
            respond::yaml(200, &list)
        }
        Form::Json | Form::Aggregated => {
            let (kind, version) = (&resource.list_kind, resource.api_version());
            let mut out = format!(
                "{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",\"metadata\":{metadata},\"items\":["
            )
            .into_bytes();
            for (at, object) in objects.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                object.write_item(resource, &mut out);
            }
            out.extend_from_slice(b"]}");
            respond::bytes(200, respond::JSON, out)
        }
    }
}
