//! Backups under way. A dump can take longer than a pass may, so it runs beside the passes: one starts it, later ones ask how
//! far it is, and its end brings the next.

use super::dump::{Job, dump};
use crate::{
    api::{BackupRecord, Database},
    error::chain,
};
use kube::runtime::reflector::ObjectRef;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Semaphore, mpsc::UnboundedSender};

/// Dumps at the same time. Each holds some megabytes, and the store has other users.
const AT_ONCE: usize = 2;

/// How far a backup is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is being written, or waits for its turn.
    Running,
    /// It is whole.
    Done(BackupRecord),
    /// It failed, in words for a condition.
    Failed(String),
}

/// The backups of this process, by the UID of their Database.
pub struct Backups {
    known: Arc<Mutex<HashMap<String, Progress>>>,
    turns: Arc<Semaphore>,
    ended: UnboundedSender<ObjectRef<Database>>,
}

impl Backups {
    /// Each backup that ends sends its Database, so that it gets a pass.
    pub fn new(ended: UnboundedSender<ObjectRef<Database>>) -> Self {
        Self { known: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)), ended }
    }

    /// How far the backup of a Database is, if this process has started one.
    pub fn progress(&self, uid: &str) -> Option<Progress> {
        lock(&self.known).get(uid).cloned()
    }

    /// Forgets how a backup ended: it may be started again.
    pub fn forget(&self, uid: &str) {
        let mut known = lock(&self.known);
        if known.get(uid).is_some_and(|progress| *progress != Progress::Running) {
            known.remove(uid);
        }
    }

    /// Starts a backup, unless one is known already.
    pub fn start(&self, uid: &str, db: ObjectRef<Database>, job: Job) {
        if lock(&self.known).contains_key(uid) {
            return;
        }
        lock(&self.known).insert(uid.to_owned(), Progress::Running);
        let (known, turns, ended, uid) =
            (self.known.clone(), self.turns.clone(), self.ended.clone(), uid.to_owned());
        // A panic must not leave a backup that runs for ever.
        let mut guard = Guard { known, uid, result: Progress::Failed("the backup ended early".into()) };
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire().await else { return };
            let result = dump(&job).await;
            guard.result = match result {
                Ok(record) => Progress::Done(record),
                Err(error) => {
                    tracing::warn!(%db, error = chain(&error), "the backup failed");
                    Progress::Failed(error.to_string())
                }
            };
            drop(guard);
            let _ = ended.send(db);
        });
    }
}

struct Guard {
    known: Arc<Mutex<HashMap<String, Progress>>>,
    uid: String,
    result: Progress,
}

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.known).insert(self.uid.clone(), self.result.clone());
    }
}

fn lock(known: &Mutex<HashMap<String, Progress>>) -> MutexGuard<'_, HashMap<String, Progress>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
