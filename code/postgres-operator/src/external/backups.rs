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
    mem::take,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedSender, watch},
    task::JoinSet,
    time::timeout,
};

/// Dumps at the same time. Each holds some megabytes, and the store has other users.
const AT_ONCE: usize = 2;
/// So long the end of the operator waits for dumps to clean up behind themselves.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

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
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Backups {
    /// Each backup that ends sends its Database, so that it gets a pass.
    pub fn new(ended: UnboundedSender<ObjectRef<Database>>) -> Self {
        Self {
            known: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            ended,
            tasks: Mutex::default(),
            stop: watch::Sender::new(false),
        }
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
        let mut stop = self.stop.subscribe();
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let Ok(_turn) = turns.acquire().await else { return };
            let stop = async {
                // An error means that nobody can ask for it any more.
                let _ = stop.wait_for(|stop| *stop).await;
            };
            let result = dump(&job, stop).await;
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

    /// Gives up what is under way, because the operator ends. Parts of an upload that nobody completes would stay in the store.
    pub async fn stop(&self) {
        self.turns.close();
        self.stop.send_replace(true);
        let mut tasks = take(&mut *lock(&self.tasks));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(STOPPED_WITHIN, ended).await.is_err() {
            tracing::warn!("a backup was cut short, and what it has sent may stay in the store");
        }
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

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::dump::tests::silent;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn at_the_end_of_the_operator_those_that_run_and_those_that_wait_are_given_up() {
        let backups = Backups::new(unbounded_channel().0);
        let mut servers = Vec::new();
        for number in 0..=AT_ONCE {
            let (job, server) = silent().await;
            servers.push(server);
            backups.start(&format!("uid-{number}"), ObjectRef::new("orders"), job);
        }
        tokio::task::yield_now().await;
        backups.stop().await;
        for number in 0..=AT_ONCE {
            let progress = backups.progress(&format!("uid-{number}"));
            assert!(matches!(progress, Some(Progress::Failed(_))), "{number}: {progress:?}");
        }
    }
}
