//! Report: one patch of the status, and only when it says something new.

use crate::{
    api::{Database, DatabaseStatus},
    apply::Outcome,
    conditions::{conditions, ready_replicas},
    context::{Context, MANAGER},
    error::Error,
    external::login::Login,
    phase::Phase,
    resources::endpoint,
};
use jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use std::sync::Arc;

/// What the status should say of a Database that is kept.
pub fn status(db: &Database, phase: Phase, outcome: &Outcome, now: Timestamp) -> DatabaseStatus {
    let before = db.status.as_ref();
    let version = match &outcome.login {
        Some(Login::Accepted { version }) => Some(version.clone()),
        // Not asked now: what it said before still holds.
        _ => before.and_then(|status| status.postgres_version.clone()),
    };
    DatabaseStatus {
        observed_generation: db.metadata.generation,
        phase: Some(phase),
        conditions: conditions(db, outcome, now),
        endpoint: Some(endpoint(db)),
        secret_name: Some(db.secret_name()),
        ready_replicas: Some(ready_replicas(outcome)),
        postgres_version: version,
        last_backup: before.and_then(|status| status.last_backup.clone()),
    }
}

/// Writes the status if it differs from the one that the Database has. Returns the Database as it is then.
///
/// Conditions of other types are somebody else's: server-side apply leaves them alone, and so does the comparison.
// ANCHOR: report
pub async fn report(
    db: Arc<Database>,
    status: &DatabaseStatus,
    ctx: &Context,
) -> Result<Arc<Database>, Error> {
    if says_nothing_new(status, db.status.as_ref()) {
        return Ok(db);
    }
    let patch = json!({
        "apiVersion": Database::api_version(&()),
        "kind": Database::kind(&()),
        // The version makes a report on an old object fail: it would date the conditions from a past that is over.
        "metadata": {"name": db.name_any(), "uid": db.uid(), "resourceVersion": db.resource_version()},
        "status": status,
    });
    let api: Api<Database> = ctx.namespaced(&db);
    match api.patch_status(&db.name_any(), &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await {
        Ok(updated) => Ok(Arc::new(updated)),
        Err(source) => Err(Error::from_write(format!("the status of Database {}", db.name_any()), source)),
    }
}
// ANCHOR_END: report

fn says_nothing_new(status: &DatabaseStatus, live: Option<&DatabaseStatus>) -> bool {
    let Some(live) = live else { return false };
    let mine = |theirs: &DatabaseStatus| DatabaseStatus { conditions: Vec::new(), ..theirs.clone() };
    mine(status) == mine(live)
        && status.conditions.iter().all(|condition| live.conditions.contains(condition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake, resources::tests::database};

    #[test]
    fn the_same_outcome_says_nothing_new() {
        let mut db = database();
        let first = status(&db, Phase::Deploying, &Outcome::default(), Timestamp::UNIX_EPOCH);
        assert!(!says_nothing_new(&first, db.status.as_ref()));
        db.status = Some(first);
        let later = status(&db, Phase::Deploying, &Outcome::default(), Timestamp::now());
        assert!(says_nothing_new(&later, db.status.as_ref()));
    }

    #[test]
    fn a_condition_of_somebody_else_is_not_news() {
        let mut db = database();
        let mut live = status(&db, Phase::Deploying, &Outcome::default(), Timestamp::UNIX_EPOCH);
        let mut theirs = live.conditions[0].clone();
        theirs.type_ = "Audited".into();
        live.conditions.push(theirs);
        db.status = Some(live);
        assert!(says_nothing_new(
            &status(&db, Phase::Deploying, &Outcome::default(), Timestamp::now()),
            db.status.as_ref()
        ));
    }

    #[tokio::test]
    async fn one_patch_says_it_for_one_version_of_one_object_and_none_when_it_is_said() {
        let (client, log) = fake::client(|_| Some(fake::refusal(409, "Conflict")));
        let ctx = fake::context(client);
        let mut db = database();
        let said = status(&db, Phase::Deploying, &Outcome::default(), Timestamp::UNIX_EPOCH);
        let refused = report(Arc::new(db.clone()), &said, &ctx).await;
        assert!(matches!(refused, Err(Error::Stale { .. })), "the next pass starts from the newer object");
        let asked = log.take();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].line.contains("/databases/orders/status?"), "{}", asked[0].line);
        assert!(asked[0].line.contains("fieldManager=postgres-operator"), "{}", asked[0].line);
        let metadata = &asked[0].body["metadata"];
        assert_eq!((&metadata["uid"], &metadata["resourceVersion"]), (&json!("uid-1"), &json!("1")));
        db.status = Some(said.clone());
        report(Arc::new(db), &said, &ctx).await.unwrap();
        assert!(log.take().is_empty());
    }

    #[test]
    fn a_number_that_changes_is_news() {
        let mut db = database();
        let said = status(&db, Phase::Deploying, &Outcome::default(), Timestamp::UNIX_EPOCH);
        db.status = Some(DatabaseStatus { ready_replicas: Some(3), ..said.clone() });
        assert!(!says_nothing_new(&said, db.status.as_ref()));
    }
}
