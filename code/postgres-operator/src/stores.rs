//! From a Database to the folder where its backups go.

use crate::{
    api::Database,
    context::Context,
    external::store::{Destination, Guard, StoreError},
};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Opens backup destinations.
pub struct Stores {
    files_below: Option<PathBuf>,
    guard: Arc<Guard>,
}

impl Stores {
    /// Files are allowed below this folder only.
    pub fn new(files_below: Option<PathBuf>) -> Self {
        Self { files_below, guard: Arc::default() }
    }

    /// The destination of a Database, with the options from its Secret or else from the operator's environment. Never from
    /// both: a user who names an address of their own must not get the operator's keys sent there.
    pub async fn open(&self, db: &Database, ctx: &Context) -> Result<Destination, StoreError> {
        let missing = || StoreError::Destination("it is not given".into());
        let backup = db.spec.backup.as_ref().ok_or_else(missing)?;
        let options = match &backup.secret_name {
            Some(name) => from_secret(name, &backup.destination, db, ctx).await?,
            None => from_environment(),
        };
        let namespace = db.namespace().unwrap_or_default();
        Destination::open(backup, &namespace, options, self.files_below.as_ref(), self.guard.clone())
    }

    /// Number of stores that are left alone for now because they did not answer.
    pub fn open_breakers(&self) -> usize {
        self.guard.open_breakers()
    }
}

/// The options that a user may give. Others make the store's client read files, or ask addresses, where the operator is: its own
/// token is such a file.
const ALLOWED: [&str; 9] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_endpoint",
    "aws_allow_http",
    "aws_virtual_hosted_style_request",
    "aws_skip_signature",
    "google_service_account_key",
];

/// A user's options, if they say who the user is there: without keys of its own, the store's client would look for the operator's.
fn users(options: BTreeMap<String, String>, destination: &str) -> Result<BTreeMap<String, String>, String> {
    if let Some(option) = options.keys().find(|option| !ALLOWED.contains(&option.as_str())) {
        return Err(format!("has the option {option}, which is not one of {}", ALLOWED.join(", ")));
    }
    let given = |option: &str| options.get(option).is_some_and(|value| !value.is_empty());
    let keys: &[&str] = match destination.split_once("://") {
        Some(("gs", _)) => &["google_service_account_key"],
        _ => &["aws_access_key_id", "aws_secret_access_key"],
    };
    if keys.iter().all(|key| given(key)) {
        return Ok(options);
    }
    Err(format!("has no keys for {destination}, which are {}", keys.join(" and ")))
}

async fn from_secret(
    name: &str,
    destination: &str,
    db: &Database,
    ctx: &Context,
) -> Result<BTreeMap<String, String>, StoreError> {
    let unreadable = |why: &str| StoreError::Destination(format!("Secret {name} {why}"));
    let secret =
        ctx.namespaced::<Secret>(db).get_opt(name).await.map_err(|_| unreadable("cannot be read"))?;
    let data = secret.ok_or_else(|| unreadable("does not exist"))?.data.unwrap_or_default();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default().trim().to_owned();
    let options = data.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), text(value.0))).collect();
    users(options, destination).map_err(|why| unreadable(&why))
}

fn from_environment() -> BTreeMap<String, String> {
    let of_a_store = |name: &String| name.starts_with("AWS_") || name.starts_with("GOOGLE_");
    std::env::vars()
        .filter(|(name, _)| of_a_store(name))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(options: &[(&str, &str)]) -> Result<usize, String> {
        given_for("s3://bucket", options)
    }

    fn given_for(destination: &str, options: &[(&str, &str)]) -> Result<usize, String> {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        users(options, destination).map(|options| options.len())
    }

    #[test]
    fn a_user_gives_keys_and_nothing_that_reads_what_is_the_operators() {
        let keys = [("aws_access_key_id", "a"), ("aws_secret_access_key", "b")];
        assert_eq!(given(&keys), Ok(2));
        assert_eq!(given_for("gs://bucket", &[("google_service_account_key", "{}")]), Ok(1));
        // The keys of one store are none for another, whose client would look for the operator's.
        assert!(given(&[("google_service_account_key", "{}")]).is_err());
        assert!(given_for("gs://bucket", &keys).is_err());
        for option in [
            "aws_web_identity_token_file",
            "aws_endpoint_url_sts",
            "aws_container_credentials_full_uri",
            "google_service_account",
            "google_application_credentials",
        ] {
            let error = given(&[keys[0], keys[1], (option, "/var/run/secrets/x")]).unwrap_err();
            assert!(error.starts_with(&format!("has the option {option}")), "{error}");
        }
        assert!(given(&[]).is_err());
        assert!(given(&[("aws_region", "x"), ("aws_access_key_id", "a")]).is_err());
    }
}
