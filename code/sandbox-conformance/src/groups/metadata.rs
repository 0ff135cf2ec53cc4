//! What a server itself writes into the metadata, and what it does not let others write there.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    expect::{absent, differs, holds, present, same, uid},
    resource::{CONFIG_MAPS, SECRETS, SERVICES},
};
use serde_json::json;

cases! { "metadata":
    create_sets_uid_version_and_time,
    a_recreated_object_has_a_new_uid,
    generate_name_adds_a_suffix,
    a_name_beats_generate_name,
    create_without_a_name_is_refused,
    an_invalid_name_is_refused,
    an_invalid_label_is_refused,
    a_label_that_is_no_string_is_refused,
    a_label_of_a_custom_resource_is_a_string_too,
    an_annotation_of_over_256_kib_is_refused,
    name_in_body_and_path_must_agree,
    namespace_in_body_and_path_must_agree,
    what_the_server_owns_cannot_be_chosen,
    the_creation_time_cannot_be_changed,
    a_patch_cannot_rename,
    a_patch_cannot_change_the_uid,
    a_kind_without_generation_has_none,
    a_secret_has_no_generation,
    a_service_has_no_generation,
    two_controllers_are_refused,
    an_owner_without_a_uid_is_refused,
    string_data_becomes_data,
    an_immutable_secret_stays_as_it_is,
}

async fn create_sets_uid_version_and_time(arena: &Arena) -> Outcome {
    let map = arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let metadata = &map["metadata"];
    present("uid", &metadata["uid"])?;
    present("resourceVersion", &metadata["resourceVersion"])?;
    same("namespace", &metadata["namespace"], arena.namespace.as_str())?;
    let time = metadata["creationTimestamp"].as_str().unwrap_or_default();
    // RFC 3339 in seconds: 2026-01-31T12:00:00Z.
    holds(time.len() == 20 && time.ends_with('Z'), || format!("a creationTimestamp in seconds, got {time:?}"))
}

async fn a_recreated_object_has_a_new_uid(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    maps.delete("a").await.is(200)?;
    let second = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    differs("uid", &second["metadata"]["uid"], &first["metadata"]["uid"])
}

async fn generate_name_adds_a_suffix(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let first = maps.create(json!({"metadata": {"generateName": "map-"}})).await.is(201)?;
    let second = maps.create(json!({"metadata": {"generateName": "map-"}})).await.is(201)?;
    for map in [&first, &second] {
        let name = map["metadata"]["name"].as_str().unwrap_or_default();
        let right = name.starts_with("map-") && name.len() == "map-".len() + 5;
        holds(right, || format!("map- and five characters, got {name:?}"))?;
        same("generateName", &map["metadata"]["generateName"], "map-")?;
    }
    differs("name", &second["metadata"]["name"], &first["metadata"]["name"])
}

async fn a_name_beats_generate_name(arena: &Arena) -> Outcome {
    let metadata = json!({"name": "a", "generateName": "map-"});
    let map = arena.at(CONFIG_MAPS).create(json!({"metadata": metadata})).await.is(201)?;
    same("name", &map["metadata"]["name"], "a")
}

async fn create_without_a_name_is_refused(arena: &Arena) -> Outcome {
    let refusal = arena.at(CONFIG_MAPS).create(json!({"metadata": {}})).await.refused(422, "Invalid")?;
    refusal.cause("metadata.name", "FieldValueRequired", "name or generateName is required")
}

async fn an_invalid_name_is_refused(arena: &Arena) -> Outcome {
    let answer = arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "Not_Valid"}})).await;
    let refusal = answer.refused(422, "Invalid")?;
    refusal.says(&["ConfigMap \"Not_Valid\" is invalid: metadata.name: Invalid value: \"Not_Valid\""])?;
    refusal.cause("metadata.name", "FieldValueInvalid", "subdomain")
}

async fn an_invalid_label_is_refused(arena: &Arena) -> Outcome {
    let metadata = json!({"name": "a", "labels": {"key": "not valid"}});
    let refusal =
        arena.at(CONFIG_MAPS).create(json!({"metadata": metadata})).await.refused(422, "Invalid")?;
    refusal.cause("metadata.labels", "FieldValueInvalid", "a valid label must be")
}

async fn a_label_that_is_no_string_is_refused(arena: &Arena) -> Outcome {
    let metadata = json!({"name": "a", "labels": {"key": 1}});
    arena.at(CONFIG_MAPS).create(json!({"metadata": metadata})).await.refused(400, "BadRequest").map(drop)
}

async fn a_label_of_a_custom_resource_is_a_string_too(arena: &Arena) -> Outcome {
    let labelled = json!({"metadata": {"name": "a", "labels": {"app": 1}}});
    widgets(arena).await?.create(labelled).await.refused(400, "BadRequest").map(drop)
}

async fn an_annotation_of_over_256_kib_is_refused(arena: &Arena) -> Outcome {
    let metadata = json!({"name": "a", "annotations": {"key": "x".repeat(256 * 1024)}});
    let refusal =
        arena.at(CONFIG_MAPS).create(json!({"metadata": metadata})).await.refused(422, "Invalid")?;
    // The words have changed over time.
    refusal.cause("metadata.annotations", "FieldValueTooLong", "262144")
}

async fn name_in_body_and_path_must_agree(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let refusal = maps.replace("a", &json!({"metadata": {"name": "b"}})).await.refused(400, "BadRequest")?;
    refusal.says(&["the name of the object (b) does not match the name on the URL (a)"])
}

async fn namespace_in_body_and_path_must_agree(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a", "namespace": "elsewhere"}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(400, "BadRequest")?;
    refusal.says(&["the namespace of the provided object does not match the namespace sent on the request"])
}

async fn what_the_server_owns_cannot_be_chosen(arena: &Arena) -> Outcome {
    let chosen = "00000000-0000-0000-0000-000000000000";
    let then = "2001-01-01T00:00:00Z";
    let metadata = json!({"name": "a", "uid": chosen, "creationTimestamp": then, "deletionTimestamp": then, "generation": 7});
    let map = arena.at(CONFIG_MAPS).create(json!({"metadata": metadata})).await.is(201)?;
    differs("uid", &map["metadata"]["uid"], &chosen.into())?;
    differs("creationTimestamp", &map["metadata"]["creationTimestamp"], &then.into())?;
    absent("deletionTimestamp", &map["metadata"]["deletionTimestamp"])
}

async fn the_creation_time_cannot_be_changed(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let map = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let patch = json!({"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}});
    let answer = maps.merge("a", patch).await;
    if answer.status == 200 {
        return same(
            "time",
            &answer.body["metadata"]["creationTimestamp"],
            map["metadata"]["creationTimestamp"].clone(),
        );
    }
    answer.refused(422, "Invalid")?.cause(
        "metadata.creationTimestamp",
        "FieldValueInvalid",
        "field is immutable",
    )
}

async fn a_patch_cannot_rename(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let refusal = maps.merge("a", json!({"metadata": {"name": "b"}})).await.refused(400, "BadRequest")?;
    refusal.says(&["the name of the object (b) does not match the name on the URL (a)"])
}

async fn a_patch_cannot_change_the_uid(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let patch = json!({"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}});
    let answer = maps.merge("a", patch).await;
    // Which of the two has changed over time: an immutable field, or a precondition that fails.
    holds(matches!(answer.status, 409 | 422), || {
        format!("409 or 422, got {}: {}", answer.status, answer.text)
    })
}

async fn a_kind_without_generation_has_none(arena: &Arena) -> Outcome {
    let map = arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    absent("generation", &map["metadata"]["generation"])
}

async fn a_secret_has_no_generation(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS);
    let secret = json!({"metadata": {"name": "a"}, "stringData": {"key": "1"}});
    let secret = secrets.create(secret).await.is(201)?;
    absent("generation", &secret["metadata"]["generation"])?;
    let changed = secrets.merge("a", json!({"stringData": {"key": "2"}})).await.is(200)?;
    absent("generation", &changed["metadata"]["generation"])
}

async fn a_service_has_no_generation(arena: &Arena) -> Outcome {
    let services = arena.at(SERVICES);
    let service = json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}});
    let service = services.create(service).await.is(201)?;
    absent("generation", &service["metadata"]["generation"])?;
    let changed = services.merge("a", json!({"spec": {"selector": {"app": "a"}}})).await.is(200)?;
    absent("generation", &changed["metadata"]["generation"])?;
    holds(changed["metadata"]["resourceVersion"] != service["metadata"]["resourceVersion"], || {
        "a change of the selector is another version".into()
    })
}

async fn two_controllers_are_refused(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": true});
    let metadata = json!({"name": "a", "ownerReferences": [owner("one"), owner("two")]});
    let refusal = widgets.create(json!({"metadata": metadata})).await.refused(422, "Invalid")?;
    refusal.cause(
        "metadata.ownerReferences",
        "FieldValueInvalid",
        "Only one reference can have Controller set to true",
    )
}

async fn an_owner_without_a_uid_is_refused(arena: &Arena) -> Outcome {
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "one", "uid": ""});
    let map = json!({"metadata": {"name": "a", "ownerReferences": [owner]}});
    let refusal = arena.at(CONFIG_MAPS).create(map).await.refused(422, "Invalid")?;
    refusal.cause("metadata.ownerReferences.uid", "FieldValueInvalid", "uid must not be empty")
}

async fn string_data_becomes_data(arena: &Arena) -> Outcome {
    let secret = json!({"metadata": {"name": "a"}, "stringData": {"key": "value"}});
    let secret = arena.at(SECRETS).create(secret).await.is(201)?;
    same("data", &secret["data"], json!({"key": "dmFsdWU="}))?;
    absent("stringData", &secret["stringData"])?;
    same("type", &secret["type"], "Opaque")
}

async fn an_immutable_secret_stays_as_it_is(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS);
    let secret = json!({"metadata": {"name": "a"}, "stringData": {"key": "1"}, "immutable": true});
    let secret = secrets.create(secret).await.is(201)?;
    let refusal = secrets.merge("a", json!({"stringData": {"key": "2"}})).await.refused(422, "Invalid")?;
    refusal.cause("data", "FieldValueForbidden", "field is immutable when `immutable` is set")?;
    let labelled = secrets.merge("a", json!({"metadata": {"labels": {"key": "new"}}})).await.is(200)?;
    same("uid", &labelled["metadata"]["uid"], uid(&secret))
}
