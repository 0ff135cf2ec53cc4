//! Mistakes about where a Database stands.

use super::{Mistake, naive::guarded, uid};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::ResourceExt;
use postgres_operator::{
    api::Database,
    blocked::Blocked,
    decide::{Decision, Work},
    error::Error,
    observe::Observed,
    phase::Phase,
};
use solution_4_4_phases::phase::decide;
use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, Mutex, PoisonError},
};

/// Mistake: the status is told once, when the pass is at its end.
pub(super) struct ReportsAtTheEnd;

impl Mistake for ReportsAtTheEnd {
    fn tells(_round: usize, work: &Work, _db: &Database) -> bool {
        *work == Work::Nothing
    }
}

/// Mistake: the status says where to go on from, and the table where to.
pub(super) struct PhaseFromStatus;

impl Mistake for PhaseFromStatus {
    fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
        guarded(db, observed)
    }
}

/// Mistake: what is compared is what somebody thought of, and that was the image and the number of servers.
pub(super) struct ParametersNeverArrive;

impl Mistake for ParametersNeverArrive {
    fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
        let mut seen = observed.clone();
        if seen.stateful_set.as_deref().is_some_and(|set| looks_alike(set, db)) {
            seen.hold.insert(format!("StatefulSet {}", db.name_any()));
        }
        decide(db, &seen)
    }
}

fn looks_alike(set: &StatefulSet, db: &Database) -> bool {
    let spec = set.spec.as_ref();
    let pod = spec.and_then(|spec| spec.template.spec.as_ref());
    let image = pod.and_then(|pod| pod.containers.first()?.image.as_ref());
    image == Some(&db.spec.image) && spec.and_then(|spec| spec.replicas) == Some(db.spec.replicas)
}

/// Mistake: a generation that the status names is taken for done, unless this very process began with it.
pub(super) struct ObservedIsDone;

static BEGUN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

impl Mistake for ObservedIsDone {
    fn looks_at(db: &Database) -> bool {
        let generation = db.metadata.generation;
        let observed = db.status.as_ref().and_then(|status| status.observed_generation);
        let this_one = format!("{} at {generation:?}", uid(db));
        let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
        if observed != generation {
            begun.insert(this_one.clone());
        }
        begun.contains(&this_one)
    }
}

/// Mistake: what has failed is not looked at again.
pub(super) struct FailedIsFinal;

static FAILED: LazyLock<Mutex<HashMap<String, Option<Blocked>>>> = LazyLock::new(Mutex::default);

impl Mistake for FailedIsFinal {
    fn decide(db: &Database, observed: &Observed) -> Result<Decision, Error> {
        let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blocked) = failed.get(&uid(db)).cloned() {
            return Ok(Decision { phase: Phase::Failed, work: Work::Nothing, blocked });
        }
        let decision = decide(db, observed)?;
        if decision.phase == Phase::Failed {
            failed.insert(uid(db), decision.blocked.clone());
        }
        Ok(decision)
    }
}
