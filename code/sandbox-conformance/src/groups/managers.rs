//! What managedFields tell of an object's writers.

use crate::case::{Failure, Outcome};
use serde_json::Value;

/// The only entry of a manager.
pub(super) fn entry<'a>(object: &'a Value, manager: &str) -> Result<&'a Value, Failure> {
    let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut of_manager = entries.iter().filter(|entry| entry["manager"] == manager);
    match (of_manager.next(), of_manager.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(Failure(format!("expected one entry of {manager} in {}", Value::from(entries.to_vec())))),
    }
}

/// A manager owns the field at this path of `f:` keys.
pub(super) fn owns(object: &Value, manager: &str, path: &[&str]) -> Outcome {
    let entry = entry(object, manager)?;
    let found = path.iter().try_fold(&entry["fieldsV1"], |fields, key| fields.get(key));
    match found {
        Some(_) => Ok(()),
        None => Err(Failure(format!("expected {manager} to own {}, got {entry}", path.join(" ")))),
    }
}

/// A manager does not own the field at this path.
pub(super) fn owns_not(object: &Value, manager: &str, path: &[&str]) -> Outcome {
    match owns(object, manager, path) {
        Ok(()) => Err(Failure(format!("expected {manager} not to own {}", path.join(" ")))),
        Err(_) => Ok(()),
    }
}
