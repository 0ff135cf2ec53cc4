//! Every version of the objects of a kind in a namespace, in the order in which the API server made them.
//!
//! A check looks at versions and not at the present: a state that lasted ten milliseconds was a state.

use futures::{StreamExt, pin_mut};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// One version of one object.
#[derive(Clone, Debug)]
pub(crate) struct Version<K> {
    /// When the check heard of it.
    pub(crate) at: Instant,
    /// Its resource version. They are numbers that grow over all kinds, which Kubernetes promises since 1.35 and etcd has
    /// always kept, so versions of different kinds can be put in order.
    pub(crate) revision: u64,
    /// The object.
    pub(crate) object: Arc<K>,
}

/// A growing list of versions.
pub(crate) struct History<K> {
    versions: Arc<Mutex<Vec<Version<K>>>>,
    grown: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

/// A kind whose objects are in namespaces.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static
{
}

impl<K: Kind> History<K> {
    /// Starts to follow a kind in a namespace.
    pub(crate) fn follow(client: Client, namespace: &str) -> Self {
        let versions = Arc::<Mutex<Vec<Version<K>>>>::default();
        let (grow, grown) = watch::channel(0);
        let api: Api<K> = Api::namespaced(client, namespace);
        let list = versions.clone();
        let task = tokio::spawn(async move {
            let events = watcher(api, watcher::Config::default()).default_backoff().touched_objects();
            pin_mut!(events);
            while let Some(event) = events.next().await {
                // A watch that breaks is taken up again by the watcher.
                let Ok(object) = event else { continue };
                let revision =
                    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default();
                let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
                list.push(Version { at: Instant::now(), revision, object: Arc::new(object) });
                grow.send_replace(list.len());
            }
        });
        Self { versions, grown, task }
    }

    /// All versions so far.
    pub(crate) fn all(&self) -> Vec<Version<K>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there are, as a mark to look from later.
    pub(crate) fn mark(&self) -> usize {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The first version from `mark` on that fits, as soon as there is one.
    pub(crate) async fn find(
        &self,
        mark: usize,
        within: Duration,
        fits: impl Fn(&K) -> bool,
    ) -> Option<Version<K>> {
        let mut grown = self.grown.clone();
        let found = async {
            let mut next = mark;
            loop {
                grown.borrow_and_update();
                let versions = self.all();
                if let Some(version) = versions.iter().skip(next).find(|version| fits(&version.object)) {
                    return Some(version.clone());
                }
                next = versions.len().max(mark);
                grown.changed().await.ok()?;
            }
        };
        timeout(within, found).await.ok().flatten()
    }

    /// The latest version.
    pub(crate) fn last(&self) -> Option<Version<K>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// The latest version that is older than a revision.
    pub(crate) fn before(&self, revision: u64) -> Option<Version<K>> {
        self.all().into_iter().rfind(|version| version.revision < revision)
    }
}

impl<K> Drop for History<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
