//! How a client learns what a server has.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::{Definition, definition_of, widgets},
    expect::{holds, present, same},
    resource::DEFINITIONS,
};
use serde_json::{Value, json};

cases! { "discovery":
    the_core_versions_are_listed,
    the_groups_are_listed,
    a_kind_tells_its_verbs_and_names,
    subresources_are_listed_with_their_kinds,
    a_custom_kind_is_discovered,
    a_removed_kind_is_forgotten,
    short_names_and_categories_are_told,
    the_version_is_told,
    health_is_told,
    the_openapi_schema_has_built_in_kinds,
    the_openapi_schema_has_custom_kinds within 180,
    openapi_v3_has_a_custom_kind since 27 within 60,
    discovery_comes_in_one_document since 30,
    a_typed_discovery_finds_a_custom_kind,
}

fn find<'a>(list: &'a Value, field: &str, name: &str) -> &'a Value {
    list.as_array().into_iter().flatten().find(|item| item[field] == name).unwrap_or(&Value::Null)
}

async fn the_core_versions_are_listed(arena: &Arena) -> Outcome {
    let versions = arena.read("/api").await.is(200)?;
    same("kind", &versions["kind"], "APIVersions")?;
    same("versions", &versions["versions"], json!(["v1"]))
}

async fn the_groups_are_listed(arena: &Arena) -> Outcome {
    let groups = arena.read("/apis").await.is(200)?;
    same("kind", &groups["kind"], "APIGroupList")?;
    let apps = find(&groups["groups"], "name", "apps");
    same("preferred version of apps", &apps["preferredVersion"]["groupVersion"], "apps/v1")?;
    for group in ["apiextensions.k8s.io", "rbac.authorization.k8s.io", "coordination.k8s.io", "batch"] {
        present(group, &find(&groups["groups"], "name", group)["versions"])?;
    }
    let alone = arena.read("/apis/apps").await.is(200)?;
    same("kind of /apis/apps", &alone["kind"], "APIGroup")?;
    same("versions", &alone["preferredVersion"], apps["preferredVersion"].clone())
}

async fn a_kind_tells_its_verbs_and_names(arena: &Arena) -> Outcome {
    let list = arena.read("/api/v1").await.is(200)?;
    same("kind", &list["kind"], "APIResourceList")?;
    let maps = find(&list["resources"], "name", "configmaps");
    same("kind", &maps["kind"], "ConfigMap")?;
    same("namespaced", &maps["namespaced"], true)?;
    same("shortNames", &maps["shortNames"], json!(["cm"]))?;
    let wanted = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    same("verbs", &maps["verbs"], json!(wanted))?;
    same("namespaces", &find(&list["resources"], "name", "namespaces")["namespaced"], false)
}

async fn subresources_are_listed_with_their_kinds(arena: &Arena) -> Outcome {
    let list = arena.read("/apis/apps/v1").await.is(200)?;
    let status = find(&list["resources"], "name", "statefulsets/status");
    same("verbs of the status", &status["verbs"], json!(["get", "patch", "update"]))?;
    let scale = find(&list["resources"], "name", "statefulsets/scale");
    same("kind of the scale", &scale["kind"], "Scale")?;
    same("group of the scale", &scale["group"], "autoscaling")
}

/// The entry of a custom kind in the run's group, once there is one.
async fn entry(arena: &Arena, plural: &str) -> Result<Value, Failure> {
    arena
        .until("the kind in discovery", async || {
            let list = arena.read(&format!("/apis/{}/v1", arena.group)).await.body;
            Ok(Some(find(&list["resources"], "name", plural).clone()).filter(Value::is_object))
        })
        .await
}

async fn a_custom_kind_is_discovered(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let plural = widgets.resource().plural.as_ref();
    let found = entry(arena, plural).await?;
    same("kind", &found["kind"], widgets.resource().kind.as_ref())?;
    same("namespaced", &found["namespaced"], true)?;
    let verbs = found["verbs"].as_array().map_or(0, Vec::len);
    same("number of verbs", &verbs.into(), 8)?;
    entry(arena, &format!("{plural}/status")).await?;
    let scale = entry(arena, &format!("{plural}/scale")).await?;
    same("kind of the scale", &scale["kind"], "Scale")?;
    let groups = arena.read("/apis").await.is(200)?;
    present("the group", &find(&groups["groups"], "name", &arena.group)["versions"])
}

async fn a_removed_kind_is_forgotten(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let plural = widgets.resource().plural.as_ref();
    entry(arena, plural).await?;
    arena.at(DEFINITIONS).delete(&definition_of(&widgets)).await.is(200)?;
    arena
        .until("the kind to leave discovery", async || {
            let list = arena.read(&format!("/apis/{}/v1", arena.group)).await.body;
            Ok(find(&list["resources"], "name", plural).is_null().then_some(()))
        })
        .await?;
    arena
        .until("the objects to be unknown", async || Ok((widgets.list().await.status == 404).then_some(())))
        .await
}

async fn short_names_and_categories_are_told(arena: &Arena) -> Outcome {
    let (mut definition, resource) = Definition::of(json!({"type": "object"})).build(arena);
    let short = format!("s{}", resource.plural);
    definition["spec"]["names"]["shortNames"] = json!([short]);
    definition["spec"]["names"]["categories"] = json!(["all"]);
    arena.at(DEFINITIONS).create(definition).await.is(201)?;
    let found = entry(arena, &resource.plural).await?;
    same("shortNames", &found["shortNames"], json!([short]))?;
    same("categories", &found["categories"], json!(["all"]))?;
    present("singularName", &found["singularName"])
}

async fn the_version_is_told(arena: &Arena) -> Outcome {
    let version = arena.read("/version").await.is(200)?;
    let major = version["major"].as_str().unwrap_or_default();
    same("major", &major.into(), "1")?;
    let git = version["gitVersion"].as_str().unwrap_or_default();
    holds(git.starts_with(&format!("v{major}.")), || format!("gitVersion v{major}.…, got {git:?}"))
}

async fn health_is_told(arena: &Arena) -> Outcome {
    for path in ["/healthz", "/readyz", "/livez"] {
        let answer = arena.read(path).await;
        holds(answer.status == 200 && answer.text == "ok", || format!("ok of {path}, got {}", answer.text))?;
    }
    Ok(())
}

async fn the_openapi_schema_has_built_in_kinds(arena: &Arena) -> Outcome {
    let schema = arena.read("/openapi/v2").await.is(200)?;
    same("swagger", &schema["swagger"], "2.0")?;
    let set = &schema["definitions"]["io.k8s.api.apps.v1.StatefulSet"];
    let kind = json!([{"group": "apps", "kind": "StatefulSet", "version": "v1"}]);
    same("kind", &set["x-kubernetes-group-version-kind"], kind)?;
    present("description", &set["description"])
}

async fn the_openapi_schema_has_custom_kinds(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let kind = widgets.resource().kind.as_ref();
    arena
        .until("the kind in the OpenAPI schema", async || {
            let schema = arena.read("/openapi/v2").await.is(200)?;
            let mut all = schema["definitions"].as_object().into_iter().flatten();
            let found = all.find(|(_, it)| it["x-kubernetes-group-version-kind"][0]["kind"] == kind);
            let size = found.map(|(_, it)| it["properties"]["spec"]["properties"]["size"]["type"].clone());
            Ok(size.filter(|size| size == "integer"))
        })
        .await
        .map(drop)
}

/// Stable since 1.27: <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3>.
async fn openapi_v3_has_a_custom_kind(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let kind = widgets.resource().kind.as_ref();
    let path = format!("apis/{}/v1", arena.group);
    arena
        .until("the kind in OpenAPI v3", async || {
            let index = arena.read("/openapi/v3").await.is(200)?;
            let Some(url) = index["paths"][&path]["serverRelativeURL"].as_str() else { return Ok(None) };
            let schema = arena.read(url).await.is(200)?;
            let mut all = schema["components"]["schemas"].as_object().into_iter().flatten();
            let found = all.find(|(_, it)| it["x-kubernetes-group-version-kind"][0]["kind"] == kind);
            Ok(found.map(|(_, it)| it["properties"]["spec"]["properties"]["size"]["type"].clone()))
        })
        .await
        .and_then(|size| same("type of size", &size, "integer"))
}

/// Stable since 1.30: <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>.
async fn discovery_comes_in_one_document(arena: &Arena) -> Outcome {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let at = |path: &str| arena.path(path).header("accept", accept);
    let groups = at("/apis").list().await.is(200)?;
    same("kind", &groups["kind"], "APIGroupDiscoveryList")?;
    same("apiVersion", &groups["apiVersion"], "apidiscovery.k8s.io/v2")?;
    let apps = groups["items"].as_array().into_iter().flatten().find(|it| it["metadata"]["name"] == "apps");
    let apps = apps.map_or(&Value::Null, |group| &group["versions"][0]);
    let sets = find(&apps["resources"], "resource", "statefulsets");
    same("scope", &sets["scope"], "Namespaced")?;
    same("kind", &sets["responseKind"]["kind"], "StatefulSet")?;
    let core = at("/api").list().await.is(200)?;
    let maps = find(&core["items"][0]["versions"][0]["resources"], "resource", "configmaps");
    same("kind", &maps["responseKind"]["kind"], "ConfigMap")
}

async fn a_typed_discovery_finds_a_custom_kind(arena: &Arena) -> Outcome {
    use kube::{core::GroupVersionKind, discovery::Scope, discovery::pinned_kind};
    let widgets = widgets(arena).await?;
    let (kind, plural) = (widgets.resource().kind.as_ref(), widgets.resource().plural.as_ref());
    entry(arena, plural).await?;
    let gvk = GroupVersionKind::gvk(&arena.group, "v1", kind);
    let (resource, capabilities) = pinned_kind(&arena.client, &gvk)
        .await
        .map_err(|error| Failure(format!("discovery of {kind}: {error}")))?;
    same("plural", &resource.plural.into(), plural)?;
    holds(capabilities.scope == Scope::Namespaced, || "a kind of namespaces".into())
}
