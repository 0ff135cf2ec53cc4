//! Secrets and ConfigMaps.

use super::fill;
use crate::{error::Cause, names};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const LIMIT: usize = 1_048_576;

/// Moves `stringData` into `data` and fills in the type.
pub(crate) fn default_secret(object: &mut Value) {
    let texts = object.as_object_mut().and_then(|map| map.remove("stringData"));
    if let Some(Value::Object(texts)) = texts {
        if object["data"].is_null() {
            object["data"] = json!({});
        }
        for (key, text) in texts {
            object["data"][key] = json!(STANDARD.encode(text.as_str().unwrap_or_default()));
        }
    }
    fill(object, "type", json!("Opaque"));
}

pub(crate) fn validate_secret(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    causes.extend(keys("data", &object["data"]));
    if size(&object["data"]) > LIMIT {
        causes.push(Cause::too_big("data", LIMIT as u64));
    }
    let needed: &[&str] = match object["type"].as_str() {
        Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
        Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| object["data"].get(**key).is_none()) {
        causes.push(Cause::required(&format!("data[{key}]"), ""));
    }
    if let Some(old) = old {
        if old["type"] != object["type"] {
            causes.push(Cause::invalid("type", &object["type"], "field is immutable"));
        }
        causes.extend(immutable(object, old, &["data"]));
    }
    causes
}

pub(crate) fn validate_config_map(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["data", "binaryData"] {
        causes.extend(keys(field, &object[field]));
    }
    let data = object["data"].as_object().into_iter().flatten();
    for (key, _) in data.filter(|(key, _)| !object["binaryData"][key.as_str()].is_null()) {
        let why = "duplicate of key present in data";
        causes.push(Cause::invalid(&format!("data[{key}]"), &json!(key), why));
    }
    if size(&object["data"]) + size(&object["binaryData"]) > LIMIT {
        causes.push(Cause::too_big("", LIMIT as u64));
    }
    if let Some(old) = old {
        causes.extend(immutable(object, old, &["data", "binaryData"]));
    }
    causes
}

fn keys(field: &str, data: &Value) -> Vec<Cause> {
    let keys = data.as_object().into_iter().flatten().map(|(key, _)| key);
    keys.filter_map(|key| {
        let why = names::data_key(key).err()?;
        Some(Cause::invalid(&format!("{field}[{key}]"), &json!(key), why))
    })
    .collect()
}

fn size(data: &Value) -> usize {
    data.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()).map(str::len).sum()
}

/// `immutable: true` holds for ever.
fn immutable(object: &Value, old: &Value, fields: &[&str]) -> Vec<Cause> {
    if old["immutable"] != true {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if object["immutable"] != true {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in fields.iter().filter(|field| old[**field] != object[**field]) {
        causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
    }
    causes
}
