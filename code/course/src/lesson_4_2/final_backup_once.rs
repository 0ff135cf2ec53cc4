//! Snapshot leaves exactly one final backup, which restores the rows, and nothing is removed before it is written down.

use super::{
    CLEANED_UP, NAME, NOTICED,
    backups::{ALL_ROWS, measured, only_dump, restore},
    life::{delete, gone, leaves, running, snapshot, with_rows},
};
use crate::check::{Arena, Failure, Version};
use futures::try_join;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::ResourceExt;
use postgres_operator::api::{BackupRecord, Database};
use serde_json::json;

/// A server to restore into.
const AGAIN: &str = "again";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    try_join!(with_rows(arena, NAME, snapshot(arena)), running(arena, AGAIN, json!({})))?;
    let mark = arena.databases.mark();
    delete(arena, NAME).await?;
    gone(arena, NAME, CLEANED_UP).await?;
    leaves(arena, NAME, &[]).await?;

    let dump = only_dump(arena, NAME)?;
    let (bytes, sum) = measured(&dump)?;
    let (written_down, record) = recorded(arena, mark).await?;
    if (record.bytes, &record.sha256) != (bytes, &sum)
        || !dump.ends_with(record.location.trim_start_matches("file:///"))
    {
        let seen = format!("{} with {bytes} bytes and {sum}", dump.display());
        return Err(Failure::new(format!("the backup that status.lastBackup names: {record:?}"), seen));
    }
    if let Some(set) = gone_before(arena, &written_down) {
        let expected = "the servers run until the final backup is in the status";
        return Err(Failure::new(expected, format!("StatefulSet {} went before that", set.name_any())));
    }
    let rows = restore(arena, AGAIN, &dump).await?;
    if rows != ALL_ROWS {
        return Err(Failure::new(format!("the backup restores {ALL_ROWS}"), rows));
    }
    Ok(format!("one backup of {bytes} bytes, which restores {rows}"))
}

/// The first version of the Database whose status names a backup of this life.
async fn recorded(arena: &Arena, mark: usize) -> Result<(Version<Database>, BackupRecord), Failure> {
    let record = |db: &Database| db.status.as_ref().and_then(|status| status.last_backup.clone());
    let named = |db: &Database| db.name_any() == NAME && record(db).is_some();
    let version = arena.database(mark, NOTICED, "status.lastBackup names the final backup", named).await?;
    let record = record(&version.object);
    record.map(|record| (version, record)).ok_or_else(|| Failure::new("a record", "none"))
}

/// The StatefulSet, if it went before a version of the Database. Its own last version is that of its deletion.
fn gone_before(arena: &Arena, version: &Version<Database>) -> Option<StatefulSet> {
    let sets = arena.sets.all().into_iter().filter(|set| set.object.name_any() == NAME);
    let last = sets.max_by_key(|set| set.revision)?;
    (last.revision < version.revision).then(|| last.object.as_ref().clone())
}
