//! The rules that a schema states in CEL.

use super::ratchet;
use crate::error::Cause;
use kube_cel::{CompiledSchema, Validator};
use serde_json::Value;

/// The schema as the evaluator takes it: an `oldSelf` that is optional is null there where there is none, and no optional.
pub(super) fn prepared(schema: &Value) -> Value {
    let mut schema = schema.clone();
    make_optional(&mut schema);
    schema
}

fn make_optional(value: &mut Value) {
    if let Some(rule) = value.get("rule").and_then(Value::as_str).map(str::to_owned)
        && value["optionalOldSelf"] == true
    {
        if value["message"].as_str().unwrap_or_default().is_empty() {
            value["message"] = Value::String(format!("failed rule: {}", rule.trim()));
        }
        value["rule"] = Value::String(with_optional(&rule));
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_optional),
        Value::Object(fields) => fields.values_mut().for_each(make_optional),
        _ => {}
    }
}

/// The rule with every `oldSelf` outside of a text wrapped into an optional.
fn with_optional(rule: &str) -> String {
    const OLD: &str = "oldSelf";
    const OPTIONAL: &str = "(oldSelf == null ? optional.none() : optional.of(oldSelf))";
    let (mut text, mut rest, mut quote) = (String::with_capacity(rule.len()), rule, None);
    while let Some(next) = rest.chars().next() {
        let before = text.chars().next_back().unwrap_or(' ');
        let part_of_a_name = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
        let after = rest.get(OLD.len()..).and_then(|it| it.chars().next()).unwrap_or(' ');
        let is_old = quote.is_none()
            && rest.starts_with(OLD)
            && !part_of_a_name(before)
            && (after == '.' || !part_of_a_name(after));
        if is_old {
            text.push_str(OPTIONAL);
            rest = &rest[OLD.len()..];
            continue;
        }
        match quote {
            None if next == '\'' || next == '"' => quote = Some(next),
            Some(open) if next == open && before != '\\' => quote = None,
            _ => {}
        }
        text.push(next);
        rest = &rest[next.len_utf8()..];
    }
    text
}

/// Whether a rule compares with what was before.
pub(super) fn is_about_changes(rule: &str) -> bool {
    with_optional(rule) != rule
}

/// The rules that `object` breaks; those about changes count only if there is an `old` one, and others only on what has changed.
pub(super) fn check(
    rules: &CompiledSchema,
    schema: &Value,
    object: &Value,
    old: Option<&Value>,
) -> Vec<Cause> {
    let Err(errors) = Validator::new().validate_compiled(rules, object, old) else { return Vec::new() };
    let settled = old.map(|old| ratchet::settled_rules(schema, object, old)).unwrap_or_default();
    errors
        .into_iter()
        .filter(|error| !settled.contains(&(error.field_path.clone(), error.rule.clone())))
        .map(|error| {
            let path = error.field_path.trim_start_matches('.').to_owned();
            let message = match error.message.strip_prefix("rule evaluation error: ") {
                Some(why) => {
                    format!("{} evaluating rule: {}", why.replacen("No such", "no such", 1), error.rule)
                }
                None => error.message.trim().to_owned(),
            };
            let pointer = format!("/{}", path.replace('[', ".").replace(']', "").replace('.', "/"));
            let value = if path.is_empty() { Some(object) } else { object.pointer(&pointer) };
            match error.reason.as_deref() {
                Some("FieldValueForbidden") => Cause::forbidden(&path, message),
                Some("FieldValueRequired") => Cause::required(&path, &message),
                Some("FieldValueDuplicate") => Cause::duplicate(&path, value.unwrap_or(&Value::Null)),
                _ => Cause::invalid(&path, &Value::String(kind(value).to_owned()), message),
            }
        })
        .collect()
}

/// The type by which a real server shows the value.
fn kind(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::String(_)) => "string",
        Some(Value::Number(number)) if number.is_f64() => "number",
        Some(Value::Number(_)) => "integer",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Array(_)) => "array",
        _ => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::with_optional;

    #[test]
    fn an_optional_old_value_as_a_table() {
        let optional = "(oldSelf == null ? optional.none() : optional.of(oldSelf))";
        for (rule, expected) in [
            ("self == 'oldSelf'", "self == 'oldSelf'".to_owned()),
            ("oldSelf.hasValue()", format!("{optional}.hasValue()")),
            ("!oldSelf.hasValue() || self.my_oldSelf", format!("!{optional}.hasValue() || self.my_oldSelf")),
            ("self.oldSelf == oldSelfish", "self.oldSelf == oldSelfish".to_owned()),
        ] {
            assert_eq!(with_optional(rule), expected, "{rule}");
        }
    }
}
