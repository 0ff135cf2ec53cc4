//! Namespaces: what they need, what they hold, and how they end.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    endpoint::Endpoint,
    expect::{holds, lists, present, same},
    resource::{CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS},
};
use serde_json::{Value, json};

cases! { "namespace":
    a_new_namespace_is_active,
    a_namespace_is_labelled_with_its_name since 21,
    a_create_in_a_missing_namespace_is_refused,
    a_list_in_a_missing_namespace_is_empty,
    the_same_name_lives_in_two_namespaces,
    a_name_that_is_no_label_is_refused,
    the_default_namespace_cannot_be_deleted,
    a_namespace_gets_its_default_account with Controllers,
    deletion_takes_everything_along with Controllers,
    a_terminating_namespace_takes_nothing_new with Controllers,
    a_finalizer_inside_holds_the_namespace with Controllers within 180,
    a_held_namespace_tells_why with Controllers,
    objects_of_a_terminating_namespace_can_change with Controllers,
    a_namespace_can_be_made_again with Controllers,
}

const HOLD: &str = "example.com/hold";

/// A further namespace of the case.
async fn another(arena: &Arena) -> Result<(Endpoint, String), Failure> {
    let (namespaces, name) = (arena.at(NAMESPACES), arena.unique("more"));
    namespaces.create(json!({"metadata": {"name": name}})).await.is(201)?;
    Ok((namespaces, name))
}

async fn a_new_namespace_is_active(arena: &Arena) -> Outcome {
    let (namespaces, name) = another(arena).await?;
    let namespace = namespaces.get(&name).await.is(200)?;
    same("phase", &namespace["status"]["phase"], "Active")?;
    same("finalizers", &namespace["spec"]["finalizers"], json!(["kubernetes"]))
}

/// The label came, on by default, with 1.21: <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>.
async fn a_namespace_is_labelled_with_its_name(arena: &Arena) -> Outcome {
    let (namespaces, name) = another(arena).await?;
    let namespace = namespaces.get(&name).await.is(200)?;
    same("label", &namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], name)
}

async fn a_create_in_a_missing_namespace_is_refused(arena: &Arena) -> Outcome {
    let nowhere = arena.unique("missing");
    let answer = arena.elsewhere(&nowhere, CONFIG_MAPS).create(json!({"metadata": {"name": "a"}})).await;
    let refusal = answer.refused(404, "NotFound")?;
    refusal.says(&[&format!("namespaces \"{nowhere}\" not found")])?;
    refusal.detail("kind", "namespaces")
}

async fn a_list_in_a_missing_namespace_is_empty(arena: &Arena) -> Outcome {
    lists(&arena.elsewhere(&arena.unique("missing"), CONFIG_MAPS).list().await.is(200)?, &[])
}

async fn the_same_name_lives_in_two_namespaces(arena: &Arena) -> Outcome {
    let (_, name) = another(arena).await?;
    let there = arena.elsewhere(&name, CONFIG_MAPS);
    arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a"}, "data": {"in": "one"}})).await.is(201)?;
    there.create(json!({"metadata": {"name": "a"}, "data": {"in": "two"}})).await.is(201)?;
    there.delete("a").await.is(200)?;
    let kept = arena.at(CONFIG_MAPS).get("a").await.is(200)?;
    same("data", &kept["data"], json!({"in": "one"}))
}

async fn a_name_that_is_no_label_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(NAMESPACES).create(json!({"metadata": {"name": "with.dots"}})).await;
    answer.refused(422, "Invalid")?.cause("metadata.name", "FieldValueInvalid", "with.dots")
}

async fn the_default_namespace_cannot_be_deleted(arena: &Arena) -> Outcome {
    // Dry, for a server that would do it.
    let answer = arena.at(NAMESPACES).with("dryRun", "All").delete("default").await;
    answer.refused(403, "Forbidden")?.says(&["this namespace may not be deleted"])
}

async fn a_namespace_gets_its_default_account(arena: &Arena) -> Outcome {
    let (_, name) = another(arena).await?;
    let accounts = arena.elsewhere(&name, SERVICE_ACCOUNTS);
    arena.until_object(&accounts, "default", "to be made", |_| true).await.map(drop)
}

async fn deletion_takes_everything_along(arena: &Arena) -> Outcome {
    let (namespaces, name) = another(arena).await?;
    let (maps, secrets) = (arena.elsewhere(&name, CONFIG_MAPS), arena.elsewhere(&name, SECRETS));
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    secrets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let deleting = namespaces.delete(&name).await.is(200)?;
    same("phase", &deleting["status"]["phase"], "Terminating")?;
    present("deletionTimestamp", &deleting["metadata"]["deletionTimestamp"])?;
    arena.until_gone(&namespaces, &name).await?;
    maps.get("a").await.refused(404, "NotFound")?;
    secrets.get("a").await.refused(404, "NotFound").map(drop)
}

/// A namespace on its way out, with a ConfigMap in it that has a finalizer.
async fn held(arena: &Arena) -> Result<(Endpoint, String, Endpoint), Failure> {
    let (namespaces, name) = another(arena).await?;
    let maps = arena.elsewhere(&name, CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "held", "finalizers": [HOLD]}})).await.is(201)?;
    namespaces.delete(&name).await.is(200)?;
    Ok((namespaces, name, maps))
}

async fn a_terminating_namespace_takes_nothing_new(arena: &Arena) -> Outcome {
    let (_, name, maps) = held(arena).await?;
    let refusal = maps.create(json!({"metadata": {"name": "late"}})).await.refused(403, "Forbidden")?;
    let part = format!("unable to create new content in namespace {name} because it is being terminated");
    refusal.says(&["configmaps \"late\" is forbidden", &part])?;
    refusal.cause("metadata.namespace", "NamespaceTerminating", "is being terminated")
}

async fn a_finalizer_inside_holds_the_namespace(arena: &Arena) -> Outcome {
    let (namespaces, name, maps) = held(arena).await?;
    let deleting = |object: &Value| object["metadata"]["deletionTimestamp"].is_string();
    arena.until_object(&maps, "held", "to be deleted", deleting).await?;
    namespaces.get(&name).await.is(200)?;
    maps.merge("held", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    arena.until_gone(&namespaces, &name).await
}

async fn a_held_namespace_tells_why(arena: &Arena) -> Outcome {
    let (namespaces, name, _) = held(arena).await?;
    let condition = |namespace: &Value, kind: &str| {
        let conditions = namespace["status"]["conditions"].as_array();
        conditions.into_iter().flatten().find(|it| it["type"] == kind && it["status"] == "True").cloned()
    };
    let told = |namespace: &Value| condition(namespace, "NamespaceFinalizersRemaining").is_some();
    let namespace = arena.until_object(&namespaces, &name, "to tell what remains", told).await?;
    let message =
        |kind: &str| condition(&namespace, kind).map(|it| it["message"].to_string()).unwrap_or_default();
    let finalizers = message("NamespaceFinalizersRemaining");
    holds(finalizers.contains("example.com/hold in 1 resource instances"), || {
        format!("the finalizer in {finalizers}")
    })?;
    let content = message("NamespaceContentRemaining");
    holds(content.contains("configmaps. has 1 resource instances"), || format!("the kind in {content}"))
}

async fn objects_of_a_terminating_namespace_can_change(arena: &Arena) -> Outcome {
    let (_, _, maps) = held(arena).await?;
    let patched = maps.merge("held", json!({"data": {"key": "value"}})).await.is(200)?;
    same("data", &patched["data"], json!({"key": "value"}))
}

async fn a_namespace_can_be_made_again(arena: &Arena) -> Outcome {
    let (namespaces, name) = another(arena).await?;
    let maps = arena.elsewhere(&name, CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    namespaces.delete(&name).await.is(200)?;
    arena.until_gone(&namespaces, &name).await?;
    namespaces.create(json!({"metadata": {"name": name}})).await.is(201)?;
    maps.get("a").await.refused(404, "NotFound").map(drop)
}
