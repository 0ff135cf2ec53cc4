//! What the status says while a Database is being deleted.

use crate::{
    api::{BackupRecord, Database},
    cleanup::Step,
    conditions,
    context::Context,
    error::Error,
    events,
    phase::Phase,
    reason::Reason,
    report::report,
};
use jiff::Timestamp;
use kube::runtime::events::EventType;
use std::sync::Arc;

/// Reports where the cleanup stands, and returns the Database as it is then. The record of a final backup is part of the report:
/// it outlives this process, and what is deleted after it depends on it.
pub async fn tell(db: Arc<Database>, step: &Step, ctx: &Context) -> Result<Arc<Database>, Error> {
    // Nobody could read the last one: the object goes with the next write. And a backup that is tried again is no news until it
    // is known how that went.
    let another_try =
        matches!(step, Step::StartBackup | Step::Wait(Reason::FinalBackup)) && db.says("Failed");
    if *step == Step::Release || another_try {
        return Ok(db);
    }
    let mut status = db.status.clone().unwrap_or_default();
    status.observed_generation = db.metadata.generation;
    status.phase = Some(Phase::Deleting);
    status.conditions = conditions::deleting(&db, step, Timestamp::now());
    if let Step::Record(record) = step {
        // Before the record: once that is written, no later pass comes by here. A crash in between tells it twice.
        backed_up(&db, record, ctx).await;
        status.last_backup = Some(record.clone());
    }
    let before = db.clone();
    let db = report(db, &status, ctx).await?;
    events::tell(&before, &db, ctx).await;
    Ok(db)
}

async fn backed_up(db: &Database, record: &BackupRecord, ctx: &Context) {
    ctx.metrics.backed_up(record.completed_at.0);
    let note = format!("{} ({} bytes, SHA-256 {})", record.location, record.bytes, record.sha256);
    events::publish(db, EventType::Normal, "FinalBackup", "BackUp", note, ctx).await;
}
