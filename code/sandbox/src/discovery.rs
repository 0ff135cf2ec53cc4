//! What is served: `/api`, `/apis`, and `/version`.

use crate::{
    error::{Failure, Outcome},
    http::{Answer, negotiate::Form, respond},
    registry::Resource,
    server::Server,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// The version of Kubernetes whose behaviour this is.
pub(crate) const VERSION: &str = "v1.34.0";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// What can be done with a resource.
fn verbs(resource: &Resource) -> Vec<&'static str> {
    let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    all.into_iter().filter(|verb| *verb != "deletecollection" || resource.deletes_collections()).collect()
}

pub(crate) fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": format!("{VERSION}+sandbox"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// Groups with their versions, the best first, each with its resources.
type Groups = BTreeMap<String, Vec<(String, Vec<Arc<Resource>>)>>;

fn groups(server: &Server) -> Groups {
    let mut groups: Groups = BTreeMap::new();
    for resource in server.registry.all().values() {
        let versions = groups.entry(resource.group.clone()).or_default();
        match versions.iter_mut().find(|(version, _)| *version == resource.version) {
            Some((_, resources)) => resources.push(Arc::clone(resource)),
            None => versions.push((resource.version.clone(), vec![Arc::clone(resource)])),
        }
    }
    for group in ["authorization.k8s.io", "authentication.k8s.io"] {
        groups.entry(group.to_owned()).or_insert_with(|| vec![("v1".to_owned(), Vec::new())]);
    }
    for versions in groups.values_mut() {
        versions.sort_by_key(|(version, _)| rank(version));
    }
    groups
}

/// v2 before v1 before v1beta1 before v1alpha1, and anything else last.
fn rank(version: &str) -> (u8, std::cmp::Reverse<u32>, String) {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let rest = version.strip_prefix('v').unwrap_or_default();
    let major = digits(rest);
    let stage = match &rest[major.len()..] {
        _ if major.is_empty() => 3,
        "" => 0,
        text if text.starts_with("beta") => 1,
        text if text.starts_with("alpha") => 2,
        _ => 3,
    };
    (stage, std::cmp::Reverse(major.parse().unwrap_or_default()), version.to_owned())
}

pub(crate) fn answer(server: &Server, parts: &[&str], form: Form) -> Outcome<Answer> {
    let groups = groups(server);
    let aggregated = |core: bool| {
        let items: Vec<Value> = groups
            .iter()
            .filter(|(group, _)| group.is_empty() == core)
            .map(|(group, versions)| aggregated_group(group, versions))
            .collect();
        let list = json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
        });
        respond::bytes(200, AGGREGATED, list.to_string())
    };
    let value = match parts {
        ["api"] if form == Form::Aggregated => return Ok(aggregated(true)),
        ["apis"] if form == Form::Aggregated => return Ok(aggregated(false)),
        [] => {
            json!({ "paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] })
        }
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1" }],
        }),
        ["apis"] => {
            let list: Vec<Value> = groups
                .iter()
                .filter(|(group, _)| !group.is_empty())
                .map(|(name, all)| group(name, all))
                .collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": list })
        }
        ["api", version] => resources(&groups, "", version)?,
        ["apis", name] => {
            let versions =
                groups.get(*name).filter(|_| !name.is_empty()).ok_or_else(Failure::no_such_path)?;
            let mut group = group(name, versions);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["apis", group, version] => resources(&groups, group, version)?,
        _ => return Err(Failure::no_such_path()),
    };
    Ok(respond::json(200, &value))
}

fn group(name: &str, versions: &[(String, Vec<Arc<Resource>>)]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(version, _)| json!({ "groupVersion": format!("{name}/{version}"), "version": version }))
        .collect();
    json!({ "name": name, "preferredVersion": versions.first(), "versions": versions })
}

fn resources(groups: &Groups, group: &str, version: &str) -> Outcome<Value> {
    let versions = groups.get(group).ok_or_else(Failure::no_such_path)?;
    let (_, resources) =
        versions.iter().find(|(name, _)| name == version).ok_or_else(Failure::no_such_path)?;
    let mut list = Vec::new();
    for resource in resources {
        let mut one = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": verbs(resource),
        });
        if !resource.short_names.is_empty() {
            one["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            one["categories"] = json!(resource.categories);
        }
        list.push(one);
        for (name, kind, verbs) in subresources(resource) {
            let mut one = json!({
                "name": format!("{}/{name}", resource.plural), "singularName": "", "namespaced": resource.namespaced,
                "kind": kind, "verbs": verbs,
            });
            if name == "scale" {
                one["group"] = json!("autoscaling");
                one["version"] = json!("v1");
            }
            list.push(one);
        }
    }
    for (name, kind, namespaced) in reviews(group) {
        list.push(json!({
            "name": name, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind, "verbs": ["create"],
        }));
    }
    let full = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full, "resources": list }))
}

fn aggregated_group(name: &str, versions: &[(String, Vec<Arc<Resource>>)]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(version, resources)| {
            let mut list: Vec<Value> =
                resources.iter().map(|resource| aggregated_resource(resource)).collect();
            list.extend(reviews(name).iter().map(|(plural, kind, namespaced)| {
                json!({
                    "resource": plural, "singularResource": kind.to_lowercase(), "verbs": ["create"],
                    "responseKind": { "group": name, "version": version, "kind": kind },
                    "scope": if *namespaced { "Namespaced" } else { "Cluster" },
                })
            }));
            json!({ "version": version, "resources": list, "freshness": "Current" })
        })
        .collect();
    let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
    json!({ "metadata": metadata, "versions": versions })
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind = |kind: &str| json!({ "group": resource.group, "version": resource.version, "kind": kind });
    let mut one = json!({
        "resource": resource.plural, "responseKind": kind(&resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular, "verbs": verbs(resource),
    });
    if !resource.short_names.is_empty() {
        one["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        one["categories"] = json!(resource.categories);
    }
    let parts: Vec<Value> = subresources(resource)
        .into_iter()
        .map(|(name, response, verbs)| {
            let response = if response == "Scale" {
                json!({ "group": "autoscaling", "version": "v1", "kind": "Scale" })
            } else {
                kind(response)
            };
            json!({ "subresource": name, "responseKind": response, "verbs": verbs })
        })
        .collect();
    if !parts.is_empty() {
        one["subresources"] = Value::Array(parts);
    }
    one
}

fn subresources(resource: &Resource) -> Vec<(&'static str, &str, &'static [&'static str])> {
    const STATUS: &[&str] = &["get", "patch", "update"];
    const CONNECT: &[&str] = &["create", "get"];
    let mut all: Vec<(&'static str, &str, &'static [&'static str])> = Vec::new();
    if resource.table == "pods" {
        all.push(("eviction", "Eviction", &["create"]));
        all.push(("exec", "PodExecOptions", CONNECT));
        all.push(("log", "Pod", &["get"]));
        all.push(("portforward", "PodPortForwardOptions", CONNECT));
    }
    if resource.scale.is_some() {
        all.push(("scale", "Scale", STATUS));
    }
    if resource.status {
        all.push(("status", resource.kind.as_str(), STATUS));
    }
    all
}

fn reviews(group: &str) -> &'static [(&'static str, &'static str, bool)] {
    match group {
        "authorization.k8s.io" => &[
            ("localsubjectaccessreviews", "LocalSubjectAccessReview", true),
            ("selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
            ("selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
            ("subjectaccessreviews", "SubjectAccessReview", false),
        ],
        "authentication.k8s.io" => &[("selfsubjectreviews", "SelfSubjectReview", false)],
        _ => &[],
    }
}
