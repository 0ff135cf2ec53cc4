//! Quotas on the number of objects: `count/statefulsets.apps`, and the old names of some core resources.

use crate::{
    error::{Failure, Outcome},
    registry::Resource,
    server::Server,
    store::{Inner, Key},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Core resources that can also be limited by their bare names.
const BARE: [&str; 6] =
    ["configmaps", "persistentvolumeclaims", "pods", "resourcequotas", "secrets", "services"];

fn limits_of<'a>(resource: &Resource, hard: &'a Map<String, Value>) -> Vec<(&'a String, u64)> {
    let (counted, bare) =
        (format!("count/{}", resource.qualified()), BARE.contains(&resource.table.as_str()));
    let fits = |name: &str| name == counted || (bare && name == resource.table);
    hard.iter()
        .filter(|(name, _)| fits(name))
        .filter_map(|(name, limit)| Some((name, number(limit)?)))
        .collect()
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => match text.strip_suffix('k') {
            Some(thousands) => thousands.parse::<u64>().ok().map(|thousands| thousands * 1_000),
            None => text.parse().ok(),
        },
        other => other.as_u64(),
    }
}

/// Whether one more object fits in its namespace.
pub(crate) fn check(inner: &Inner, server: &Server, resource: &Resource, key: &Key) -> Outcome<()> {
    if key.namespace.is_empty() || resource.table == "events" {
        return Ok(());
    }
    let quotas = server.registry.built_in("resourcequotas");
    for quota in inner.in_namespace("resourcequotas", &key.namespace) {
        let value = quota.value(&quotas);
        let Some(hard) = value["spec"]["hard"].as_object() else { continue };
        for (name, limit) in limits_of(resource, hard) {
            let used = inner.in_namespace(&resource.table, &key.namespace).count();
            if used as u64 >= limit {
                let why = format!(
                    "exceeded quota: {}, requested: {name}=1, used: {name}={used}, limited: {name}={limit}",
                    quota.key.name
                );
                return Err(Failure::forbidden(resource, &key.name, &why));
            }
        }
    }
    Ok(())
}

/// Writes into the quotas of `namespace` what is used, after an object of `changed` came or went.
pub(crate) fn count(server: &Arc<Server>, changed: &Resource, namespace: &str) {
    if namespace.is_empty() {
        return;
    }
    let resource = server.registry.built_in("resourcequotas");
    let quotas: Vec<_> =
        server.store.inspect(|inner| inner.in_namespace("resourcequotas", namespace).collect());
    for quota in quotas {
        let mut value = quota.value(&resource);
        let Some(hard) = value["spec"]["hard"].as_object().cloned() else { continue };
        let about_this = changed.table == "resourcequotas" || !limits_of(changed, &hard).is_empty();
        if !about_this {
            continue;
        }
        let used: Map<String, Value> = hard
            .keys()
            .map(|name| (name.clone(), json!(used(server, name, namespace).to_string())))
            .collect();
        let status = json!({ "hard": hard, "used": used });
        if value["status"] != status {
            value["status"] = status;
            let nothing = |_: &Inner| Ok::<(), ()>(());
            // Of two writes at once the other one counts again.
            let _ = server.store.put("resourcequotas", &quota.key, Some(quota.revision), &value, nothing);
        }
    }
}

fn used(server: &Server, name: &str, namespace: &str) -> usize {
    let qualified = name.strip_prefix("count/").unwrap_or(name);
    let Some(resource) = server.registry.by_name(qualified) else { return 0 };
    server.store.inspect(|inner| inner.in_namespace(&resource.table, namespace).count())
}
