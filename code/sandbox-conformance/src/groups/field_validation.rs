//! What a server says to fields that it does not know. On by default since 1.25, stable since 1.27:
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::{absent, holds, same},
    resource::CONFIG_MAPS,
};
use http::Method;
use serde_json::{Value, json};

cases! { "field validation":
    strict_refuses_an_unknown_field since 25,
    strict_refuses_an_unknown_field_of_a_custom_kind since 25,
    strict_refuses_a_repeated_field since 25,
    strict_refuses_an_unknown_field_of_a_patch since 25,
    strict_refuses_an_unknown_field_of_an_apply since 25,
    warn_tells_and_goes_on since 25,
    warn_is_the_default since 25,
    ignore_is_silent since 25,
    an_unknown_validation_is_refused since 25,
}

fn stray() -> Value {
    json!({"metadata": {"name": "a"}, "data": {"key": "1"}, "datum": {"key": "2"}})
}

fn strict(objects: &Endpoint) -> Endpoint {
    objects.with("fieldValidation", "Strict")
}

async fn strict_refuses_an_unknown_field(arena: &Arena) -> Outcome {
    let refusal = strict(&arena.at(CONFIG_MAPS)).create(stray()).await.refused(400, "BadRequest")?;
    refusal.says(&["strict decoding error: unknown field \"datum\""])
}

async fn strict_refuses_an_unknown_field_of_a_custom_kind(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let object = json!({"metadata": {"name": "a"}, "spec": {"size": 1, "weight": 2}});
    let refusal = strict(&widgets).create(object).await.refused(400, "BadRequest")?;
    refusal.says(&["strict decoding error: unknown field \"spec.weight\""])
}

async fn strict_refuses_a_repeated_field(arena: &Arena) -> Outcome {
    let text = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\
                \"data\":{\"key\":\"1\"},\"data\":{\"key\":\"2\"}}";
    let maps = strict(&arena.at(CONFIG_MAPS));
    let answer = maps.send(Method::POST, "", "application/json", text.into()).await;
    answer.refused(400, "BadRequest")?.says(&["strict decoding error: duplicate field \"data\""])
}

async fn strict_refuses_an_unknown_field_of_a_patch(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let refusal = strict(&widgets).merge("a", json!({"spec": {"weight": 2}})).await;
    // A patch that leads to a bad object is an invalid one, not a bad request.
    let told = refusal.text.contains("unknown field \\\"spec.weight\\\"");
    holds(matches!(refusal.status, 400 | 422) && told, || {
        format!("a refusal that names the field, got {}: {}", refusal.status, refusal.text)
    })
}

async fn strict_refuses_an_unknown_field_of_an_apply(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let object = json!({"metadata": {"name": "a"}, "spec": {"weight": 2}});
    let answer = strict(&widgets).apply("a", "one", object).await;
    holds(answer.status >= 400 && answer.text.contains("weight"), || {
        format!("a refusal that names the field, got {}: {}", answer.status, answer.text)
    })
}

async fn warn_tells_and_goes_on(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldValidation", "Warn");
    let answer = maps.create(stray()).await;
    let warning = answer.header("warning").to_owned();
    let made = answer.is(201)?;
    holds(warning == "299 - \"unknown field \\\"datum\\\"\"", || format!("a warning, got {warning:?}"))?;
    same("data", &made["data"], json!({"key": "1"}))?;
    absent("datum", &made["datum"])
}

async fn warn_is_the_default(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).create(stray()).await;
    let warning = answer.header("warning").to_owned();
    answer.is(201)?;
    holds(warning.contains("unknown field"), || format!("a warning, got {warning:?}"))
}

async fn ignore_is_silent(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).with("fieldValidation", "Ignore").create(stray()).await;
    let warning = answer.header("warning").to_owned();
    answer.is(201)?;
    holds(warning.is_empty(), || format!("no warning, got {warning:?}"))
}

async fn an_unknown_validation_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldValidation", "Sometimes");
    let refusal = maps.create(json!({"metadata": {"name": "a"}})).await.refused(422, "Invalid")?;
    refusal.says(&["fieldValidation", "Sometimes"])
}
