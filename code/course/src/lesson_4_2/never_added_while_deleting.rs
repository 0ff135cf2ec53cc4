//! Another finalizer holds a Database that is being deleted: the operator does its own part, if it has one, and waits.

use super::{
    CLEANED_UP, NAME, NOTICED, OTHERS,
    life::{delete, gone, made, set_metadata, told},
};
use crate::{
    check::{Arena, Failure, until},
    lesson_4_1::NO_IMAGE,
};
use fault_proxy::Request;
use kube::ResourceExt;
use postgres_operator::{api::Database, error::chain, finalizer::FINALIZER};
use serde_json::json;

/// So often the operator looks at what is not its own any more.
const LOOKS: usize = 3;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    deleted_before_it_was_seen(arena).await?;
    held_after_the_cleanup(arena).await?;
    Ok(format!("{LOOKS} looks each at two Databases that another finalizer held, and no write"))
}

/// The operator comes late: the Database is being deleted when it sees it first, and has none of its finalizers.
async fn deleted_before_it_was_seen(arena: &Arena) -> Result<(), Failure> {
    let name = "late";
    arena.operator.stop().await?;
    arena.create(name, json!({"image": NO_IMAGE})).await?;
    set_metadata(arena, name, json!({"finalizers": [OTHERS]})).await?;
    delete(arena, name).await?;
    let mark = arena.proxy.mark();
    arena.operator.start().map_err(|error| Failure::new("the operator starts again", error))?;
    leaves_alone(arena, name, mark).await?;
    set_metadata(arena, name, json!({"finalizers": null})).await?;
    gone(arena, name, NOTICED).await
}

/// The operator has done its part, and somebody else has not.
async fn held_after_the_cleanup(arena: &Arena) -> Result<(), Failure> {
    made(arena, NAME, json!({})).await?;
    let on = |db: &Database| db.name_any() == NAME && has(db, FINALIZER);
    arena.database(0, NOTICED, "the operator's finalizer is on the Database", on).await?;
    set_metadata(arena, NAME, json!({"finalizers": [FINALIZER, OTHERS]})).await?;
    let (mark, asked) = (arena.databases.mark(), arena.proxy.mark());
    delete(arena, NAME).await?;
    let expected = "the operator's own finalizer goes when its cleanup is done";
    arena.database(mark, CLEANED_UP, expected, |db| db.name_any() == NAME && !has(db, FINALIZER)).await?;
    // The watch may tell of the removal before the proxy has noted its answer.
    until(arena.patience(NOTICED), "the removal is answered", async || {
        let answered =
            arena.proxy.requests_since(asked).iter().any(|it| it.resource == "databases" && it.committed());
        if answered { Ok(()) } else { Err("no write of the Database".to_owned()) }
    })
    .await?;
    leaves_alone(arena, NAME, arena.proxy.mark()).await?;
    let held =
        arena.databases.all().into_iter().skip(mark).filter(|version| version.object.name_any() == NAME);
    // Older ones may be told of late.
    let deleted = |db: &Database| db.metadata.deletion_timestamp.is_some();
    if let Some(version) = held.into_iter().find(|it| deleted(&it.object) && !has(&it.object, OTHERS)) {
        return Err(Failure::new("somebody else's finalizer stays", told(&version.object)));
    }
    set_metadata(arena, NAME, json!({"finalizers": null})).await?;
    gone(arena, NAME, NOTICED).await
}

/// The operator looks at the Database a few times, and tries to write nothing at all.
async fn leaves_alone(arena: &Arena, name: &str, mark: usize) -> Result<(), Failure> {
    arena.look_again(name, LOOKS).await?;
    let tries: Vec<Request> =
        arena.proxy.requests_since(mark).into_iter().filter(|it| it.verb.writes()).collect();
    if let Some(first) = tries.first() {
        let seen = format!("{} tries, the first: {first}", tries.len());
        return Err(Failure::new("no write for a Database that only another finalizer holds", seen));
    }
    let live = arena.api::<Database>().get_opt(name).await;
    match live.map_err(|error| Failure::new(format!("Database {name} can be read"), chain(&error)))? {
        Some(live) if has(&live, OTHERS) => Ok(()),
        live => {
            let seen = live.map_or_else(|| "it is gone".to_owned(), |live| told(&live));
            Err(Failure::new(
                format!("Database {name} stays for as long as another finalizer is on it"),
                seen,
            ))
        }
    }
}

fn has(db: &Database, finalizer: &str) -> bool {
    db.finalizers().iter().any(|it| it == finalizer)
}
