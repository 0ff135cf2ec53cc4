//! Which objects a selector selects.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::Definition,
    endpoint::Endpoint,
    expect::{lists, same},
    resource::{CONFIG_MAPS, EVENTS, PODS, SECRETS},
};
use serde_json::json;

cases! { "selector":
    equality_needs_the_key,
    inequality_takes_objects_without_the_key,
    in_takes_any_of_the_values,
    not_in_takes_objects_without_the_key,
    a_key_alone_asks_for_its_presence,
    a_key_with_a_bang_asks_for_its_absence,
    a_comma_means_and,
    an_empty_selector_selects_everything,
    a_malformed_label_selector_is_refused,
    an_invalid_label_value_is_refused,
    names_and_namespaces_are_fields,
    a_field_can_be_excluded,
    an_unknown_field_is_refused,
    a_malformed_field_selector_is_refused,
    secrets_have_their_type_as_a_field,
    pods_have_their_phase_as_a_field within 60,
    events_have_their_object_as_a_field,
    a_collection_is_deleted_by_selector,
    a_custom_kind_has_no_fields_of_its_own,
    a_custom_kind_can_declare_fields since 31,
    a_declared_field_works_in_a_watch since 31,
    a_field_that_was_not_declared_is_refused since 31,
}

/// Four objects: three with a color, one without.
async fn four(arena: &Arena) -> Result<Endpoint, crate::case::Failure> {
    let maps = arena.at(CONFIG_MAPS);
    let labels =
        [json!({"color": "red"}), json!({"color": "blue", "size": "1"}), json!({"color": ""}), json!({})];
    for (name, mut labels) in ["a", "b", "c", "d"].into_iter().zip(labels) {
        labels["mine"] = json!("true");
        maps.create(json!({"metadata": {"name": name, "labels": labels}})).await.is(201)?;
    }
    Ok(maps)
}

async fn selects(arena: &Arena, selector: &str, wanted: &[&str]) -> Outcome {
    let maps = four(arena).await?;
    lists(&maps.with("labelSelector", &format!("mine,{selector}")).list().await.is(200)?, wanted)
}

async fn equality_needs_the_key(arena: &Arena) -> Outcome {
    selects(arena, "color=red", &["a"]).await?;
    let maps = arena.at(CONFIG_MAPS);
    lists(&maps.with("labelSelector", "mine,color==red").list().await.is(200)?, &["a"])?;
    lists(&maps.with("labelSelector", "mine,color=").list().await.is(200)?, &["c"])
}

async fn inequality_takes_objects_without_the_key(arena: &Arena) -> Outcome {
    selects(arena, "color!=red", &["b", "c", "d"]).await
}

async fn in_takes_any_of_the_values(arena: &Arena) -> Outcome {
    selects(arena, "color in (red, blue)", &["a", "b"]).await
}

async fn not_in_takes_objects_without_the_key(arena: &Arena) -> Outcome {
    selects(arena, "color notin (red,blue)", &["c", "d"]).await
}

async fn a_key_alone_asks_for_its_presence(arena: &Arena) -> Outcome {
    selects(arena, "color", &["a", "b", "c"]).await
}

async fn a_key_with_a_bang_asks_for_its_absence(arena: &Arena) -> Outcome {
    selects(arena, "!color", &["d"]).await
}

async fn a_comma_means_and(arena: &Arena) -> Outcome {
    selects(arena, "color in (red,blue),size=1", &["b"]).await
}

async fn an_empty_selector_selects_everything(arena: &Arena) -> Outcome {
    let maps = four(arena).await?;
    let everything = maps.with("labelSelector", "").with("fieldSelector", "metadata.name=d");
    lists(&everything.list().await.is(200)?, &["d"])
}

async fn a_malformed_label_selector_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "color in (red");
    maps.list().await.refused(400, "BadRequest")?.says(&["unable to parse requirement"])
}

async fn an_invalid_label_value_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "color=not/valid");
    maps.list().await.refused(400, "BadRequest").map(drop)
}

async fn names_and_namespaces_are_fields(arena: &Arena) -> Outcome {
    four(arena).await?;
    let maps = arena.everywhere(CONFIG_MAPS);
    let fields = format!("metadata.name=b,metadata.namespace={}", arena.namespace);
    lists(&maps.with("fieldSelector", &fields).list().await.is(200)?, &["b"])
}

async fn a_field_can_be_excluded(arena: &Arena) -> Outcome {
    let maps = four(arena).await?.with("labelSelector", "mine");
    lists(&maps.with("fieldSelector", "metadata.name!=b").list().await.is(200)?, &["a", "c", "d"])
}

async fn an_unknown_field_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldSelector", "data.key=value");
    let refusal = maps.list().await.refused(400, "BadRequest")?;
    refusal
        .says(&["\"data.key\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""])
}

async fn a_malformed_field_selector_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("fieldSelector", "metadata.name");
    maps.list().await.refused(400, "BadRequest")?.says(&["invalid selector"])
}

async fn secrets_have_their_type_as_a_field(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS);
    secrets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    secrets.create(json!({"metadata": {"name": "b"}, "type": "example.com/mine"})).await.is(201)?;
    lists(&secrets.with("fieldSelector", "type=example.com/mine").list().await.is(200)?, &["b"])
}

async fn pods_have_their_phase_as_a_field(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS);
    super::pod::create(arena, super::pod::unscheduled("a", arena)).await?;
    lists(&pods.with("fieldSelector", "status.phase=Pending").list().await.is(200)?, &["a"])?;
    lists(&pods.with("fieldSelector", "status.phase!=Pending").list().await.is(200)?, &[])?;
    lists(&pods.with("fieldSelector", "spec.nodeName=").list().await.is(200)?, &["a"])
}

async fn events_have_their_object_as_a_field(arena: &Arena) -> Outcome {
    let events = arena.at(EVENTS);
    for name in ["a", "b"] {
        let about = json!({"kind": "ConfigMap", "name": name, "namespace": arena.namespace});
        let event = json!({"metadata": {"name": name}, "involvedObject": about, "reason": "Seen"});
        events.create(event).await.is(201)?;
    }
    let selected = events.with("fieldSelector", "involvedObject.kind=ConfigMap,involvedObject.name=b");
    lists(&selected.list().await.is(200)?, &["b"])
}

async fn a_collection_is_deleted_by_selector(arena: &Arena) -> Outcome {
    let maps = four(arena).await?;
    maps.with("labelSelector", "color in (red,blue)").delete("").await.is(200)?;
    lists(&maps.with("labelSelector", "mine").list().await.is(200)?, &["c", "d"])
}

async fn a_custom_kind_has_no_fields_of_its_own(arena: &Arena) -> Outcome {
    let widgets = crate::crd::widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"color": "red"}})).await.is(201)?;
    lists(&widgets.with("fieldSelector", "metadata.name=a").list().await.is(200)?, &["a"])?;
    let refusal = widgets.with("fieldSelector", "spec.color=red").list().await.refused(400, "BadRequest")?;
    refusal.says(&["field label not supported: spec.color"])
}

/// Selectable fields are on by default since 1.31, as the documentation of CustomResourceDefinitions tells:
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#crd-selectable-fields>.
async fn painted(arena: &Arena) -> Result<Endpoint, crate::case::Failure> {
    let properties = json!({"color": {"type": "string"}, "size": {"type": "integer"}});
    let fields = json!([{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.size"}]);
    let objects = Definition::of(json!({"type": "object", "properties": properties}))
        .version(json!({"selectableFields": fields}))
        .install(arena)
        .await?;
    for (name, color) in [("a", "red"), ("b", "blue")] {
        let spec = json!({"color": color, "size": 1});
        objects.create(json!({"metadata": {"name": name}, "spec": spec})).await.is(201)?;
    }
    Ok(objects)
}

async fn a_custom_kind_can_declare_fields(arena: &Arena) -> Outcome {
    let objects = painted(arena).await?;
    lists(&objects.with("fieldSelector", "spec.color=blue").list().await.is(200)?, &["b"])?;
    lists(&objects.with("fieldSelector", "spec.color!=blue,spec.size=1").list().await.is(200)?, &["a"])
}

async fn a_declared_field_works_in_a_watch(arena: &Arena) -> Outcome {
    let objects = painted(arena).await?;
    let mut watch = objects.with("fieldSelector", "spec.color=blue").watch().await?;
    watch.expect_of("ADDED", "b").await?;
    objects.merge("a", json!({"spec": {"color": "blue"}})).await.is(200)?;
    watch.expect_of("ADDED", "a").await?;
    objects.merge("b", json!({"spec": {"color": "red"}})).await.is(200)?;
    let gone = watch.expect_of("DELETED", "b").await?;
    same("color", &gone["spec"]["color"], "blue")
}

async fn a_field_that_was_not_declared_is_refused(arena: &Arena) -> Outcome {
    let objects = painted(arena).await?.with("fieldSelector", "spec.weight=1");
    objects.list().await.refused(400, "BadRequest")?.says(&["field label not supported: spec.weight"])
}
