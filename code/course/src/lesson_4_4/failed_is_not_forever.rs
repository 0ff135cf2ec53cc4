//! What is wrong is Failed with a reason, and what is put right becomes Ready.

use super::{NAME, STARTED, denies, phase, ready_again};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::NO_IMAGE,
};
use postgres_operator::{api::Database, phase::Phase};
use serde_json::json;

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
    Ok(format!("{image}, {parameter} and {login}, and Ready after each"))
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
