//! One life of a Database: its way up, and what counts at its end.

use super::{
    NAME, STARTED, create_ready,
    end_state::{EndState, versions},
    is_ready, phases,
    steady_state_is_silent::next_transaction,
    table::told,
    until,
};
use crate::check::{Arena, Failure, Moment};
use fault_proxy::Request;
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use kube::api::DeleteParams;
use postgres_operator::{error::chain, phase::Phase};
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// The child that is lost.
const LOST: &str = "orders-ro";
/// Nothing changes for so long: the end.
const STILL: Duration = Duration::from_millis(600);
/// Looks that are forced upon an operator which is done, before a restart and after it.
const FORCED: usize = 3;

/// An undisturbed life: where it ends, and what was written on the way.
pub(super) struct Life {
    pub(super) end: EndState,
    pub(super) writes: Vec<String>,
    /// Passes until then.
    passes: usize,
    /// What changes at its end, though nothing should.
    restless: BTreeSet<String>,
}

impl Life {
    /// A life without a fault.
    pub(super) async fn undisturbed(stage: &Arena) -> Result<Self, Failure> {
        way_up(stage).await?;
        still(stage).await?;
        let passes = stage.passes();
        let (end, writes) = (EndState::of(stage).await?, written(stage));
        Ok(Self { end, writes, passes, restless: restless(stage).await? })
    }

    /// Fails unless another life, which is at its end, ended like this one, and stays so, and told no lies on the way. `fired` is
    /// when its fault did.
    pub(super) async fn equals(
        &self,
        stage: &Arena,
        fired: Moment,
        chance: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        stage.is_orderly(fired, self.passes)?;
        let differences = self.end.differences(&EndState::of(stage).await?, chance);
        if !differences.is_empty() {
            let count = differences.len();
            let first = differences.into_iter().take(3).collect::<Vec<_>>().join("; ");
            return Err(Failure::new(
                "the end of an undisturbed life",
                format!("{count} differences: {first}"),
            ));
        }
        the_application_works(stage).await?;
        // What is restless without any fault has another check to fail.
        if let Some(what) = restless(stage).await?.difference(&self.restless).next() {
            let seen = format!("{what} changes");
            return Err(Failure::new("forced looks and a restart change nothing at the end", seen));
        }
        self.is_honest(stage)
    }

    /// On the way nothing was claimed that was not so, and nothing was touched that is not written in an undisturbed life.
    fn is_honest(&self, stage: &Arena) -> Result<(), Failure> {
        let phases = phases(stage, NAME, 0);
        if phases.contains(&Phase::Failed) {
            return Err(Failure::new(
                "Failed is not reported: nothing of the Database's own is wrong",
                told(&phases),
            ));
        }
        if let Some(stranger) = written(stage).into_iter().find(|write| !self.writes.contains(write)) {
            return Err(Failure::new("no write that an undisturbed life does not have", stranger));
        }
        Ok(())
    }
}

/// From nothing to Ready, and there once more after a child was lost.
pub(super) async fn way_up(stage: &Arena) -> Result<(), Failure> {
    // Autovacuum would write of its own accord; and nobody waits for a disk that loses nothing.
    let spec = json!({"parameters": {"autovacuum": "off", "fsync": "off"}});
    create_ready(stage, spec).await?;
    let services = stage.api::<Service>();
    let lost = services.delete(LOST, &DeleteParams::default()).await;
    lost.map_err(|error| Failure::new(format!("Service {LOST} can be deleted"), chain(&error)))?;
    let back = async || services.get_opt(LOST).await.is_ok_and(|service| service.is_some());
    until(stage.patience(STARTED), "a lost Service comes back", back).await
}

/// The committed writes, Events aside: nothing depends on one.
fn written(stage: &Arena) -> Vec<String> {
    let counts = |request: &&Request| request.committed() && request.resource != "events";
    stage.requests().iter().filter(counts).map(what).collect()
}

/// A write in words.
fn what(request: &Request) -> String {
    format!("{} {} {}", request.verb, request.resource, request.name.as_deref().unwrap_or_default())
}

/// Waits until nothing changes any more: the operator writes nothing, and no version of a Database or a StatefulSet comes.
pub(super) async fn still(stage: &Arena) -> Result<(), Failure> {
    let from = stage.proxy.mark();
    let now = || {
        let writes = stage.proxy.requests_since(from).iter().filter(|request| request.verb.writes()).count();
        (writes, stage.databases.mark(), stage.sets.mark())
    };
    let (mut before, mut since) = (now(), Instant::now());
    let over = until(stage.patience(STARTED), "the end: Ready, and nothing changes any more", async || {
        if now() != before {
            (before, since) = (now(), Instant::now());
        }
        since.elapsed() >= STILL && stage.databases.last().is_some_and(|version| is_ready(&version.object))
    });
    over.await.map_err(|failure| Failure { seen: told(&phases(stage, NAME, 0)), ..failure })
}

/// Ready is no lie: the password that the application reads is the one that PostgreSQL knows.
async fn the_application_works(stage: &Arena) -> Result<(), Failure> {
    let secret = stage.api::<Secret>().get("orders-credentials").await;
    let secret = secret.map_err(|error| Failure::new("the credentials are there", chain(&error)))?;
    let password = postgres_operator::observe::value(&secret, "password").unwrap_or_default();
    let pod = stage.api::<Pod>().get("orders-0").await;
    let pod = pod.map_err(|error| Failure::new("the server's pod is there", chain(&error)))?;
    let host = pod.status.and_then(|status| status.pod_ip).unwrap_or_default();
    let application = format!("host={host} user=app dbname=app password={password}");
    stage.sql_as(&application, NAME, "SELECT 1").await.map(drop)
}

/// What changes under forced looks and a restart, though nothing should.
async fn restless(stage: &Arena) -> Result<BTreeSet<String>, Failure> {
    let before = (versions(stage).await?, next_transaction(stage).await?);
    stage.look_again(NAME, FORCED).await?;
    let passes = stage.passes();
    stage.operator.stop().await?;
    stage.operator.start().map_err(|error| Failure::new("the operator starts again", error))?;
    until(stage.patience(STARTED), "a pass after a restart", async || stage.passes() > passes).await?;
    stage.look_again(NAME, FORCED).await?;
    let after = (versions(stage).await?, next_transaction(stage).await?);
    let all = before.0.keys().chain(after.0.keys());
    let changed = all.filter(|what| before.0.get(*what) != after.0.get(*what)).cloned();
    Ok(changed.chain((before.1 != after.1).then(|| "PostgreSQL's data".into())).collect())
}
