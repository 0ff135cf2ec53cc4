//! Lists as watches. On by default in 1.32 and, after a pause in 1.33, since 1.34:
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    endpoint::Endpoint,
    expect::{holds, same, version},
    resource::CONFIG_MAPS,
};
use serde_json::{Value, json};

cases! { "watch":
    a_streamed_list_ends_with_a_bookmark since 34,
    a_streamed_list_goes_on_as_a_watch since 34,
    a_streamed_list_of_nothing_is_a_bookmark since 34,
    a_streamed_list_is_at_least_as_new_as_asked since 34,
    initial_events_need_a_version_match since 34,
    a_version_match_in_a_watch_needs_initial_events since 34,
    initial_events_are_for_watches_only since 34,
}

fn streamed(arena: &Arena) -> Endpoint {
    arena
        .at(CONFIG_MAPS)
        .with("labelSelector", "mine")
        .with("sendInitialEvents", "true")
        .with("resourceVersionMatch", "NotOlderThan")
        .with("allowWatchBookmarks", "true")
}

fn map(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"mine": "true"}}})
}

fn ends(bookmark: &Value) -> Outcome {
    let mark = &bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"];
    same("mark of the end", mark, "true")?;
    holds(!version(bookmark).is_empty(), || format!("a version in {bookmark}"))
}

async fn a_streamed_list_ends_with_a_bookmark(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(map("a")).await.is(201)?;
    maps.create(map("b")).await.is(201)?;
    let mut watch = streamed(arena).watch().await?;
    watch.expect_of("ADDED", "a").await?;
    watch.expect_of("ADDED", "b").await?;
    ends(&watch.expect("BOOKMARK").await?)
}

async fn a_streamed_list_goes_on_as_a_watch(arena: &Arena) -> Outcome {
    let mut watch = streamed(arena).watch().await?;
    ends(&watch.expect("BOOKMARK").await?)?;
    arena.at(CONFIG_MAPS).create(map("a")).await.is(201)?;
    watch.expect_of("ADDED", "a").await.map(drop)
}

async fn a_streamed_list_of_nothing_is_a_bookmark(arena: &Arena) -> Outcome {
    let bookmark = streamed(arena).watch().await?.expect("BOOKMARK").await?;
    same("kind", &bookmark["kind"], "ConfigMap")?;
    ends(&bookmark)
}

async fn a_streamed_list_is_at_least_as_new_as_asked(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.create(map("a")).await.is(201)?;
    let mut watch = streamed(arena).with("resourceVersion", version(&first)).watch().await?;
    watch.expect_of("ADDED", "a").await?;
    ends(&watch.expect("BOOKMARK").await?)
}

async fn initial_events_need_a_version_match(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("watch", "true").with("sendInitialEvents", "true");
    let refusal = maps.list().await.refused(422, "Invalid")?;
    let part = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    refusal.cause("resourceVersionMatch", "FieldValueForbidden", part)
}

async fn a_version_match_in_a_watch_needs_initial_events(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("watch", "true").with("resourceVersionMatch", "NotOlderThan");
    let refusal = maps.list().await.refused(422, "Invalid")?;
    let part = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    refusal.cause("resourceVersionMatch", "FieldValueForbidden", part)
}

async fn initial_events_are_for_watches_only(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("sendInitialEvents", "true");
    let refusal = maps.list().await.refused(422, "Invalid")?;
    refusal.cause("sendInitialEvents", "FieldValueForbidden", "sendInitialEvents is forbidden for list")
}
