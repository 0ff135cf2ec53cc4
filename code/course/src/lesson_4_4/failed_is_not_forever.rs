//! What is wrong is Failed with a reason, and what is put right becomes Ready.

use super::{NAME, STARTED, denies, phase, ready_again};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::NO_IMAGE,
};
use k8s_openapi::api::core::v1::Service;
use kube::{
    ResourceExt,
    api::{DeleteParams, PostParams},
};
use postgres_operator::{api::Database, error::chain, phase::Phase};
use serde_json::json;

/// A Database whose Service is somebody else's, at first.
const TAKEN: &str = "taken";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    arena.create(NAME, json!({"image": NO_IMAGE})).await?;
    let image = failed(arena, 0, "the image does not exist").await?;
    let mark = arena.databases.mark();
    arena.change(NAME, json!({"image": "postgres:17"})).await?;
    ready_again(arena, mark).await?;

    let mark = arena.databases.mark();
    arena.change(NAME, json!({"parameters": {"max_connections": "many"}})).await?;
    let parameter = failed(arena, mark, "PostgreSQL refuses a parameter").await?;
    let mark = arena.databases.mark();
    arena.change(NAME, json!({"parameters": {"max_connections": null}})).await?;
    ready_again(arena, mark).await?;

    // Not every cause is in the spec.
    let mark = arena.databases.mark();
    arena.sql(NAME, "ALTER ROLE app NOLOGIN").await?;
    arena.poke(NAME, "out").await?;
    let login = failed(arena, mark, "the application's user may not log in").await?;
    let mark = arena.databases.mark();
    arena.sql(NAME, "ALTER ROLE app LOGIN").await?;
    ready_again(arena, mark).await?;
    let taken = name_taken(arena).await?;
    Ok(format!(
        "{image}, {parameter} and {login}, and Ready after each; {taken} while a name was somebody else's"
    ))
}

/// A name that is taken is Failed too, until it is free. Whose name it is finds it untouched.
async fn name_taken(arena: &Arena) -> Result<String, Failure> {
    let api = arena.api::<Service>();
    let theirs: Service = serde_json::from_value(json!({
        "metadata": {"name": TAKEN}, "spec": {"clusterIP": "None", "selector": {"app": "somebody-elses"}},
    }))
    .map_err(|error| Failure::new("a Service of somebody else's", chain(&error)))?;
    let failure = |error: kube::Error| Failure::new("the Service of somebody else's", chain(&error));
    let theirs = api.create(&PostParams::default(), &theirs).await.map_err(failure)?;
    let mark = arena.databases.mark();
    // Its server need not start: what is in the way comes before it.
    arena.create(TAKEN, json!({"image": NO_IMAGE})).await?;
    let reason = failed(arena, mark, "a Service of somebody else's has its name").await?;
    let now = api.get(TAKEN).await.map_err(failure)?;
    if (now.uid(), now.resource_version()) != (theirs.uid(), theirs.resource_version()) {
        let seen = serde_json::to_string(&now.spec).unwrap_or_default();
        return Err(Failure::new("the Service of somebody else's is untouched", seen));
    }
    let mark = arena.databases.mark();
    api.delete(TAKEN, &DeleteParams::default()).await.map_err(failure)?;
    arena.poke(TAKEN, "free").await?;
    let on = |db: &Database| db.name_any() == TAKEN && !is_failed_for(db, &reason);
    arena.database(mark, STARTED, &format!("no more word of {reason}, once the name is free"), on).await?;
    Ok(reason)
}

fn is_failed_for(db: &Database, reason: &str) -> bool {
    db.conditions().iter().any(|it| it.type_ == "Failed" && it.status == "True" && it.reason == reason)
}

/// Waits for Failed, in phase and conditions. Returns the reason.
async fn failed(arena: &Arena, mark: usize, why: &str) -> Result<String, Failure> {
    let expected = format!("the phase is Failed and Ready=False, because {why}");
    let says = |db: &Database| phase(db) == Some(Phase::Failed) && db.says("Failed") && denies(db, "Ready");
    let failed = arena.database(mark, STARTED, &expected, says).await?;
    let condition = failed.object.conditions().iter().find(|condition| condition.type_ == "Failed");
    match condition.map(|condition| condition.reason.clone()) {
        Some(reason) if !reason.is_empty() => Ok(reason),
        _ => Err(Failure::new("a reason", "none")),
    }
}
