//! Who wins when several write.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    expect::{differs, holds, same, uid, version},
    resource::{CONFIG_MAPS, LEASES},
};
use futures::future::join_all;
use serde_json::json;

cases! { "concurrency":
    update_with_an_old_version_conflicts,
    update_without_a_version_overwrites,
    update_of_a_custom_resource_needs_a_version,
    update_with_another_uid_conflicts,
    update_of_a_missing_object_is_not_found,
    update_of_a_missing_lease_creates_it,
    patch_with_an_old_version_conflicts,
    patches_of_different_fields_all_arrive,
    of_concurrent_updates_one_wins,
    of_concurrent_creates_one_wins,
    create_of_an_existing_name_is_refused,
    create_with_a_version_is_refused,
    every_change_makes_a_new_version,
    a_change_that_changes_nothing_keeps_the_version,
    delete_with_an_old_version_conflicts,
    delete_with_another_uid_conflicts,
    delete_with_the_right_preconditions_deletes,
}

async fn update_with_an_old_version_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let old = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    maps.merge("a", json!({"data": {"key": "new"}})).await.is(200)?;
    let refusal = maps.replace("a", &old).await.refused(409, "Conflict")?;
    refusal.says(&["Operation cannot be fulfilled on configmaps \"a\"", "the object has been modified"])?;
    refusal.detail("name", "a")?;
    refusal.detail("kind", "configmaps")?;
    same("data", &maps.get("a").await.ok()?["data"], json!({"key": "new"}))
}

async fn update_without_a_version_overwrites(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}, "data": {"one": "1"}})).await.is(201)?;
    let unversioned = json!({"metadata": {"name": "a"}, "data": {"two": "2"}});
    same("data", &maps.replace("a", &unversioned).await.is(200)?["data"], json!({"two": "2"}))
}

async fn update_of_a_custom_resource_needs_a_version(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"size": 1}})).await.is(201)?;
    let unversioned = json!({"metadata": {"name": "a"}, "spec": {"size": 2}});
    let refusal = widgets.replace("a", &unversioned).await.refused(422, "Invalid")?;
    refusal.cause("metadata.resourceVersion", "FieldValueInvalid", "must be specified for an update")
}

async fn update_with_another_uid_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let stranger = json!({"metadata": {"name": "a", "uid": "00000000-0000-0000-0000-000000000000"}});
    let refusal = maps.replace("a", &stranger).await.refused(409, "Conflict")?;
    refusal.says(&["Precondition failed: UID in precondition: 00000000-0000-0000-0000-000000000000"])
}

async fn update_of_a_missing_object_is_not_found(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).replace("a", &json!({"metadata": {"name": "a"}})).await;
    answer.refused(404, "NotFound")?.says(&["configmaps \"a\" not found"])
}

async fn update_of_a_missing_lease_creates_it(arena: &Arena) -> Outcome {
    let lease = json!({"metadata": {"name": "a"}, "spec": {"holderIdentity": "me"}});
    arena.at(LEASES).replace("a", &lease).await.is(201).map(drop)
}

async fn patch_with_an_old_version_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let old = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    maps.merge("a", json!({"data": {"key": "new"}})).await.is(200)?;
    let patch = json!({"metadata": {"resourceVersion": version(&old)}, "data": {"key": "old"}});
    maps.merge("a", patch).await.refused(409, "Conflict")?.says(&["the object has been modified"])
}

async fn patches_of_different_fields_all_arrive(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    // A server tries a patch five times before it tells of a conflict.
    let patches = (0..5).map(|key| maps.merge("a", json!({"data": {format!("key-{key}"): "here"}})));
    let patches: Vec<_> = patches.collect();
    for answer in join_all(patches).await {
        answer.is(200)?;
    }
    let data = maps.get("a").await.ok()?["data"].clone();
    same("number of keys", &data.as_object().map_or(0, serde_json::Map::len).into(), 5)
}

async fn of_concurrent_updates_one_wins(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let object = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let updates: Vec<_> = (0..8)
        .map(|writer| {
            let mut mine = object.clone();
            mine["data"] = json!({"writer": writer.to_string()});
            mine
        })
        .collect();
    let answers = join_all(updates.iter().map(|mine| maps.replace("a", mine))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    holds(statuses == [200, 409, 409, 409, 409, 409, 409, 409], || {
        format!("one success and seven conflicts, got {statuses:?}")
    })
}

async fn of_concurrent_creates_one_wins(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let creates: Vec<_> = (0..6).map(|_| maps.create(json!({"metadata": {"name": "a"}}))).collect();
    let mut statuses: Vec<_> = join_all(creates).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    holds(statuses == [201, 409, 409, 409, 409, 409], || {
        format!("one success and five conflicts, got {statuses:?}")
    })
}

async fn create_of_an_existing_name_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let refusal = maps.create(json!({"metadata": {"name": "a"}})).await.refused(409, "AlreadyExists")?;
    refusal.says(&["configmaps \"a\" already exists"])?;
    refusal.detail("name", "a")
}

async fn create_with_a_version_is_refused(arena: &Arena) -> Outcome {
    let answer =
        arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a", "resourceVersion": "1"}})).await;
    // The code has changed over time: a 500 was once the answer.
    let told = answer.text.contains("resourceVersion should not be set on objects to be created");
    holds(answer.status >= 400 && told, || format!("a refusal, got {}: {}", answer.status, answer.text))
}

async fn every_change_makes_a_new_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let second = maps.merge("a", json!({"data": {"key": "1"}})).await.is(200)?;
    let third = maps.merge("a", json!({"metadata": {"labels": {"key": "1"}}})).await.is(200)?;
    for (older, newer) in [(&first, &second), (&second, &third), (&first, &third)] {
        differs(
            "resourceVersion",
            &newer["metadata"]["resourceVersion"],
            &older["metadata"]["resourceVersion"],
        )?;
    }
    same("uid", &third["metadata"]["uid"], uid(&first))
}

async fn a_change_that_changes_nothing_keeps_the_version(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.create(json!({"metadata": {"name": "a"}, "data": {"key": "1"}})).await.is(201)?;
    let updated = maps.replace("a", &first).await.is(200)?;
    same("version after an update", &updated["metadata"]["resourceVersion"], version(&first))?;
    let patched = maps.merge("a", json!({"data": {"key": "1"}})).await.is(200)?;
    same("version after a patch", &patched["metadata"]["resourceVersion"], version(&first))
}

async fn delete_with_an_old_version_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let old = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    maps.merge("a", json!({"data": {"key": "new"}})).await.is(200)?;
    let options = json!({"preconditions": {"resourceVersion": version(&old)}});
    let refusal = maps.delete_with("a", options).await.refused(409, "Conflict")?;
    refusal
        .says(&["the ResourceVersion in the precondition", "does not match the ResourceVersion in record"])?;
    maps.get("a").await.is(200).map(drop)
}

async fn delete_with_another_uid_conflicts(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let options = json!({"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}});
    let refusal = maps.delete_with("a", options).await.refused(409, "Conflict")?;
    refusal.says(&["the UID in the precondition", "does not match the UID in record"])?;
    maps.get("a").await.is(200).map(drop)
}

async fn delete_with_the_right_preconditions_deletes(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let map = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let options = json!({"preconditions": {"uid": uid(&map), "resourceVersion": version(&map)}});
    maps.delete_with("a", options).await.is(200)?;
    maps.get("a").await.is(404).map(drop)
}
