//! Garbage collection: what goes with its owner.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::{absent, present, same, uid},
    resource::{CONFIG_MAPS, SECRETS},
};
use serde_json::{Value, json};

cases! { "garbage collection":
    background_deletion_takes_dependents_along with Controllers,
    background_deletion_does_not_wait with Controllers,
    foreground_deletion_waits_for_dependents with Controllers,
    foreground_deletion_waits_only_where_told with Controllers,
    orphans_stay_and_lose_their_reference with Controllers,
    the_default_for_custom_resources_is_background with Controllers,
    a_dependent_of_a_missing_owner_goes with Controllers,
    a_dependent_of_an_owner_of_the_same_name_goes with Controllers,
    a_dependent_with_another_owner_stays with Controllers,
    an_owner_in_another_namespace_is_no_owner with Controllers,
    grandchildren_go_too with Controllers,
    a_finalizer_of_a_dependent_is_respected with Controllers,
}

const HOLD: &str = "example.com/hold";

fn reference(owner: &Value, block: bool) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": uid(owner), "controller": true, "blockOwnerDeletion": block,
    })
}

fn owned(name: &str, owner: &Value, block: bool) -> Value {
    json!({"metadata": {"name": name, "ownerReferences": [reference(owner, block)]}})
}

/// An owner and its only dependent, a Secret.
async fn family(arena: &Arena, block: bool, finalizers: Value) -> Result<(Endpoint, Endpoint), Failure> {
    let (maps, secrets) = (arena.at(CONFIG_MAPS), arena.at(SECRETS));
    let owner = maps.create(json!({"metadata": {"name": "owner"}})).await.is(201)?;
    let mut dependent = owned("dependent", &owner, block);
    dependent["metadata"]["finalizers"] = finalizers;
    secrets.create(dependent).await.is(201)?;
    Ok((maps, secrets))
}

async fn background_deletion_takes_dependents_along(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, true, json!([])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Background"})).await.is(200)?;
    arena.until_gone(&secrets, "dependent").await
}

async fn background_deletion_does_not_wait(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, true, json!([HOLD])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Background"})).await.is(200)?;
    maps.get("owner").await.is(404)?;
    deleting(arena, &secrets, "dependent").await
}

async fn deleting(arena: &Arena, objects: &Endpoint, name: &str) -> Outcome {
    let gone = |object: &Value| object["metadata"]["deletionTimestamp"].is_string();
    arena.until_object(objects, name, "to be deleted", gone).await.map(drop)
}

async fn foreground_deletion_waits_for_dependents(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, true, json!([HOLD])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Foreground"})).await.is(200)?;
    deleting(arena, &secrets, "dependent").await?;
    let owner = maps.get("owner").await.is(200)?;
    present("deletionTimestamp", &owner["metadata"]["deletionTimestamp"])?;
    same("finalizers", &owner["metadata"]["finalizers"], json!(["foregroundDeletion"]))?;
    secrets.merge("dependent", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    arena.until_gone(&maps, "owner").await
}

async fn foreground_deletion_waits_only_where_told(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, false, json!([HOLD])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Foreground"})).await.is(200)?;
    arena.until_gone(&maps, "owner").await?;
    deleting(arena, &secrets, "dependent").await
}

async fn orphans_stay_and_lose_their_reference(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, true, json!([])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Orphan"})).await.is(200)?;
    arena.until_gone(&maps, "owner").await?;
    let orphan = secrets.get("dependent").await.is(200)?;
    absent("ownerReferences", &orphan["metadata"]["ownerReferences"])?;
    absent("deletionTimestamp", &orphan["metadata"]["deletionTimestamp"])
}

async fn the_default_for_custom_resources_is_background(arena: &Arena) -> Outcome {
    let (widgets, secrets) = (widgets(arena).await?, arena.at(SECRETS));
    let owner = widgets.create(json!({"metadata": {"name": "owner"}})).await.is(201)?;
    secrets.create(owned("dependent", &owner, true)).await.is(201)?;
    widgets.delete("owner").await.is(200)?;
    widgets.get("owner").await.is(404)?;
    arena.until_gone(&secrets, "dependent").await
}

fn stranger(kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": "owner", "uid": "00000000-0000-0000-0000-000000000000"},
    })
}

async fn a_dependent_of_a_missing_owner_goes(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS);
    secrets.create(owned("dependent", &stranger("ConfigMap"), true)).await.is(201)?;
    arena.until_gone(&secrets, "dependent").await
}

async fn a_dependent_of_an_owner_of_the_same_name_goes(arena: &Arena) -> Outcome {
    let (maps, secrets) = (arena.at(CONFIG_MAPS), arena.at(SECRETS));
    maps.create(json!({"metadata": {"name": "owner"}})).await.is(201)?;
    secrets.create(owned("dependent", &stranger("ConfigMap"), true)).await.is(201)?;
    arena.until_gone(&secrets, "dependent").await?;
    maps.get("owner").await.is(200).map(drop)
}

async fn a_dependent_with_another_owner_stays(arena: &Arena) -> Outcome {
    let (maps, secrets) = (arena.at(CONFIG_MAPS), arena.at(SECRETS));
    let one = maps.create(json!({"metadata": {"name": "one"}})).await.is(201)?;
    let two = maps.create(json!({"metadata": {"name": "two"}})).await.is(201)?;
    let mut dependent = owned("dependent", &one, true);
    let mut second = reference(&two, true);
    second["controller"] = json!(false);
    dependent["metadata"]["ownerReferences"] = json!([reference(&one, true), second.clone()]);
    secrets.create(dependent).await.is(201)?;
    maps.delete_with("one", json!({"propagationPolicy": "Background"})).await.is(200)?;
    let single = |object: &Value| object["metadata"]["ownerReferences"] == json!([second]);
    let left = arena.until_object(&secrets, "dependent", "to lose one owner", single).await?;
    absent("deletionTimestamp", &left["metadata"]["deletionTimestamp"])
}

async fn an_owner_in_another_namespace_is_no_owner(arena: &Arena) -> Outcome {
    let elsewhere = arena.elsewhere("default", CONFIG_MAPS);
    let name = arena.unique("owner");
    let owner = elsewhere.create(json!({"metadata": {"name": name}})).await.is(201)?;
    let secrets = arena.at(SECRETS);
    let created = secrets.create(owned("dependent", &owner, true)).await.is(201);
    let gone = match created {
        Ok(_) => arena.until_gone(&secrets, "dependent").await,
        Err(failure) => Err(failure),
    };
    elsewhere.delete(&name).await.is(200)?;
    gone
}

async fn grandchildren_go_too(arena: &Arena) -> Outcome {
    let (maps, secrets) = (arena.at(CONFIG_MAPS), arena.at(SECRETS));
    let owner = maps.create(json!({"metadata": {"name": "owner"}})).await.is(201)?;
    let child = secrets.create(owned("child", &owner, true)).await.is(201)?;
    maps.create(owned("grandchild", &child, true)).await.is(201)?;
    maps.delete_with("owner", json!({"propagationPolicy": "Foreground"})).await.is(200)?;
    for (objects, name) in [(&maps, "owner"), (&secrets, "child"), (&maps, "grandchild")] {
        arena.until_gone(objects, name).await?;
    }
    Ok(())
}

async fn a_finalizer_of_a_dependent_is_respected(arena: &Arena) -> Outcome {
    let (maps, secrets) = family(arena, true, json!([HOLD])).await?;
    maps.delete_with("owner", json!({"propagationPolicy": "Background"})).await.is(200)?;
    deleting(arena, &secrets, "dependent").await?;
    let dependent = secrets.get("dependent").await.is(200)?;
    same("finalizers", &dependent["metadata"]["finalizers"], json!([HOLD]))?;
    secrets.merge("dependent", json!({"metadata": {"finalizers": null}})).await.is(200)?;
    arena.until_gone(&secrets, "dependent").await
}
