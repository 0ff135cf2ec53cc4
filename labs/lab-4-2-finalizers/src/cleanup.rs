//! Tasks 4 to 6: from what is left to the next step. Pure functions.

use postgres_operator::{
    api::DeletionPolicy,
    blocked::Blocked,
    cleanup::{BackupState, Left, Step},
    reason::Reason,
};

/// Task 4: the next step, by policy. Retain keeps everything; Delete has a `removal`; Snapshot has a `final_backup` before it.
pub fn next_step(left: &Left) -> Step {
    todo!("task 4: choose by policy")
}

/// Task 5: what has to be removed next, of all that the policy does not keep.
///
/// - In this order: the servers, their pods, the volumes, the old backups, the credentials. Then `Step::Release`.
/// - Pods go by themselves: `Step::Wait(Reason::StoppingServers)`. Unless `left.strangers_servers` names a StatefulSet that keeps
///   them: that is `Blocked::NameTaken`.
/// - Old backups that cannot be listed are `Blocked::BackupFailed`.
pub fn removal(left: &Left) -> Step {
    todo!("task 5: find what to remove next")
}

/// Task 6: what the final backup needs next; `None` once it is written down, not needed, or given up and told.
///
/// - A backup that is missing needs a server that is ready. One that may still become ready is waited for
///   (`Reason::ReplicasNotReady`). With `left.trouble`, or without `left.servers`, it is `Blocked::NoServerToBackUp`.
/// - One that runs is waited for (`Reason::FinalBackup`). One that is whole is recorded. One that failed is
///   `Blocked::BackupFailed`. One that is given up is told with `Step::AdmitLoss`.
pub fn final_backup(left: &Left) -> Option<Step> {
    todo!("task 6: save the data first")
}
