//! Writes that are only tried: checked in full, and not kept.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::{lists, present, same, version},
    resource::CONFIG_MAPS,
};
use serde_json::{Value, json};

cases! { "dry run":
    a_dry_create_answers_and_keeps_nothing,
    a_dry_create_of_a_taken_name_is_refused,
    a_dry_create_is_checked_by_the_schema,
    a_dry_update_changes_nothing,
    a_dry_patch_changes_nothing,
    a_dry_apply_shows_conflicts_and_keeps_nothing,
    a_dry_delete_deletes_nothing,
    a_dry_delete_by_its_options_deletes_nothing,
    a_dry_delete_of_a_collection_deletes_nothing,
    a_dry_status_write_changes_nothing,
    a_dry_write_is_no_event,
}

fn dry(objects: &Endpoint) -> Endpoint {
    objects.with("dryRun", "All")
}

fn map(value: &str) -> Value {
    json!({"metadata": {"name": "a", "labels": {"mine": "true"}}, "data": {"key": value}})
}

async fn kept(maps: &Endpoint, made: &Value) -> Outcome {
    let now = maps.get("a").await.is(200)?;
    same("version", &now["metadata"]["resourceVersion"], version(made))?;
    same("data", &now["data"], made["data"].clone())
}

async fn a_dry_create_answers_and_keeps_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let made = dry(&maps).create(map("1")).await.is(201)?;
    present("uid", &made["metadata"]["uid"])?;
    same("data", &made["data"], json!({"key": "1"}))?;
    maps.get("a").await.refused(404, "NotFound").map(drop)
}

async fn a_dry_create_of_a_taken_name_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(map("1")).await.is(201)?;
    dry(&maps).create(map("2")).await.refused(409, "AlreadyExists").map(drop)
}

async fn a_dry_create_is_checked_by_the_schema(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let answer = dry(&widgets).create(json!({"metadata": {"name": "a"}, "spec": {"size": "large"}})).await;
    answer.refused(422, "Invalid").map(drop)
}

async fn a_dry_update_changes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let made = maps.create(map("1")).await.is(201)?;
    let tried = dry(&maps).replace("a", &map("2")).await.is(200)?;
    same("data", &tried["data"], json!({"key": "2"}))?;
    kept(&maps, &made).await
}

async fn a_dry_patch_changes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let made = maps.create(map("1")).await.is(201)?;
    let tried = dry(&maps).merge("a", json!({"data": {"key": "2"}})).await.is(200)?;
    same("data", &tried["data"], json!({"key": "2"}))?;
    kept(&maps, &made).await
}

async fn a_dry_apply_shows_conflicts_and_keeps_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    dry(&maps).apply("a", "one", map("1")).await.is(201)?;
    maps.get("a").await.is(404)?;
    let made = maps.apply("a", "one", map("1")).await.is(201)?;
    dry(&maps).apply("a", "two", map("2")).await.refused(409, "Conflict")?;
    dry(&maps).force("a", "two", map("2")).await.is(200)?;
    kept(&maps, &made).await
}

async fn a_dry_delete_deletes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let made = maps.create(map("1")).await.is(201)?;
    dry(&maps).delete("a").await.is(200)?;
    kept(&maps, &made).await
}

async fn a_dry_delete_by_its_options_deletes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let made = maps.create(map("1")).await.is(201)?;
    maps.delete_with("a", json!({"dryRun": ["All"]})).await.is(200)?;
    kept(&maps, &made).await
}

async fn a_dry_delete_of_a_collection_deletes_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    maps.create(map("1")).await.is(201)?;
    dry(&maps).delete("").await.is(200)?;
    lists(&maps.list().await.is(200)?, &["a"])
}

async fn a_dry_status_write_changes_nothing(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let made = widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let tried = dry(&widgets).merge("a/status", json!({"status": {"phase": "Ready"}})).await.is(200)?;
    same("status", &tried["status"], json!({"phase": "Ready"}))?;
    same("object", &widgets.get("a").await.is(200)?, made)
}

async fn a_dry_write_is_no_event(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let made = maps.create(map("1")).await.is(201)?;
    let mut watch = maps.with("resourceVersion", version(&made)).watch().await?;
    dry(&maps).merge("a", json!({"data": {"key": "2"}})).await.is(200)?;
    dry(&maps).delete("a").await.is(200)?;
    maps.merge("a", json!({"data": {"key": "3"}})).await.is(200)?;
    let object = watch.expect_of("MODIFIED", "a").await?;
    same("data", &object["data"], json!({"key": "3"}))
}
