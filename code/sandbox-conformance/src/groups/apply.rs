//! Server-side apply: who owns a field, and what happens to it.

use super::managers::{entry, owns};
use crate::{
    arena::Arena,
    case::{Outcome, cases},
    endpoint::named_a,
    expect::{absent, holds, same, version},
    resource::CONFIG_MAPS,
};
use http::Method;
use serde_json::{Value, json};

cases! { "apply":
    apply_creates_what_is_missing,
    apply_again_changes_nothing,
    apply_records_its_manager,
    apply_of_anothers_field_conflicts,
    apply_of_the_same_value_shares_the_field,
    force_takes_the_field_over,
    a_field_left_out_is_removed,
    a_shared_field_left_out_stays,
    a_field_of_nobody_else_is_left_alone,
    a_field_of_a_create_left_out_stays,
    an_update_makes_its_writer_the_owner,
    an_applier_meets_the_fields_of_an_update,
    a_manager_without_fields_is_forgotten,
    apply_needs_a_field_manager,
    force_belongs_to_apply,
    apply_needs_kind_and_version,
    apply_refuses_managed_fields,
    apply_with_an_old_version_conflicts,
    apply_with_a_uid_never_creates,
    apply_with_another_uid_is_refused,
    apply_takes_yaml,
    apply_refuses_broken_yaml,
    managed_fields_can_be_reset,
    a_manager_is_named_after_its_client,
    a_field_manager_of_over_128_characters_is_refused,
}

fn map(data: Value) -> Value {
    named_a("data", data)
}

async fn apply_creates_what_is_missing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let created = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    same("data", &created["data"], json!({"key": "1"}))?;
    maps.apply("a", "one", map(json!({"key": "2"}))).await.is(200).map(drop)
}

async fn apply_again_changes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let second = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(200)?;
    same("version", &second["metadata"]["resourceVersion"], version(&first))?;
    same("managedFields", &second["metadata"]["managedFields"], first["metadata"]["managedFields"].clone())
}

async fn apply_records_its_manager(arena: &Arena) -> Outcome {
    let created = arena.at(CONFIG_MAPS).apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let entry = entry(&created, "one")?;
    same("operation", &entry["operation"], "Apply")?;
    same("apiVersion", &entry["apiVersion"], "v1")?;
    same("fieldsType", &entry["fieldsType"], "FieldsV1")?;
    holds(entry["time"].is_string(), || format!("a time, got {entry}"))?;
    same("fieldsV1", &entry["fieldsV1"], json!({"f:data": {"f:key": {}}}))
}

async fn apply_of_anothers_field_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let refusal = maps.apply("a", "two", map(json!({"key": "2"}))).await.refused(409, "Conflict")?;
    refusal.says(&["Apply failed with 1 conflict: conflict with \"one\"", ".data.key"])?;
    refusal.cause(".data.key", "FieldManagerConflict", "conflict with \"one\"")?;
    same("data", &maps.get("a").await.ok()?["data"], json!({"key": "1"}))
}

async fn apply_of_the_same_value_shares_the_field(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let shared = maps.apply("a", "two", map(json!({"key": "1"}))).await.is(200)?;
    owns(&shared, "one", &["f:data", "f:key"])?;
    owns(&shared, "two", &["f:data", "f:key"])?;
    // Neither may change it alone now.
    maps.apply("a", "one", map(json!({"key": "2"}))).await.refused(409, "Conflict").map(drop)
}

async fn force_takes_the_field_over(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1", "other": "1"}))).await.is(201)?;
    let forced = maps.force("a", "two", map(json!({"key": "2"}))).await.is(200)?;
    same("data", &forced["data"], json!({"key": "2", "other": "1"}))?;
    same("fields of one", &entry(&forced, "one")?["fieldsV1"], json!({"f:data": {"f:other": {}}}))?;
    same("fields of two", &entry(&forced, "two")?["fieldsV1"], json!({"f:data": {"f:key": {}}}))
}

async fn a_field_left_out_is_removed(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1", "other": "1"}))).await.is(201)?;
    let applied = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(200)?;
    same("data", &applied["data"], json!({"key": "1"}))
}

async fn a_shared_field_left_out_stays(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1", "other": "1"}))).await.is(201)?;
    maps.apply("a", "two", map(json!({"key": "1"}))).await.is(200)?;
    let applied = maps.apply("a", "one", map(json!({"other": "1"}))).await.is(200)?;
    same("data", &applied["data"], json!({"key": "1", "other": "1"}))?;
    same("fields of one", &entry(&applied, "one")?["fieldsV1"], json!({"f:data": {"f:other": {}}}))
}

async fn a_field_of_nobody_else_is_left_alone(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(map(json!({"theirs": "1"}))).await.is(201)?;
    let applied = maps.apply("a", "one", map(json!({"mine": "1"}))).await.is(200)?;
    same("data", &applied["data"], json!({"theirs": "1", "mine": "1"}))?;
    let applied = maps.apply("a", "one", json!({"metadata": {"name": "a"}})).await.is(200)?;
    same("data", &applied["data"], json!({"theirs": "1"}))
}

/// A manager's create is another owner than the same manager's apply.
async fn a_field_of_a_create_left_out_stays(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.with("fieldManager", "one").create(map(json!({"key": "1", "left": "1"}))).await.is(201)?;
    let applied = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(200)?;
    same("data", &applied["data"], json!({"key": "1", "left": "1"}))
}

async fn an_update_makes_its_writer_the_owner(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let patch = json!({"data": {"key": "2"}});
    let patched = maps.with("fieldManager", "writer").merge("a", patch).await.is(200)?;
    let entry = entry(&patched, "writer")?;
    same("operation", &entry["operation"], "Update")?;
    same("fieldsV1", &entry["fieldsV1"], json!({"f:data": {"f:key": {}}}))?;
    let conflict = maps.apply("a", "one", map(json!({"key": "1"}))).await.refused(409, "Conflict")?;
    conflict.says(&["conflict with \"writer\"", ".data.key"])
}

async fn an_applier_meets_the_fields_of_an_update(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.with("fieldManager", "creator").create(map(json!({"key": "1"}))).await.is(201)?;
    let conflict = maps.apply("a", "one", map(json!({"key": "2"}))).await.refused(409, "Conflict")?;
    conflict.cause(".data.key", "FieldManagerConflict", "conflict with \"creator\"")
}

async fn a_manager_without_fields_is_forgotten(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let forced = maps.force("a", "two", map(json!({"key": "2"}))).await.is(200)?;
    holds(entry(&forced, "one").is_err(), || format!("no fields of one in {}", forced["metadata"]))
}

async fn apply_needs_a_field_manager(arena: &Arena) -> Outcome {
    let text = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}).to_string();
    let answer = arena.at(CONFIG_MAPS).send(Method::PATCH, "a", "application/apply-patch+yaml", text).await;
    let refusal = answer.refused(422, "Invalid")?;
    refusal.cause("fieldManager", "FieldValueRequired", "is required for apply patch")
}

async fn force_belongs_to_apply(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(map(json!({}))).await.is(201)?;
    let answer = maps.with("force", "true").merge("a", json!({"data": {"key": "1"}})).await;
    answer.refused(422, "Invalid")?.cause(
        "force",
        "FieldValueForbidden",
        "may not be specified for non-apply",
    )
}

async fn apply_needs_kind_and_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldManager", "one");
    let text = "{\"metadata\": {\"name\": \"a\"}}".to_owned();
    let answer = maps.send(Method::PATCH, "a", "application/apply-patch+yaml", text).await;
    answer.refused(400, "BadRequest").map(drop)
}

async fn apply_refuses_managed_fields(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let mut applied = maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    applied["metadata"]["resourceVersion"] = Value::Null;
    let refusal = maps.apply("a", "one", applied).await.refused(400, "BadRequest")?;
    refusal.says(&["metadata.managedFields must be nil"])
}

async fn apply_with_an_old_version_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let old = maps.create(map(json!({"key": "1"}))).await.is(201)?;
    maps.merge("a", json!({"data": {"key": "2"}})).await.is(200)?;
    let apply = json!({"metadata": {"name": "a", "resourceVersion": version(&old)}, "data": {"mine": "1"}});
    let refusal = maps.apply("a", "one", apply).await.refused(409, "Conflict")?;
    refusal.says(&["the object has been modified"])
}

async fn apply_with_another_uid_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let apply = json!({"metadata": {"name": "a", "uid": "00000000-0000-0000-0000-000000000000"}});
    let refusal = maps.force("a", "one", apply).await.refused(422, "Invalid")?;
    refusal.cause("metadata.uid", "FieldValueInvalid", "field is immutable")
}

async fn apply_with_a_uid_never_creates(arena: &Arena) -> Outcome {
    let uid = "00000000-0000-0000-0000-000000000000";
    let apply = json!({"metadata": {"name": "a", "uid": uid}});
    let refusal = arena.at(CONFIG_MAPS).apply("a", "one", apply).await.refused(409, "Conflict")?;
    refusal.says(&["uid mismatch", uid, "no existing object was found"])
}

async fn apply_takes_yaml(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldManager", "one");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: |\n    two\n    lines\n";
    let answer = maps.send(Method::PATCH, "a", "application/apply-patch+yaml", text.into()).await;
    same("data", &answer.is(201)?["data"], json!({"key": "two\nlines\n"}))
}

async fn apply_refuses_broken_yaml(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldManager", "one");
    let text = "kind: [ConfigMap\n".to_owned();
    let answer = maps.send(Method::PATCH, "a", "application/apply-patch+yaml", text).await;
    answer.refused(400, "BadRequest")?.says(&["error decoding YAML"])
}

async fn managed_fields_can_be_reset(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.apply("a", "one", map(json!({"key": "1"}))).await.is(201)?;
    let reset = maps.merge("a", json!({"metadata": {"managedFields": [{}]}})).await.is(200)?;
    absent("managedFields", &reset["metadata"]["managedFields"])
}

async fn a_manager_is_named_after_its_client(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).header("user-agent", "my-operator/1.2 (linux)");
    let created = maps.create(map(json!({"key": "1"}))).await.is(201)?;
    same("operation", &entry(&created, "my-operator")?["operation"], "Update")
}

async fn a_field_manager_of_over_128_characters_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldManager", &"m".repeat(129));
    let refusal = maps.create(map(json!({}))).await.refused(422, "Invalid")?;
    refusal.says(&["fieldManager", "128"])
}
