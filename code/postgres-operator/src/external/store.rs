//! Where backups go: a folder in an object store, or on the operator's own disk.

use super::{
    breaker::{Breakers, Open},
    pace::Pace,
};
use crate::api::Backup;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, parse_url_opts, path::Path,
};
use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;

/// One request to the store, its own retries included.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The end of an upload, and a copy within the store: both take as long as the object is large.
const MOVED_WITHIN: Duration = Duration::from_mins(10);
/// What all Databases together ask of stores: a namespace that is deleted with all its Databases must not look like an attack.
const REQUESTS_PER_SECOND: u32 = 20;
const BURST: u32 = 40;

/// Between the name of a backup and a word of chance, in the name of one that is not whole yet.
pub const PARTIAL: &str = ".partial-";

/// Why the store cannot be used now. The texts are for conditions: no addresses, no request ids.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The destination is no URL of a store.
    #[error("spec.backup.destination: {0}")]
    Destination(String),
    /// The store refused: no such bucket, no right, no space.
    #[error("the backup store {0}")]
    Refused(&'static str, #[source] object_store::Error),
    /// No answer, or one that says nothing about the request.
    #[error("the backup store cannot be reached")]
    Unreachable(#[source] object_store::Error),
    /// Nothing within the time that a request has.
    #[error("the backup store cannot be reached")]
    Silent,
    /// It did not answer before, and is left alone for a while.
    #[error("the backup store cannot be reached")]
    LeftAlone(#[source] Open),
}

impl StoreError {
    /// Whether the store said something: then it is there, and a breaker has nothing to do.
    fn is_answer(&self) -> bool {
        matches!(self, Self::Refused(..))
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as E;
        let how = match &error {
            E::NotFound { .. } => "has no such bucket or folder",
            E::PermissionDenied { .. } => "does not allow it",
            E::Unauthenticated { .. } => "does not accept the credentials",
            E::InvalidPath { .. } | E::NotSupported { .. } | E::NotImplemented { .. } => "cannot do it",
            _ if is_full(&error) => "has no space left",
            _ if is_our_mistake(&error) => "refuses the request",
            _ => return Self::Unreachable(error),
        };
        Self::Refused(how, error)
    }
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::StorageFull) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Whether the store answered that something is wrong with the request: a wrong region or a wrong kind of address, for example. A
/// status is only in the text. 408 and 429 say nothing about the request: the store has no time.
fn is_our_mistake(error: &object_store::Error) -> bool {
    let text = crate::error::chain(error);
    let status = text.split_once("status code: ").and_then(|(_, after)| after.get(..3));
    status.is_some_and(|status| status.starts_with('4') && !["408", "429"].contains(&status))
}

/// What protects stores from the operator, and the operator from stores. Shared by all destinations.
pub struct Guard {
    pace: Pace,
    breakers: Breakers<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { pace: Pace::new(REQUESTS_PER_SECOND, BURST), breakers: Breakers::default() }
    }
}

impl Guard {
    /// Number of stores that are left alone for now because they did not answer.
    pub fn open_breakers(&self) -> usize {
        self.breakers.open()
    }
}

/// A folder for backups.
#[derive(Clone)]
pub struct Destination {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    folder: Path,
    url: String,
    /// What a breaker is for: a bucket at an address, as somebody uses it. What goes wrong with one user's keys is no reason to
    /// leave the bucket alone for others.
    endpoint: String,
    /// The folder on the operator's own disk, if it is there.
    disk: Option<PathBuf>,
    guard: Arc<Guard>,
}

impl Destination {
    /// Opens a folder for Databases of a namespace. `options` are the store's; files are allowed below `files_below` only.
    pub fn open(
        backup: &Backup,
        namespace: &str,
        options: BTreeMap<String, String>,
        files_below: Option<&PathBuf>,
        guard: Arc<Guard>,
    ) -> Result<Self, StoreError> {
        let wrong = |message: String| StoreError::Destination(message);
        let url = backup.url().map_err(wrong)?;
        let address = options.get("aws_endpoint").map(String::as_str).unwrap_or_default();
        let secret = backup.secret_name.as_deref().unwrap_or_default();
        let bucket = url.host_str().unwrap_or_default();
        let endpoint = format!("{}://{bucket} {address} {namespace}/{secret}", url.scheme());
        let disk = if url.scheme() == "file" { url.to_file_path().ok() } else { None };
        let (store, folder): (Arc<dyn ObjectStore>, _) = if let Some(path) = &disk {
            if !files_below.is_some_and(|root| path.starts_with(root)) {
                return Err(wrong("the operator does not allow files there (--file-backups)".into()));
            }
            let folder = Path::from_absolute_path(path).map_err(|error| wrong(error.to_string()))?;
            (Arc::new(LocalFileSystem::new().with_fsync(true)), folder)
        } else {
            // A message of the store's own could quote the options, which hold a key.
            let (store, folder) = parse_url_opts(&url, options)
                .map_err(|_| wrong("the store's options are not understood".into()))?;
            (Arc::from(store), folder)
        };
        let url = backup.destination.trim_end_matches('/').to_owned();
        Ok(Self { store, folder, url, endpoint, disk, guard })
    }

    /// Waits until the store may be asked once more.
    pub async fn turn(&self) {
        self.guard.pace.token().await;
    }

    /// One request: at the pace that all share, behind the endpoint's breaker, and within its time.
    pub async fn ask<T, E>(&self, request: impl Future<Output = Result<T, E>>) -> Result<T, StoreError>
    where
        StoreError: From<E>,
    {
        self.ask_within(ANSWER_WITHIN, request).await
    }

    /// A request that takes long because the object is large.
    pub async fn ask_long<T, E>(&self, request: impl Future<Output = Result<T, E>>) -> Result<T, StoreError>
    where
        StoreError: From<E>,
    {
        self.ask_within(MOVED_WITHIN, request).await
    }

    async fn ask_within<T, E>(
        &self,
        limit: Duration,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError>
    where
        StoreError: From<E>,
    {
        let permit = self.guard.breakers.admit(&self.endpoint).map_err(StoreError::LeftAlone)?;
        self.turn().await;
        let result = timeout(limit, request).await;
        let result =
            result.map_err(|_| StoreError::Silent).and_then(|answer| answer.map_err(StoreError::from));
        if result.as_ref().map_or_else(StoreError::is_answer, |_| true) {
            permit.answered();
        }
        result
    }

    /// The folder of all backups of a Database's name, those of its previous lives included.
    pub fn of_name(&self, namespace: &str, name: &str) -> Path {
        self.folder.clone().join(namespace).join(name)
    }

    /// The final backup of one life.
    pub fn final_backup(&self, namespace: &str, name: &str, uid: &str) -> Path {
        self.of_name(namespace, name).join(format!("{uid}.dump"))
    }

    /// Its address, for people.
    pub fn location(&self, namespace: &str, name: &str, uid: &str) -> String {
        format!("{}/{namespace}/{name}/{uid}.dump", self.url)
    }

    /// Looks for an object.
    pub async fn find(&self, path: &Path) -> Result<Option<ObjectMeta>, StoreError> {
        if_there(self.ask(self.store.head(path)).await)
    }

    /// Reads a small text.
    pub async fn read(&self, path: &Path) -> Result<String, StoreError> {
        let bytes = self.ask(async { self.store.get(path).await?.bytes().await }).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a small text, whole or not at all.
    pub async fn write(&self, path: &Path, text: String) -> Result<(), StoreError> {
        self.ask(self.store.put(path, PutPayload::from(text))).await.map(drop)
    }

    /// The objects in a folder. Not those of folders below it: another Database's destination may be one of them.
    pub async fn list(&self, folder: &Path) -> Result<Vec<Path>, StoreError> {
        let found = if_there(self.ask(self.store.list_with_delimiter(Some(folder))).await)?;
        Ok(found.into_iter().flat_map(|found| found.objects).map(|object| object.location).collect())
    }

    /// Removes an object; one that is gone already is fine.
    pub async fn remove(&self, path: &Path) -> Result<(), StoreError> {
        if_there(self.ask(self.store.delete(path)).await).map(drop)
    }

    /// Removes what tries that were cut short left of a backup. One that is under way elsewhere then fails, and is tried again.
    pub async fn remove_partials(&self, backup: &Path) -> Result<(), StoreError> {
        let folder: Path = backup.parts().take(backup.parts_count().saturating_sub(1)).collect();
        let start = format!("{}{PARTIAL}", backup.filename().unwrap_or_default());
        for left in self.list(&folder).await? {
            if left.filename().is_some_and(|name| name.starts_with(&start)) {
                self.remove(&left).await?;
            }
        }
        self.remove_torn(&folder, &start).await
    }

    /// Removes the files of uploads that were cut short by a kill. They have a `#` in their names until they are whole, and the
    /// store shows none of those.
    async fn remove_torn(&self, folder: &Path, start: &str) -> Result<(), StoreError> {
        let below = folder.prefix_match(&self.folder).into_iter().flatten();
        let Some(folder) = &self.disk else { return Ok(()) };
        let folder = below.fold(folder.clone(), |path, part| path.join(part.as_ref()));
        let start = start.to_owned();
        let removed = tokio::task::spawn_blocking(move || {
            for file in std::fs::read_dir(folder)?.flatten() {
                let name = file.file_name();
                if name.to_string_lossy().strip_prefix(&start).is_some_and(|rest| rest.contains('#')) {
                    std::fs::remove_file(file.path())?;
                }
            }
            Ok::<_, io::Error>(())
        });
        match removed.await.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Gives an object its final name.
    pub async fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.ask_long(self.store.rename(from, to)).await
    }
}

/// "Not there" is an answer to whoever looks for an object.
fn if_there<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Err(StoreError::Refused(_, object_store::Error::NotFound { .. })) => Ok(None),
        found => found.map(Some),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
