//! Own writes that the watch caches do not show yet. A pass that decided on such a cache would write everything once more.

use crate::api::Database;
use kube::{api::ObjectMeta, runtime::reflector::ObjectRef};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A write that no watch has shown for so long is no longer waited for: the object may be gone, or the watch may be.
const WAIT_AT_MOST: Duration = Duration::from_secs(2);

/// Resource versions of the last writes, by Database and child.
#[derive(Default)]
pub struct Expectations(Mutex<HashMap<ObjectRef<Database>, HashMap<String, Write>>>);

struct Write {
    version: u64,
    at: Instant,
}

/// The version of an object as a number. They grow from write to write, which Kubernetes promises since 1.35 and etcd has always
/// kept: <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>.
pub fn version(of: &ObjectMeta) -> Option<u64> {
    of.resource_version.as_ref()?.parse().ok()
}

impl Expectations {
    // ANCHOR: expectations
    /// Notes the version that a write gave to a child, named by kind and name.
    pub fn expect(&self, db: &Database, child: String, version: u64) {
        let write = Write { version, at: Instant::now() };
        self.lock().entry(ObjectRef::from_obj(db)).or_default().insert(child, write);
    }

    /// A child whose last write the caches lack, if there is one. `cached` gives the version that they have.
    pub fn unseen(&self, db: &Database, cached: impl Fn(&str) -> Option<u64>) -> Option<String> {
        let mut all = self.lock();
        let key = ObjectRef::from_obj(db);
        let writes = all.get_mut(&key)?;
        writes
            .retain(|child, write| cached(child) < Some(write.version) && write.at.elapsed() < WAIT_AT_MOST);
        let unseen = writes.keys().next().cloned();
        if unseen.is_none() {
            all.remove(&key);
        }
        unseen
    }
    // ANCHOR_END: expectations

    /// Forgets a Database that is gone.
    pub fn clear(&self, db: &ObjectRef<Database>) {
        self.lock().remove(db);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<Database>, HashMap<String, Write>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::database;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_write_is_waited_for_until_it_is_seen_or_long_ago() {
        let (expectations, db) = (Expectations::default(), database());
        let unseen = |version: Option<u64>| expectations.unseen(&db, |_| version);
        assert_eq!(unseen(None), None);
        expectations.expect(&db, "Service orders".into(), 7);
        assert_eq!(unseen(None).as_deref(), Some("Service orders"), "not there yet");
        assert_eq!(unseen(Some(6)).as_deref(), Some("Service orders"), "an older version");
        assert_eq!(unseen(Some(7)), None);
        assert_eq!(unseen(Some(6)), None, "seen once is seen");
        expectations.expect(&db, "Service orders".into(), 9);
        advance(WAIT_AT_MOST).await;
        assert_eq!(unseen(None), None, "the object may be gone");
    }
}
