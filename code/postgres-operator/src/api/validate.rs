//! The rules of the CRD's schema, enforced once more by the operator.
//!
//! API servers before Kubernetes 1.25 drop CEL rules, and an object can be older than the rule that it breaks.

use super::{
    Database, DeletionPolicy, MAX_NAME_LENGTH, Resources, Storage, parameters::parameters, parse_quantity,
};
use std::fmt;

/// A field and the rule that it breaks. Displayed as `spec.replicas: must be between 1 and 10, not 11`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, as in the manifest.
    pub field: &'static str,
    /// What must hold.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule)
    }
}

/// What the running children were made from: the only memory of an immutable field that needs no trust in the spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// `dbname` in the credentials Secret.
    pub database_name: Option<String>,
    /// `username` in the credentials Secret.
    pub username: Option<String>,
    /// The volume template of the StatefulSet, with the size of the largest volume that was made from it: the template keeps the
    /// first size, and volumes grow.
    pub storage: Option<Storage>,
}

/// The first rule that `db` breaks, in the order of the fields.
pub fn validate(db: &Database, recorded: &Recorded) -> Result<(), Violation> {
    let spec = &db.spec;
    name(db.metadata.name.as_deref().unwrap_or_default())?;
    rule("spec.image", !spec.image.trim().is_empty(), || "must name an image".into())?;
    rule("spec.replicas", (1..=10).contains(&spec.replicas), || {
        format!("must be between 1 and 10, not {}", spec.replicas)
    })?;
    storage(&spec.storage, recorded.storage.as_ref())?;
    resources(spec.resources.as_ref())?;
    identifier("spec.databaseName", &spec.database_name, &["postgres", "template0", "template1"])?;
    identifier("spec.username", &spec.username, &["postgres", "streaming_replica", "public", "none"])?;
    rule("spec.username", !spec.username.starts_with("pg_"), || "must not start with pg_".into())?;
    parameters(&spec.parameters)?;
    let snapshot = spec.deletion_policy == DeletionPolicy::Snapshot;
    rule("spec.backup", !snapshot || spec.backup.is_some(), || {
        "is needed by deletionPolicy Snapshot".into()
    })?;
    if let Some(backup) = &spec.backup {
        backup.url().map_err(|rule| Violation { field: "spec.backup.destination", rule })?;
    }
    immutable_name(&spec.database_name, recorded.database_name.as_ref())?;
    immutable("spec.username", &spec.username, recorded.username.as_ref())
}

pub(super) fn rule(field: &'static str, holds: bool, rule: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { field, rule: rule() }) }
}

/// The name of a database that exists is the one that it was made with.
pub fn immutable_name(now: &str, before: Option<&String>) -> Result<(), Violation> {
    immutable("spec.databaseName", now, before)
}

fn immutable(field: &'static str, now: &str, before: Option<&String>) -> Result<(), Violation> {
    let before = before.map_or(now, String::as_str);
    rule(field, now == before, || format!("is immutable: {before} cannot become {now}"))
}

fn name(name: &str) -> Result<(), Violation> {
    rule("metadata.name", name.len() <= MAX_NAME_LENGTH, || {
        format!("must have at most {MAX_NAME_LENGTH} characters, not {}", name.len())
    })?;
    let label = name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    rule("metadata.name", label, || "must be a DNS label that starts with a letter".into())
}

fn storage(storage: &Storage, before: Option<&Storage>) -> Result<(), Violation> {
    let size = parse_quantity(&storage.size)
        .map_err(|error| Violation { field: "spec.storage.size", rule: error.to_string() })?;
    rule("spec.storage.size", size > 0, || format!("must be more than zero, not {}", storage.size))?;
    let Some(before) = before else { return Ok(()) };
    let shrinks = parse_quantity(&before.size).is_ok_and(|before| size < before);
    rule("spec.storage.size", !shrinks, || {
        format!("cannot shrink from {} to {}", before.size, storage.size)
    })?;
    // A class that was never named is the cluster's default, which the API server writes into the volume claim but not
    // into the template: both sides still say nothing.
    rule("spec.storage.storageClass", storage.storage_class == before.storage_class, || "is immutable".into())
}

fn resources(resources: Option<&Resources>) -> Result<(), Violation> {
    let Some(resources) = resources else { return Ok(()) };
    for (field, amounts) in
        [("spec.resources.requests", &resources.requests), ("spec.resources.limits", &resources.limits)]
    {
        for (name, amount) in amounts.given() {
            parse_quantity(amount).map_err(|error| Violation { field, rule: format!("{name}: {error}") })?;
        }
    }
    Ok(())
}

fn identifier(field: &'static str, name: &str, taken: &[&str]) -> Result<(), Violation> {
    let valid = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    rule(field, valid, || "must have 1 to 63 of a-z, 0-9 and _, and not start with a digit".into())?;
    rule(field, !taken.contains(&name), || format!("must not be {name}, which is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Amounts, Backup, DatabaseSpec};

    fn database(change: impl FnOnce(&mut Database)) -> Database {
        let mut db = Database::new("orders", DatabaseSpec::default());
        change(&mut db);
        db
    }

    fn to(db: &mut Database, destination: &str) {
        db.spec.backup = Some(Backup { destination: destination.into(), secret_name: None });
    }

    #[test]
    fn destinations_that_a_store_can_be_opened_with_break_no_rule() {
        for destination in
            ["s3://bucket", "s3://bucket/path", "gs://bucket/a/b/", "file:///backups", "file:///"]
        {
            let db = database(|db| to(db, destination));
            assert_eq!(validate(&db, &Recorded::default()), Ok(()), "{destination}");
        }
    }

    #[test]
    fn the_defaults_break_no_rule() {
        assert_eq!(validate(&database(|_| ()), &Recorded::default()), Ok(()));
    }

    #[test]
    fn every_rule_names_its_field() {
        type Change = fn(&mut Database);
        let table: [(&str, Change); 25] = [
            ("metadata.name: must have at most 52 characters, not 53", |db| {
                db.metadata.name = Some("x".repeat(53));
            }),
            ("metadata.name: must be a DNS label", |db| {
                db.metadata.name = Some("1st".into());
            }),
            ("metadata.name: must be a DNS label", |db| {
                db.metadata.name = Some("a.b".into());
            }),
            ("metadata.name: must be a DNS label", |db| {
                db.metadata.name = Some("a-".into());
            }),
            ("spec.image: must name an image", |db| db.spec.image = " ".into()),
            ("spec.replicas: must be between 1 and 10, not 0", |db| {
                db.spec.replicas = 0;
            }),
            ("spec.replicas: must be between 1 and 10, not 11", |db| {
                db.spec.replicas = 11;
            }),
            ("spec.storage.size: `ten` is not a quantity", |db| {
                db.spec.storage.size = "ten".into();
            }),
            ("spec.storage.size: must be more than zero", |db| {
                db.spec.storage.size = "0".into();
            }),
            ("spec.resources.limits: memory: `lots` is not", |db| {
                let limits = Amounts { memory: Some("lots".into()), ..Amounts::default() };
                db.spec.resources = Some(Resources { limits, ..Resources::default() });
            }),
            ("spec.databaseName: must have 1 to 63", |db| {
                db.spec.database_name = String::new();
            }),
            ("spec.databaseName: must have 1 to 63", |db| {
                db.spec.database_name = "Orders".into();
            }),
            ("spec.databaseName: must not be template1", |db| {
                db.spec.database_name = "template1".into();
            }),
            ("spec.username: must have 1 to 63", |db| {
                db.spec.username = "a\"; DROP TABLE x".into();
            }),
            ("spec.username: must have 1 to 63", |db| {
                db.spec.username = "1st".into();
            }),
            ("spec.username: must not be postgres", |db| {
                db.spec.username = "postgres".into();
            }),
            ("spec.username: must not be streaming_replica", |db| {
                db.spec.username = "streaming_replica".into();
            }),
            ("spec.username: must not be public", |db| {
                db.spec.username = "public".into();
            }),
            ("spec.username: must not be none", |db| {
                db.spec.username = "none".into();
            }),
            ("spec.username: must not start with pg_", |db| {
                db.spec.username = "pg_app".into();
            }),
            ("spec.parameters: port is set by the operator", |db| {
                db.spec.parameters = [("port".into(), "1".into())].into();
            }),
            ("spec.backup: is needed by deletionPolicy Snapshot", |db| {
                db.spec.deletion_policy = DeletionPolicy::Snapshot;
            }),
            ("spec.backup.destination: relative URL without a base", |db| to(db, "backups")),
            ("spec.backup.destination: names no bucket", |db| to(db, "s3:///path")),
            ("spec.backup.destination: must begin with s3://, gs:// or file://", |db| {
                to(db, "ftp://host/x");
            }),
        ];
        for (expected, change) in table {
            let violation = validate(&database(change), &Recorded::default()).unwrap_err().to_string();
            assert!(violation.starts_with(expected), "{violation:?} should start with {expected:?}");
        }
    }

    #[test]
    fn what_the_children_were_made_from_cannot_change() {
        let storage = Storage { size: "2Gi".into(), storage_class: Some("fast".into()) };
        let recorded = Recorded {
            database_name: Some("app".into()),
            username: Some("app".into()),
            storage: Some(storage.clone()),
        };
        let with = |change: fn(&mut Database)| {
            let db = database(|db| {
                db.spec.storage = storage.clone();
                change(db);
            });
            validate(&db, &recorded).map_err(|violation| violation.to_string())
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|db| db.spec.storage.size = "3Gi".into()), Ok(()));
        assert_eq!(with(|db| db.spec.storage.size = "2048Mi".into()), Ok(()));
        for (change, expected) in [
            (
                (|db| db.spec.storage.size = "1Gi".into()) as fn(&mut Database),
                "spec.storage.size: cannot shrink from 2Gi to 1Gi",
            ),
            (|db| db.spec.storage.storage_class = None, "spec.storage.storageClass: is immutable"),
            (
                |db| db.spec.database_name = "shop".into(),
                "spec.databaseName: is immutable: app cannot become shop",
            ),
            (|db| db.spec.username = "shop".into(), "spec.username: is immutable: app cannot become shop"),
        ] {
            assert_eq!(with(change), Err(expected.to_owned()));
        }
    }
}
