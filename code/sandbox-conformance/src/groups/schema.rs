//! What the schema of a custom kind refuses, fills in and cuts off.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::Definition,
    endpoint::{Endpoint, named_a},
    expect::{absent, holds, same},
};
use serde_json::{Value, json};

cases! { "CRD schema":
    a_missing_required_field_is_refused,
    a_wrong_type_is_refused,
    a_value_outside_of_the_enum_is_refused,
    numbers_have_bounds,
    texts_have_lengths_and_patterns,
    lists_have_lengths,
    a_date_has_a_format,
    every_violation_is_told,
    a_required_field_cannot_be_patched_away,
    the_status_has_a_schema_too,
    a_repeated_item_of_a_set_is_refused,
    a_repeated_key_of_a_list_map_is_refused,
    a_choice_is_checked,
    an_integer_or_a_string_takes_both,
    a_map_checks_its_values,
    a_nullable_field_takes_null,
    null_of_another_field_becomes_its_default,
    defaults_are_filled_in_at_creation,
    a_default_of_an_object_needs_the_object,
    a_field_removed_comes_back_as_its_default,
    a_default_applies_to_what_was_stored_before,
    unknown_fields_are_cut_off,
    preserved_fields_are_kept,
    metadata_is_never_cut_off,
}

fn object(spec: Value) -> Value {
    named_a("spec", spec)
}

async fn things(arena: &Arena, properties: Value) -> Result<Endpoint, Failure> {
    Definition::of(json!({"type": "object", "properties": properties})).install(arena).await
}

async fn a_missing_required_field_is_refused(arena: &Arena) -> Outcome {
    let schema = json!({"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}});
    let things = Definition::of(schema).install(arena).await?;
    let refusal = things.create(object(json!({}))).await.refused(422, "Invalid")?;
    let kind = things.resource().kind.clone();
    refusal.says(&[&format!("{kind}.{} \"a\" is invalid: spec.size: Required value", arena.group)])?;
    refusal.detail("group", &arena.group)?;
    refusal.detail("kind", &kind)?;
    refusal.cause("spec.size", "FieldValueRequired", "Required value")
}

async fn a_wrong_type_is_refused(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"size": {"type": "integer"}})).await?;
    let refusal = things.create(object(json!({"size": "large"}))).await.refused(422, "Invalid")?;
    let part = "spec.size in body must be of type integer: \"string\"";
    refusal.cause("spec.size", "FieldValueInvalid", part)?;
    things.create(object(json!({"size": 1.5}))).await.refused(422, "Invalid").map(drop)
}

async fn a_value_outside_of_the_enum_is_refused(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"color": {"type": "string", "enum": ["red", "blue"]}})).await?;
    let refusal = things.create(object(json!({"color": "green"}))).await.refused(422, "Invalid")?;
    let part = "Unsupported value: \"green\": supported values: \"red\", \"blue\"";
    refusal.cause("spec.color", "FieldValueNotSupported", part)
}

async fn numbers_have_bounds(arena: &Arena) -> Outcome {
    let size = json!({"type": "integer", "minimum": 1, "maximum": 9});
    let things = things(arena, json!({"size": size})).await?;
    let low = things.create(object(json!({"size": 0}))).await.refused(422, "Invalid")?;
    low.cause("spec.size", "FieldValueInvalid", "should be greater than or equal to 1")?;
    let high = things.create(object(json!({"size": 10}))).await.refused(422, "Invalid")?;
    high.cause("spec.size", "FieldValueInvalid", "should be less than or equal to 9")?;
    things.create(object(json!({"size": 9}))).await.is(201).map(drop)
}

async fn texts_have_lengths_and_patterns(arena: &Arena) -> Outcome {
    let name = json!({"type": "string", "maxLength": 5, "pattern": "^[a-z]+$"});
    let things = things(arena, json!({"name": name})).await?;
    let odd = things.create(object(json!({"name": "A-1"}))).await.refused(422, "Invalid")?;
    odd.cause("spec.name", "FieldValueInvalid", "should match '^[a-z]+$'")?;
    let answer = things.create(object(json!({"name": "abcdef"}))).await;
    // The words have changed over time.
    let told =
        answer.text.contains("should be at most 5 chars") || answer.text.contains("Too long: may not be ");
    holds(answer.status == 422 && told, || format!("a refusal as too long, got {}", answer.text))
}

async fn lists_have_lengths(arena: &Arena) -> Outcome {
    let list = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}});
    let things = things(arena, json!({"list": list})).await?;
    let short = things.create(object(json!({"list": []}))).await.refused(422, "Invalid")?;
    short.cause("spec.list", "FieldValueInvalid", "should have at least 1 items")?;
    let long = things.create(object(json!({"list": ["a", "b", "c"]}))).await.refused(422, "Invalid")?;
    long.says(&["spec.list: ", "have at most 2 items"])
}

async fn a_date_has_a_format(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"when": {"type": "string", "format": "date-time"}})).await?;
    let refusal = things.create(object(json!({"when": "yesterday"}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.when", "FieldValueInvalid", "must be of type date-time: \"yesterday\"")?;
    things.create(object(json!({"when": "2026-01-31T12:00:00Z"}))).await.is(201).map(drop)
}

async fn every_violation_is_told(arena: &Arena) -> Outcome {
    let properties = json!({"size": {"type": "integer", "minimum": 1}, "color": {"type": "string"}});
    let things = things(arena, properties).await?;
    let refusal = things.create(object(json!({"size": 0, "color": 5}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.size", "FieldValueInvalid", "greater than or equal to 1")?;
    refusal.cause("spec.color", "FieldValueInvalid", "must be of type string: \"integer\"")?;
    refusal.says(&["is invalid: [", "]"])
}

async fn a_required_field_cannot_be_patched_away(arena: &Arena) -> Outcome {
    let schema = json!({"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}});
    let things = Definition::of(schema).install(arena).await?;
    things.create(object(json!({"size": 1}))).await.is(201)?;
    let refusal = things.merge("a", json!({"spec": {"size": null}})).await.refused(422, "Invalid")?;
    refusal.cause("spec.size", "FieldValueRequired", "Required value")
}

async fn the_status_has_a_schema_too(arena: &Arena) -> Outcome {
    let status = json!({"type": "object", "properties": {"ready": {"type": "boolean"}}});
    let things = Definition::of(json!({"type": "object"})).status(status).install(arena).await?;
    things.create(object(json!({}))).await.is(201)?;
    let answer = things.merge("a/status", json!({"status": {"ready": "yes"}})).await;
    answer.refused(422, "Invalid")?.cause("status.ready", "FieldValueInvalid", "must be of type boolean")?;
    let kept = things.merge("a/status", json!({"status": {"ready": true, "other": 1}})).await.is(200)?;
    same("status", &kept["status"], json!({"ready": true}))
}

async fn a_repeated_item_of_a_set_is_refused(arena: &Arena) -> Outcome {
    let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
    let things = things(arena, json!({"set": set})).await?;
    let refusal = things.create(object(json!({"set": ["a", "a"]}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.set[1]", "FieldValueDuplicate", "Duplicate value: \"a\"")
}

async fn a_repeated_key_of_a_list_map_is_refused(arena: &Arena) -> Outcome {
    let map = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    });
    let things = things(arena, json!({"map": map})).await?;
    let items = json!([{"name": "a"}, {"name": "a"}]);
    let refusal = things.create(object(json!({"map": items}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.map[1]", "FieldValueDuplicate", "Duplicate value")
}

async fn a_choice_is_checked(arena: &Arena) -> Outcome {
    let choice = json!({"type": "object", "properties": {"one": {"type": "string"}, "two": {"type": "string"}},
        "oneOf": [{"required": ["one"]}, {"required": ["two"]}]});
    let things = things(arena, json!({"choice": choice})).await?;
    let both = json!({"choice": {"one": "1", "two": "2"}});
    let refusal = things.create(object(both)).await.refused(422, "Invalid")?;
    refusal.says(&["\"spec.choice\" must validate one and only one schema (oneOf)"])?;
    things.create(object(json!({"choice": {"one": "1"}}))).await.is(201).map(drop)
}

async fn an_integer_or_a_string_takes_both(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"port": {"x-kubernetes-int-or-string": true}})).await?;
    let number = things.create(object(json!({"port": 80}))).await.is(201)?;
    same("port", &number["spec"]["port"], 80)?;
    let text = things.merge("a", json!({"spec": {"port": "http"}})).await.is(200)?;
    same("port", &text["spec"]["port"], "http")?;
    things.merge("a", json!({"spec": {"port": true}})).await.refused(422, "Invalid").map(drop)
}

async fn a_map_checks_its_values(arena: &Arena) -> Outcome {
    let limits = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let things = things(arena, json!({"limits": limits})).await?;
    let refusal = things.create(object(json!({"limits": {"cpu": "1"}}))).await.refused(422, "Invalid")?;
    refusal.says(&["spec.limits.cpu", "must be of type integer: \"string\""])?;
    let kept = things.create(object(json!({"limits": {"cpu": 1}}))).await.is(201)?;
    same("limits", &kept["spec"]["limits"], json!({"cpu": 1}))
}

async fn a_nullable_field_takes_null(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"color": {"type": "string", "nullable": true}})).await?;
    let kept = things.create(object(json!({"color": null}))).await.is(201)?;
    holds(kept["spec"].get("color") == Some(&Value::Null), || format!("a null in {}", kept["spec"]))
}

async fn null_of_another_field_becomes_its_default(arena: &Arena) -> Outcome {
    let properties = json!({"color": {"type": "string", "default": "blue"}, "size": {"type": "integer"}});
    let things = things(arena, properties).await?;
    let kept = things.create(object(json!({"color": null}))).await.is(201)?;
    same("color", &kept["spec"]["color"], "blue")
}

fn nested() -> Value {
    json!({
        "size": {"type": "integer", "default": 3},
        "storage": {"type": "object", "properties": {"class": {"type": "string", "default": "standard"}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {
            "on": {"type": "boolean", "default": true},
        }}},
    })
}

async fn defaults_are_filled_in_at_creation(arena: &Arena) -> Outcome {
    let things = things(arena, nested()).await?;
    let made = things.create(object(json!({"storage": {}, "list": [{}, {"on": false}]}))).await.is(201)?;
    let wanted = json!({"size": 3, "storage": {"class": "standard"}, "list": [{"on": true}, {"on": false}]});
    same("spec", &made["spec"], wanted)
}

async fn a_default_of_an_object_needs_the_object(arena: &Arena) -> Outcome {
    let made = things(arena, nested()).await?.create(object(json!({"size": 1}))).await.is(201)?;
    same("spec", &made["spec"], json!({"size": 1}))
}

async fn a_field_removed_comes_back_as_its_default(arena: &Arena) -> Outcome {
    let things = things(arena, nested()).await?;
    things.create(object(json!({"size": 1}))).await.is(201)?;
    let patched = things.merge("a", json!({"spec": {"size": null}})).await.is(200)?;
    same("spec", &patched["spec"], json!({"size": 3}))
}

async fn a_default_applies_to_what_was_stored_before(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"size": {"type": "integer"}})).await?;
    things.create(object(json!({}))).await.is(201)?;
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/default";
    let change = json!([{"op": "add", "path": path, "value": 3}]);
    let name = crate::crd::definition_of(&things);
    arena.at(crate::resource::DEFINITIONS).json_patch(&name, change).await.is(200)?;
    let filled = |object: &Value| object["spec"]["size"] == 3;
    arena.until_object(&things, "a", "to be read with the default", filled).await.map(drop)
}

async fn unknown_fields_are_cut_off(arena: &Arena) -> Outcome {
    let things = things(arena, json!({"size": {"type": "integer"}})).await?;
    let mut unknown = object(json!({"size": 1, "weight": 2}));
    unknown["stray"] = json!("field");
    let made = things.create(unknown).await.is(201)?;
    same("spec", &made["spec"], json!({"size": 1}))?;
    absent("stray", &made["stray"])
}

async fn preserved_fields_are_kept(arena: &Arena) -> Outcome {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let things = things(arena, json!({"open": open})).await?;
    let made = things.create(object(json!({"open": {"any": ["thing"]}, "other": 1}))).await.is(201)?;
    same("spec", &made["spec"], json!({"open": {"any": ["thing"]}}))
}

async fn metadata_is_never_cut_off(arena: &Arena) -> Outcome {
    let things = things(arena, json!({})).await?;
    let metadata = json!({"name": "a", "labels": {"key": "value"}, "annotations": {"note": "kept"}});
    let made = things.create(json!({"metadata": metadata})).await.is(201)?;
    same("labels", &made["metadata"]["labels"], json!({"key": "value"}))?;
    same("annotations", &made["metadata"]["annotations"], json!({"note": "kept"}))
}
