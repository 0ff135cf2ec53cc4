//! With the store down the object stays and says why. It goes once the store is back; only an explicit annotation gives up.

use super::{
    CLEANED_UP, NAME, NOTICED,
    backups::{measured, only_dump, store},
    life::{delete, gone, identity, is_there, left, made, set_metadata, snapshot, told, with_rows},
};
use crate::{
    check::{Arena, Failure, Version},
    lesson_4_1::{condition, is},
    lesson_4_4::{delays, grow_by},
};
use futures::join;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim};
use kube::ResourceExt;
use postgres_operator::{api::Database, cleanup::GIVE_UP};
use serde_json::json;
use std::time::Duration;

/// A Database whose user gives the final backup up.
const GIVEN_UP: &str = "given-up";
/// More looks at it, which change nothing.
const LOOKS: usize = 2;
/// Pauses between tries of the backup get so many times longer: with delays that double, the third is three times as long as the
/// first at least, whatever chance takes off it.
const GROWTH: f64 = 2.0;
/// More passes in this time hammer on a store that is down.
const MOST: usize = 20;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    // Each has a store of its own: what one finds out about it, the other would make use of.
    let given_up = arena.case(GIVEN_UP, "whose user gives the final backup up", given_up);
    let (comes_back, given_up) = join!(comes_back(arena), given_up);
    // Of two failures the one without an annotation says more.
    let summary = comes_back?;
    given_up.map(|()| summary)
}

/// The store comes back, and the backup is taken then.
async fn comes_back(arena: &Arena) -> Result<String, Failure> {
    with_rows(arena, NAME, snapshot(arena)).await?;
    let deleted = arena.passes();
    let report = blocked(arena, NAME).await?;
    let pauses = backed_off(arena, deleted).await?;
    arena.look_again(NAME, LOOKS).await?;
    stays(arena, &report).await?;
    in_the_way(std::fs::remove_file(store(arena)))?;
    gone(arena, NAME, CLEANED_UP).await?;
    let (bytes, _) = measured(&only_dump(arena, NAME)?)?;
    let reason = condition(&report.object, "Failed").map(|it| it.reason.clone()).unwrap_or_default();
    Ok(format!("{reason} over {pauses} pauses that grow, then a backup of {bytes} bytes"))
}

/// The user does not wait for the store. Only one value of the annotation gives up.
async fn given_up(stage: &Arena) -> Result<(), Failure> {
    made(stage, GIVEN_UP, snapshot(stage)).await?;
    let report = blocked(stage, GIVEN_UP).await?;
    set_metadata(stage, GIVEN_UP, json!({"annotations": {GIVE_UP: "false"}})).await?;
    stage.look_again(GIVEN_UP, LOOKS).await?;
    stays(stage, &report).await?;
    set_metadata(stage, GIVEN_UP, json!({"annotations": {GIVE_UP: "true"}})).await?;
    gone(stage, GIVEN_UP, CLEANED_UP).await
}

/// A Database is deleted while its store is down, and says so.
async fn blocked(arena: &Arena, name: &str) -> Result<Version<Database>, Failure> {
    // A file where the folder should be: nothing can be written below it.
    in_the_way(std::fs::write(store(arena), "in the way"))?;
    let mark = arena.databases.mark();
    delete(arena, name).await?;
    let says_why = |db: &Database| db.name_any() == name && is(db, "Failed", "True");
    let expected = format!("Failed=True on {name} while the store is down");
    arena.database(mark, NOTICED, &expected, says_why).await
}

/// However often it is tried again, the Database stays as it is, with the report that it has.
async fn stays(arena: &Arena, report: &Version<Database>) -> Result<(), Failure> {
    let name = report.object.name_any();
    is_there(arena, &name).await?;
    let children =
        left(arena, &name).await.map_err(|error| Failure::new("the children can be listed", error))?;
    identity::<StatefulSet>(arena, &name).await?;
    identity::<PersistentVolumeClaim>(arena, &format!("data-{name}-0")).await?;
    if !children.contains(&format!("Secret {name}-credentials")) {
        let expected = format!("the credentials of {name} stay with the data");
        return Err(Failure::new(expected, format!("{children:?}")));
    }
    steady(arena, report)
}

/// The tries get farther apart. They began with the first pass after a mark. Returns the number of pauses that this took.
async fn backed_off(arena: &Arena, mark: usize) -> Result<usize, Failure> {
    let expected = "pauses between tries of the backup that grow";
    let enough = |pauses: &[Duration]| grow_by(GROWTH, pauses).is_ok();
    let (passes, pauses) = delays(CLEANED_UP, expected, MOST, || arena.times_of(NAME, mark), enough).await?;
    if passes > MOST {
        let expected = format!("at most {MOST} passes until the pauses have grown while the store is down");
        return Err(Failure::new(expected, passes.to_string()));
    }
    grow_by(GROWTH, &pauses).map(|()| pauses.len())
}

/// Hope on every try would make the report flap, and wake everyone who watches it.
fn steady(arena: &Arena, report: &Version<Database>) -> Result<(), Failure> {
    let what = |db: &Database| {
        condition(db, "Failed").map(|it| (it.status.clone(), it.reason.clone(), it.message.clone()))
    };
    let said = what(&report.object);
    let later = arena.databases.all().into_iter().filter(|version| {
        version.revision > report.revision && version.object.name_any() == report.object.name_any()
    });
    for version in later {
        if what(&version.object) != said {
            let expected =
                format!("the same report for as long as the store is down: {}", told(&report.object));
            return Err(Failure::new(expected, told(&version.object)));
        }
    }
    Ok(())
}

fn in_the_way(done: std::io::Result<()>) -> Result<(), Failure> {
    done.map_err(|error| Failure::new("the folder of the store can be replaced by a file", error.to_string()))
}
