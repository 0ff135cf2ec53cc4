//! A watched copy of all objects of a kind, and word of each change.
//!
//! Unlike a plain watch it also tells of objects that vanished while the watch was interrupted: the list after it lacks them.

use crate::object::Key;
use futures::TryStreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    fmt::Debug,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, watch};

/// An object before and after; at least one of the two is there.
pub(crate) struct Change<K> {
    pub(crate) old: Option<Arc<K>>,
    pub(crate) new: Option<Arc<K>>,
}

impl<K> Change<K> {
    /// Both versions, as far as there are.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &K> {
        self.old.iter().chain(&self.new).map(AsRef::as_ref)
    }
}

// Not derived: that would ask for clonable changes.
impl<K> Clone for Change<K> {
    fn clone(&self) -> Self {
        Self { old: self.old.clone(), new: self.new.clone() }
    }
}

type Listener<K> = Box<dyn Fn(&Change<K>) + Send>;
type Objects<K> = BTreeMap<Key, Arc<K>>;

/// A watched copy.
pub(crate) struct Cache<K> {
    objects: Mutex<Objects<K>>,
    listeners: Mutex<Vec<Listener<K>>>,
    complete: watch::Sender<bool>,
}

// Not derived: that would ask for objects that have a default.
impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: Mutex::default(), listeners: Mutex::default(), complete: watch::Sender::new(false) }
    }
}

impl<K> Cache<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Sends the keys that a change concerns to a queue. To be called before [`Self::fill`].
    pub(crate) fn tell(
        &self,
        queue: mpsc::UnboundedSender<Key>,
        keys: impl Fn(&K) -> Option<Key> + Send + 'static,
    ) {
        self.on_change(move |change| {
            let mut last = None;
            for key in change.versions().filter_map(&keys) {
                if last.as_ref() != Some(&key) {
                    // Without a receiver its controller has ended, and with it everything else soon will.
                    let _ = queue.send(key.clone());
                    last = Some(key);
                }
            }
        });
    }

    /// Calls a function at each change.
    pub(crate) fn on_change(&self, listener: impl Fn(&Change<K>) + Send + 'static) {
        lock(&self.listeners).push(Box::new(listener));
    }

    /// Fills the copy and keeps it up to date. Does not end.
    pub(crate) async fn fill(&self, client: Client)
    where
        K: Resource<DynamicType = ()>,
    {
        self.fill_from(Api::all(client)).await;
    }

    /// As [`Self::fill`], from one namespace or a kind that is known at run time only.
    pub(crate) async fn fill_from(&self, api: Api<K>) {
        let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
        let mut listed = Objects::new();
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init)) => listed = Objects::new(),
                Ok(Some(Event::InitApply(object))) => {
                    listed.insert(Key::of(&object), Arc::new(object));
                }
                Ok(Some(Event::InitDone)) => {
                    self.replace(std::mem::take(&mut listed));
                    self.complete.send_replace(true);
                }
                Ok(Some(Event::Apply(object))) => {
                    let key = Key::of(&object);
                    let new = Arc::new(object);
                    let old = lock(&self.objects).insert(key, new.clone());
                    self.announce(&Change { old, new: Some(new) });
                }
                Ok(Some(Event::Delete(object))) => {
                    lock(&self.objects).remove(&Key::of(&object));
                    self.announce(&Change { old: Some(Arc::new(object)), new: None });
                }
                // The watcher waits a while and goes on by itself.
                Err(error) => {
                    tracing::debug!("watch: {}", crate::error::chain(&error));
                    if is_unknown(&error) {
                        self.complete.send_replace(true);
                    }
                }
                Ok(None) => return,
            }
        }
    }

    fn replace(&self, listed: Objects<K>) {
        let before = std::mem::replace(&mut *lock(&self.objects), listed.clone());
        for (key, old) in &before {
            if !listed.contains_key(key) {
                self.announce(&Change { old: Some(old.clone()), new: None });
            }
        }
        for (key, new) in listed {
            let old = before.get(&key).cloned();
            if old.as_ref().and_then(|it| it.resource_version()) != new.resource_version() {
                self.announce(&Change { old, new: Some(new) });
            }
        }
    }

    fn announce(&self, change: &Change<K>) {
        for listener in lock(&self.listeners).iter() {
            listener(change);
        }
    }

    /// Waits for the first complete list: a controller that decides on half a list makes what is there already.
    pub(crate) async fn ready(&self) {
        // The sender is part of self.
        let _ = self.complete.subscribe().wait_for(|complete| *complete).await;
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<K>> {
        lock(&self.objects).get(key).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        lock(&self.objects).values().cloned().collect()
    }

    /// The objects of a namespace, by name.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        let objects = lock(&self.objects);
        let from = objects.range(Key::new(namespace, "")..);
        from.take_while(|(key, _)| key.namespace == namespace).map(|(_, object)| object.clone()).collect()
    }
}

/// Whether the API server does not know the kind, as old ones lack what came later: then there are none of it.
fn is_unknown(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
