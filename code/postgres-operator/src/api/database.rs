//! The types.

// They are public through the module above; the derive puts them where the lint cannot see that.
#![allow(unreachable_pub)]

use crate::api::{Backup, DatabaseStatus, DeletionPolicy, QUANTITY_PATTERN};
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::Condition};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A PostgreSQL database: one primary and, with more than one replica, standbys that stream from it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "database.example.com",
    version = "v1",
    kind = "Database",
    shortname = "db",
    category = "all",
    namespaced,
    doc = "A PostgreSQL database: one primary and, with more than one replica, standbys that stream from it.",
    status = "DatabaseStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name.size() <= 52").message("the name must have at most 52 characters: its pods carry it in a label"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message("the name must be a DNS label that starts with a letter: its Services carry it"),
    validation = Rule::new("self.spec.deletionPolicy != 'Snapshot' || has(self.spec.backup)").message("deletionPolicy Snapshot needs spec.backup: the final backup has to go somewhere"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Up", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image", priority = "1"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.endpoint", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSpec {
    /// Container image with PostgreSQL 15 or later and its client programs, built like the official Debian images
    /// (user `postgres` with id 999).
    #[serde(default = "default_image")]
    #[schemars(length(min = 1, max = 512))]
    pub image: String,

    /// Number of PostgreSQL servers: one primary, the rest standbys that stream from it.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: i32,

    /// The volume of each server.
    #[serde(default)]
    pub storage: Storage,

    /// CPU and memory of each server, as in a container. Default: requests of 100m CPU and 128Mi memory, no limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// Name of the application's database, created with the first server. Immutable.
    #[serde(default = "default_app")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z_][a-z0-9_]*$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("databaseName is immutable"))]
    #[x_kube(validation = Rule::new("!(self in ['postgres', 'template0', 'template1'])").message("this database name is taken by PostgreSQL"))]
    pub database_name: String,

    /// Name of the application's role, the owner of its database. Immutable.
    #[serde(default = "default_app")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z_][a-z0-9_]*$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("username is immutable"))]
    #[x_kube(validation = Rule::new("!self.startsWith('pg_') && !(self in ['postgres', 'streaming_replica', 'public', 'none'])").message("this role name is taken by PostgreSQL or by the operator"))]
    pub username: String,

    /// The application's password, in a Secret of the same namespace that stays yours. When it changes, so does the
    /// password in PostgreSQL. Absent: the operator generates a password in the Secret `<name>-credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretKeyRef>,

    /// Settings as in postgresql.conf, for example `max_connections: "200"`. A change replaces the pods, one by one, and
    /// only if PostgreSQL accepts every value, and all of them together. Libraries that they name are not looked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    pub parameters: BTreeMap<String, String>,

    /// What stays when the Database is deleted: Retain keeps volumes and credentials, Snapshot takes a final backup first
    /// and then removes them, Delete removes them and earlier backups.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Where backups go. Snapshot needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
}

/// The volume of each server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.storageClass) == has(oldSelf.storageClass) && (!has(self.storageClass) || self.storageClass == oldSelf.storageClass)").message("storageClass is immutable"))]
pub struct Storage {
    /// Size of the volume, for example `10Gi`. It can grow where the storage class allows it, and never shrinks. A size that was refused
    /// can be taken back: the operator compares with the volumes, and not with what was asked for before.
    #[serde(default = "default_size")]
    #[schemars(length(max = 32), regex(pattern = QUANTITY_PATTERN))]
    pub size: String,

    /// Storage class of the volume. Absent: the cluster's default. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class: Option<String>,
}

/// CPU and memory of a server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// What the scheduler sets aside.
    #[serde(default)]
    pub requests: Amounts,

    /// What the server may not exceed.
    #[serde(default)]
    pub limits: Amounts,
}

/// An amount of each resource, where one is given.
// Texts, and not numbers too as in a container: Kubernetes 1.20 cannot build its model for server-side apply from a schema
// with int-or-string, and then takes the list of conditions for one value that has one owner.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Amounts {
    /// CPU, for example `"500m"` or `"2"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = QUANTITY_PATTERN))]
    pub cpu: Option<String>,

    /// Memory, for example `1Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = QUANTITY_PATTERN))]
    pub memory: Option<String>,
}

impl Amounts {
    /// Names and amounts of those that are given.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("cpu", &self.cpu), ("memory", &self.memory)]
            .into_iter()
            .filter_map(|(name, amount)| Some((name, amount.as_deref()?)))
    }

    fn quantities(&self) -> Option<BTreeMap<String, Quantity>> {
        let map: BTreeMap<_, _> =
            self.given().map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).collect();
        (!map.is_empty()).then_some(map)
    }
}

impl From<&Resources> for ResourceRequirements {
    fn from(resources: &Resources) -> Self {
        Self {
            requests: resources.requests.quantities(),
            limits: resources.limits.quantities(),
            claims: None,
        }
    }
}

/// One key of a Secret in the Database's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key within the Secret.
    #[serde(default = "default_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn default_image() -> String {
    "postgres:17".into()
}
fn default_replicas() -> i32 {
    1
}
fn default_app() -> String {
    "app".into()
}
fn default_size() -> String {
    "1Gi".into()
}
fn default_key() -> String {
    "password".into()
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: default_size(), storage_class: None }
    }
}

impl Default for DatabaseSpec {
    fn default() -> Self {
        Self {
            image: default_image(),
            replicas: default_replicas(),
            storage: Storage::default(),
            resources: None,
            database_name: default_app(),
            username: default_app(),
            password_secret_ref: None,
            parameters: BTreeMap::new(),
            deletion_policy: DeletionPolicy::default(),
            backup: None,
        }
    }
}

impl Database {
    /// The Secret that holds the application's password: the user's own, or the one that the operator creates.
    pub fn secret_name(&self) -> String {
        match &self.spec.password_secret_ref {
            Some(reference) => reference.name.clone(),
            None => self.credentials_name(),
        }
    }

    /// The Secret that the operator creates, once: generated passwords, and the names that they were made for.
    pub fn credentials_name(&self) -> String {
        format!("{}-credentials", self.metadata.name.as_deref().unwrap_or_default())
    }

    /// Whether a condition is True in the status, and speaks of the spec as it is now.
    pub fn says(&self, type_: &str) -> bool {
        self.conditions().iter().any(|condition| {
            condition.type_ == type_
                && condition.status == "True"
                && condition.observed_generation == self.metadata.generation
        })
    }

    /// The conditions that the status holds, none if there is no status yet.
    pub fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |status| &status.conditions)
    }
}
