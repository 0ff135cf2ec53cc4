//! The Database API as Markdown, from the CustomResourceDefinition.

use serde_json::Value;
use std::fmt::Write as _;

/// The fields of `spec` or `status`: a table to find one, then each with its rules.
pub(super) fn fields(crd: &Value, part: &str) -> Result<String, String> {
    let root = schema(crd)?;
    let part_schema = &root["properties"][part];
    let mut found = Vec::new();
    collect(part, part_schema, &mut found);
    if found.is_empty() {
        return Err(format!("the CRD has no fields below {part}"));
    }
    let mut out = String::from("| field | type | default |\n| --- | --- | --- |\n");
    for field in &found {
        let _ = writeln!(
            out,
            "| [`{}`](#{}) | {} | {} |",
            field.path,
            id(&field.path),
            field.kind(),
            field.default()
        );
    }
    for field in &found {
        let _ = write!(out, "\n### `{}`\n\n{}", field.path, field.told());
    }
    Ok(out)
}

/// The rules that span several fields of a Database.
pub(super) fn rules(crd: &Value) -> Result<String, String> {
    let told = validations(schema(crd)?);
    if told.is_empty() { Err("the CRD has no rule at its root".into()) } else { Ok(told) }
}

fn schema(crd: &Value) -> Result<&Value, String> {
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    if schema.is_object() { Ok(schema) } else { Err("the CRD has no schema".into()) }
}

struct Field<'a> {
    path: String,
    schema: &'a Value,
    required: bool,
}

fn collect<'a>(path: &str, schema: &'a Value, found: &mut Vec<Field<'a>>) {
    let required = schema["required"].as_array();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let required = required.is_some_and(|all| all.iter().any(|one| one == name));
        found.push(Field { path: path.clone(), schema: property, required });
        collect(&path, property, found);
        collect(&format!("{path}[]"), &property["items"], found);
    }
}

impl Field<'_> {
    fn kind(&self) -> String {
        let kind = |schema: &Value| schema["type"].as_str().unwrap_or("any").to_owned();
        match (kind(self.schema).as_str(), self.schema["format"].as_str()) {
            ("array", _) => format!("list of {}s", kind(&self.schema["items"])),
            ("object", _) if self.schema["additionalProperties"].is_object() => {
                format!("map of {}s", kind(&self.schema["additionalProperties"]))
            }
            ("string", Some("date-time")) => "time".into(),
            (kind, _) => kind.to_owned(),
        }
    }

    fn default(&self) -> String {
        match &self.schema["default"] {
            Value::Null => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        }
    }

    fn told(&self) -> String {
        let description = self.schema["description"].as_str().unwrap_or_default();
        let mut facts = vec![self.kind()];
        if self.required {
            facts.push("required".into());
        }
        let default = self.default();
        if !default.is_empty() {
            facts.push(format!("default {default}"));
        }
        facts.extend(limits(self.schema));
        let words = description.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("*{}*\n\n{}\n{}", facts.join(", "), escaped(&words), after_blank(&validations(self.schema)))
    }
}

/// What the schema itself allows.
fn limits(schema: &Value) -> Vec<String> {
    let number = |name: &str| schema[name].as_f64();
    let range = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, None) => None,
    };
    let values = schema["enum"].as_array().map(|all| {
        let all: Vec<String> =
            all.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        format!("one of {}", all.join(", "))
    });
    let pattern = schema["pattern"].as_str().map(|pattern| format!("matches `{pattern}`"));
    let key =
        schema["x-kubernetes-list-map-keys"][0].as_str().map(|key| format!("one entry for each `{key}`"));
    [
        range("minimum", "maximum", ""),
        range("minLength", "maxLength", " characters"),
        range("minProperties", "maxProperties", " entries"),
        values,
        pattern,
        key,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// CEL rules with the words that their breach is told in.
fn validations(schema: &Value) -> String {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    let told = rules.map(|rule| {
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        format!("- {}: `{}`\n", escaped(text("message")), text("rule"))
    });
    told.collect()
}

fn after_blank(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n{text}") }
}

/// Words as Markdown: `<name>` outside of code is no tag.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts: Vec<String> = parts
        .map(|(index, part)| if index % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() })
        .collect();
    parts.join("`")
}

/// The id that mdBook gives to a heading that is this path.
fn id(path: &str) -> String {
    path.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn crd() -> Value {
        json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": {
            "x-kubernetes-validations": [{"message": "a needs b", "rule": "has(self.b)"}],
            "properties": {"spec": {"properties": {
                "size": {"type": "string", "default": "1Gi", "maxLength": 32, "description": "How much, `<n>Gi`.",
                    "x-kubernetes-validations": [{"message": "cannot shrink", "rule": "self >= oldSelf"}]},
                "store": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}},
                "lines": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
            }}},
        }}}]}})
    }

    #[test]
    fn every_field_is_told_with_its_rules() {
        let told = fields(&crd(), "spec").unwrap();
        assert!(told.contains("| [`spec.size`](#specsize) | string | `1Gi` |"), "{told}");
        assert!(told.contains("### `spec.size`\n\n*string, default `1Gi`, at most 32 characters*\n\nHow much, `<n>Gi`.\n\n- cannot shrink: `self >= oldSelf`\n"), "{told}");
        assert!(told.contains("### `spec.store.url`\n\n*string, required*"), "{told}");
        assert!(told.contains("### `spec.lines[].text`"), "{told}");
        assert!(told.contains("| [`spec.lines[].text`](#speclinestext) |"), "{told}");
        assert_eq!(rules(&crd()).unwrap(), "- a needs b: `has(self.b)`\n");
    }

    #[test]
    fn a_crd_without_a_schema_is_an_error() {
        assert!(fields(&json!({}), "spec").is_err());
    }
}
