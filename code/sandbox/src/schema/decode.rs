//! Reading an object of a kind: its type, its unknown fields, and values of the wrong type.

use super::{Node, Scalar, Shape, default, prune};
use crate::{
    error::{Cause, Failure, Outcome},
    http::{Query, body::unrecognized},
    registry::Resource,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// What to do about unknown fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    pub(crate) fn parse(query: &Query) -> Outcome<Self> {
        match query.get("fieldValidation") {
            None | Some("Warn") => Ok(Self::Warn),
            Some("Ignore") => Ok(Self::Ignore),
            Some("Strict") => Ok(Self::Strict),
            Some(other) => {
                let supported = ["Ignore", "Strict", "Warn"].map(str::to_owned);
                let cause =
                    Cause::unsupported("fieldValidation", &Value::String(other.to_owned()), &supported);
                Err(Failure::invalid_options(query.options, cause))
            }
        }
    }
}

/// Checks that `value` is an object of `resource` and brings it into shape; the unknown fields are dropped, refused or added
/// to `warnings`.
pub(crate) fn decode(
    resource: &Resource,
    value: &mut Value,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Outcome<()> {
    check_type(resource, value)?;
    let node = resource.node();
    if resource.is_custom() {
        check_metadata(&node, value)?;
    } else {
        default::drop_nulls(value);
        if let Some(why) = wrong_type(&node, value, &resource.kind, "") {
            return Err(cannot_be_handled(resource, &format!("json: cannot unmarshal {why}")));
        }
    }
    let unknown = prune::prune(&node, value).iter().map(|field| format!("unknown field {field:?}")).collect();
    report(resource, validation, unknown, warnings)
}

/// Of a custom resource, the metadata are of a built-in type.
fn check_metadata(node: &Node, object: &mut Value) -> Outcome<()> {
    let metadata = object.get_mut("metadata").filter(|metadata| !metadata.is_null());
    let Some((node, metadata)) = node.field("metadata").zip(metadata) else { return Ok(()) };
    default::drop_nulls(metadata);
    let wrong = wrong_type(node, metadata, "ObjectMeta", "");
    wrong.map_or(Ok(()), |why| Err(Failure::bad_request(format!("json: cannot unmarshal {why}"))))
}

/// Refuses an object for what strict decoding finds, or warns of it.
pub(crate) fn report(
    resource: &Resource,
    validation: FieldValidation,
    found: Vec<String>,
    warnings: &mut Vec<String>,
) -> Outcome<()> {
    match validation {
        FieldValidation::Strict if !found.is_empty() => {
            Err(cannot_be_handled(resource, &format!("strict decoding error: {}", found.join(", "))))
        }
        FieldValidation::Warn => {
            warnings.extend(found);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn cannot_be_handled(resource: &Resource, why: &str) -> Failure {
    let (kind, version) = (&resource.kind, &resource.version);
    Failure::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

fn check_type(resource: &Resource, value: &mut Value) -> Outcome<()> {
    let Some(map) = value.as_object_mut() else {
        let kind = if value.is_array() { "array" } else { "value" };
        let why = format!(
            "json: cannot unmarshal {kind} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        );
        return Err(unrecognized(&resource.kind, &why, value.to_string().as_bytes()));
    };
    let expected = resource.api_version();
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = map.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    if resource.is_custom() && kind.is_empty() {
        return Err(Failure::bad_request(format!("Object 'Kind' is missing in '{value}'")));
    }
    if (!kind.is_empty() && kind != resource.kind) || (!version.is_empty() && version != expected) {
        let why = if !version.is_empty() && version != expected && kind == resource.kind {
            format!(
                "the API version in the data ({version}) does not match the expected API version ({expected})"
            )
        } else {
            let version = if version.is_empty() { &expected } else { &version };
            format!(
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
            )
        };
        let own = &resource.kind;
        let version =
            version.rsplit('/').next().filter(|version| !version.is_empty()).unwrap_or(&resource.version);
        let text = if why.starts_with("the API") {
            why
        } else {
            format!("{kind} in version {version:?} cannot be handled as a {own}: {why}")
        };
        return Err(Failure::bad_request(text));
    }
    map.insert("kind".to_owned(), Value::String(resource.kind.clone()));
    map.insert("apiVersion".to_owned(), Value::String(expected));
    Ok(())
}

/// What of a built-in object has the wrong type, in the words of Go's JSON reader.
fn wrong_type(node: &Node, value: &Value, kind: &str, path: &str) -> Option<String> {
    let wrong = |expected: &str| {
        let found = match value {
            Value::Object(_) => "object".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if number.is_f64() => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::Null => "null".to_owned(),
        };
        Some(format!("{found} into Go struct field {kind}.{path} of type {expected}"))
    };
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (&node.shape, value) {
        (Shape::Struct(fields), Value::Object(map)) => {
            map.iter().find_map(|(name, value)| wrong_type(fields.get(name)?, value, kind, &below(name)))
        }
        (Shape::Map(values), Value::Object(map)) => {
            map.values().find_map(|value| wrong_type(values, value, kind, path))
        }
        (Shape::List(items, _), Value::Array(list)) => {
            list.iter().find_map(|value| wrong_type(items, value, kind, path))
        }
        (Shape::Scalar(Scalar::Bytes), Value::String(text)) if STANDARD.decode(text).is_err() => {
            let at = text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(&byte));
            Some(format!("illegal base64 data at input byte {}", at.unwrap_or(text.len() / 4 * 4)))
        }
        (Shape::Scalar(Scalar::Integer32), Value::Number(number)) => match number.as_i64() {
            Some(number) if i32::try_from(number).is_ok() => None,
            _ => wrong("int32"),
        },
        (Shape::Scalar(Scalar::Integer), Value::Number(number)) if number.is_f64() => wrong("int64"),
        (Shape::Scalar(scalar), value) if !fits(*scalar, value) => wrong(go_type(*scalar)),
        (Shape::Struct(_), _) => wrong("struct"),
        (Shape::Map(_), _) => wrong("map[string]string"),
        (Shape::List(..), _) => wrong("[]struct"),
        _ => None,
    }
}

fn go_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Text | Scalar::Time => "string",
        Scalar::Bytes => "[]uint8",
        Scalar::Integer32 => "int32",
        Scalar::Integer => "int64",
        Scalar::Number => "float64",
        Scalar::Boolean => "bool",
        Scalar::IntOrText => "intstr.IntOrString",
    }
}

fn fits(scalar: Scalar, value: &Value) -> bool {
    match scalar {
        Scalar::Text | Scalar::Bytes | Scalar::Time => value.is_string(),
        Scalar::Integer32 | Scalar::Integer => value.is_i64() || value.is_u64(),
        Scalar::Number => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::IntOrText => value.is_string() || value.is_number(),
    }
}
