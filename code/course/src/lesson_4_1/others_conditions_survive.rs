//! A condition of another field manager stays, however often the operator writes its own.

use super::{NAME, NOTICED, condition, cpu, stuck};
use crate::check::{Arena, Failure};
use kube::api::{Patch, PatchParams};
use postgres_operator::{api::Database, error::chain};
use serde_json::json;

const THEIRS: &str = "Audited";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    stuck(arena).await?;
    let theirs = json!({
        "apiVersion": "database.example.com/v1", "kind": "Database", "metadata": {"name": NAME},
        "status": {"conditions": [{
            "type": THEIRS, "status": "True", "reason": "AuditPassed", "message": "checked by somebody else",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]},
    });
    let applied = arena
        .api::<Database>()
        .patch_status(NAME, &PatchParams::apply("auditor"), &Patch::Apply(theirs))
        .await;
    let theirs =
        applied.map_err(|error| Failure::new("another manager can add a condition", chain(&error)))?;
    let before = condition(&theirs, THEIRS).cloned();

    let mark = arena.databases.mark();
    arena.change(NAME, cpu("110m")).await?;
    let reported =
        |db: &Database| db.status.as_ref().and_then(|status| status.observed_generation) == Some(2);
    let written = arena.database(mark, NOTICED, "a report on generation 2", reported).await?;
    let after = condition(&written.object, THEIRS).cloned();
    if after != before {
        let seen =
            after.map_or_else(|| "it is gone".to_owned(), |after| format!("it says {} now", after.status));
        return Err(Failure::new(format!("the condition {THEIRS} stays as its own writer left it"), seen));
    }
    Ok(format!("{} conditions, one of them not the operator's", written.object.conditions().len()))
}
