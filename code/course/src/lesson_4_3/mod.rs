//! Lab 4.3: what leads to a pass, and what does not.

mod child_comes_back;
mod index_not_scan;
mod metadata_is_news;
mod missed_delete_heals;
mod namespace_is_a_wall;
mod own_status_is_no_news;
mod restart_is_silent;
mod rotation_reaches_its_database;
mod secret_may_come_later;
mod secrets_are_not_collected;
mod stage;

use crate::{
    check::{Begin, Broken, Check, Lesson},
    hint::Task,
};
use futures::FutureExt;

/// The lesson's checks and what proves them.
pub(crate) const LESSON: Lesson = Lesson {
    checks: CHECKS,
    broken: &[
        Broken { name: "no-watch-for-services", fails: "child-comes-back" },
        Broken { name: "filters-deletes", fails: "child-comes-back" },
        Broken { name: "index-only-grows", fails: "rotation-reaches-its-database" },
        Broken { name: "index-of-the-found", fails: "secret-may-come-later" },
        Broken { name: "mapper-lists-everything", fails: "index-not-scan" },
        Broken { name: "index-forgets-the-namespace", fails: "namespace-is-a-wall" },
        Broken { name: "caches-every-secret", fails: "secrets-are-not-collected" },
        Broken { name: "generation-only", fails: "metadata-is-news" },
        Broken { name: "status-is-news", fails: "own-status-is-no-news" },
        Broken { name: "never-requeues", fails: "missed-delete-heals" },
        Broken { name: "caches-not-awaited", fails: "restart-is-silent" },
    ],
    given: &[],
    faults: &[],
    tasks: &[
        Task {
            file: "sources.rs",
            function: "children",
            checks: &["child-comes-back", "missed-delete-heals", "restart-is-silent"],
        },
        Task {
            file: "sources.rs",
            function: "filled",
            checks: &["missed-delete-heals", "restart-is-silent"],
        },
        Task { file: "sources.rs", function: "named_by_label", checks: &["child-comes-back"] },
        Task {
            file: "sources.rs",
            function: "all_secrets",
            checks: &[
                "rotation-reaches-its-database",
                "secret-may-come-later",
                "index-not-scan",
                "namespace-is-a-wall",
                "secrets-are-not-collected",
            ],
        },
        Task {
            file: "index.rs",
            function: "update",
            checks: &[
                "rotation-reaches-its-database",
                "secret-may-come-later",
                "index-not-scan",
                "namespace-is-a-wall",
            ],
        },
        Task {
            file: "index.rs",
            function: "naming",
            checks: &[
                "rotation-reaches-its-database",
                "secret-may-come-later",
                "index-not-scan",
                "namespace-is-a-wall",
            ],
        },
        Task { file: "news.rs", function: "news", checks: &["own-status-is-no-news", "metadata-is-news"] },
    ],
};

const CHECKS: &[Check] = &[
    Check {
        name: "child-comes-back",
        hint: "every kind of child needs a trigger, and a deletion is an event like any other: hand on what touched_objects() gives, unfiltered",
        begin: Begin::OnlyEvents,
        run: |arena| child_comes_back::check(arena).boxed_local(),
    },
    Check {
        name: "rotation-reaches-its-database",
        hint: "watch all Secrets, and ask the index which Databases name the one that changed; when a Database names another Secret, its old entry has to go",
        begin: Begin::OnlyEvents,
        run: |arena| rotation_reaches_its_database::check(arena).boxed_local(),
    },
    Check {
        name: "secret-may-come-later",
        hint: "the index is made of what specs name, whether or not a Secret of that name exists",
        begin: Begin::OnlyEvents,
        run: |arena| secret_may_come_later::check(arena).boxed_local(),
    },
    Check {
        name: "index-not-scan",
        hint: "the index answers from memory, with one look-up by namespace and name",
        begin: Begin::Later,
        run: |arena| index_not_scan::check(arena).boxed_local(),
    },
    Check {
        name: "namespace-is-a-wall",
        hint: "a spec names a Secret of its own namespace: the namespace is half of the index's key",
        begin: Begin::Later,
        run: |arena| namespace_is_a_wall::check(arena).boxed_local(),
    },
    Check {
        name: "secrets-are-not-collected",
        hint: "that a Secret has changed is all that a trigger needs: watch PartialObjectMeta<Secret>, and read the one Secret in the pass",
        begin: Begin::OnlyEvents,
        run: |arena| secrets_are_not_collected::check(arena).boxed_local(),
    },
    Check {
        name: "own-status-is-no-news",
        hint: "a status write leaves generation, labels, annotations and finalizers as they are: let the predicate look at these",
        begin: Begin::OnlyEvents,
        run: |arena| own_status_is_no_news::check(arena).boxed_local(),
    },
    Check {
        name: "metadata-is-news",
        hint: "labels, annotations and finalizers change without a new generation: combine the predicates",
        begin: Begin::OnlyEvents,
        run: |arena| metadata_is_news::check(arena).boxed_local(),
    },
    Check {
        name: "missed-delete-heals",
        hint: "after a re-list no watch tells what is gone; only a pass that comes without an event finds out, so every pass asks for another",
        begin: Begin::Running,
        run: |arena| missed_delete_heals::check(arena).boxed_local(),
    },
    Check {
        name: "restart-is-silent",
        hint: "the controller waits for its own store only; to a pass that looks into another one too early, every child seems to be missing",
        begin: Begin::Running,
        run: |arena| restart_is_silent::check(arena).boxed_local(),
    },
];
