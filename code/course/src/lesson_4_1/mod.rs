//! Lab 4.1: what a status promises.

mod failure_is_reported;
mod generation_is_observed;
mod no_hot_loop;
mod others_conditions_survive;
mod progress_is_told;
mod ready_follows_reality;
mod transition_time_is_honest;

use crate::{
    check::{Arena, Begin, Broken, Check, Failure, Lesson},
    hint::Task,
};
use fault_proxy::{Action, Aim, Fault, Injected, Verb};
use futures::FutureExt;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
pub(crate) use no_hot_loop::{quiet, quiet_for};
use postgres_operator::api::Database;
use serde_json::{Value, json};
use std::time::Duration;

/// The lesson's checks and what proves them.
pub(crate) const LESSON: Lesson = Lesson {
    checks: CHECKS,
    broken: &[
        Broken { name: "ready-counts-pods", fails: "ready-follows-reality" },
        Broken { name: "progress-is-silent", fails: "progress-is-told" },
        Broken { name: "ready-of-the-old-generation", fails: "generation-is-observed" },
        Broken { name: "ready-before-the-rollout", fails: "generation-is-observed" },
        Broken { name: "time-of-the-last-write", fails: "transition-time-is-honest" },
        Broken { name: "writes-over-the-unseen", fails: "transition-time-is-honest" },
        Broken { name: "error-before-report", fails: "failure-is-reported" },
        Broken { name: "replaces-the-list", fails: "others-conditions-survive" },
        Broken { name: "writes-every-time", fails: "no-hot-loop" },
    ],
    given: &[],
    faults: &[],
    tasks: &[
        Task {
            file: "report.rs",
            function: "report",
            checks: &["others-conditions-survive", "transition-time-is-honest", "no-hot-loop"],
        },
        Task {
            file: "conditions.rs",
            function: "stamp",
            checks: &[
                "generation-is-observed",
                "transition-time-is-honest",
                "others-conditions-survive",
                "no-hot-loop",
            ],
        },
        Task {
            file: "conditions.rs",
            function: "ready",
            checks: &["ready-follows-reality", "generation-is-observed"],
        },
        Task { file: "conditions.rs", function: "progressing", checks: &["progress-is-told"] },
        Task { file: "conditions.rs", function: "failed", checks: &["failure-is-reported"] },
    ],
};

const CHECKS: &[Check] = &[
    Check {
        name: "ready-follows-reality",
        hint: "Ready may be True only while status.readyReplicas of the StatefulSet equals spec.replicas; compare with ready() in the lesson",
        begin: Begin::OnlyEvents,
        run: |arena| ready_follows_reality::check(arena).boxed_local(),
    },
    Check {
        name: "progress-is-told",
        hint: "Progressing is True with a reason of its own for each step, and False once nothing is under way",
        begin: Begin::Running,
        run: |arena| progress_is_told::check(arena).boxed_local(),
    },
    Check {
        name: "generation-is-observed",
        hint: "the StatefulSet's numbers speak of its status.observedGeneration; until that has caught up with metadata.generation, nobody knows whether the current spec is ready",
        begin: Begin::Running,
        run: |arena| generation_is_observed::check(arena).boxed_local(),
    },
    Check {
        name: "transition-time-is-honest",
        hint: "take lastTransitionTime over from the condition of the same type while its status stays the same, and name the version in the patch: what was decided on an old one has to be refused",
        begin: Begin::Running,
        run: |arena| transition_time_is_honest::check(arena).boxed_local(),
    },
    Check {
        name: "failure-is-reported",
        hint: "a refused child is part of the outcome: report first, then decide when to try again",
        begin: Begin::Running,
        run: |arena| failure_is_reported::check(arena).boxed_local(),
    },
    Check {
        name: "others-conditions-survive",
        hint: "apply your own conditions under your own field manager; a merge patch replaces the whole list",
        begin: Begin::Running,
        run: |arena| others_conditions_survive::check(arena).boxed_local(),
    },
    Check {
        name: "no-hot-loop",
        hint: "compare with what the status says before writing; every write wakes the operator again",
        begin: Begin::Running,
        run: |arena| no_hot_loop::check(arena).boxed_local(),
    },
];

/// Long enough for an image to be there, a volume to be made and PostgreSQL to start on a busy laptop.
const STARTED: Duration = Duration::from_secs(90);
/// Long enough for an operator to notice something and say so.
pub(crate) const NOTICED: Duration = Duration::from_secs(20);
/// The name of the Database in each check.
const NAME: &str = "orders";
/// An image that no node has and none can pull: its pods never get ready.
pub(crate) const NO_IMAGE: &str = "localhost/course/no-such-image:1";

pub(crate) fn condition<'a>(db: &'a Database, type_: &str) -> Option<&'a Condition> {
    db.conditions().iter().find(|condition| condition.type_ == type_)
}

pub(crate) fn is(db: &Database, type_: &str, status: &str) -> bool {
    condition(db, type_).is_some_and(|condition| condition.status == status)
}

/// The three conditions are there.
fn reports(db: &Database) -> bool {
    ["Ready", "Progressing", "Failed"].iter().all(|type_| condition(db, type_).is_some())
}

/// The status of a StatefulSet, if it speaks of the set as it is now.
fn current(set: &StatefulSet) -> Option<&StatefulSetStatus> {
    set.status.as_ref().filter(|status| status.observed_generation >= set.metadata.generation)
}

pub(crate) fn all_ready(set: &StatefulSet) -> bool {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
    current(set).is_some_and(|status| status.ready_replicas == wanted && status.updated_replicas == wanted)
}

/// A Database whose pods never get ready, and its first report.
async fn stuck(arena: &Arena) -> Result<(), Failure> {
    arena.create(NAME, json!({"image": NO_IMAGE})).await?;
    arena.database(0, NOTICED, "Ready, Progressing and Failed are reported", reports).await.map(drop)
}

/// A Database with running pods, whatever the operator says of them.
async fn running(arena: &Arena) -> Result<(), Failure> {
    let _turn = arena.turn().await;
    started(arena).await
}

async fn started(arena: &Arena) -> Result<(), Failure> {
    arena.create(NAME, json!({})).await?;
    arena.set(0, STARTED, "PostgreSQL answers", all_ready).await.map(drop)
}

/// After so many events of objects at this generation or a later one, the operator hears nothing from its watch of a resource until the
/// answer is lifted: watches may be late.
fn hold_events(arena: &Arena, resource: &str, generation: i64, after: usize) -> Injected {
    let aim = Aim {
        verb: Some(Verb::Watch),
        resource: Some(resource.into()),
        generation: Some(generation),
        skip: after,
        times: usize::MAX,
        ..Aim::default()
    };
    arena.proxy.inject(Fault { aim, action: Action::HoldEvents })
}

/// CPU requests, a change that replaces the pods.
fn cpu(amount: &str) -> Value {
    json!({"resources": {"requests": {"cpu": amount}}})
}
