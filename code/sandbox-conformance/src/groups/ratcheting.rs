//! Ratcheting: what was valid before its definition changed may stay as it is.
//!
//! On by default since 1.30:
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting>

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::{Definition, definition_of},
    endpoint::Endpoint,
    resource::DEFINITIONS,
};
use serde_json::{Value, json};

cases! { "ratcheting":
    an_unchanged_violation_under_a_dotted_key_may_stay since 30,
    an_unchanged_item_of_a_map_list_may_stay_wrong since 30,
    a_violation_of_a_newer_rule_may_stay since 30,
}

async fn an_unchanged_violation_under_a_dotted_key_may_stay(arena: &Arena) -> Outcome {
    let spec = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let things = Definition::of(spec).install(arena).await?;
    things.create(json!({"metadata": {"name": "a"}, "spec": {"x.y/z": 1, "v.w": 1}})).await.is(201)?;
    narrow(arena, &things, "additionalProperties/minimum", json!(5), json!({"size": 1})).await?;
    things.merge("a", json!({"spec": {"other": 9}})).await.is(200)?;
    let refusal = things.merge("a", json!({"spec": {"x.y/z": 2}})).await.refused(422, "Invalid")?;
    refusal.says(&["should be greater than or equal to 5"])
}

async fn an_unchanged_item_of_a_map_list_may_stay_wrong(arena: &Arena) -> Outcome {
    let parts = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "size": {"type": "integer"},
        }},
    });
    let spec = json!({"type": "object", "properties": {"parts": parts}});
    let things = Definition::of(spec).install(arena).await?;
    let parts = |parts: Value| json!({"metadata": {"name": "a"}, "spec": {"parts": parts}});
    things.create(parts(json!([{"name": "a", "size": 1}]))).await.is(201)?;
    let below = "properties/parts/items/properties/size/minimum";
    narrow(arena, &things, below, json!(5), json!({"parts": [{"name": "a", "size": 1}]})).await?;
    let moved = json!([{"name": "b", "size": 9}, {"name": "a", "size": 1}]);
    things.merge("a", parts(moved)).await.is(200)?;
    let refusal =
        things.merge("a", parts(json!([{"name": "a", "size": 2}]))).await.refused(422, "Invalid")?;
    refusal.cause("spec.parts[0].size", "FieldValueInvalid", "should be greater than or equal to 5")
}

async fn a_violation_of_a_newer_rule_may_stay(arena: &Arena) -> Outcome {
    let spec = json!({"type": "object", "properties": {"size": {"type": "integer"}}});
    let things = Definition::of(spec).install(arena).await?;
    let held = json!({"metadata": {"name": "a", "finalizers": ["example.com/hold"]}, "spec": {"size": 1}});
    things.create(held).await.is(201)?;
    let rules = json!([{"rule": "self.size >= 5", "message": "too small"}]);
    narrow(arena, &things, "x-kubernetes-validations", rules, json!({"size": 1})).await?;
    things.merge("a", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    let refusal = things.merge("a", json!({"spec": {"size": 2}})).await.refused(422, "Invalid")?;
    refusal.says(&["too small"])
}

/// Adds to the schema of a kind's spec, and waits until new objects are held to it.
async fn narrow(arena: &Arena, things: &Endpoint, below: &str, value: Value, wrong: Value) -> Outcome {
    let path = format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec/{below}");
    let change = json!([{"op": "add", "path": path, "value": value}]);
    arena.at(DEFINITIONS).json_patch(&definition_of(things), change).await.is(200)?;
    let probe = json!({"metadata": {"name": "probe"}, "spec": wrong});
    let tries = things.with("dryRun", "All");
    arena
        .until("the new schema", async || Ok((tries.create(probe.clone()).await.status == 422).then_some(())))
        .await
}
