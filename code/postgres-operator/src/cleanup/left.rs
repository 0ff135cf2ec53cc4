//! What is left of a Database that is being deleted. Read from the API server and the store, never from a cache: deleting on
//! the word of an old cache is how data gets lost.

use crate::{
    api::{BackupRecord, Database, DeletionPolicy, immutable_name},
    cleanup::is_given_up,
    context::Context,
    error::{Error, chain},
    external::{
        backups::Progress,
        dump::{checksum_path, record},
        store::{Destination, PARTIAL, StoreError},
    },
    finalizer,
    observe::{value, volume_claims},
    pods::{is_ready, trouble},
    resources::{INSTANCE, MANAGED_BY, is_credentials_of, is_owned_by},
};
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Pod, Secret},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, ResourceExt, api::ListParams};
use object_store::path::Path;
use std::sync::Arc;

/// What is left.
#[derive(Clone, Debug)]
pub struct Left {
    /// What the user wants to keep.
    pub policy: DeletionPolicy,
    /// Where the final backup stands.
    pub backup: BackupState,
    /// The primary can be asked for a dump.
    pub server_is_ready: bool,
    /// What keeps a pod from starting.
    pub trouble: Option<String>,
    /// UID of the StatefulSet, if it is there and not on its way out.
    pub servers: Option<String>,
    /// Name of a StatefulSet that has the Database's name and is not the Database's, because somebody has orphaned it for example.
    pub strangers_servers: Option<String>,
    /// Number of pods.
    pub pods: usize,
    /// Name and UID of the volume claims that are not on their way out.
    pub volumes: Vec<(String, String)>,
    /// UID of the credentials.
    pub credentials: Option<String>,
    /// Earlier backups that the policy lets go; or why they cannot be listed.
    pub old_backups: Result<Vec<Path>, String>,
}

impl Left {
    /// Nothing yet, of a Database with a policy.
    fn of(policy: DeletionPolicy) -> Self {
        Self {
            policy,
            backup: BackupState::NotNeeded,
            server_is_ready: false,
            trouble: None,
            servers: None,
            strangers_servers: None,
            pods: 0,
            volumes: Vec::new(),
            credentials: None,
            old_backups: Ok(Vec::new()),
        }
    }
}

/// Where the final backup stands.
#[derive(Clone, Debug, PartialEq)]
pub enum BackupState {
    /// The policy wants none, and nothing was given up; or there is no data to take one of.
    NotNeeded,
    /// The user gives it up, or with policy Delete the removal of earlier ones; and whether an Event tells so already.
    GivenUp {
        /// The Event is there.
        told: bool,
    },
    /// There is none.
    Missing,
    /// It is being written.
    Running,
    /// It is whole, and the status does not say so yet.
    Whole(BackupRecord),
    /// It is whole, and the status says so.
    Recorded,
    /// It cannot be taken, or not be looked for.
    Failed(String),
}

/// The Database as it is now, read from the API server, if it is still the very object that was seen being deleted, and still
/// has the operator's finalizer. A cache can show one that is long gone, and its name can be another's by now.
pub async fn still_deleted(db: &Database, ctx: &Context) -> Result<Arc<Database>, Error> {
    let what = || format!("Database {}", db.name_any());
    let live = ctx.namespaced::<Database>(db).get_opt(&db.name_any()).await;
    let live = live.map_err(|source| Error::Read { what: what(), source })?;
    let ours_to_clean_up =
        |live: &Database| live.metadata.deletion_timestamp.is_some() && finalizer::is_on(live);
    live.filter(|live| live.uid() == db.uid() && ours_to_clean_up(live))
        .map(Arc::new)
        .ok_or_else(|| Error::Stale { what: what() })
}

/// Looks for what is left, in the API server and in the store.
pub async fn look(db: &Database, ctx: &Context) -> Result<Left, Error> {
    let policy = db.spec.deletion_policy;
    let mut left = Left::of(policy);
    if policy == DeletionPolicy::Retain {
        return Ok(left);
    }
    let pods = pods(db, ctx).await?;
    left.server_is_ready =
        pods.iter().any(|pod| pod.name_any() == format!("{}-0", db.name_any()) && is_ready(pod));
    left.trouble = pods.iter().find_map(trouble).map(|trouble| trouble.message);
    left.pods = pods.len();
    match stateful_set(db, ctx).await? {
        Some(set) if !is_owned_by(&set, db) => left.strangers_servers = set.name,
        Some(set) if set.deletion_timestamp.is_none() => left.servers = set.uid,
        _ => {}
    }
    let volumes = volume_claims(db, ctx).await?;
    let alive = volumes.iter().filter(|claim| claim.metadata.deletion_timestamp.is_none());
    left.volumes = alive.map(|claim| (claim.name_any(), claim.uid().unwrap_or_default())).collect();
    let secret = credentials(db, ctx).await?;
    left.credentials = secret.as_ref().and_then(ResourceExt::uid);
    match policy {
        DeletionPolicy::Snapshot if may_have_data(&left, volumes.len()) => {
            left.backup = backup(db, secret.as_ref(), ctx).await;
        }
        DeletionPolicy::Delete if db.spec.backup.is_some() && is_given_up(db) => {
            left.backup = BackupState::GivenUp { told: ctx.told.contains(&db.uid().unwrap_or_default()) };
        }
        DeletionPolicy::Delete => left.old_backups = old_backups(db, ctx).await,
        _ => {}
    }
    Ok(left)
}

/// Whether there may be data to take a backup of. Servers may use a volume that does not carry our labels, because somebody has
/// made its claim beforehand: of a snapshot, for example.
fn may_have_data(left: &Left, volumes: usize) -> bool {
    volumes > 0 || left.servers.is_some() || left.pods > 0
}

async fn pods(db: &Database, ctx: &Context) -> Result<Vec<Pod>, Error> {
    let selector = format!("{INSTANCE}={},{}={}", db.name_any(), MANAGED_BY.0, MANAGED_BY.1);
    let list = ctx.namespaced::<Pod>(db).list(&ListParams::default().labels(&selector)).await;
    list.map(|list| list.items).map_err(|source| Error::Read { what: "the pods".into(), source })
}

async fn stateful_set(db: &Database, ctx: &Context) -> Result<Option<ObjectMeta>, Error> {
    let api: Api<StatefulSet> = ctx.namespaced(db);
    let what = || format!("StatefulSet {}", db.name_any());
    let found = api.get_metadata_opt(&db.name_any()).await;
    let found = found.map_err(|source| Error::Read { what: what(), source })?;
    Ok(found.map(|set| set.metadata))
}

async fn credentials(db: &Database, ctx: &Context) -> Result<Option<Secret>, Error> {
    let api: Api<Secret> = ctx.namespaced(db);
    let name = db.credentials_name();
    let found = api.get_opt(&name).await;
    let found = found.map_err(|source| Error::Read { what: format!("Secret {name}"), source })?;
    Ok(found.filter(|secret| is_credentials_of(&secret.metadata, db)))
}

/// Whether `spec.databaseName` is the database that the servers were made with. Old API servers let it be changed, and there is a
/// database in every server that is empty: a backup of that one would be whole, and worth nothing.
fn is_the_database(db: &Database, credentials: Option<&Secret>) -> Result<(), String> {
    let recorded = credentials.and_then(|secret| value(secret, "dbname")).ok_or_else(|| {
        format!(
            "Secret {} does not say which database to back up, under the key dbname",
            db.credentials_name()
        )
    })?;
    immutable_name(&db.spec.database_name, Some(&recorded)).map_err(|violation| violation.to_string())
}

async fn backup(db: &Database, credentials: Option<&Secret>, ctx: &Context) -> BackupState {
    let uid = db.uid().unwrap_or_default();
    let location = |destination: &Destination| {
        destination.location(&db.namespace().unwrap_or_default(), &db.name_any(), &uid)
    };
    let recorded = db.status.as_ref().and_then(|status| status.last_backup.as_ref());
    // Every name holds the UID, so a record of a previous life is not taken for this one's.
    if recorded.is_some_and(|record| record.location.ends_with(&format!("/{uid}.dump"))) {
        return BackupState::Recorded;
    }
    if is_given_up(db) {
        return BackupState::GivenUp { told: ctx.told.contains(&uid) };
    }
    match ctx.backups.progress(&uid) {
        Some(Progress::Running) => return BackupState::Running,
        Some(Progress::Done(record)) => return BackupState::Whole(record),
        Some(Progress::Failed(why)) => {
            // Told once; the next pass, which comes after a delay, may start it again.
            ctx.backups.forget(&uid);
            return BackupState::Failed(why);
        }
        None => {}
    }
    let found = async {
        let destination = ctx.stores.open(db, ctx).await?;
        Ok::<_, StoreError>(
            find(db, &destination)
                .await?
                .map(|(bytes, sha256, at)| record(location(&destination), bytes, sha256, at)),
        )
    };
    match found.await {
        Ok(Some(record)) => BackupState::Whole(record),
        Ok(None) => {
            is_the_database(db, credentials).map_or_else(BackupState::Failed, |()| BackupState::Missing)
        }
        Err(error) => BackupState::Failed(told(&error)),
    }
}

/// The final backup that an earlier pass, or an earlier process, left in the store.
async fn find(
    db: &Database,
    destination: &Destination,
) -> Result<Option<(u64, String, Timestamp)>, StoreError> {
    let (namespace, name, uid) =
        (db.namespace().unwrap_or_default(), db.name_any(), db.uid().unwrap_or_default());
    let path = destination.final_backup(&namespace, &name, &uid);
    let Some(object) = destination.find(&path).await? else {
        return Ok(None);
    };
    // In a store that renames by copying, a crash after the copy leaves both.
    destination.remove_partials(&path).await?;
    let text = destination.read(&checksum_path(&path)).await?;
    let sha256 = text.split_whitespace().next().unwrap_or_default().to_owned();
    let at = Timestamp::from_second(object.last_modified.timestamp()).unwrap_or_default();
    Ok(Some((object.size, sha256, at)))
}

/// What a dump leaves: the backup, its checksum, and what a crash left of it.
fn is_ours(path: &Path) -> bool {
    let name = path.filename().unwrap_or_default();
    [".dump", ".dump.sha256"].iter().any(|ending| name.ends_with(ending))
        || name.contains(&format!(".dump{PARTIAL}"))
}

async fn old_backups(db: &Database, ctx: &Context) -> Result<Vec<Path>, String> {
    if db.spec.backup.is_none() {
        return Ok(Vec::new());
    }
    let found = async {
        let destination = ctx.stores.open(db, ctx).await?;
        destination.list(&destination.of_name(&db.namespace().unwrap_or_default(), &db.name_any())).await
    };
    let mut paths = found.await.map_err(|error| told(&error))?;
    paths.retain(is_ours);
    Ok(paths)
}

/// The words for a condition; the whole of it is for the log.
fn told(error: &StoreError) -> String {
    tracing::warn!(error = chain(error), "the backup store");
    error.to_string()
}

#[cfg(test)]
#[path = "left_tests.rs"]
mod tests;
