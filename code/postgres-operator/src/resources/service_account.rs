//! The pods' own identity. They call no Kubernetes API, so it comes without a token and without any right.

use super::owned;
use crate::api::Database;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::ResourceExt;

/// A ServiceAccount named like the Database.
pub fn service_account(db: &Database) -> ServiceAccount {
    ServiceAccount {
        metadata: owned(db, db.name_any()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
