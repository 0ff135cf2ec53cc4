//! Deleting: finalizers, collections, and the time between the request and the end.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::{absent, lists, present, same, uid, version},
    resource::{CONFIG_MAPS, NAMESPACES, PODS},
};
use serde_json::{Value, json};

cases! { "deletion":
    delete_answers_with_what_it_deleted,
    delete_of_a_missing_object_is_not_found,
    a_finalizer_holds_the_object,
    an_object_on_hold_can_still_change,
    a_second_delete_changes_nothing,
    the_last_finalizer_taken_off_ends_the_object,
    one_of_two_finalizers_taken_off_keeps_it,
    no_finalizer_can_be_added_while_deleting,
    a_finalizer_can_be_added_before,
    a_finalizer_has_to_be_qualified,
    the_deletion_time_cannot_be_taken_back,
    a_name_is_taken_until_the_object_is_gone,
    an_update_that_takes_off_the_finalizer_ends_the_object,
    a_custom_resource_is_held_alike,
    a_finalizer_keeps_its_grace_period_at_0,
    a_collection_is_deleted_at_once,
    a_collection_leaves_what_is_held,
    namespaces_are_no_collection,
    an_unknown_propagation_policy_is_refused,
    orphan_flag_and_policy_exclude_each_other,
    a_negative_grace_period_is_refused within 60,
    an_unscheduled_pod_goes_at_once within 60,
    foreground_deletion_adds_its_finalizer,
    orphan_deletion_adds_its_finalizer,
}

const HOLD: &str = "example.com/hold";

/// An object with a finalizer, on its way out.
async fn held(objects: &Endpoint) -> Result<Value, Failure> {
    objects.create(json!({"metadata": {"name": "a", "finalizers": [HOLD]}})).await.is(201)?;
    objects.delete("a").await.is(200)
}

async fn delete_answers_with_what_it_deleted(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let map = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let status = maps.delete("a").await.is(200)?;
    same("kind", &status["kind"], "Status")?;
    same("status", &status["status"], "Success")?;
    same("details", &status["details"], json!({"name": "a", "kind": "configmaps", "uid": uid(&map)}))?;
    maps.get("a").await.refused(404, "NotFound").map(drop)
}

async fn delete_of_a_missing_object_is_not_found(arena: &Arena) -> Outcome {
    let refusal = arena.at(CONFIG_MAPS).delete("a").await.refused(404, "NotFound")?;
    refusal.says(&["configmaps \"a\" not found"])
}

async fn a_finalizer_holds_the_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let deleting = held(&maps).await?;
    same("kind", &deleting["kind"], "ConfigMap")?;
    present("deletionTimestamp", &deleting["metadata"]["deletionTimestamp"])?;
    let read = maps.get("a").await.is(200)?;
    same("version", &read["metadata"]["resourceVersion"], version(&deleting))
}

async fn an_object_on_hold_can_still_change(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    held(&maps).await?;
    let patched = maps.merge("a", json!({"data": {"key": "value"}})).await.is(200)?;
    same("data", &patched["data"], json!({"key": "value"}))
}

async fn a_second_delete_changes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = held(&maps).await?;
    let second = maps.delete("a").await.is(200)?;
    same("time", &second["metadata"]["deletionTimestamp"], first["metadata"]["deletionTimestamp"].clone())?;
    same("version", &second["metadata"]["resourceVersion"], version(&first))
}

async fn the_last_finalizer_taken_off_ends_the_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    held(&maps).await?;
    maps.merge("a", json!({"metadata": {"finalizers": []}})).await.is(200)?;
    maps.get("a").await.is(404).map(drop)
}

async fn one_of_two_finalizers_taken_off_keeps_it(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let two = json!([HOLD, "example.com/other"]);
    maps.create(json!({"metadata": {"name": "a", "finalizers": two}})).await.is(201)?;
    maps.delete("a").await.is(200)?;
    maps.merge("a", json!({"metadata": {"finalizers": ["example.com/other"]}})).await.is(200)?;
    maps.get("a").await.is(200)?;
    maps.merge("a", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    maps.get("a").await.is(404).map(drop)
}

async fn no_finalizer_can_be_added_while_deleting(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    held(&maps).await?;
    let more = json!({"metadata": {"finalizers": [HOLD, "example.com/late"]}});
    let refusal = maps.merge("a", more).await.refused(422, "Invalid")?;
    refusal.cause(
        "metadata.finalizers",
        "FieldValueForbidden",
        "no new finalizers can be added if the object is being deleted",
    )
}

async fn a_finalizer_can_be_added_before(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    maps.merge("a", json!({"metadata": {"finalizers": [HOLD]}})).await.is(200)?;
    present("deletionTimestamp", &maps.delete("a").await.is(200)?["metadata"]["deletionTimestamp"])
}

async fn a_finalizer_has_to_be_qualified(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a", "finalizers": ["hold"]}});
    let answer = arena.at(CONFIG_MAPS).create(map).await;
    let refusal = answer.refused(422, "Invalid")?;
    refusal.says(&["\"hold\"", "name is neither a standard finalizer name nor is it fully qualified"])
}

async fn the_deletion_time_cannot_be_taken_back(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let mut deleting = held(&maps).await?;
    let time = deleting["metadata"]["deletionTimestamp"].take();
    deleting["data"] = json!({"key": "value"});
    let updated = maps.replace("a", &deleting).await.is(200)?;
    same("deletionTimestamp", &updated["metadata"]["deletionTimestamp"], time)
}

async fn a_name_is_taken_until_the_object_is_gone(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    held(&maps).await?;
    let refusal = maps.create(json!({"metadata": {"name": "a"}})).await.refused(409, "AlreadyExists")?;
    refusal.says(&["object is being deleted: configmaps \"a\" already exists"])
}

async fn an_update_that_takes_off_the_finalizer_ends_the_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let mut deleting = held(&maps).await?;
    deleting["metadata"]["finalizers"] = json!([]);
    let last = maps.replace("a", &deleting).await.is(200)?;
    same("name", &last["metadata"]["name"], "a")?;
    maps.get("a").await.is(404).map(drop)
}

async fn a_custom_resource_is_held_alike(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let deleting = held(&widgets).await?;
    present("deletionTimestamp", &deleting["metadata"]["deletionTimestamp"])?;
    widgets.merge("a/status", json!({"status": {"phase": "Deleting"}})).await.is(200)?;
    widgets.merge("a", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    widgets.get("a").await.is(404).map(drop)
}

async fn a_finalizer_keeps_its_grace_period_at_0(arena: &Arena) -> Outcome {
    let deleting = held(&arena.at(CONFIG_MAPS)).await?;
    same("deletionGracePeriodSeconds", &deleting["metadata"]["deletionGracePeriodSeconds"], 0)
}

async fn a_collection_is_deleted_at_once(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    for name in ["a", "b", "c"] {
        widgets.create(json!({"metadata": {"name": name}})).await.is(201)?;
    }
    widgets.delete("").await.is(200)?;
    lists(&widgets.list().await.ok()?, &[])
}

async fn namespaces_are_no_collection(arena: &Arena) -> Outcome {
    // In case that they are: nothing has this label, and nothing is meant.
    let none = arena.at(NAMESPACES).with("labelSelector", "conformance.example.com/run=none");
    let refusal = none.with("dryRun", "All").delete("").await.refused(405, "MethodNotAllowed")?;
    refusal.says(&["the server does not allow this method on the requested resource"])
}

async fn a_collection_leaves_what_is_held(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    widgets.create(json!({"metadata": {"name": "b", "finalizers": [HOLD]}})).await.is(201)?;
    widgets.delete("").await.is(200)?;
    let left = widgets.list().await.ok()?;
    lists(&left, &["b"])?;
    present("deletionTimestamp", &left["items"][0]["metadata"]["deletionTimestamp"])
}

async fn an_unknown_propagation_policy_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let answer = maps.delete_with("a", json!({"propagationPolicy": "Sometimes"})).await;
    answer.refused(422, "Invalid")?.says(&["propagationPolicy", "Sometimes"])?;
    maps.get("a").await.is(200).map(drop)
}

async fn orphan_flag_and_policy_exclude_each_other(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let both = json!({"propagationPolicy": "Background", "orphanDependents": true});
    maps.delete_with("a", both).await.refused(422, "Invalid").map(drop)
}

async fn a_negative_grace_period_is_refused(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS);
    super::pod::create(arena, super::pod::unscheduled("a", arena)).await?;
    // Newer servers take a negative one for 1 second; none keeps the pod for ever.
    let answer = pods.delete_with("a", json!({"gracePeriodSeconds": -1})).await;
    if answer.status != 200 {
        return answer.refused(422, "Invalid").map(drop);
    }
    arena.until_gone(&pods, "a").await
}

async fn an_unscheduled_pod_goes_at_once(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS);
    let mut pod = super::pod::unscheduled("a", arena);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(30);
    super::pod::create(arena, pod).await?;
    pods.delete("a").await.is(200)?;
    pods.get("a").await.is(404).map(drop)
}

async fn foreground_deletion_adds_its_finalizer(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a", "finalizers": [HOLD]}})).await.is(201)?;
    let deleting = maps.delete_with("a", json!({"propagationPolicy": "Foreground"})).await.is(200)?;
    let wanted = json!([HOLD, "foregroundDeletion"]);
    same("finalizers", &deleting["metadata"]["finalizers"], wanted)
}

async fn orphan_deletion_adds_its_finalizer(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a", "finalizers": [HOLD]}})).await.is(201)?;
    let deleting = maps.delete_with("a", json!({"propagationPolicy": "Orphan"})).await.is(200)?;
    same("finalizers", &deleting["metadata"]["finalizers"], json!([HOLD, "orphan"]))?;
    absent("status", &deleting["status"])
}
