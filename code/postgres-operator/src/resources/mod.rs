//! The desired children of a Database, one file per kind. Pure: the same Database always gives the same children.

mod credentials;
mod service_account;
mod services;
mod stateful_set;

use crate::api::Database;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use std::collections::BTreeMap;

pub use credentials::{PASSWORD, REPLICATION_PASSWORD, SUPERUSER_PASSWORD, credentials, generated};
pub use service_account::service_account;
pub use services::{ROLE_LABEL, STANDBY, endpoint, services};
pub(crate) use stateful_set::claim;
pub use stateful_set::{DATA_VOLUME, recorded_storage, stateful_set};

/// Marks what this operator made. The operator's watches select by it.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "postgres-operator");

/// Names the Database that a child belongs to.
pub const INSTANCE: &str = "app.kubernetes.io/instance";

/// The port of every server.
pub const PORT: i32 = 5432;

/// The recommended labels, <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>.
/// They also select the pods, so they never change.
pub fn labels(db: &Database) -> BTreeMap<String, String> {
    [("app.kubernetes.io/name", "postgresql"), (INSTANCE, &db.name_any()), MANAGED_BY]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Metadata of a child that goes when its Database goes.
fn owned(db: &Database, name: String) -> ObjectMeta {
    ObjectMeta { owner_references: Some(vec![owner(db)]), ..unowned(db, name) }
}

/// Metadata of a child that outlives its Database.
fn unowned(db: &Database, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: db.namespace(),
        labels: Some(labels(db)),
        ..ObjectMeta::default()
    }
}

fn owner(db: &Database) -> OwnerReference {
    OwnerReference {
        api_version: Database::api_version(&()).into_owned(),
        kind: Database::kind(&()).into_owned(),
        name: db.name_any(),
        uid: db.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Whether `db` is the controller of an object. By UID, not by name: a Database that was deleted and made anew under the
/// same name does not own what the first one left behind.
pub fn is_owned_by(object: &ObjectMeta, db: &Database) -> bool {
    let owners = object.owner_references.as_deref().unwrap_or_default();
    owners.iter().any(|owner| owner.controller == Some(true) && Some(&owner.uid) == db.metadata.uid.as_ref())
}

/// Whether a Secret is the credentials of `db`. They outlive their Database, so no owner is written on them: the labels say
/// whose they are. Others may have added labels of their own.
pub fn is_credentials_of(secret: &ObjectMeta, db: &Database) -> bool {
    let carries = |(key, value)| secret.labels.as_ref().and_then(|labels| labels.get(key)) == Some(value);
    secret.owner_references.is_none() && labels(db).iter().all(carries)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::DatabaseSpec;

    pub(crate) fn database() -> Database {
        let mut db = Database::new("orders", DatabaseSpec::default());
        db.metadata.namespace = Some("shop".into());
        db.metadata.uid = Some("uid-1".into());
        db.metadata.generation = Some(1);
        db.metadata.resource_version = Some("1".into());
        db
    }

    #[test]
    fn an_owner_of_a_previous_life_is_not_the_owner() {
        let db = database();
        let child = owned(&db, "orders".into());
        assert!(is_owned_by(&child, &db));
        let mut reborn = db;
        reborn.metadata.uid = Some("uid-2".into());
        assert!(!is_owned_by(&child, &reborn));
        assert!(!is_owned_by(&unowned(&reborn, "orders".into()), &reborn));
    }

    #[test]
    fn credentials_are_known_by_the_operators_labels_whatever_others_add() {
        let db = database();
        let with = |key: &str| {
            let mut secret = unowned(&db, "orders-credentials".into());
            secret.labels.get_or_insert_default().insert(key.into(), "x".into());
            secret
        };
        let owned = ObjectMeta { owner_references: Some(vec![owner(&db)]), ..with("team") };
        for (secret, expected) in [
            (unowned(&db, "orders-credentials".into()), true),
            (with("team"), true),
            (with(INSTANCE), false),
            (ObjectMeta { labels: None, ..with("team") }, false),
            (owned, false),
        ] {
            assert_eq!(is_credentials_of(&secret, &db), expected, "{secret:?}");
        }
    }
}
