//! The status: what the operator last saw and did.

// It is public through the module above; the derive puts it where the lint cannot see that.
#![allow(unreachable_pub)]

use crate::{api::BackupRecord, phase::Phase};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What the operator last saw and did.
// ANCHOR: database-status
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, Progressing and Failed, and whatever other writers report under types of their own.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Where the Database stands. Derived from what is observed at each pass, and never read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// Host and port of the primary, for clients in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Name of the Secret that holds the application's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,

    /// Number of servers whose pods are ready, those of an earlier spec included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,

    /// The version that the primary gave when it was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres_version: Option<String>,

    /// The last backup that is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup: Option<BackupRecord>,
}
// ANCHOR_END: database-status
