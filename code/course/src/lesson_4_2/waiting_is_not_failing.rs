//! A backup that takes long shows as progress. It is not an error, nothing is removed meanwhile, and no second one is started.

use super::{
    CLEANED_UP, NAME, NOTICED,
    life::{delete, gone, identity, snapshot, told, with_rows},
    lock::Lock,
};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::{condition, is},
};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim};
use postgres_operator::api::Database;
use std::collections::BTreeSet;

/// So often the operator looks at a backup that is not done.
const LOOKS: usize = 3;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    with_rows(arena, NAME, snapshot(arena)).await?;
    let lock = Lock::take(arena, NAME).await?;
    let mark = arena.databases.mark();
    delete(arena, NAME).await?;
    lock.stops_a_dump().await?;
    arena
        .database(mark, NOTICED, "Progressing=True while the backup is written", |db| {
            is(db, "Progressing", "True")
        })
        .await?;

    arena.look_again(NAME, LOOKS).await?;
    let dumps = lock.dumps_waiting().await?;
    if dumps != 1 {
        return Err(Failure::new(
            "one dump, however often the operator looks at it",
            format!("{dumps} dumps"),
        ));
    }
    identity::<StatefulSet>(arena, NAME).await?;
    identity::<PersistentVolumeClaim>(arena, &format!("data-{NAME}-0")).await?;
    lock.release().await?;
    gone(arena, NAME, CLEANED_UP).await?;
    never_failed(arena, mark)
}

/// From its deletion to its end the Database said that something was under way.
fn never_failed(arena: &Arena, mark: usize) -> Result<String, Failure> {
    let versions = arena.databases.all().into_iter().skip(mark);
    let reports = |db: &Database| db.metadata.deletion_timestamp.is_some() && is(db, "Ready", "False");
    let mut reasons = BTreeSet::new();
    for version in versions.filter(|version| reports(&version.object)) {
        let db = version.object.as_ref();
        if is(db, "Failed", "True") {
            return Err(Failure::new("Failed=False for as long as nothing stands in the way", told(db)));
        }
        reasons.extend(
            condition(db, "Progressing").filter(|it| it.status == "True").map(|it| it.reason.clone()),
        );
    }
    let reasons: Vec<String> = reasons.into_iter().collect();
    Ok(format!("{LOOKS} looks at one slow backup of {NAME}; it went through {}", reasons.join(", ")))
}
