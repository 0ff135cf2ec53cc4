//! What is wrong with a field, in the words of a real API server.

use serde_json::Value;

/// One field that is wrong, as `Status.details.causes` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    field: String,
    reason: &'static str,
    message: String,
}

impl Cause {
    /// The value is of the right shape and not allowed.
    pub(crate) fn invalid(field: &str, value: &Value, why: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {}: {}", shown(value), why.as_ref());
        Self { field: field.to_owned(), reason: "FieldValueInvalid", message }
    }

    /// The value has the wrong type; a real server then shows the value in quotes, whatever it is.
    pub(crate) fn wrong_type(field: &str, value: &str, why: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {value:?}: {}", why.as_ref());
        Self { field: field.to_owned(), reason: "FieldValueInvalid", message }
    }

    pub(crate) fn required(field: &str, why: &str) -> Self {
        let message =
            if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { field: field.to_owned(), reason: "FieldValueRequired", message }
    }

    pub(crate) fn forbidden(field: &str, why: impl AsRef<str>) -> Self {
        let message = format!("Forbidden: {}", why.as_ref());
        Self { field: field.to_owned(), reason: "FieldValueForbidden", message }
    }

    pub(crate) fn duplicate(field: &str, value: &Value) -> Self {
        let message = format!("Duplicate value: {}", shown(value));
        Self { field: field.to_owned(), reason: "FieldValueDuplicate", message }
    }

    pub(crate) fn not_found(field: &str, value: &Value) -> Self {
        let message = format!("Not found: {}", shown(value));
        Self { field: field.to_owned(), reason: "FieldValueNotFound", message }
    }

    pub(crate) fn too_long(field: &str, limit: u64) -> Self {
        let message = format!("Too long: may not be more than {limit} bytes");
        Self { field: field.to_owned(), reason: "FieldValueTooLong", message }
    }

    pub(crate) fn too_big(field: &str, limit: u64) -> Self {
        let message = format!("Too long: must have at most {limit} bytes");
        Self { field: field.to_owned(), reason: "FieldValueTooLong", message }
    }

    pub(crate) fn too_many(field: &str, count: usize, limit: u64) -> Self {
        let message = format!("Too many: {count}: must have at most {limit} items");
        Self { field: field.to_owned(), reason: "FieldValueTooMany", message }
    }

    pub(crate) fn unsupported(field: &str, value: &Value, supported: &[String]) -> Self {
        let list: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        let message = format!("Unsupported value: {}: supported values: {}", shown(value), list.join(", "));
        Self { field: field.to_owned(), reason: "FieldValueNotSupported", message }
    }

    pub(crate) fn is_about(&self, field: &str) -> bool {
        self.field == field
    }

    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// The cause as the message of a failure has it.
    pub(crate) fn text(&self) -> String {
        let field = if self.field.is_empty() { "<nil>" } else { &self.field };
        format!("{field}: {}", self.message)
    }
}

/// A value as Go prints it in an error: text quoted, objects as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Null => "\"null\"".to_owned(),
        other => other.to_string(),
    }
}
