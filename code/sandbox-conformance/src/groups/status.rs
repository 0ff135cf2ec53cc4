//! Who may write which half of an object, and what counts as a new generation.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::{Definition, widgets},
    expect::{absent, differs, holds, same, version},
    resource::STATEFUL_SETS,
};
use serde_json::{Value, json};

cases! { "status":
    a_new_object_has_generation_1_and_no_status,
    a_write_of_the_object_ignores_status,
    a_write_of_the_status_ignores_the_spec,
    a_write_of_the_status_ignores_labels,
    a_change_of_the_spec_raises_the_generation,
    a_change_of_labels_keeps_the_generation,
    a_change_of_finalizers_keeps_the_generation,
    a_change_of_the_status_keeps_the_generation,
    a_request_for_deletion_raises_the_generation,
    the_status_has_no_version_of_its_own,
    status_of_a_missing_object_is_not_found,
    status_reads_as_the_whole_object,
    status_takes_every_kind_of_patch,
    without_the_subresource_status_is_plain_data,
    scale_shows_the_replicas,
    a_write_of_scale_changes_the_replicas,
    scale_with_an_old_version_conflicts,
    scale_is_part_of_stateful_sets,
    a_negative_scale_is_refused,
}

fn widget() -> Value {
    json!({"metadata": {"name": "a"}, "spec": {"size": 1, "replicas": 1}, "status": {"phase": "Chosen"}})
}

async fn a_new_object_has_generation_1_and_no_status(arena: &Arena) -> Outcome {
    let widget = widgets(arena).await?.create(widget()).await.is(201)?;
    same("generation", &widget["metadata"]["generation"], 1)?;
    absent("status", &widget["status"])
}

async fn a_write_of_the_object_ignores_status(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let mut widget = widgets.create(widget()).await.is(201)?;
    widget["status"] = json!({"phase": "Chosen"});
    widget["spec"]["size"] = json!(2);
    let updated = widgets.replace("a", &widget).await.is(200)?;
    absent("status after an update", &updated["status"])?;
    same("spec.size", &updated["spec"]["size"], 2)?;
    let patched = widgets.merge("a", json!({"status": {"phase": "Chosen"}})).await.is(200)?;
    absent("status after a patch", &patched["status"])
}

async fn a_write_of_the_status_ignores_the_spec(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let mut widget = widgets.create(widget()).await.is(201)?;
    widget["status"] = json!({"phase": "Ready"});
    widget["spec"]["size"] = json!(2);
    let updated = widgets.replace("a/status", &widget).await.is(200)?;
    same("spec.size after an update", &updated["spec"]["size"], 1)?;
    same("status", &updated["status"], json!({"phase": "Ready"}))?;
    let patch = json!({"spec": {"size": 3}, "status": {"phase": "Busy"}});
    let patched = widgets.merge("a/status", patch).await.is(200)?;
    same("spec.size after a patch", &patched["spec"]["size"], 1)?;
    same("status", &patched["status"], json!({"phase": "Busy"}))
}

async fn a_write_of_the_status_ignores_labels(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(widget()).await.is(201)?;
    let patch = json!({"metadata": {"labels": {"key": "value"}}, "status": {"phase": "Ready"}});
    let patched = widgets.merge("a/status", patch).await.is(200)?;
    absent("labels", &patched["metadata"]["labels"])?;
    same("status", &patched["status"], json!({"phase": "Ready"}))
}

async fn a_change_of_the_spec_raises_the_generation(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(widget()).await.is(201)?;
    let patched = widgets.merge("a", json!({"spec": {"size": 2}})).await.is(200)?;
    same("generation", &patched["metadata"]["generation"], 2)?;
    let again = widgets.merge("a", json!({"spec": {"size": 2}})).await.is(200)?;
    same("generation after the same patch again", &again["metadata"]["generation"], 2)
}

async fn a_change_of_labels_keeps_the_generation(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let first = widgets.create(widget()).await.is(201)?;
    let patch = json!({"metadata": {"labels": {"key": "value"}, "annotations": {"key": "value"}}});
    let patched = widgets.merge("a", patch).await.is(200)?;
    differs("version", &patched["metadata"]["resourceVersion"], &first["metadata"]["resourceVersion"])?;
    same("generation", &patched["metadata"]["generation"], 1)
}

async fn a_change_of_finalizers_keeps_the_generation(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    for finalizers in [json!(["example.com/hold"]), json!(null)] {
        let changed = widgets.merge("a", json!({"metadata": {"finalizers": finalizers}})).await.is(200)?;
        same("finalizers", &changed["metadata"]["finalizers"], finalizers)?;
        same("generation", &changed["metadata"]["generation"], 1)?;
    }
    Ok(())
}

async fn a_change_of_the_status_keeps_the_generation(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let first = widgets.create(widget()).await.is(201)?;
    let patched = widgets.merge("a/status", json!({"status": {"phase": "Ready"}})).await.is(200)?;
    differs("version", &patched["metadata"]["resourceVersion"], &first["metadata"]["resourceVersion"])?;
    same("generation", &patched["metadata"]["generation"], 1)
}

async fn a_request_for_deletion_raises_the_generation(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let mut held = widget();
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    widgets.create(held).await.is(201)?;
    let deleting = widgets.delete("a").await.is(200)?;
    same("generation", &deleting["metadata"]["generation"], 2)
}

async fn the_status_has_no_version_of_its_own(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let mut old = widgets.create(widget()).await.is(201)?;
    widgets.merge("a", json!({"spec": {"size": 2}})).await.is(200)?;
    old["status"] = json!({"phase": "Ready"});
    widgets.replace("a/status", &old).await.refused(409, "Conflict")?.says(&["the object has been modified"])
}

async fn status_of_a_missing_object_is_not_found(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let answer = widgets.merge("a/status", json!({"status": {"phase": "Ready"}})).await;
    answer.refused(404, "NotFound")?.detail("name", "a")
}

async fn status_reads_as_the_whole_object(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let created = widgets.create(widget()).await.is(201)?;
    let read = widgets.get("a/status").await.is(200)?;
    same("spec", &read["spec"], created["spec"].clone())?;
    same("kind", &read["kind"], created["kind"].clone())
}

async fn status_takes_every_kind_of_patch(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(widget()).await.is(201)?;
    widgets.merge("a/status", json!({"status": {"phase": "Merged"}})).await.is(200)?;
    let patch = json!([{"op": "replace", "path": "/status/phase", "value": "Patched"}]);
    let patched = widgets.json_patch("a/status", patch).await.is(200)?;
    same("phase", &patched["status"]["phase"], "Patched")?;
    let applied = json!({"metadata": {"name": "a"}, "status": {"phase": "Applied"}});
    let applied = widgets.force("a/status", "status-writer", applied).await.is(200)?;
    same("phase", &applied["status"]["phase"], "Applied")
}

async fn without_the_subresource_status_is_plain_data(arena: &Arena) -> Outcome {
    let schema = json!({"type": "object", "properties": {
        "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
    }});
    let things = Definition::with_schema(schema).install(arena).await?;
    let object = json!({"metadata": {"name": "a"}, "status": {"phase": "Chosen"}});
    let thing = things.create(object).await.is(201)?;
    same("status", &thing["status"], json!({"phase": "Chosen"}))?;
    let patched = things.merge("a", json!({"status": {"phase": "Changed"}})).await.is(200)?;
    same("generation", &patched["metadata"]["generation"], 2)?;
    things.merge("a/status", json!({"status": {"phase": "Ready"}})).await.is(404).map(drop)
}

async fn scale_shows_the_replicas(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"replicas": 3}})).await.is(201)?;
    let status = json!({"status": {"replicas": 2, "selector": "app=a"}});
    widgets.merge("a/status", status).await.is(200)?;
    let scale = widgets.get("a/scale").await.is(200)?;
    same("kind", &scale["kind"], "Scale")?;
    same("apiVersion", &scale["apiVersion"], "autoscaling/v1")?;
    same("spec", &scale["spec"], json!({"replicas": 3}))?;
    same("status", &scale["status"], json!({"replicas": 2, "selector": "app=a"}))
}

async fn a_write_of_scale_changes_the_replicas(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"replicas": 3, "size": 1}})).await.is(201)?;
    let scale = widgets.merge("a/scale", json!({"spec": {"replicas": 5}})).await.is(200)?;
    same("kind", &scale["kind"], "Scale")?;
    let widget = widgets.get("a").await.is(200)?;
    same("spec", &widget["spec"], json!({"replicas": 5, "size": 1}))?;
    same("generation", &widget["metadata"]["generation"], 2)
}

async fn scale_with_an_old_version_conflicts(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let old = widgets.create(json!({"metadata": {"name": "a"}, "spec": {"replicas": 3}})).await.is(201)?;
    widgets.merge("a", json!({"spec": {"size": 2}})).await.is(200)?;
    let scale = json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 5},
        "metadata": {"name": "a", "namespace": arena.namespace, "resourceVersion": version(&old)},
    });
    widgets.replace("a/scale", &scale).await.refused(409, "Conflict").map(drop)
}

async fn scale_is_part_of_stateful_sets(arena: &Arena) -> Outcome {
    let sets = arena.at(STATEFUL_SETS);
    sets.create(super::stateful_set_spec::of_pods("a", 0, &arena.image)).await.is(201)?;
    let scale = sets.get("a/scale").await.is(200)?;
    same("kind", &scale["kind"], "Scale")?;
    let scaled = sets.merge("a/scale", json!({"spec": {"replicas": 2}})).await.is(200)?;
    same("spec", &scaled["spec"], json!({"replicas": 2}))?;
    let set = sets.get("a").await.is(200)?;
    same("replicas", &set["spec"]["replicas"], 2)?;
    same("generation", &set["metadata"]["generation"], 2)
}

async fn a_negative_scale_is_refused(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"replicas": 3}})).await.is(201)?;
    let answer = widgets.merge("a/scale", json!({"spec": {"replicas": -1}})).await;
    answer.refused(422, "Invalid")?.says(&["spec.replicas", "should be a non-negative integer"])?;
    holds(widgets.get("a").await.body["spec"]["replicas"] == 3, || "the old replicas".into())
}
