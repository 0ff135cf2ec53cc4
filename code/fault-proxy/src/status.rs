//! Answers that the proxy gives in the API server's place, worded as a real one words them:
//! <https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go>.

use crate::request::{Request, Verb};
use http::StatusCode;
use serde_json::{Value, json};

/// The body of an answer with this HTTP status.
pub(crate) fn body(status: u16, request: &Request) -> Value {
    let (reason, message) = words(status, request);
    let mut details = json!({"kind": request.resource.split('/').next()});
    if let Some(name) = &request.name {
        details["name"] = json!(name);
    }
    if !request.group.is_empty() {
        details["group"] = json!(request.group);
    }
    if status == 429 {
        details["retryAfterSeconds"] = json!(1);
    }
    failure(status, reason, &message, Some(details))
}

/// The object of the event with which a watch says that it cannot go on.
pub(crate) fn too_old() -> Value {
    failure(410, "Expired", "The resourceVersion for the provided watch is too old.", None)
}

fn failure(status: u16, reason: &str, message: &str, details: Option<Value>) -> Value {
    let mut body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    if let Some(details) = details {
        body["details"] = details;
    }
    body
}

fn words(status: u16, request: &Request) -> (&'static str, String) {
    let plural = request.resource.split('/').next().unwrap_or_default();
    let kind =
        if request.group.is_empty() { plural.to_owned() } else { format!("{plural}.{}", request.group) };
    let name = request.name.as_deref().unwrap_or_default();
    match (status, request.verb) {
        (401, _) => ("Unauthorized", "Unauthorized".into()),
        (403, verb) => ("Forbidden", format!("{kind} \"{name}\" is forbidden: cannot {verb} it")),
        (404, _) => ("NotFound", format!("{kind} \"{name}\" not found")),
        (409, Verb::Create) => ("AlreadyExists", format!("{kind} \"{name}\" already exists")),
        (409, _) => (
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {kind} \"{name}\": the object has been modified; please apply your \
                 changes to the latest version and try again"
            ),
        ),
        (410, _) => ("Expired", "The provided resource version is too old".into()),
        (422, _) => ("Invalid", format!("{kind} \"{name}\" is invalid")),
        (429, _) => ("TooManyRequests", "Too many requests, please try again later.".into()),
        (500, _) => ("InternalError", "Internal error occurred: etcdserver: request timed out".into()),
        (503, _) => ("ServiceUnavailable", "the server is currently unable to handle the request".into()),
        (504, _) => ("Timeout", "Timeout: request did not complete within the allotted duration".into()),
        (other, _) => {
            let words = StatusCode::from_u16(other).ok().and_then(|status| status.canonical_reason());
            ("Unknown", words.unwrap_or("unknown").to_owned())
        }
    }
}
