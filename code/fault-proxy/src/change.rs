//! What a write did to its object, read from the object before it and the API server's answer.

use crate::{
    diff::{self, FieldChange},
    request::{Request, Verb},
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// What a committed write did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What became of the object.
    pub kind: ChangeKind,
    /// The fields that it changed, the first 60 of them. None for an object that is gone.
    #[serde(serialize_with = "in_sequence")]
    pub fields: Arc<[FieldChange]>,
    /// How many more it changed.
    pub omitted: usize,
}

/// Shared, so that copies of the log are cheap.
fn in_sequence<S: Serializer>(fields: &Arc<[FieldChange]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fields.iter())
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It came to be.
    Created,
    /// It is another than before.
    Changed,
    /// It is gone.
    Deleted,
}

/// The object of a write as it was before.
#[derive(Debug)]
pub(crate) enum Before {
    /// There was none.
    None,
    /// It could not be read.
    Unknown,
    /// As the API server held it.
    Object(Value),
}

/// What a write changed, if it changed something; `answer` is what a write that succeeded was answered.
pub(crate) fn of(request: &Request, before: &Before, answer: &Value) -> Option<Change> {
    let kind = if answer["kind"] == "Status" {
        // A delete that is complete; and evictions and bindings, which are created and are no objects.
        let acts = matches!(request.verb, Verb::Delete | Verb::DeleteCollection);
        if acts { ChangeKind::Deleted } else { ChangeKind::Changed }
    } else if request.verb == Verb::DeleteCollection {
        answer["items"].as_array().is_some_and(|items| !items.is_empty()).then_some(ChangeKind::Deleted)?
    } else {
        of_object(request.verb, before, answer)?
    };
    let secret = request.resource == "secrets";
    let (fields, omitted) = match (kind, before) {
        (ChangeKind::Created, _) => diff::between(&Value::Null, answer, secret),
        (ChangeKind::Changed, Before::Object(before)) => diff::between(before, answer, secret),
        _ => (Vec::new(), 0),
    };
    Some(Change { kind, fields: fields.into(), omitted })
}

fn of_object(verb: Verb, before: &Before, after: &Value) -> Option<ChangeKind> {
    let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    // Reviews and tokens are created, answered and not kept.
    let now = version(after)?;
    if is_gone(verb, after) {
        return Some(ChangeKind::Deleted);
    }
    match before {
        Before::None => Some(ChangeKind::Created),
        Before::Unknown => Some(ChangeKind::Changed),
        Before::Object(before) => (version(before).as_ref() != Some(&now)).then_some(ChangeKind::Changed),
    }
}

/// Whether this answer is an object's last: the deletion that it waited for can be carried out, or some kinds that the API server
/// returns where it returns a `Status` for others. Its version is then the one before.
fn is_gone(verb: Verb, after: &Value) -> bool {
    let metadata = &after["metadata"];
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    // Those of a namespace are in its spec.
    let blocked = some(&metadata["finalizers"]) || some(&after["spec"]["finalizers"]);
    let waits = metadata["deletionGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds > 0);
    let deleted = verb == Verb::Delete || !metadata["deletionTimestamp"].is_null();
    deleted && !blocked && !waits
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use serde_json::json;
    use std::time::SystemTime;

    fn request(method: &Method, path: &str) -> Request {
        Request::read(method, &path.parse().unwrap(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_write_counts_if_the_store_is_another_after_it() {
        let object = |version: &str| json!({"kind": "ConfigMap", "metadata": {"resourceVersion": version}});
        let going = |version: &str, fields: Value| {
            let mut going =
                json!({"kind": "Pod", "metadata": {"resourceVersion": version, "deletionTimestamp": "now"}});
            going["metadata"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            going
        };
        let held = json!({"finalizers": ["a/b"]});
        let namespace = json!({
            "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]},
            "metadata": {"resourceVersion": "2", "deletionTimestamp": "now"},
        });
        let status = json!({"kind": "Status", "status": "Success", "metadata": {}});
        let known = |version: &str| Before::Object(object(version));
        let (created, changed, deleted) =
            (Some(ChangeKind::Created), Some(ChangeKind::Changed), Some(ChangeKind::Deleted));
        for (method, before, answer, expected) in [
            (Method::POST, Before::None, object("1"), created),
            (Method::PATCH, Before::None, object("1"), created),
            (Method::PATCH, Before::Unknown, object("1"), changed),
            (Method::PATCH, known("1"), object("2"), changed),
            (Method::PATCH, known("1"), object("1"), None),
            (Method::PUT, known("1"), object("1"), None),
            // The last finalizer went, and the object with it: the version stays.
            (Method::PATCH, known("1"), going("1", json!({})), deleted),
            (Method::PATCH, known("1"), going("1", held.clone()), None),
            (Method::DELETE, known("1"), status.clone(), deleted),
            (Method::DELETE, known("1"), going("2", held.clone()), changed),
            (Method::DELETE, known("2"), going("2", held), None),
            (Method::DELETE, known("1"), going("2", json!({"deletionGracePeriodSeconds": 30})), changed),
            (Method::DELETE, known("1"), going("1", json!({"deletionGracePeriodSeconds": 0})), deleted),
            (Method::DELETE, known("1"), namespace, changed),
            // Some kinds are returned when they go.
            (Method::DELETE, known("1"), object("1"), deleted),
            // A review, or a token.
            (Method::POST, Before::None, json!({"kind": "TokenReview", "metadata": {}}), None),
            (Method::POST, Before::None, status, changed),
        ] {
            let request = request(&method, "/api/v1/namespaces/shop/configmaps/a");
            let found = of(&request, &before, &answer).map(|change| change.kind);
            assert_eq!(found, expected, "{method} {before:?} {answer}");
        }
        let list = request(&Method::DELETE, "/api/v1/namespaces/shop/configmaps");
        for (items, expected) in [(json!([]), None), (json!([object("1")]), deleted)] {
            let found = of(&list, &Before::None, &json!({"kind": "ConfigMapList", "items": items}));
            assert_eq!(found.map(|change| change.kind), expected);
        }
    }
}
