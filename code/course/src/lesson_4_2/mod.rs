//! Lab 4.2: what a deletion promises.

mod backups;
mod blocked_cleanup_is_visible;
mod cleanup_survives_crashes;
mod crash;
mod deleted_while_down;
mod final_backup_once;
mod finalizer_before_children;
mod life;
mod lock;
mod never_added_while_deleting;
mod policy_is_kept;
mod previous_life;
mod strangers_are_safe;
mod waiting_is_not_failing;

use crate::{
    check::{Begin, Broken, Check, Lesson},
    hint::Task,
};
use futures::FutureExt;
pub(crate) use life::{delete, gone_within, made};
use std::time::Duration;

/// The lesson's checks and what proves them.
pub(crate) const LESSON: Lesson = Lesson {
    checks: CHECKS,
    broken: &[
        Broken { name: "finalizer-after-children", fails: "finalizer-before-children" },
        Broken { name: "adds-while-deleting", fails: "never-added-while-deleting" },
        Broken { name: "backs-up-the-wrong-database", fails: "final-backup-once" },
        Broken { name: "waiting-is-an-error", fails: "waiting-is-not-failing" },
        Broken { name: "trusts-its-memory", fails: "cleanup-survives-crashes" },
        Broken { name: "ignores-the-policy", fails: "policy-is-kept" },
        Broken { name: "deletes-by-name", fails: "strangers-are-safe" },
        Broken { name: "gives-up-after-a-while", fails: "blocked-cleanup-is-visible" },
        Broken { name: "waits-for-the-event", fails: "deleted-while-down" },
        Broken { name: "owns-the-list", fails: "finalizer-before-children" },
    ],
    given: &[],
    faults: &["cleanup-survives-crashes", "blocked-cleanup-is-visible"],
    tasks: &[
        Task { file: "finalizer.rs", function: "add", checks: &["finalizer-before-children"] },
        Task {
            file: "finalizer.rs",
            function: "remove",
            checks: &["never-added-while-deleting", "strangers-are-safe"],
        },
        Task { file: "reconcile.rs", function: "keep", checks: &["finalizer-before-children"] },
        Task {
            file: "reconcile.rs",
            function: "clean_up",
            checks: &[
                "never-added-while-deleting",
                "cleanup-survives-crashes",
                "strangers-are-safe",
                "deleted-while-down",
            ],
        },
        Task {
            file: "reconcile.rs",
            function: "take",
            checks: &["waiting-is-not-failing", "cleanup-survives-crashes", "blocked-cleanup-is-visible"],
        },
        Task {
            file: "cleanup.rs",
            function: "next_step",
            checks: &["never-added-while-deleting", "policy-is-kept"],
        },
        Task {
            file: "cleanup.rs",
            function: "removal",
            checks: &["policy-is-kept", "strangers-are-safe", "deleted-while-down"],
        },
        Task {
            file: "cleanup.rs",
            function: "final_backup",
            checks: &[
                "final-backup-once",
                "waiting-is-not-failing",
                "blocked-cleanup-is-visible",
                "policy-is-kept",
                "cleanup-survives-crashes",
            ],
        },
    ],
};

/// The finalizer of somebody else.
const OTHERS: &str = "example.com/audit";

const CHECKS: &[Check] = &[
    Check {
        name: "finalizer-before-children",
        hint: "add the finalizer first, beside those of others, and make children only once the API server has said yes to it",
        begin: Begin::Running,
        run: |arena| finalizer_before_children::check(arena).boxed_local(),
    },
    Check {
        name: "never-added-while-deleting",
        hint: "look at deletionTimestamp before anything else; the API server takes no new finalizer from then on, and another one's owner may take long",
        begin: Begin::Running,
        run: |arena| never_added_while_deleting::check(arena).boxed_local(),
    },
    Check {
        name: "final-backup-once",
        hint: "start one dump of spec.databaseName, wait until it is whole, write it down in the status, and only then remove anything",
        begin: Begin::Running,
        run: |arena| final_backup_once::check(arena).boxed_local(),
    },
    Check {
        name: "waiting-is-not-failing",
        hint: "a step that is under way is Step::Wait with a reason, and a pass that waits ends with Ok and a requeue",
        begin: Begin::Running,
        run: |arena| waiting_is_not_failing::check(arena).boxed_local(),
    },
    Check {
        name: "cleanup-survives-crashes",
        hint: "derive each step from what is left in the cluster, the status and the store; a process forgets",
        begin: Begin::Running,
        run: |arena| cleanup_survives_crashes::check(arena).boxed_local(),
    },
    Check {
        name: "policy-is-kept",
        hint: "Retain keeps volumes, credentials and backups; Snapshot keeps backups; Delete keeps nothing of the operator's",
        begin: Begin::Running,
        run: |arena| policy_is_kept::check(arena).boxed_local(),
    },
    Check {
        name: "strangers-are-safe",
        hint: "delete what look() found, by its UID, and ask still_deleted() first whether the Database is still the one in the cache",
        begin: Begin::Running,
        run: |arena| strangers_are_safe::check(arena).boxed_local(),
    },
    Check {
        name: "blocked-cleanup-is-visible",
        hint: "what stands in the way is Step::Blocked: it is reported, tried again after a growing delay, and never skipped",
        begin: Begin::Running,
        run: |arena| blocked_cleanup_is_visible::check(arena).boxed_local(),
    },
    Check {
        name: "deleted-while-down",
        hint: "a deletion is a state that an object is in, not an event that you have to be there for",
        begin: Begin::Running,
        run: |arena| deleted_while_down::check(arena).boxed_local(),
    },
];

/// Long enough for an image to be there, a volume to be made and several servers to start at the same time on a busy laptop.
const STARTED: Duration = Duration::from_mins(3);
/// Long enough for children to be made, or to be collected as garbage.
const MADE: Duration = Duration::from_mins(1);
/// Long enough for an operator to notice something and say so.
const NOTICED: Duration = Duration::from_secs(30);
/// Long enough for a whole cleanup: a server alone has a minute to stop.
const CLEANED_UP: Duration = Duration::from_mins(2);
/// The name of the Database in most checks.
const NAME: &str = "orders";
