//! What a refused request is answered with: a `Status` of the code, reason and wording of a real API server.

pub(crate) use crate::cause::Cause;

use crate::registry::Resource;
use serde_json::{Map, Value, json};

/// What is said of a path that leads nowhere.
pub(crate) const NO_PAGE: &str = "404 page not found";

/// A refused request. Becomes a `Status` object and its HTTP status code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    details: Map<String, Value>,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Map::new() }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        if !name.is_empty() {
            self.details.insert("name".to_owned(), json!(name));
        }
        if !resource.group.is_empty() {
            self.details.insert("group".to_owned(), json!(resource.group));
        }
        self.details.insert("kind".to_owned(), json!(resource.plural));
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        let message = message.to_string();
        let mut failure = Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        failure.details.insert("causes".to_owned(), json!([{ "message": message }]));
        failure
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    /// No such path: what an unknown group, version or resource gets.
    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// No such group or version: not the API's answer but its HTTP server's.
    pub(crate) fn no_such_page() -> Self {
        Self::new(404, "NotFound", NO_PAGE)
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// A generated name met an object of that name.
    pub(crate) fn generated_name_taken(resource: &Resource, prefix: &str) -> Self {
        let message = format!(
            "{} {prefix:?} already exists, the server was not able to generate a unique name for the object",
            resource.qualified()
        );
        Self::new(409, "AlreadyExists", message).about(resource, prefix)
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// The object is not the one that a delete means. The real server names the kind here, not the resource.
    pub(crate) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let kind = if resource.group.is_empty() {
            resource.kind.clone()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let message = format!("Operation cannot be fulfilled on {kind} {name:?}: {why}");
        let mut failure = Self::new(409, "Conflict", message).about(resource, name);
        failure.details.insert("kind".to_owned(), json!(resource.kind));
        failure
    }

    /// Server-side apply met fields of other managers.
    pub(crate) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let plural = if conflicts.len() == 1 { "" } else { "s" };
        let mut managers: Vec<&str> = conflicts.iter().map(|(manager, _)| manager.as_str()).collect();
        managers.dedup();
        let text = match (&managers[..], conflicts) {
            ([one], [(_, field)]) => format!("conflict with {one}: {field}"),
            ([one], many) => {
                let fields: Vec<String> = many.iter().map(|(_, field)| format!("\n- {field}")).collect();
                let fields = fields.concat();
                format!("conflicts with {one}:{fields}")
            }
            (many, _) => many
                .iter()
                .map(|manager| {
                    let own = conflicts.iter().filter(|(owner, _)| owner == manager);
                    let fields: Vec<String> = own.map(|(_, field)| format!("\n- {field}")).collect();
                    let fields = fields.concat();
                    format!("conflicts with {manager}:{fields}")
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        let message = format!("Apply failed with {} conflict{plural}: {text}", conflicts.len());
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field })
            })
            .collect();
        let mut failure = Self::new(409, "Conflict", message);
        failure.details.insert("causes".to_owned(), Value::Array(causes));
        failure
    }

    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        Self::invalid_kind(&resource.group, &resource.kind, name, causes)
    }

    /// Options of a request that are wrong: their kinds are no resource's.
    pub(crate) fn invalid_options(kind: &str, cause: Cause) -> Self {
        Self::invalid_kind("meta.k8s.io", kind, "", &[cause])
    }

    /// A patch whose outcome is no object.
    pub(crate) fn invalid_patch(patched: &Value, why: &str) -> Self {
        let cause = Cause::invalid("patch", &Value::String(patched.to_string()), why);
        let mut failure = Self::invalid_kind("", "", "", &[cause]);
        failure.message = failure.message.trim_start().to_owned();
        failure
    }

    fn invalid_kind(group: &str, own_kind: &str, name: &str, causes: &[Cause]) -> Self {
        let lines: Vec<String> = causes.iter().map(Cause::text).collect();
        let text = match &lines[..] {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = if group.is_empty() { own_kind.to_owned() } else { format!("{own_kind}.{group}") };
        let mut failure = Self::new(422, "Invalid", format!("{kind} {name:?} is invalid: {text}"));
        for (field, value) in [("name", name), ("group", group), ("kind", own_kind)] {
            if !value.is_empty() {
                failure.details.insert(field.to_owned(), json!(value));
            }
        }
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| {
                let field = if cause.field().is_empty() { "<nil>" } else { cause.field() };
                json!({ "reason": cause.reason(), "message": cause.message(), "field": field })
            })
            .collect();
        failure.details.insert("causes".to_owned(), Value::Array(causes));
        failure
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let subject =
            if name.is_empty() { resource.qualified() } else { format!("{} {name:?}", resource.qualified()) };
        Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}")).about(resource, name)
    }

    pub(crate) fn with_cause(mut self, reason: &str, message: &str, field: &str) -> Self {
        let cause = json!({ "reason": reason, "message": message, "field": field });
        self.details.insert("causes".to_owned(), json!([cause]));
        self
    }

    /// A path that is no resource, denied to the user.
    pub(crate) fn forbidden_path(message: String) -> Self {
        Self::new(403, "Forbidden", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    pub(crate) fn not_acceptable(accepted: &str) -> Self {
        Self::new(406, "NotAcceptable", format!("only the following media types are accepted: {accepted}"))
    }

    pub(crate) fn unsupported_media(message: String) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn too_large(message: &str) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// A patch that does not fit the object.
    pub(crate) fn patch_rejected() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request")
    }

    /// An error that the real server passes on as it comes, with neither reason nor details.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// A parameter that cannot be read, where the real server forgets to give a reason.
    pub(crate) fn unreadable_version(text: &str) -> Self {
        let message = format!(
            "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        );
        Self::new(500, "", message)
    }

    /// The history that the request needs is no longer held.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A version from the future was asked for.
    pub(crate) fn version_too_large(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let mut failure = Self::new(504, "Timeout", format!("Timeout: {message}"));
        failure.details.insert("retryAfterSeconds".to_owned(), json!(1));
        failure.details.insert(
            "causes".to_owned(),
            json!([{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }]),
        );
        failure
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        } else if matches!(self.code, 404 | 405) || self.message.starts_with("the server rejected") {
            status["details"] = json!({});
        }
        status
    }
}
