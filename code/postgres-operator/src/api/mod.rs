//! The `Database` API: what a user may ask for, and what the operator answers.
//!
//! The doc comments of the fields are the descriptions in the CRD, so `kubectl explain database.spec`
//! prints them. Rules that a schema can state are stated here, as patterns, bounds and CEL; API servers before
//! Kubernetes 1.25 drop the CEL ones, so [`validate`] enforces every rule a second time.

mod backup;
mod database;
mod parameters;
mod quantity;
mod status;
mod validate;

pub use backup::{Backup, BackupRecord, DeletionPolicy};
pub use database::{Amounts, Database, DatabaseSpec, Resources, SecretKeyRef, Storage};
pub use quantity::{ParseQuantityError, QUANTITY_PATTERN, parse_quantity, same_quantity};
pub use status::DatabaseStatus;
pub use validate::{Recorded, Violation, immutable_name, validate};

/// The longest name of a Database, in bytes. The StatefulSet controller labels its pods with the name, a dash and a
/// hash of ten characters, and a label value holds 63.
pub const MAX_NAME_LENGTH: usize = 52;
