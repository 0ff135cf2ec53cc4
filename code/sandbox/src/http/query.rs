//! The parameters of a request.

use crate::error::{Cause, Failure, Outcome};
use std::collections::HashMap;

/// The parameters by name; of a repeated one the first counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    values: HashMap<String, String>,
    /// The kind of options that the parameters make up: what an error about them names.
    pub(crate) options: &'static str,
}

impl Query {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let mut values = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            values.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self { values, options: "ListOptions" }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Options may come in the query or, for deletes, in the body: the body wins.
    pub(crate) fn merge(&mut self, options: &serde_json::Value) {
        let Some(fields) = options.as_object() else { return };
        for (name, value) in fields {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Bool(flag) => flag.to_string(),
                serde_json::Value::Array(items) => {
                    items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(",")
                }
                _ => continue,
            };
            self.values.insert(name.clone(), text);
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    pub(crate) fn number(&self, name: &str) -> Outcome<Option<i64>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let parsed = text.parse().map(Some);
        parsed
            .map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
    }

    /// A resource version: absent, or a number.
    pub(crate) fn revision(&self) -> Outcome<Option<u64>> {
        let Some(text) = self.get("resourceVersion") else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::unreadable_version(text))
    }

    /// Whether nothing is to be kept. The only value there is is `All`.
    pub(crate) fn dry_run(&self) -> Outcome<bool> {
        match self.get("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => {
                let value = serde_json::Value::String(other.to_owned());
                let cause = Cause::unsupported("dryRun", &value, &["All".to_owned()]);
                Err(Failure::invalid_options(self.options, cause))
            }
        }
    }
}
