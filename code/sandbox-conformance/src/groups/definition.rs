//! The definitions of custom kinds: when they are served, what they may not say, and what goes with them.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::{Definition, definition_of, widgets},
    expect::{holds, present, same},
    resource::{DEFINITIONS, Resource},
};
use serde_json::{Value, json};

cases! { "CRD":
    a_definition_becomes_established,
    the_name_has_to_be_plural_and_group,
    a_schema_is_required,
    a_schema_has_to_be_structural,
    a_default_has_to_fit_its_schema,
    items_cannot_have_to_be_unique,
    the_keys_of_a_list_map_have_to_be_there,
    a_version_that_is_stored_cannot_be_dropped,
    exactly_one_version_is_stored,
    the_scope_cannot_change,
    a_kind_of_the_cluster_has_no_namespace,
    a_taken_kind_is_not_accepted,
    a_definition_change_takes_effect,
    an_old_object_can_be_read_under_a_new_schema,
    an_unchanged_violation_may_stay since 30,
    every_served_version_reads_the_same_object,
    a_version_that_is_not_served_is_not_found,
    a_deprecated_version_warns,
    deleting_the_definition_deletes_its_objects,
    a_typed_definition_can_be_installed,
}

async fn a_definition_becomes_established(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let (definitions, name) = (arena.at(DEFINITIONS), definition_of(&widgets));
    let established = |definition: &Value| status(definition, "Established") == "True";
    let definition = arena.until_object(&definitions, &name, "to be established", established).await?;
    same("NamesAccepted", &status(&definition, "NamesAccepted"), "True")?;
    same("storedVersions", &definition["status"]["storedVersions"], json!(["v1"]))?;
    let names = &definition["spec"]["names"];
    present("listKind", &names["listKind"])?;
    same("accepted names", &definition["status"]["acceptedNames"], names.clone())
}

fn status(definition: &Value, condition: &str) -> Value {
    let conditions = definition["status"]["conditions"].as_array();
    let mut found = conditions.into_iter().flatten().filter(|it| it["type"] == condition);
    found.next().map(|it| it["status"].clone()).unwrap_or_default()
}

async fn refused(arena: &Arena, definition: Value, part: &str) -> Outcome {
    arena.at(DEFINITIONS).create(definition).await.refused(422, "Invalid")?.says(&[part])
}

fn plain(arena: &Arena) -> (Value, Resource) {
    Definition::of(json!({"type": "object"})).build(arena)
}

async fn the_name_has_to_be_plural_and_group(arena: &Arena) -> Outcome {
    let (mut definition, _) = plain(arena);
    definition["metadata"]["name"] = json!(format!("others.{}", arena.group));
    refused(arena, definition, "metadata.name: Invalid value").await
}

async fn a_schema_is_required(arena: &Arena) -> Outcome {
    let (mut definition, _) = plain(arena);
    definition["spec"]["versions"][0]["schema"] = Value::Null;
    refused(arena, definition, "schemas are required").await
}

async fn a_schema_has_to_be_structural(arena: &Arena) -> Outcome {
    let schema = json!({"type": "object", "properties": {"size": {"minimum": 1}}});
    let (definition, _) = Definition::of(schema).build(arena);
    refused(arena, definition, "properties[size].type: Required value: must not be empty").await
}

async fn a_default_has_to_fit_its_schema(arena: &Arena) -> Outcome {
    let schema = json!({"type": "object", "properties": {"size": {"type": "integer", "default": "large"}}});
    let (definition, _) = Definition::of(schema).build(arena);
    refused(arena, definition, "properties[size].default: Invalid value: \"string\"").await
}

async fn items_cannot_have_to_be_unique(arena: &Arena) -> Outcome {
    let list = json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}});
    let (definition, _) =
        Definition::of(json!({"type": "object", "properties": {"tags": list}})).build(arena);
    refused(arena, definition, "uniqueItems: Forbidden: uniqueItems cannot be set to true").await
}

async fn the_keys_of_a_list_map_have_to_be_there(arena: &Arena) -> Outcome {
    let with_key = |key: Value| {
        let list = json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": key}},
        });
        Definition::of(json!({"type": "object", "properties": {"parts": list}})).build(arena).0
    };
    let optional = with_key(json!({"type": "string"}));
    refused(arena, optional, "items.properties[name].default: Required value").await?;
    let nullable = with_key(json!({"type": "string", "default": "a", "nullable": true}));
    refused(arena, nullable, "items.properties[name].nullable: Forbidden").await
}

async fn a_version_that_is_stored_cannot_be_dropped(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let (definitions, name) = (arena.at(DEFINITIONS), definition_of(&widgets));
    let renamed = json!([{"op": "replace", "path": "/spec/versions/0/name", "value": "v2"}]);
    let refusal = definitions.json_patch(&name, renamed).await.refused(422, "Invalid")?;
    refusal.cause("status.storedVersions[0]", "FieldValueInvalid", "must appear in spec.versions")
}

async fn exactly_one_version_is_stored(arena: &Arena) -> Outcome {
    let (mut definition, _) = plain(arena);
    let mut second = definition["spec"]["versions"][0].clone();
    second["name"] = json!("v2");
    definition["spec"]["versions"] = json!([definition["spec"]["versions"][0], second]);
    refused(arena, definition, "must have exactly one version marked as storage version").await
}

async fn the_scope_cannot_change(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let patch = json!({"spec": {"scope": "Cluster"}});
    let answer = arena.at(DEFINITIONS).merge(&definition_of(&widgets), patch).await;
    answer.refused(422, "Invalid")?.cause("spec.scope", "FieldValueInvalid", "field is immutable")
}

async fn a_kind_of_the_cluster_has_no_namespace(arena: &Arena) -> Outcome {
    let things = Definition::of(json!({"type": "object"})).of_the_cluster().install(arena).await?;
    let made = things.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    same("namespace", &made["metadata"]["namespace"], Value::Null)?;
    let inside = arena.elsewhere(&arena.namespace, things.resource().clone());
    holds(inside.list().await.status == 404, || "no such list in a namespace".into())
}

async fn a_taken_kind_is_not_accepted(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let (mut second, _) = plain(arena);
    second["spec"]["names"]["kind"] = json!(widgets.resource().kind);
    let definitions = arena.at(DEFINITIONS);
    let name = definitions.create(second).await.is(201)?["metadata"]["name"].clone();
    let judged = |definition: &Value| status(definition, "NamesAccepted") == "False";
    let name = name.as_str().unwrap_or_default();
    let second = arena.until_object(&definitions, name, "to be judged", judged).await?;
    same("Established", &status(&second, "Established"), "False")
}

/// Lets the sizes of a kind begin at 5.
async fn narrow(arena: &Arena) -> Result<crate::endpoint::Endpoint, Failure> {
    let schema = json!({"type": "object", "properties": {
        "size": {"type": "integer"}, "color": {"type": "string"},
    }});
    let things = Definition::of(schema).install(arena).await?;
    things.create(json!({"metadata": {"name": "a"}, "spec": {"size": 1, "color": "red"}})).await.is(201)?;
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/minimum";
    let change = json!([{"op": "add", "path": path, "value": 5}]);
    arena.at(DEFINITIONS).json_patch(&definition_of(&things), change).await.is(200)?;
    arena
        .until("the new schema", async || {
            let probe = json!({"metadata": {"name": "probe"}, "spec": {"size": 2}});
            Ok((things.with("dryRun", "All").create(probe).await.status == 422).then_some(()))
        })
        .await?;
    Ok(things)
}

async fn a_definition_change_takes_effect(arena: &Arena) -> Outcome {
    let things = narrow(arena).await?;
    let small = json!({"metadata": {"name": "b"}, "spec": {"size": 2}});
    let refusal = things.create(small).await.refused(422, "Invalid")?;
    refusal.cause("spec.size", "FieldValueInvalid", "should be greater than or equal to 5")?;
    let definition = arena.at(DEFINITIONS).get(&definition_of(&things)).await.is(200)?;
    same("generation", &definition["metadata"]["generation"], 2)
}

async fn an_old_object_can_be_read_under_a_new_schema(arena: &Arena) -> Outcome {
    let things = narrow(arena).await?;
    same("size", &things.get("a").await.is(200)?["spec"]["size"], 1)?;
    // A change of the field itself has to obey.
    let refusal = things.merge("a", json!({"spec": {"size": 2}})).await.refused(422, "Invalid")?;
    refusal.cause("spec.size", "FieldValueInvalid", "should be greater than or equal to 5")?;
    things.delete("a").await.is(200).map(drop)
}

/// Validation ratcheting is on by default since 1.30, as the documentation of its feature gate tells:
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting>.
async fn an_unchanged_violation_may_stay(arena: &Arena) -> Outcome {
    let things = narrow(arena).await?;
    let painted = things.merge("a", json!({"spec": {"color": "blue"}})).await.is(200)?;
    same("spec", &painted["spec"], json!({"size": 1, "color": "blue"}))
}

/// A kind with two versions and no conversion between them.
async fn two_versions(arena: &Arena, second: Value) -> Result<(Resource, Resource), Failure> {
    let (mut definition, v1) = plain(arena);
    let mut other = definition["spec"]["versions"][0].clone();
    other["name"] = json!("v2");
    other["storage"] = json!(false);
    crate::endpoint::merge(&mut other, second);
    definition["spec"]["versions"] = json!([definition["spec"]["versions"][0], other]);
    arena.at(DEFINITIONS).create(definition).await.is(201)?;
    let objects = arena.at(v1.clone());
    arena
        .until("the new kind to be served", async || Ok((objects.list().await.status == 200).then_some(())))
        .await?;
    let v2 = Resource { version: "v2", ..v1.clone() };
    Ok((v1, v2))
}

async fn every_served_version_reads_the_same_object(arena: &Arena) -> Outcome {
    let (v1, v2) = two_versions(arena, json!({})).await?;
    let group = v1.group.clone();
    let made = arena.at(v1).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let read = arena.at(v2).get("a").await.is(200)?;
    same("apiVersion", &read["apiVersion"], format!("{group}/v2"))?;
    same("uid", &read["metadata"]["uid"], made["metadata"]["uid"].clone())
}

async fn a_version_that_is_not_served_is_not_found(arena: &Arena) -> Outcome {
    let (_, v2) = two_versions(arena, json!({"served": false})).await?;
    holds(arena.at(v2).list().await.status == 404, || "404 of the version that is not served".into())
}

async fn a_deprecated_version_warns(arena: &Arena) -> Outcome {
    let deprecated = json!({"deprecated": true, "deprecationWarning": "v2 is old; use v1"});
    let (_, v2) = two_versions(arena, deprecated).await?;
    let answer = arena.at(v2).list().await;
    let warning = answer.header("warning").to_owned();
    holds(warning == "299 - \"v2 is old; use v1\"", || format!("the warning, got {warning:?}"))
}

async fn deleting_the_definition_deletes_its_objects(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let mut watch = widgets.watch().await?;
    watch.expect_of("ADDED", "a").await?;
    let definitions = arena.at(DEFINITIONS);
    definitions.delete(&definition_of(&widgets)).await.is(200)?;
    watch.expect_of("DELETED", "a").await?;
    arena.until_gone(&definitions, &definition_of(&widgets)).await?;
    arena.until_gone(&widgets, "a").await
}

/// As kube's derive macro writes a definition, and as an operator installs it.
async fn a_typed_definition_can_be_installed(arena: &Arena) -> Outcome {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::{Api, api::Patch, api::PatchParams, runtime::conditions, runtime::wait::await_condition};
    let (definition, _) = plain(arena);
    let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let failed = |what: &str, error: String| Failure(format!("{what} {name}: {error}"));
    let api: Api<CustomResourceDefinition> = Api::all(arena.client.clone());
    let apply = api.patch(&name, &PatchParams::apply("installer"), &Patch::Apply(&definition)).await;
    apply.map_err(|error| failed("apply", error.to_string()))?;
    let established = await_condition(api.clone(), &name, conditions::is_crd_established()).await;
    let removed = arena.at(DEFINITIONS).delete(&name).await.is(200);
    established.map_err(|error| failed("wait for", error.to_string()))?;
    removed.map(drop)
}
