//! What a watch tells, from where, and until when.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    expect::{absent, differs, holds, same, version},
    resource::{CONFIG_MAPS, SECRETS},
};
use serde_json::{Value, json};

cases! { "watch":
    it_tells_of_adds_changes_and_deletes,
    it_starts_after_the_given_version,
    it_misses_nothing_between_list_and_watch,
    without_a_version_it_starts_with_what_is_there,
    an_event_carries_the_whole_object,
    a_deleted_event_carries_the_last_state_and_a_new_version,
    a_deleted_event_carries_the_generation_as_it_was,
    deletion_with_a_finalizer_is_a_change_first,
    writes_that_change_nothing_are_no_events,
    a_status_write_is_an_event,
    events_of_an_object_come_in_order,
    an_object_that_begins_to_match_is_added,
    an_object_that_ceases_to_match_is_deleted,
    a_field_selector_watches_one_object,
    it_sees_all_namespaces,
    it_sees_one_namespace_only,
    it_ends_after_its_timeout,
    bookmarks_carry_a_version,
    a_version_too_old_is_gone_in_the_stream,
    an_invalid_version_is_refused,
    a_watch_of_an_unknown_kind_is_not_found,
    a_watch_of_metadata_leaves_the_contents_out,
    a_typed_watch_has_the_same_events,
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

async fn it_tells_of_adds_changes_and_deletes(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let list = maps.list().await.ok()?;
    let mut watch = maps.with("resourceVersion", version(&list)).watch().await?;
    maps.create(named("a")).await.is(201)?;
    maps.merge("a", json!({"data": {"key": "value"}})).await.is(200)?;
    maps.delete("a").await.is(200)?;
    // A controller of the cluster may have put its own map there.
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let Some(event) = watch.next().await? else { break };
        if event["object"]["metadata"]["name"] == "a" {
            kinds.push(event["type"].clone());
        }
    }
    same("events", &kinds.into(), json!(["ADDED", "MODIFIED", "DELETED"]))
}

async fn it_starts_after_the_given_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    maps.create(labelled("a")).await.is(201)?;
    let second = maps.create(labelled("b")).await.is(201)?;
    maps.create(labelled("c")).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&second)).watch().await?;
    watch.expect_of("ADDED", "c").await.map(drop)
}

fn labelled(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"mine": "true"}}})
}

async fn it_misses_nothing_between_list_and_watch(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    maps.create(labelled("a")).await.is(201)?;
    let list = maps.list().await.ok()?;
    // Before the watch begins.
    maps.create(labelled("b")).await.is(201)?;
    maps.delete("a").await.is(200)?;
    let mut watch = maps.with("resourceVersion", version(&list)).watch().await?;
    watch.expect_of("ADDED", "b").await?;
    watch.expect_of("DELETED", "a").await.map(drop)
}

async fn without_a_version_it_starts_with_what_is_there(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    maps.create(labelled("a")).await.is(201)?;
    let changed = maps.merge("a", json!({"data": {"key": "value"}})).await.is(200)?;
    // Such a list waits for the server's cache, which a watch without a version may find a moment old.
    maps.with("resourceVersion", version(&changed)).list().await.ok()?;
    let object = maps.watch().await?.expect_of("ADDED", "a").await?;
    same("data", &object["data"], json!({"key": "value"}))
}

async fn an_event_carries_the_whole_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let created = maps.create(labelled("a")).await.is(201)?;
    let object = maps.watch().await?.expect("ADDED").await?;
    same("object", &object, created)
}

async fn a_deleted_event_carries_the_last_state_and_a_new_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let mut map = labelled("a");
    map["data"] = json!({"key": "value"});
    let created = maps.create(map).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&created)).watch().await?;
    maps.delete("a").await.is(200)?;
    let object = watch.expect_of("DELETED", "a").await?;
    same("data", &object["data"], json!({"key": "value"}))?;
    differs("version", &object["metadata"]["resourceVersion"], &created["metadata"]["resourceVersion"])
}

async fn a_deleted_event_carries_the_generation_as_it_was(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"size": 1}})).await.is(201)?;
    let changed = widgets.merge("a", json!({"spec": {"size": 2}})).await.is(200)?;
    same("generation before", &changed["metadata"]["generation"], 2)?;
    let mut watch = widgets.with("resourceVersion", version(&changed)).watch().await?;
    widgets.delete("a").await.is(200)?;
    let object = watch.expect_of("DELETED", "a").await?;
    same("spec", &object["spec"], json!({"size": 2}))?;
    same("generation", &object["metadata"]["generation"], 2)
}

async fn deletion_with_a_finalizer_is_a_change_first(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let mut map = labelled("a");
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let created = maps.create(map).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&created)).watch().await?;
    maps.delete("a").await.is(200)?;
    let object = watch.expect_of("MODIFIED", "a").await?;
    differs("deletionTimestamp", &object["metadata"]["deletionTimestamp"], &Value::Null)?;
    maps.merge("a", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    watch.expect_of("DELETED", "a").await.map(drop)
}

async fn writes_that_change_nothing_are_no_events(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let created = maps.create(labelled("a")).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&created)).watch().await?;
    maps.replace("a", &created).await.is(200)?;
    maps.merge("a", labelled("a")).await.is(200)?;
    maps.delete("a").await.is(200)?;
    watch.expect_of("DELETED", "a").await.map(drop)
}

async fn a_status_write_is_an_event(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let created = widgets.create(named("a")).await.is(201)?;
    let mut watch = widgets.with("resourceVersion", version(&created)).watch().await?;
    widgets.merge("a/status", json!({"status": {"phase": "Ready"}})).await.is(200)?;
    let object = watch.expect_of("MODIFIED", "a").await?;
    same("generation", &object["metadata"]["generation"], 1)?;
    same("status", &object["status"], json!({"phase": "Ready"}))
}

async fn events_of_an_object_come_in_order(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let created = maps.create(labelled("a")).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&created)).watch().await?;
    for count in 0..20 {
        maps.merge("a", json!({"data": {"count": count.to_string()}})).await.is(200)?;
    }
    for count in 0..20 {
        let object = watch.expect_of("MODIFIED", "a").await?;
        same("count", &object["data"]["count"], count.to_string())?;
    }
    Ok(())
}

async fn an_object_that_begins_to_match_is_added(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let created = maps.create(named("a")).await.is(201)?;
    let mut watch =
        maps.with("labelSelector", "mine=true").with("resourceVersion", version(&created)).watch().await?;
    maps.merge("a", json!({"data": {"key": "value"}})).await.is(200)?;
    maps.merge("a", labelled("a")).await.is(200)?;
    watch.expect_of("ADDED", "a").await.map(drop)
}

async fn an_object_that_ceases_to_match_is_deleted(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let created = maps.create(labelled("a")).await.is(201)?;
    let mut watch =
        maps.with("labelSelector", "mine=true").with("resourceVersion", version(&created)).watch().await?;
    maps.merge("a", json!({"metadata": {"labels": {"mine": "false"}}})).await.is(200)?;
    let object = watch.expect_of("DELETED", "a").await?;
    // What was, as the watcher knew it.
    same("labels", &object["metadata"]["labels"], json!({"mine": "true"}))
}

async fn a_field_selector_watches_one_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(named("a")).await.is(201)?;
    maps.create(named("b")).await.is(201)?;
    let mut watch = maps.with("fieldSelector", "metadata.name=b").watch().await?;
    watch.expect_of("ADDED", "b").await?;
    maps.delete("a").await.is(200)?;
    maps.delete("b").await.is(200)?;
    watch.expect_of("DELETED", "b").await.map(drop)
}

async fn it_sees_all_namespaces(arena: &Arena) -> Outcome {
    let mine = format!("mine={}", arena.namespace);
    let mut watch = arena.everywhere(CONFIG_MAPS).with("labelSelector", &mine).watch().await?;
    let map = json!({"metadata": {"name": "a", "labels": {"mine": arena.namespace}}});
    arena.at(CONFIG_MAPS).create(map).await.is(201)?;
    let object = watch.expect_of("ADDED", "a").await?;
    same("namespace", &object["metadata"]["namespace"], arena.namespace.as_str())
}

async fn it_sees_one_namespace_only(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let list = maps.list().await.ok()?;
    let mut watch = maps.with("resourceVersion", version(&list)).watch().await?;
    let elsewhere = arena.elsewhere("default", CONFIG_MAPS);
    let name = arena.unique("elsewhere");
    elsewhere.create(labelled(&name)).await.is(201)?;
    elsewhere.delete(&name).await.is(200)?;
    maps.create(labelled("a")).await.is(201)?;
    watch.expect_of("ADDED", "a").await.map(drop)
}

async fn it_ends_after_its_timeout(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "nobody").with("timeoutSeconds", "1");
    holds(maps.watch().await?.next().await?.is_none(), || "the watch to end without an event".into())
}

async fn bookmarks_carry_a_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "nobody");
    let list = maps.list().await.ok()?;
    let watch = maps.with("resourceVersion", version(&list)).with("allowWatchBookmarks", "true");
    // One comes two seconds before the end at the latest.
    let object = watch.with("timeoutSeconds", "5").watch().await?.expect("BOOKMARK").await?;
    same("kind", &object["kind"], "ConfigMap")?;
    holds(!version(&object).is_empty(), || format!("a version in the bookmark {object}"))?;
    holds(object["metadata"]["name"].is_null(), || format!("no name in the bookmark {object}"))
}

async fn a_version_too_old_is_gone_in_the_stream(arena: &Arena) -> Outcome {
    // Of a kind that is new, a server can know no version from before its definition.
    let mut watch = widgets(arena).await?.with("resourceVersion", "1").watch().await?;
    let status = watch.expect("ERROR").await?;
    same("kind", &status["kind"], "Status")?;
    same("code", &status["code"], 410)?;
    same("reason", &status["reason"], "Expired")?;
    let message = status["message"].as_str().unwrap_or_default();
    holds(message.contains("too old resource version: 1"), || format!("the version in {message:?}"))
}

async fn an_invalid_version_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("watch", "true").with("resourceVersion", "yesterday");
    let answer = maps.list().await;
    // The code has changed over time: a 500 was once the answer.
    let told = answer.body["kind"] == "Status" && answer.text.contains("Invalid value: \\\"yesterday\\\"");
    holds(answer.status >= 400 && told, || format!("a refusal, got {}: {}", answer.status, answer.text))
}

async fn a_watch_of_an_unknown_kind_is_not_found(arena: &Arena) -> Outcome {
    let path = format!("/api/v1/namespaces/{}/nonsense?watch=true", arena.namespace);
    arena.read(&path).await.refused(404, "NotFound").map(drop)
}

async fn a_watch_of_metadata_leaves_the_contents_out(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS).with("labelSelector", "mine");
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
    let mut watch = secrets.header("accept", metadata).watch().await?;
    secrets.create(labelled("a")).await.is(201)?;
    secrets.merge("a", json!({"stringData": {"key": "another"}})).await.is(200)?;
    secrets.delete("a").await.is(200)?;
    for event in ["ADDED", "MODIFIED", "DELETED"] {
        let object = watch.expect_of(event, "a").await?;
        same("kind", &object["kind"], "PartialObjectMetadata")?;
        same("labels", &object["metadata"]["labels"], json!({"mine": "true"}))?;
        absent("data", &object["data"])?;
        absent("type", &object["type"])?;
    }
    Ok(())
}

async fn a_typed_watch_has_the_same_events(arena: &Arena) -> Outcome {
    use futures::{StreamExt, pin_mut};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{Api, api::WatchEvent, api::WatchParams};
    let maps = arena.at(CONFIG_MAPS);
    let created = maps.create(labelled("a")).await.is(201)?;
    let api: Api<ConfigMap> = Api::namespaced(arena.client.clone(), &arena.namespace);
    let failed = |error: kube::Error| crate::case::Failure(format!("watch: {error}"));
    let params = WatchParams::default().labels("mine=true");
    let events = api.watch(&params, version(&created)).await.map_err(failed)?;
    pin_mut!(events);
    maps.delete("a").await.is(200)?;
    match events.next().await {
        Some(Ok(WatchEvent::Deleted(map))) => same("name", &json!(map.metadata.name), "a"),
        other => Err(crate::case::Failure(format!("expected a delete, got {other:?}"))),
    }
}
