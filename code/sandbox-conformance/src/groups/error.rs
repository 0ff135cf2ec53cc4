//! How a server says no: code, reason, and the shape of the message.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    expect::{absent, holds, same},
    resource::{CONFIG_MAPS, JOBS, SECRETS, SERVICES, STATEFUL_SETS, VOLUME_CLAIMS},
};
use http::Method;
use serde_json::json;

cases! { "errors":
    not_found_names_kind_and_object,
    not_found_of_a_custom_kind_names_its_group,
    an_unknown_kind_is_not_found,
    an_unknown_group_is_not_found,
    malformed_json_is_refused,
    an_empty_body_is_refused,
    a_body_of_another_kind_is_refused,
    a_body_of_another_version_is_refused,
    a_body_of_an_unknown_content_type_is_refused,
    an_unknown_accept_is_refused,
    a_method_that_is_not_served_is_refused,
    a_body_of_over_3_mib_is_refused,
    a_map_of_over_1_mib_is_refused,
    a_wrong_type_in_a_built_in_kind_is_refused,
    a_malformed_limit_is_refused,
    an_invalid_dry_run_is_refused,
    a_field_of_a_stateful_set_cannot_change,
    the_selector_of_a_stateful_set_has_to_match,
    a_claim_cannot_change_its_class,
    the_template_of_a_job_cannot_change,
    an_invalid_key_of_a_map_is_refused,
    an_unknown_subresource_is_not_found,
    a_service_without_ports_is_refused,
    errors_are_json_with_their_type,
}

async fn not_found_names_kind_and_object(arena: &Arena) -> Outcome {
    let refusal = arena.at(CONFIG_MAPS).get("a").await.refused(404, "NotFound")?;
    same("message", &refusal.body["message"], "configmaps \"a\" not found")?;
    same("details", &refusal.body["details"], json!({"name": "a", "kind": "configmaps"}))?;
    same("metadata", &refusal.body["metadata"], json!({}))
}

async fn not_found_of_a_custom_kind_names_its_group(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let refusal = widgets.get("a").await.refused(404, "NotFound")?;
    let plural = &widgets.resource().plural;
    same("message", &refusal.body["message"], format!("{plural}.{} \"a\" not found", arena.group))?;
    let details = json!({"name": "a", "group": arena.group, "kind": plural});
    same("details", &refusal.body["details"], details)
}

async fn an_unknown_kind_is_not_found(arena: &Arena) -> Outcome {
    let answer = arena.read(&format!("/api/v1/namespaces/{}/nonsense", arena.namespace)).await;
    let refusal = answer.refused(404, "NotFound")?;
    refusal.says(&["the server could not find the requested resource"])
}

async fn an_unknown_group_is_not_found(arena: &Arena) -> Outcome {
    // No Status here: there is no API that could speak.
    let answer = arena.read("/apis/nonsense.example.com/v1/things").await;
    holds(answer.status == 404 && answer.text.trim() == "404 page not found", || {
        format!("404 page not found, got {}: {}", answer.status, answer.text)
    })
}

async fn malformed_json_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let text = "{\"kind\": \"ConfigMap\", \"apiVersion\": \"v1\", ".to_owned();
    let refusal = maps.send(Method::POST, "", "application/json", text).await.refused(400, "BadRequest")?;
    refusal.says(&["unexpected end of JSON input"])
}

async fn an_empty_body_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).send(Method::POST, "", "application/json", String::new()).await;
    answer.refused(400, "BadRequest").map(drop)
}

async fn a_body_of_another_kind_is_refused(arena: &Arena) -> Outcome {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
    let refusal = arena.at(CONFIG_MAPS).create(secret).await.refused(400, "BadRequest")?;
    refusal.says(&["Secret in version \"v1\" cannot be handled as a ConfigMap"])
}

async fn a_body_of_another_version_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"apiVersion": "v9", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(400, "BadRequest")?;
    refusal
        .says(&["no kind \"ConfigMap\" is registered for version \"v9\""])
        .or_else(|_| refusal.says(&["does not match the expected API version"]))
}

async fn a_body_of_an_unknown_content_type_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).send(Method::POST, "", "text/plain", "hello".into()).await;
    let refusal = answer.refused(415, "UnsupportedMediaType")?;
    refusal.says(&["the body of the request was in an unknown format", "application/json"])
}

async fn an_unknown_accept_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).header("accept", "text/html").list().await;
    answer.refused(406, "NotAcceptable").map(drop)
}

async fn a_method_that_is_not_served_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    for (method, name) in [(Method::POST, "a"), (Method::PUT, "")] {
        let refusal = maps.send(method, name, "application/json", "{}".into()).await;
        refusal
            .refused(405, "MethodNotAllowed")?
            .says(&["the server does not allow this method on the requested resource"])?;
    }
    Ok(())
}

async fn a_body_of_over_3_mib_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a"}, "data": {"key": "x".repeat(3 * 1024 * 1024)}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(413, "RequestEntityTooLarge")?;
    refusal.says(&["limit is 3145728"])
}

async fn a_map_of_over_1_mib_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a"}, "data": {"key": "x".repeat(1024 * 1024 + 1)}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(422, "Invalid")?;
    refusal
        .says(&["Too long: must have at most 1048576"])
        .or_else(|_| refusal.says(&["Too long: may not be more than 1048576"]))
}

async fn a_wrong_type_in_a_built_in_kind_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a"}, "data": {"key": 1}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(400, "BadRequest")?;
    refusal.says(&["ConfigMap in version \"v1\" cannot be handled as a ConfigMap"])
}

async fn a_malformed_limit_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).with("limit", "many").list().await;
    answer.refused(400, "BadRequest")?.says(&["many"])
}

async fn an_invalid_dry_run_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("dryRun", "Some");
    let refusal = maps.create(json!({"metadata": {"name": "a"}})).await.refused(422, "Invalid")?;
    refusal
        .says(&["dryRun", "Unsupported value: []string{\"Some\"}"])
        .or_else(|_| refusal.says(&["dryRun", "Some"]))
}

async fn a_field_of_a_stateful_set_cannot_change(arena: &Arena) -> Outcome {
    let sets = arena.at(STATEFUL_SETS);
    sets.create(super::stateful_set_spec::of_pods("a", 0, &arena.image)).await.is(201)?;
    let refusal = sets.merge("a", json!({"spec": {"serviceName": "other"}})).await.refused(422, "Invalid")?;
    refusal.cause(
        "spec",
        "FieldValueForbidden",
        "updates to statefulset spec for fields other than 'replicas'",
    )?;
    refusal.says(&["StatefulSet.apps \"a\" is invalid: spec: Forbidden"])
}

async fn the_selector_of_a_stateful_set_has_to_match(arena: &Arena) -> Outcome {
    let mut set = super::stateful_set_spec::of_pods("a", 0, &arena.image);
    set["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    let refusal = arena.at(STATEFUL_SETS).create(set).await.refused(422, "Invalid")?;
    refusal.cause(
        "spec.template.metadata.labels",
        "FieldValueInvalid",
        "`selector` does not match template `labels`",
    )
}

async fn a_claim_cannot_change_its_class(arena: &Arena) -> Outcome {
    let claims = arena.at(VOLUME_CLAIMS);
    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "storageClassName": "one",
        "resources": {"requests": {"storage": "1Gi"}},
    });
    claims.create(json!({"metadata": {"name": "a"}, "spec": spec})).await.is(201)?;
    let answer = claims.merge("a", json!({"spec": {"storageClassName": "two"}})).await;
    answer.refused(422, "Invalid")?.cause("spec", "FieldValueForbidden", "immutable")
}

async fn the_template_of_a_job_cannot_change(arena: &Arena) -> Outcome {
    let jobs = arena.at(JOBS);
    let container = json!({"name": "main", "image": arena.image});
    let pod = json!({"restartPolicy": "Never", "schedulerName": "nobody", "containers": [container]});
    jobs.create(json!({"metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}})).await.is(201)?;
    let changed = json!({"spec": {"template": {"spec": {"activeDeadlineSeconds": 5}}}});
    let refusal = jobs.merge("a", changed).await.refused(422, "Invalid")?;
    refusal.cause("spec.template", "FieldValueInvalid", "field is immutable")
}

async fn an_invalid_key_of_a_map_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a"}, "data": {"not/valid": "1"}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(422, "Invalid")?;
    refusal.cause("data[not/valid]", "FieldValueInvalid", "a valid config key must consist of")
}

async fn an_unknown_subresource_is_not_found(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let refusal = maps.get("a/status").await.refused(404, "NotFound")?;
    refusal.says(&["the server could not find the requested resource"])
}

async fn a_service_without_ports_is_refused(arena: &Arena) -> Outcome {
    let service = json!({"metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}}});
    let refusal = arena.at(SERVICES).create(service).await.refused(422, "Invalid")?;
    refusal.cause("spec.ports", "FieldValueRequired", "Required value")
}

async fn errors_are_json_with_their_type(arena: &Arena) -> Outcome {
    let answer = arena.at(SECRETS).get("a").await;
    let content_type = answer.header("content-type").to_owned();
    holds(content_type == "application/json", || format!("application/json, got {content_type:?}"))?;
    absent("items", &answer.body["items"])
}
