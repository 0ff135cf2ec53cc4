//! Tasks 4 to 6: from what is left to the next step.

use postgres_operator::{
    api::DeletionPolicy,
    blocked::Blocked,
    cleanup::{BackupState, Left, Step},
    reason::Reason,
};

/// Task 4: the next step, by policy.
pub fn next_step(left: &Left) -> Step {
    match left.policy {
        DeletionPolicy::Retain => Step::Release,
        DeletionPolicy::Delete => removal(left),
        DeletionPolicy::Snapshot => final_backup(left).unwrap_or_else(|| removal(left)),
    }
}

/// Task 5: what has to be removed next, of all that the policy does not keep.
// ANCHOR: solution-removal
pub fn removal(left: &Left) -> Step {
    let stop = left.servers.clone().map(Step::StopServers);
    let volumes = (!left.volumes.is_empty()).then(|| Step::DeleteVolumes(left.volumes.clone()));
    let credentials = left.credentials.clone().map(Step::DeleteCredentials);
    stop.or_else(|| pods(left))
        .or(volumes)
        .or_else(|| old_backups(left))
        .or(credentials)
        .unwrap_or(Step::Release)
}
// ANCHOR_END: solution-removal

/// Pods go by themselves, unless they belong to somebody who keeps them.
fn pods(left: &Left) -> Option<Step> {
    if left.pods == 0 {
        return None;
    }
    Some(match left.strangers_servers.clone() {
        Some(name) => Step::Blocked(Blocked::NameTaken { kind: "StatefulSet".into(), name }),
        None => Step::Wait(Reason::StoppingServers),
    })
}

fn old_backups(left: &Left) -> Option<Step> {
    match &left.old_backups {
        Err(why) => Some(Step::Blocked(Blocked::BackupFailed { why: why.clone() })),
        Ok(paths) if paths.is_empty() => None,
        Ok(paths) => Some(Step::DeleteBackups(paths.clone())),
    }
}

/// Task 6: what the final backup needs next; nothing once it is written down or given up.
// ANCHOR: solution-final-backup
pub fn final_backup(left: &Left) -> Option<Step> {
    match &left.backup {
        BackupState::NotNeeded | BackupState::Recorded => None,
        BackupState::GivenUp { told } => (!told).then_some(Step::AdmitLoss),
        BackupState::Missing => Some(first_try(left)),
        BackupState::Running => Some(Step::Wait(Reason::FinalBackup)),
        BackupState::Whole(record) => Some(Step::Record(record.clone())),
        BackupState::Failed(why) => Some(Step::Blocked(Blocked::BackupFailed { why: why.clone() })),
    }
}
// ANCHOR_END: solution-final-backup

/// A dump needs a server that answers. One that may still come is waited for; one that will not is told.
// ANCHOR: solution-first-try
fn first_try(left: &Left) -> Step {
    let no_server = |why: String| Step::Blocked(Blocked::NoServerToBackUp { why });
    match &left.trouble {
        _ if left.server_is_ready => Step::StartBackup,
        Some(trouble) => no_server(trouble.clone()),
        None if left.servers.is_some() => Step::Wait(Reason::ReplicasNotReady),
        None => no_server("there are volumes and no servers".into()),
    }
}
// ANCHOR_END: solution-first-try
