//! A container's environment: values, and what Secrets, ConfigMaps and the pod itself give.

use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVarSource, Pod, Secret};
use kube::{Api, Client, ResourceExt};
use std::collections::BTreeMap;

/// Names and values.
pub(crate) type Environment = BTreeMap<String, String>;

/// Puts a container's environment together. The error is what the kubelet says of what is missing.
pub(crate) async fn environment(
    client: &Client,
    pod: &Pod,
    address: Option<&str>,
    container: &Container,
) -> Result<Environment, String> {
    let sources = Sources { client, pod, address };
    let mut environment = Environment::new();
    for from in container.env_from.iter().flatten() {
        let mut values = Environment::new();
        if let Some(it) = &from.secret_ref {
            values = sources.secret(&it.name, it.optional).await?.unwrap_or_default();
        } else if let Some(it) = &from.config_map_ref {
            values = sources.config_map(&it.name, it.optional).await?.unwrap_or_default();
        }
        let prefix = from.prefix.clone().unwrap_or_default();
        environment.extend(values.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => Some(expand(value, &environment)),
            (None, Some(from)) => sources.value(from).await?,
            (None, None) => Some(String::new()),
        };
        if let Some(value) = value {
            environment.insert(variable.name.clone(), value);
        }
    }
    Ok(environment)
}

struct Sources<'a> {
    client: &'a Client,
    pod: &'a Pod,
    address: Option<&'a str>,
}

impl Sources<'_> {
    async fn value(&self, from: &EnvVarSource) -> Result<Option<String>, String> {
        let namespace = self.pod.namespace().unwrap_or_default();
        let missing = |kind: &str, name: &str, key: &str, optional: Option<bool>| match optional {
            Some(true) => Ok(None),
            _ => Err(format!("couldn't find key {key} in {kind} {namespace}/{name}")),
        };
        if let Some(it) = &from.secret_key_ref {
            let Some(mut values) = self.secret(&it.name, it.optional).await? else { return Ok(None) };
            return values
                .remove(&it.key)
                .map_or_else(|| missing("Secret", &it.name, &it.key, it.optional), |it| Ok(Some(it)));
        }
        if let Some(it) = &from.config_map_key_ref {
            let Some(mut values) = self.config_map(&it.name, it.optional).await? else { return Ok(None) };
            return values
                .remove(&it.key)
                .map_or_else(|| missing("ConfigMap", &it.name, &it.key, it.optional), |it| Ok(Some(it)));
        }
        Ok(Some(from.field_ref.as_ref().map(|field| self.field(&field.field_path)).unwrap_or_default()))
    }

    /// A field of the pod, by the paths that the downward API has.
    fn field(&self, path: &str) -> String {
        let spec = self.pod.spec.as_ref();
        let quoted =
            |of: &str| path.strip_prefix(of)?.strip_prefix("['")?.strip_suffix("']").map(str::to_owned);
        if let Some(label) = quoted("metadata.labels") {
            return self.pod.labels().get(&label).cloned().unwrap_or_default();
        }
        if let Some(annotation) = quoted("metadata.annotations") {
            return self.pod.annotations().get(&annotation).cloned().unwrap_or_default();
        }
        match path {
            "metadata.name" => self.pod.name_any(),
            "metadata.namespace" => self.pod.namespace().unwrap_or_default(),
            "metadata.uid" => self.pod.uid().unwrap_or_default(),
            "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()).unwrap_or_default(),
            "spec.serviceAccountName" => {
                spec.and_then(|spec| spec.service_account_name.clone()).unwrap_or_default()
            }
            "status.hostIP" => super::status::NODE_ADDRESS.to_owned(),
            "status.podIP" | "status.podIPs" => self.address.unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    async fn secret(&self, name: &str, optional: Option<bool>) -> Result<Option<Environment>, String> {
        let api: Api<Secret> =
            Api::namespaced(self.client.clone(), &self.pod.namespace().unwrap_or_default());
        let secret = found(api.get_opt(name).await, "secret", name, optional)?;
        Ok(secret.map(|secret| {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value.0))).collect()
        }))
    }

    async fn config_map(&self, name: &str, optional: Option<bool>) -> Result<Option<Environment>, String> {
        let api: Api<ConfigMap> =
            Api::namespaced(self.client.clone(), &self.pod.namespace().unwrap_or_default());
        Ok(found(api.get_opt(name).await, "configmap", name, optional)?.map(|it| it.data.unwrap_or_default()))
    }
}

fn found<K>(
    read: Result<Option<K>, kube::Error>,
    kind: &str,
    name: &str,
    optional: Option<bool>,
) -> Result<Option<K>, String> {
    match read {
        Ok(None) if optional != Some(true) => Err(format!("{kind} \"{name}\" not found")),
        Ok(object) => Ok(object),
        Err(error) => Err(format!("failed to read {kind} \"{name}\": {error}")),
    }
}

/// Replaces `$(NAME)` by what is known of it; `$$` stands for a dollar sign, and what is unknown stays as it is.
pub(crate) fn expand(text: &str, environment: &Environment) -> String {
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix("$(").and_then(|it| it.split_once(')')) {
            match environment.get(name) {
                Some(value) => result.push_str(value),
                None => result.push_str(&rest[..name.len() + 3]),
            }
            rest = after;
        } else {
            result.push('$');
            rest = &rest[1..];
        }
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_as_a_table() {
        let environment = Environment::from([("A".to_owned(), "1".to_owned())]);
        for (text, expected) in [
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$A ${A} $", "$A ${A} $"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(text, &environment), expected, "{text}");
        }
    }
}
