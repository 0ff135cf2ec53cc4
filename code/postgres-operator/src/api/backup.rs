//! Backups, and what happens to the data when a Database is deleted.

// They are public through the module above; the derive puts them where the lint cannot see that.
#![allow(unreachable_pub)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// What stays when the Database is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Volumes and credentials stay: a Database of the same name finds them again.
    #[default]
    Retain,
    /// A final backup is taken, then volumes and credentials go.
    Snapshot,
    /// Volumes, credentials and earlier backups go.
    Delete,
}

/// Where backups go.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// URL of a folder: `s3://bucket/path`, `gs://bucket/path`, or `file:///path` on the operator's own disk where the
    /// operator allows it.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^(s3|gs|file)://[^?#]*$"))]
    pub destination: String,

    /// Secret of the same namespace with the store's options, for example `aws_access_key_id`,
    /// `aws_secret_access_key`, `aws_region` and `aws_endpoint`. Absent: those of the operator's own environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
}

impl Backup {
    /// The destination, if it can be a folder of a store at all; or which rule it breaks.
    pub fn url(&self) -> Result<Url, String> {
        let url = Url::parse(&self.destination).map_err(|error| error.to_string())?;
        let bucket = url.host_str().is_some_and(|host| !host.is_empty());
        match url.scheme() {
            "s3" | "gs" if bucket => Ok(url),
            "s3" | "gs" => Err("names no bucket".into()),
            "file" if url.to_file_path().is_ok() => Ok(url),
            "file" => Err("file:// needs an absolute path".into()),
            _ => Err("must begin with s3://, gs:// or file://".into()),
        }
    }
}

/// A backup that is whole.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupRecord {
    /// Its URL. Restore it with `pg_restore`.
    pub location: String,

    /// Its size.
    pub bytes: i64,

    /// Its checksum, 64 hexadecimal digits.
    pub sha256: String,

    /// When it was whole.
    pub completed_at: Time,
}
