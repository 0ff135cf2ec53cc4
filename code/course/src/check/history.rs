//! Every version of the objects of a kind in a namespace, in the order in which the API server made them.
//!
//! A check looks at versions and not at the present: a state that lasted ten milliseconds was a state.

use super::Failure;
use futures::{StreamExt, pin_mut};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::ListParams,
    runtime::{WatchStreamExt, watcher},
};
use postgres_operator::error::chain;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// A watch that tells nothing for so long is broken.
const CATCHES_UP: Duration = Duration::from_secs(20);

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
    api: Api<K>,
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
        let (list, watched) = (versions.clone(), api.clone());
        let task = tokio::spawn(async move {
            let events = watcher(watched, watcher::Config::default()).default_backoff().touched_objects();
            pin_mut!(events);
            while let Some(event) = events.next().await {
                // A watch that breaks is taken up again by the watcher.
                let Ok(object) = event else { continue };
                let revision = revision(&object);
                let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
                list.push(Version { at: Instant::now(), revision, object: Arc::new(object) });
                grow.send_replace(list.len());
            }
        });
        Self { api, versions, grown, task }
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

    /// Waits until the versions are known that every object has now. Watches of two kinds are not told at the same time: whoever
    /// compares them lets the slower one catch up first.
    pub(crate) async fn catches_up(&self) -> Result<(), Failure> {
        let expected = format!("the latest versions of all {}", K::plural(&()));
        let live = self.api.list_metadata(&ListParams::default()).await;
        let live = live.map_err(|error| Failure::new(expected.clone(), chain(&error)))?;
        for object in live.items {
            let now = (object.uid(), revision(&object));
            if self.find(0, CATCHES_UP, |it| it.uid() == now.0 && revision(it) >= now.1).await.is_none() {
                let seen = format!(
                    "the watch has not told of {} within {} s",
                    object.name_any(),
                    CATCHES_UP.as_secs()
                );
                return Err(Failure::new(expected, seen));
            }
        }
        Ok(())
    }

    /// How many names there have been.
    pub(super) fn names(&self) -> usize {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.iter().map(|version| version.object.name_any()).collect::<BTreeSet<_>>().len()
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

/// The resource version as a number.
fn revision(object: &impl ResourceExt) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

impl<K> Drop for History<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
