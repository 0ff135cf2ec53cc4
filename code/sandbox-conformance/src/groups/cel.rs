//! Validation rules in CEL. On by default since 1.25, `messageExpression` since 1.27, `reason` and `fieldPath` since 1.28,
//! `optionalOldSelf` since 1.30: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules>.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::{Definition, definition_of},
    endpoint::{Endpoint, named_a},
    expect::{holds, same},
    resource::DEFINITIONS,
};
use serde_json::{Value, json};

cases! { "CEL":
    a_broken_rule_is_refused_with_its_message since 25,
    a_rule_without_a_message_is_quoted since 25,
    a_rule_of_a_field_names_the_field since 25,
    a_rule_holds_for_updates_and_patches since 25,
    a_rule_holds_for_apply since 25,
    a_transition_rule_is_silent_at_creation since 25,
    a_transition_rule_keeps_a_field since 25,
    a_transition_rule_compares_old_and_new since 25,
    a_transition_rule_of_an_optional_field_needs_both since 25,
    a_rule_sees_defaults since 25,
    a_rule_asks_for_presence_with_has since 25,
    a_rule_of_items_holds_for_each since 25,
    a_rule_uses_macros_over_lists since 25,
    a_rule_sees_the_name since 25,
    a_rule_of_the_status_holds_at_its_subresource since 25,
    several_rules_are_all_told since 25,
    a_schema_violation_and_a_rule_do_not_mix since 25,
    a_rule_that_fails_to_run_refuses since 25,
    a_message_can_be_computed since 27,
    a_reason_and_a_path_can_be_chosen since 28,
    an_optional_old_value_can_be_used since 30,
    quantities_can_be_compared since 29,
    a_rule_that_does_not_compile_is_refused since 25,
    a_rule_over_unknown_fields_is_refused since 25,
}

fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

/// A kind whose spec has these properties and rules.
async fn ruled(arena: &Arena, properties: Value, rules: Value) -> Result<Endpoint, Failure> {
    let spec = json!({"type": "object", "properties": properties, "x-kubernetes-validations": rules});
    Definition::of(spec).install(arena).await
}

fn sizes() -> Value {
    json!({"min": {"type": "integer"}, "max": {"type": "integer"}})
}

fn object(spec: Value) -> Value {
    named_a("spec", spec)
}

const ORDER: &str = "self.min <= self.max";

async fn ordered(arena: &Arena) -> Result<Endpoint, Failure> {
    ruled(arena, sizes(), json!([rule(ORDER, "min may not exceed max")])).await
}

async fn a_broken_rule_is_refused_with_its_message(arena: &Arena) -> Outcome {
    let things = ordered(arena).await?;
    let refusal = things.create(object(json!({"min": 2, "max": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min may not exceed max")?;
    refusal.says(&["spec: Invalid value", "min may not exceed max"])?;
    things.create(object(json!({"min": 1, "max": 2}))).await.is(201).map(drop)
}

async fn a_rule_without_a_message_is_quoted(arena: &Arena) -> Outcome {
    let things = ruled(arena, sizes(), json!([{"rule": ORDER}])).await?;
    let refusal = things.create(object(json!({"min": 2, "max": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "failed rule: self.min <= self.max")
}

async fn a_rule_of_a_field_names_the_field(arena: &Arena) -> Outcome {
    let size = json!({"type": "integer", "x-kubernetes-validations": [rule("self % 2 == 1", "must be odd")]});
    let things = ruled(arena, json!({"size": size}), json!([])).await?;
    let refusal = things.create(object(json!({"size": 2}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.size", "FieldValueInvalid", "must be odd")
}

async fn a_rule_holds_for_updates_and_patches(arena: &Arena) -> Outcome {
    let things = ordered(arena).await?;
    let mut made = things.create(object(json!({"min": 1, "max": 2}))).await.is(201)?;
    made["spec"]["min"] = json!(3);
    things.replace("a", &made).await.refused(422, "Invalid")?;
    let refusal = things.merge("a", json!({"spec": {"min": 3}})).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min may not exceed max")
}

async fn a_rule_holds_for_apply(arena: &Arena) -> Outcome {
    let things = ordered(arena).await?;
    things.apply("a", "one", object(json!({"min": 1, "max": 2}))).await.is(201)?;
    let refusal = things.apply("a", "two", object(json!({"min": 1, "max": 0}))).await;
    // A conflict speaks first; by force the rule does.
    refusal.refused(409, "Conflict")?;
    let refusal = things.force("a", "two", object(json!({"max": 0}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min may not exceed max")
}

async fn immutable(arena: &Arena) -> Result<Endpoint, Failure> {
    let name =
        json!({"type": "string", "x-kubernetes-validations": [rule("self == oldSelf", "is immutable")]});
    ruled(arena, json!({"name": name, "size": {"type": "integer"}}), json!([])).await
}

async fn a_transition_rule_is_silent_at_creation(arena: &Arena) -> Outcome {
    immutable(arena).await?.create(object(json!({"name": "x"}))).await.is(201).map(drop)
}

async fn a_transition_rule_keeps_a_field(arena: &Arena) -> Outcome {
    let things = immutable(arena).await?;
    things.create(object(json!({"name": "x"}))).await.is(201)?;
    let refusal = things.merge("a", json!({"spec": {"name": "y"}})).await.refused(422, "Invalid")?;
    refusal.cause("spec.name", "FieldValueInvalid", "is immutable")?;
    things.merge("a", json!({"spec": {"size": 1}})).await.is(200).map(drop)
}

async fn a_transition_rule_compares_old_and_new(arena: &Arena) -> Outcome {
    let grows = json!([rule("self.max >= oldSelf.max", "max may only grow")]);
    let things = ruled(arena, sizes(), grows).await?;
    things.create(object(json!({"max": 5}))).await.is(201)?;
    things.merge("a", json!({"spec": {"max": 6}})).await.is(200)?;
    let refusal = things.merge("a", json!({"spec": {"max": 4}})).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "max may only grow")
}

async fn a_transition_rule_of_an_optional_field_needs_both(arena: &Arena) -> Outcome {
    let things = immutable(arena).await?;
    things.create(object(json!({"size": 1}))).await.is(201)?;
    things.merge("a", json!({"spec": {"name": "x"}})).await.is(200)?;
    things.merge("a", json!({"spec": {"name": null}})).await.is(200)?;
    things.merge("a", json!({"spec": {"name": "y"}})).await.is(200).map(drop)
}

async fn a_rule_sees_defaults(arena: &Arena) -> Outcome {
    let properties = json!({"min": {"type": "integer"}, "max": {"type": "integer", "default": 3}});
    let things = ruled(arena, properties, json!([rule(ORDER, "min may not exceed max")])).await?;
    things.create(object(json!({"min": 4}))).await.refused(422, "Invalid")?;
    things.create(object(json!({"min": 2}))).await.is(201).map(drop)
}

async fn a_rule_asks_for_presence_with_has(arena: &Arena) -> Outcome {
    let rules = json!([rule("!has(self.min) || has(self.max)", "min needs max")]);
    let things = ruled(arena, sizes(), rules).await?;
    let refusal = things.create(object(json!({"min": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min needs max")?;
    things.create(object(json!({}))).await.is(201).map(drop)
}

async fn a_rule_of_items_holds_for_each(arena: &Arena) -> Outcome {
    let item = json!({"type": "string", "maxLength": 9, "x-kubernetes-validations": [rule("self.startsWith('db-')", "must begin with db-")]});
    let list = json!({"type": "array", "maxItems": 5, "items": item});
    let things = ruled(arena, json!({"names": list}), json!([])).await?;
    let refusal = things.create(object(json!({"names": ["db-1", "x"]}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.names[1]", "FieldValueInvalid", "must begin with db-")
}

async fn a_rule_uses_macros_over_lists(arena: &Arena) -> Outcome {
    let list = json!({"type": "array", "maxItems": 5, "items": {"type": "integer"}});
    let rules = json!([
        rule("self.list.all(it, it > 0)", "all must be positive"),
        rule("self.list.exists(it, it == 1)", "one must be 1"),
        rule("size(self.list) == 2", "there must be two"),
        rule("self.list.map(it, it * 2)[0] == 2", "the first must be 1"),
    ]);
    let things = ruled(arena, json!({"list": list}), rules).await?;
    let refusal = things.create(object(json!({"list": [-1]}))).await.refused(422, "Invalid")?;
    for part in ["all must be positive", "one must be 1", "there must be two", "the first must be 1"] {
        refusal.cause("spec", "FieldValueInvalid", part)?;
    }
    things.create(object(json!({"list": [1, 2]}))).await.is(201).map(drop)
}

async fn a_rule_sees_the_name(arena: &Arena) -> Outcome {
    let schema = json!({
        "type": "object",
        "properties": {"spec": {"type": "object"}},
        "x-kubernetes-validations": [rule("self.metadata.name.size() <= 3", "the name is too long")],
    });
    let things = Definition::with_schema(schema).install(arena).await?;
    let refusal = things.create(json!({"metadata": {"name": "abcd"}})).await.refused(422, "Invalid")?;
    refusal.says(&["the name is too long"])?;
    things.create(json!({"metadata": {"name": "abc"}})).await.is(201).map(drop)
}

async fn a_rule_of_the_status_holds_at_its_subresource(arena: &Arena) -> Outcome {
    let status = json!({
        "type": "object", "properties": {"ready": {"type": "integer"}},
        "x-kubernetes-validations": [rule("self.ready >= 0", "ready may not be negative")],
    });
    let things = Definition::of(json!({"type": "object"})).status(status).install(arena).await?;
    things.create(object(json!({}))).await.is(201)?;
    let answer = things.merge("a/status", json!({"status": {"ready": -1}})).await;
    answer.refused(422, "Invalid")?.cause("status", "FieldValueInvalid", "ready may not be negative")
}

async fn several_rules_are_all_told(arena: &Arena) -> Outcome {
    let rules = json!([rule(ORDER, "min may not exceed max"), rule("self.max > 0", "max must be positive")]);
    let things = ruled(arena, sizes(), rules).await?;
    let refusal = things.create(object(json!({"min": 1, "max": 0}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min may not exceed max")?;
    refusal.cause("spec", "FieldValueInvalid", "max must be positive")
}

async fn a_schema_violation_and_a_rule_do_not_mix(arena: &Arena) -> Outcome {
    let things = ordered(arena).await?;
    let refusal = things.create(object(json!({"min": "two", "max": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.min", "FieldValueInvalid", "must be of type integer")?;
    let message = refusal.body["message"].as_str().unwrap_or_default();
    holds(!message.contains("min may not exceed max"), || format!("no rule to run, got {message}"))
}

async fn a_rule_that_fails_to_run_refuses(arena: &Arena) -> Outcome {
    let things = ordered(arena).await?;
    let refusal = things.create(object(json!({"min": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "no such key: max")
}

async fn a_message_can_be_computed(arena: &Arena) -> Outcome {
    let mut computed = rule(ORDER, "not shown");
    computed["messageExpression"] = json!("'min ' + string(self.min) + ' exceeds ' + string(self.max)");
    let things = ruled(arena, sizes(), json!([computed])).await?;
    let refusal = things.create(object(json!({"min": 2, "max": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "min 2 exceeds 1")
}

async fn a_reason_and_a_path_can_be_chosen(arena: &Arena) -> Outcome {
    let mut chosen = rule(ORDER, "min may not exceed max");
    chosen["reason"] = json!("FieldValueForbidden");
    chosen["fieldPath"] = json!(".min");
    let things = ruled(arena, sizes(), json!([chosen])).await?;
    let refusal = things.create(object(json!({"min": 2, "max": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec.min", "FieldValueForbidden", "min may not exceed max")
}

async fn an_optional_old_value_can_be_used(arena: &Arena) -> Outcome {
    let mut once = rule("oldSelf.hasValue() || self.min == 0", "must begin at 0");
    once["optionalOldSelf"] = json!(true);
    let things = ruled(arena, sizes(), json!([once])).await?;
    let refusal = things.create(object(json!({"min": 1}))).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "must begin at 0")?;
    things.create(object(json!({"min": 0}))).await.is(201)?;
    things.merge("a", json!({"spec": {"min": 1}})).await.is(200).map(drop)
}

/// The quantity library came with 1.29: <https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library>.
async fn quantities_can_be_compared(arena: &Arena) -> Outcome {
    let size = json!({"type": "string", "maxLength": 20});
    let grows = "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0";
    let rules = json!([rule(grows, "size may only grow")]);
    let things = ruled(arena, json!({"size": size}), rules).await?;
    things.create(object(json!({"size": "1Gi"}))).await.is(201)?;
    things.merge("a", json!({"spec": {"size": "1025Mi"}})).await.is(200)?;
    let refusal = things.merge("a", json!({"spec": {"size": "1G"}})).await.refused(422, "Invalid")?;
    refusal.cause("spec", "FieldValueInvalid", "size may only grow")
}

async fn bad_rule(arena: &Arena, text: &str, part: &str) -> Outcome {
    let rules = json!([rule(text, "never seen")]);
    let spec = json!({"type": "object", "properties": sizes(), "x-kubernetes-validations": rules});
    let (definition, _) = Definition::of(spec).build(arena);
    let refusal = arena.at(DEFINITIONS).create(definition).await.refused(422, "Invalid")?;
    refusal.says(&["x-kubernetes-validations[0].rule: Invalid value", part])
}

async fn a_rule_that_does_not_compile_is_refused(arena: &Arena) -> Outcome {
    bad_rule(arena, "self.min <", "compilation failed").await?;
    let things = ordered(arena).await?;
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations/0/rule";
    let change = json!([{"op": "replace", "path": path, "value": "self.min +"}]);
    let answer = arena.at(DEFINITIONS).json_patch(&definition_of(&things), change).await;
    answer.refused(422, "Invalid")?.says(&["compilation failed"])?;
    same("kind", &things.list().await.is(200)?["items"], json!([]))
}

async fn a_rule_over_unknown_fields_is_refused(arena: &Arena) -> Outcome {
    bad_rule(arena, "self.weight > 0", "undefined field 'weight'").await
}
