//! What cases expect of JSON.

use crate::case::{Failure, Outcome};
use serde_json::Value;

/// Two values are equal.
pub(crate) fn same(what: &str, got: &Value, wanted: impl Into<Value>) -> Outcome {
    let wanted = wanted.into();
    if *got == wanted { Ok(()) } else { Err(Failure(format!("{what}: expected {wanted}, was {got}"))) }
}

/// Two values differ.
pub(crate) fn differs(what: &str, got: &Value, from: &Value) -> Outcome {
    if got == from { Err(Failure(format!("{what}: expected a change, is still {got}"))) } else { Ok(()) }
}

/// A field is not there.
pub(crate) fn absent(what: &str, got: &Value) -> Outcome {
    if got.is_null() { Ok(()) } else { Err(Failure(format!("{what}: expected nothing, was {got}"))) }
}

/// A text is there and not empty.
pub(crate) fn present(what: &str, got: &Value) -> Outcome {
    let missing = got.is_null() || *got == "";
    if missing { Err(Failure(format!("{what}: expected a value, was {got}"))) } else { Ok(()) }
}

/// Something holds; otherwise this is what was expected.
pub(crate) fn holds(condition: bool, expected: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(Failure(format!("expected {}", expected()))) }
}

/// The version of an object or a list.
pub(crate) fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default()
}

/// The identity of an object.
pub(crate) fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

/// The names in a list, in its order.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap_or_default()).collect()
}

/// A list holds these, in this order.
pub(crate) fn lists(list: &Value, wanted: &[&str]) -> Outcome {
    let got = names(list);
    if got == wanted { Ok(()) } else { Err(Failure(format!("expected the list {wanted:?}, got {got:?}"))) }
}
