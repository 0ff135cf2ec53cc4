//! The cases, one file a group.

mod apply;
mod apply_lists;
mod cel;
mod claims;
mod concurrency;
mod definition;
mod deletion;
mod discovery;
mod dry_run;
mod error;
mod field_validation;
mod gc;
mod grants;
mod list;
mod managers;
mod metadata;
mod namespace;
mod patch;
mod pod;
mod quota;
mod ratcheting;
mod rbac;
mod schema;
mod selector;
mod stateful_set;
mod stateful_set_spec;
mod status;
mod streaming;
mod table;
mod watch;
mod workload;

use crate::case::Case;

/// All cases, in the order of the table.
pub fn cases() -> Vec<Case> {
    [
        concurrency::cases(),
        metadata::cases(),
        status::cases(),
        patch::cases(),
        apply::cases(),
        apply_lists::cases(),
        watch::cases(),
        streaming::cases(),
        list::cases(),
        selector::cases(),
        deletion::cases(),
        gc::cases(),
        schema::cases(),
        definition::cases(),
        ratcheting::cases(),
        cel::cases(),
        namespace::cases(),
        error::cases(),
        dry_run::cases(),
        rbac::cases(),
        grants::cases(),
        discovery::cases(),
        table::cases(),
        quota::cases(),
        field_validation::cases(),
        stateful_set::cases(),
        claims::cases(),
        workload::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
