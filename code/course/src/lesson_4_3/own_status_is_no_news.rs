//! A status write leads to no pass: neither the operator's own nor somebody else's.

use super::stage::{NAME, NOTICED, SOON, settled, without_pods};
use crate::check::{Arena, Failure};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use postgres_operator::{api::Database, error::chain};
use serde_json::json;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    arena.create(NAME, json!({})).await?;
    settled(arena, &arena.namespace, &[NAME]).await?;

    // A change that no child shows: what follows it is one pass, and the status that this pass writes.
    let (passes, versions, changed) = (arena.passes(), arena.databases.mark(), Timestamp::now());
    arena.change(NAME, json!({"deletionPolicy": "Delete"})).await?;
    arena.pass_over(passes, (&arena.namespace, NAME), SOON, "a change of its spec").await?;
    let observed = |db: &Database| {
        db.status.as_ref().and_then(|status| status.observed_generation) == db.metadata.generation
    };
    arena.database(versions, NOTICED, "a status that speaks of the new generation", observed).await?;
    arena.rests(arena.quiet, NOTICED).await?;
    // One that had begun before is about what was before.
    let own = arena.passes_since(passes).iter().filter(|pass| pass.began >= changed).count();
    if own != 1 {
        return Err(Failure::new("one pass for one change of the spec", format!("{own}")));
    }

    let passes = arena.passes();
    let theirs = json!({
        "apiVersion": "database.example.com/v1", "kind": "Database", "metadata": {"name": NAME},
        "status": {"conditions": [{
            "type": "Audited", "status": "True", "reason": "AuditPassed", "message": "checked by somebody else",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]},
    });
    let applied = arena
        .api::<Database>()
        .patch_status(NAME, &PatchParams::apply("auditor"), &Patch::Apply(theirs))
        .await;
    applied.map_err(|error| Failure::new("somebody else can write a condition", chain(&error)))?;
    // Time itself is the subject here: nothing has to happen.
    tokio::time::sleep(arena.quiet).await;
    match arena.passes() - passes {
        0 => Ok("one pass for a change of the spec, none for two status writes".into()),
        count => Err(Failure::new("no pass for somebody else's status write", format!("{count}"))),
    }
}
