//! Lab 4.4: the way through the phases, whatever happens on it.

mod cases;
mod crash_at_every_write;
mod dependency_down_waits;
mod end_state;
mod failed_is_not_forever;
mod life;
mod lost_response;
mod only_allowed_transitions;
mod outage;
mod phase_is_derived;
mod pokes;
mod steady_state_is_silent;
mod store;
mod store_down;
mod table;
mod update_rolls_through;
mod verify_verifies;

use crate::{
    check::{self, Arena, Begin, Broken, Check, Failure, Lesson, Version},
    hint::Task,
};
use futures::FutureExt;
use kube::ResourceExt;
pub(crate) use outage::{delays, grow_by};
use postgres_operator::{api::Database, phase::Phase};
use serde_json::Value;
use std::time::Duration;

/// The lesson's checks and what proves them.
pub(crate) const LESSON: Lesson = Lesson {
    checks: CHECKS,
    broken: &[
        Broken { name: "reports-at-the-end", fails: "only-allowed-transitions" },
        Broken { name: "phase-from-status", fails: "phase-is-derived" },
        Broken { name: "parameters-never-arrive", fails: "update-rolls-through" },
        Broken { name: "no-backoff", fails: "dependency-down-waits" },
        Broken { name: "no-jitter", fails: "dependency-down-waits" },
        Broken { name: "no-breaker", fails: "dependency-down-waits" },
        Broken { name: "asks-as-superuser", fails: "verify-verifies" },
        Broken { name: "observed-is-done", fails: "crash-at-every-write" },
        Broken { name: "create-without-looking", fails: "lost-response" },
        Broken { name: "password-every-pass", fails: "steady-state-is-silent" },
        Broken { name: "failed-is-final", fails: "failed-is-not-forever" },
        Broken { name: "hammers-the-store", fails: "dependency-down-waits" },
        Broken { name: "takes-the-name", fails: "failed-is-not-forever" },
    ],
    given: &[],
    faults: &["dependency-down-waits", "crash-at-every-write", "lost-response"],
    tasks: &[
        Task { file: "phase.rs", function: "derive", checks: &["phase-is-derived", "failed-is-not-forever"] },
        Task {
            file: "phase.rs",
            function: "decide",
            checks: &["only-allowed-transitions", "update-rolls-through"],
        },
        Task {
            file: "reconcile.rs",
            function: "reconcile",
            checks: &["only-allowed-transitions", "steady-state-is-silent"],
        },
        Task { file: "reconcile.rs", function: "next", checks: &["dependency-down-waits"] },
        Task {
            file: "apply.rs",
            function: "apply_child",
            checks: &["update-rolls-through", "crash-at-every-write", "lost-response"],
        },
        Task { file: "verify.rs", function: "ask", checks: &["verify-verifies", "dependency-down-waits"] },
        Task { file: "backoff.rs", function: "failed", checks: &["dependency-down-waits"] },
        Task { file: "breaker.rs", function: "admit", checks: &["dependency-down-waits"] },
        Task { file: "breaker.rs", function: "failed", checks: &["dependency-down-waits"] },
    ],
};

const CHECKS: &[Check] = &[
    Check {
        name: "only-allowed-transitions",
        hint: "report the phase before its work is done, not after it; and ask for the login in a phase of its own",
        begin: Begin::Running,
        run: |arena| only_allowed_transitions::check(arena).boxed_local(),
    },
    Check {
        name: "phase-is-derived",
        hint: "compute the phase from what is observed; db.status.phase must not be among what derive looks at",
        begin: Begin::Running,
        run: |arena| phase_is_derived::check(arena).boxed_local(),
    },
    Check {
        name: "update-rolls-through",
        hint: "a child that exists and is not what is desired is a missing step, and then the phase is Updating",
        begin: Begin::Running,
        run: |arena| update_rolls_through::check(arena).boxed_local(),
    },
    Check {
        name: "dependency-down-waits",
        hint: "no answer is not a failure: requeue after a delay that grows, and ask only if the breaker admits it",
        begin: Begin::Running,
        run: |arena| dependency_down_waits::check(arena).boxed_local(),
    },
    Check {
        name: "verify-verifies",
        hint: "log in as the user, to the database and with the password that the application has, on every pass",
        begin: Begin::Running,
        run: |arena| verify_verifies::check(arena).boxed_local(),
    },
    Check {
        name: "crash-at-every-write",
        hint: "after a restart nothing is known but what can be observed; see which write the case names, and what is observed after it",
        begin: Begin::Running,
        run: |arena| crash_at_every_write::check(arena).boxed_local(),
    },
    Check {
        name: "lost-response",
        hint: "a write without an answer may have happened: look what is there before writing again, and take what is yours for yours",
        begin: Begin::Running,
        run: |arena| lost_response::check(arena).boxed_local(),
    },
    Check {
        name: "steady-state-is-silent",
        hint: "compare before you write, in PostgreSQL too: an ALTER that changes nothing is still a write",
        begin: Begin::Running,
        run: |arena| steady_state_is_silent::check(arena).boxed_local(),
    },
    Check {
        name: "failed-is-not-forever",
        hint: "Failed is derived like any other phase: what blocked a pass is looked for anew on the next, and so is a name that somebody else has",
        begin: Begin::Running,
        run: |arena| failed_is_not_forever::check(arena).boxed_local(),
    },
];

/// Long enough for a volume to be made and PostgreSQL to start on a busy laptop.
const STARTED: Duration = Duration::from_secs(150);
/// Long enough for an operator to notice something and say so.
const NOTICED: Duration = Duration::from_secs(20);
/// The name of the Database in each check.
const NAME: &str = "orders";

fn phase(db: &Database) -> Option<Phase> {
    db.status.as_ref()?.phase
}

/// Phase and condition say Ready, of the spec as it is now.
fn is_ready(db: &Database) -> bool {
    phase(db) == Some(Phase::Ready) && db.says("Ready")
}

/// A condition is False, and speaks of the spec as it is now.
fn denies(db: &Database, type_: &str) -> bool {
    db.conditions().iter().any(|condition| {
        condition.type_ == type_
            && condition.status == "False"
            && condition.observed_generation == db.metadata.generation
    })
}

/// The phases that a Database's status went through from a mark on.
fn phases(arena: &Arena, name: &str, mark: usize) -> Vec<Phase> {
    let versions = arena.databases.all().into_iter().skip(mark);
    let of_name = versions.filter(|version| version.object.name_any() == name);
    let mut phases: Vec<Phase> = of_name.filter_map(|version| phase(&version.object)).collect();
    phases.dedup();
    phases
}

/// Creates a Database and waits until it is Ready.
async fn create_ready(arena: &Arena, spec: Value) -> Result<Version<Database>, Failure> {
    let _turn = arena.turn().await;
    create_ready_at_once(arena, spec).await
}

/// As [`create_ready`], without a turn: a check that takes longest waits for nobody.
async fn create_ready_at_once(arena: &Arena, spec: Value) -> Result<Version<Database>, Failure> {
    arena.create(NAME, spec).await?;
    arena.database(0, NOTICED * 2, "a phase is reported", |db| phase(db).is_some()).await?;
    ready_again(arena, 0).await
}

/// Waits for Ready. What failed tells the phases on the way there.
async fn ready_again(arena: &Arena, mark: usize) -> Result<Version<Database>, Failure> {
    let within = arena.patience(STARTED);
    let found = arena.databases.find(mark, within, is_ready).await;
    found.ok_or_else(|| {
        let expected = format!("phase and condition say Ready within {} s", within.as_secs());
        Failure::new(expected, table::told(&phases(arena, NAME, mark)))
    })
}

/// Polls until it is so.
async fn until(within: Duration, expected: &str, mut so: impl AsyncFnMut() -> bool) -> Result<(), Failure> {
    let look = async || if so().await { Ok(()) } else { Err("it did not happen".to_owned()) };
    check::until(within, expected, look).await
}
