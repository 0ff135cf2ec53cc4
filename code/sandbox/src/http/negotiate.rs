//! Which form of an answer a client wants.

use crate::error::{Failure, Outcome};
use http::{HeaderMap, header::ACCEPT};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Yaml,
    /// Rows and columns, as `kubectl get` prints them.
    Table,
    /// Metadata without spec and status.
    Partial,
    /// Discovery of all groups in one answer.
    Aggregated,
}

/// The first form of the `Accept` header that is known.
pub(crate) fn form(headers: &HeaderMap) -> Outcome<Form> {
    let accepts: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if accepts.is_empty() {
        return Ok(Form::Json);
    }
    let all = accepts.join(",");
    all.split(',').find_map(known).ok_or_else(|| {
        Failure::not_acceptable("application/json, application/yaml, application/vnd.kubernetes.protobuf")
    })
}

fn known(entry: &str) -> Option<Form> {
    let mut parts = entry.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let parameter = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match (media_type, parameter("as")) {
        ("application/json", Some("Table")) => parameter("v").filter(|v| *v == "v1").map(|_| Form::Table),
        ("application/json", Some("PartialObjectMetadata" | "PartialObjectMetadataList")) => {
            Some(Form::Partial)
        }
        ("application/json", Some("APIGroupDiscoveryList")) => {
            parameter("v").filter(|v| *v == "v2").map(|_| Form::Aggregated)
        }
        ("application/json" | "application/*" | "*/*" | "", None) => Some(Form::Json),
        ("application/yaml", None) => Some(Form::Yaml),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_form_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1,application/json";
        let discovery =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        for (accept, expected) in [
            ("application/json", Some(Form::Json)),
            ("*/*", Some(Form::Json)),
            ("application/vnd.kubernetes.protobuf,application/json", Some(Form::Json)),
            (table, Some(Form::Table)),
            (discovery, Some(Form::Aggregated)),
            ("application/json;as=Table;v=v9,application/json", Some(Form::Json)),
            ("text/csv", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, http::HeaderValue::from_static(accept));
            assert_eq!(form(&headers).ok(), expected, "{accept}");
        }
    }
}
