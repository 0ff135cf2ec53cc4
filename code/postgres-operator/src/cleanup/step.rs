//! From what is left to the next step. Pure.

use crate::{
    api::{BackupRecord, DeletionPolicy},
    blocked::Blocked,
    cleanup::{BackupState, Left},
    reason::Reason,
};
use object_store::path::Path;

/// The next step of a cleanup. Each may have happened already, in a pass that was cut short: then what is left says so.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Start the final backup.
    StartBackup,
    /// Write down that the final backup is whole.
    Record(BackupRecord),
    /// Tell that the user gave the final backup up, or the removal of earlier ones.
    AdmitLoss,
    /// Delete the StatefulSet, by UID: while it lives, it makes new volumes.
    StopServers(String),
    /// Delete volume claims, by name and UID.
    DeleteVolumes(Vec<(String, String)>),
    /// Delete backups.
    DeleteBackups(Vec<Path>),
    /// Delete the credentials, by UID.
    DeleteCredentials(String),
    /// Take the finalizer off.
    Release,
    /// Something is under way: nothing to do but to look again.
    Wait(Reason),
    /// Something stands in the way.
    Blocked(Blocked),
}

impl Step {
    /// What Progressing says while this step is under way.
    pub fn told(&self) -> (Reason, &'static str) {
        match self {
            Self::StartBackup | Self::Wait(Reason::FinalBackup) => {
                (Reason::FinalBackup, "the final backup is being written")
            }
            Self::Wait(Reason::ReplicasNotReady) => {
                (Reason::FinalBackup, "the final backup waits for the primary to be ready")
            }
            Self::Record(_) => (Reason::FinalBackup, "the final backup is whole"),
            Self::StopServers(_) | Self::Wait(_) => (Reason::StoppingServers, "the servers are stopping"),
            Self::AdmitLoss => (Reason::Deleting, "a backup is given up, as an annotation asks"),
            Self::DeleteVolumes(_) => (Reason::Deleting, "the volumes are being deleted"),
            Self::DeleteBackups(_) => (Reason::Deleting, "earlier backups are being deleted"),
            Self::DeleteCredentials(_) => (Reason::Deleting, "the credentials are being deleted"),
            Self::Release | Self::Blocked(_) => (Reason::Deleting, "nothing is left to be removed"),
        }
    }
}

/// The next step.
pub fn next_step(left: &Left) -> Step {
    match left.policy {
        DeletionPolicy::Retain => Step::Release,
        // With Delete no backup is needed; but what is given up is told.
        DeletionPolicy::Snapshot | DeletionPolicy::Delete => {
            final_backup(left).unwrap_or_else(|| removal(left))
        }
    }
}

// ANCHOR: final-backup
/// What the final backup needs now. Nothing once it is written down, or given up: only then may anything be removed.
fn final_backup(left: &Left) -> Option<Step> {
    let step = match &left.backup {
        BackupState::NotNeeded | BackupState::Recorded | BackupState::GivenUp { told: true } => return None,
        BackupState::GivenUp { told: false } => Step::AdmitLoss,
        BackupState::Whole(record) => Step::Record(record.clone()),
        BackupState::Running => Step::Wait(Reason::FinalBackup),
        BackupState::Failed(why) => Step::Blocked(Blocked::BackupFailed { why: why.clone() }),
        BackupState::Missing if left.server_is_ready => Step::StartBackup,
        BackupState::Missing => match (&left.trouble, &left.servers) {
            (None, Some(_)) => Step::Wait(Reason::ReplicasNotReady),
            (Some(why), _) => no_server(why),
            (None, None) => no_server("there are volumes and no servers"),
        },
    };
    Some(step)
}
// ANCHOR_END: final-backup

fn no_server(why: &str) -> Step {
    Step::Blocked(Blocked::NoServerToBackUp { why: why.to_owned() })
}

// ANCHOR: removal
/// The removal of what the policy does not keep, in an order in which nothing comes back: a StatefulSet makes volumes, and a
/// server writes to them. The credentials go last, for the data cannot be read without them.
fn removal(left: &Left) -> Step {
    if let Some(uid) = &left.servers {
        return Step::StopServers(uid.clone());
    }
    if left.pods > 0 {
        // Nobody stops the pods of a StatefulSet that stays. Waiting for what does not come is a deadlock.
        return match left.strangers_servers.clone() {
            Some(name) => Step::Blocked(Blocked::NameTaken { kind: "StatefulSet".into(), name }),
            None => Step::Wait(Reason::StoppingServers),
        };
    }
    if !left.volumes.is_empty() {
        return Step::DeleteVolumes(left.volumes.clone());
    }
    match (&left.old_backups, &left.credentials) {
        (Err(why), _) => Step::Blocked(Blocked::BackupFailed { why: why.clone() }),
        (Ok(old), _) if !old.is_empty() => Step::DeleteBackups(old.clone()),
        (_, Some(uid)) => Step::DeleteCredentials(uid.clone()),
        (_, None) => Step::Release,
    }
}
// ANCHOR_END: removal

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::dump::record;
    use jiff::Timestamp;

    fn left(policy: DeletionPolicy) -> Left {
        Left {
            policy,
            backup: BackupState::NotNeeded,
            server_is_ready: true,
            trouble: None,
            servers: Some("set".into()),
            strangers_servers: None,
            pods: 1,
            volumes: vec![("data-orders-0".into(), "claim".into())],
            credentials: Some("secret".into()),
            old_backups: Ok(Vec::new()),
        }
    }

    #[test]
    fn retain_keeps_everything() {
        assert_eq!(next_step(&left(DeletionPolicy::Retain)), Step::Release);
    }

    #[test]
    fn earlier_backups_that_are_given_up_are_told_of_once() {
        let mut now = left(DeletionPolicy::Delete);
        now.backup = BackupState::GivenUp { told: false };
        assert_eq!(next_step(&now), Step::AdmitLoss);
        now.backup = BackupState::GivenUp { told: true };
        assert_eq!(next_step(&now), Step::StopServers("set".into()));
    }

    #[test]
    fn every_step_that_is_reported_has_words_of_its_own() {
        let steps = [
            Step::StartBackup,
            Step::Record(record(String::new(), 0, String::new(), Timestamp::UNIX_EPOCH)),
            Step::AdmitLoss,
            Step::StopServers(String::new()),
            Step::DeleteVolumes(Vec::new()),
            Step::DeleteBackups(Vec::new()),
            Step::DeleteCredentials(String::new()),
            Step::Wait(Reason::ReplicasNotReady),
        ];
        let words: std::collections::BTreeSet<_> = steps.iter().map(|step| step.told().1).collect();
        assert_eq!(words.len(), steps.len(), "{words:?}");
    }

    type Change = fn(&mut Left);

    #[test]
    fn each_policy_goes_its_way_step_by_step() {
        let whole = record("s3://b/x".into(), 7, "00".into(), Timestamp::UNIX_EPOCH);
        let mut now = left(DeletionPolicy::Snapshot);
        let backup: [(BackupState, Step); 4] = [
            (BackupState::Missing, Step::StartBackup),
            (BackupState::Running, Step::Wait(Reason::FinalBackup)),
            (BackupState::Whole(whole.clone()), Step::Record(whole)),
            (BackupState::Recorded, Step::StopServers("set".into())),
        ];
        for (state, expected) in backup {
            now.backup = state;
            assert_eq!(next_step(&now), expected);
        }
        let rest: [(Change, Step); 4] = [
            (|left| left.servers = None, Step::Wait(Reason::StoppingServers)),
            (|left| left.pods = 0, Step::DeleteVolumes(vec![("data-orders-0".into(), "claim".into())])),
            (|left| left.volumes = Vec::new(), Step::DeleteCredentials("secret".into())),
            (|left| left.credentials = None, Step::Release),
        ];
        for (change, expected) in rest {
            change(&mut now);
            assert_eq!(next_step(&now), expected);
        }
    }

    #[test]
    fn nothing_is_deleted_before_the_final_backup_is_written_down() {
        for backup in [
            BackupState::Missing,
            BackupState::Running,
            BackupState::Whole(record(String::new(), 0, String::new(), Timestamp::UNIX_EPOCH)),
            BackupState::Failed("the backup store does not answer".into()),
            BackupState::GivenUp { told: false },
        ] {
            for (server_is_ready, servers) in
                [(true, Some("set".to_owned())), (false, Some("set".into())), (false, None)]
            {
                let left = Left {
                    backup: backup.clone(),
                    server_is_ready,
                    servers,
                    ..left(DeletionPolicy::Snapshot)
                };
                let step = next_step(&left);
                let deletes = matches!(
                    step,
                    Step::StopServers(_)
                        | Step::DeleteVolumes(_)
                        | Step::DeleteBackups(_)
                        | Step::DeleteCredentials(_)
                        | Step::Release
                );
                assert!(!deletes, "{step:?} with {backup:?}");
            }
        }
    }

    #[test]
    fn what_nobody_stops_is_not_waited_for() {
        let mut now = left(DeletionPolicy::Delete);
        now.servers = None;
        assert_eq!(next_step(&now), Step::Wait(Reason::StoppingServers));
        now.strangers_servers = Some("orders".into());
        assert!(
            matches!(next_step(&now), Step::Blocked(Blocked::NameTaken { .. })),
            "its pods are of an orphan"
        );
        now.pods = 0;
        assert!(matches!(next_step(&now), Step::DeleteVolumes(_)), "a stranger's set without pods of ours");
    }

    #[test]
    fn waiting_is_not_failing_and_failing_is_told() {
        let mut now = left(DeletionPolicy::Snapshot);
        now.backup = BackupState::Missing;
        now.server_is_ready = false;
        assert_eq!(next_step(&now), Step::Wait(Reason::ReplicasNotReady));
        now.trouble = Some("orders-0: the image x cannot be pulled".into());
        assert!(
            matches!(next_step(&now), Step::Blocked(Blocked::NoServerToBackUp { .. })),
            "waiting does not help"
        );
        now.trouble = None;
        now.servers = None;
        assert!(matches!(next_step(&now), Step::Blocked(Blocked::NoServerToBackUp { .. })));
        now.backup = BackupState::Failed("the backup store does not answer".into());
        assert!(matches!(next_step(&now), Step::Blocked(Blocked::BackupFailed { .. })));
        now.backup = BackupState::GivenUp { told: true };
        assert_eq!(next_step(&now), Step::Wait(Reason::StoppingServers));
    }
}
