//! The objects, and what happened to them: one growing version for all, a table and a log for each resource.

mod log;
mod object;

pub(crate) use log::{Change, Event};
pub(crate) use object::{Key, Object};

use log::{Log, START};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::watch;

/// All objects of all resources.
#[derive(Debug)]
pub(crate) struct Store {
    inner: RwLock<Inner>,
    window: usize,
    news: watch::Sender<u64>,
}

/// The tables under the lock: what a guard may look at before a write is done.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    revision: u64,
    era: u64,
    tables: HashMap<String, Table>,
}

#[derive(Debug)]
struct Table {
    objects: BTreeMap<Key, Arc<Object>>,
    log: Log,
    news: watch::Sender<u64>,
}

impl Default for Table {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), log: Log::default(), news: watch::Sender::new(0) }
    }
}

/// A write that was not done.
#[derive(Debug)]
pub(crate) enum Refused<E> {
    /// The object is not as it was when the write was decided.
    Changed,
    /// The guard said no.
    Guard(E),
}

/// What a version asks for that the store cannot give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Its events are gone up to this version.
    Compacted(u64),
    /// It lies ahead of the current version.
    Future(u64),
}

/// Objects in order, and the version at which they were so.
pub(crate) struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Object>>,
}

impl Store {
    /// Keeps `window` events of each resource for watches.
    pub(crate) fn new(window: usize) -> Self {
        Self {
            inner: RwLock::new(Inner { revision: START, ..Inner::default() }),
            window,
            news: watch::Sender::new(0),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.read().revision
    }

    pub(crate) fn get(&self, table: &str, key: &Key) -> Option<Arc<Object>> {
        self.read().get(table, key)
    }

    /// The objects of `table` as they are, or as they were at `revision`, in `namespace` if it is given.
    pub(crate) fn list(
        &self,
        table: &str,
        namespace: &str,
        revision: Option<u64>,
    ) -> Result<Snapshot, Unreadable> {
        let inner = self.read();
        let wanted = |key: &Key| namespace.is_empty() || key.namespace == namespace;
        let current = inner.revision;
        let Some(at) = revision.filter(|at| *at != current) else {
            return Ok(Snapshot {
                revision: current,
                objects: inner.in_namespace(table, namespace).collect(),
            });
        };
        if at > current {
            return Err(Unreadable::Future(current));
        }
        let Some(table) = inner.tables.get(table) else {
            return Ok(Snapshot { revision: at, objects: Vec::new() });
        };
        let mut objects: BTreeMap<&Key, &Arc<Object>> =
            table.objects.iter().filter(|(key, _)| wanted(key)).collect();
        // The past is the present with what came since taken back.
        for event in table.log.since(at).map_err(Unreadable::Compacted)?.rev() {
            match &event.previous {
                Some(previous) if wanted(&previous.key) => objects.insert(&previous.key, previous),
                _ => objects.remove(&event.object.key),
            };
        }
        Ok(Snapshot { revision: at, objects: objects.into_values().map(Arc::clone).collect() })
    }

    /// Whether a watch may begin at `revision`, or up to where the history is gone.
    pub(crate) fn reaches_back_to(&self, table: &str, revision: u64) -> Result<(), u64> {
        let inner = self.read();
        let empty = || if revision < START { Err(START) } else { Ok(()) };
        inner.tables.get(table).map_or_else(empty, |table| table.log.since(revision).map(|_| ()))
    }

    /// The events of `table` after `revision` and the version up to which they tell everything; `None` if some were lost.
    pub(crate) fn events(&self, table: &str, revision: u64) -> Option<(Vec<Event>, u64)> {
        let inner = self.read();
        let Some(table) = inner.tables.get(table) else { return Some((Vec::new(), inner.revision)) };
        let events = table.log.unseen(revision)?.cloned().collect();
        Some((events, inner.revision.max(revision)))
    }

    /// Tells of each change of anything from now on.
    pub(crate) fn subscribe_to_all(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// How often all watches were ended.
    pub(crate) fn era(&self) -> u64 {
        self.read().era
    }

    /// Ends all watches with 410, and forgets the history that they could go on from.
    pub(crate) fn expire_watches(&self) {
        self.compact();
        let mut inner = self.lock();
        inner.era += 1;
        let revision = inner.revision;
        for table in inner.tables.values() {
            table.news.send_replace(revision);
        }
    }

    /// Tells of each change of `table` from now on.
    pub(crate) fn subscribe(&self, table: &str) -> watch::Receiver<u64> {
        self.lock().table(table).news.subscribe()
    }

    /// Puts `value` at `key` if the object there is still the one of version `expected` (`None`: there is none) and `guard`
    /// agrees, all in one step.
    pub(crate) fn put<E>(
        &self,
        table: &str,
        key: &Key,
        expected: Option<u64>,
        value: &Value,
        guard: impl FnOnce(&Inner) -> Result<(), E>,
    ) -> Result<Arc<Object>, Refused<E>> {
        let mut inner = self.lock();
        let previous = inner.get(table, key);
        if previous.as_ref().map(|object| object.revision) != expected {
            return Err(Refused::Changed);
        }
        guard(&inner).map_err(Refused::Guard)?;
        inner.revision += 1;
        let revision = inner.revision;
        let object = Arc::new(Object::new(key.clone(), revision, value));
        let change = if previous.is_some() { Change::Modified } else { Change::Added };
        let table = inner.table(table);
        table.objects.insert(key.clone(), Arc::clone(&object));
        table.note(Event { revision, change, object: Arc::clone(&object), previous }, self.window);
        self.news.send_replace(revision);
        Ok(object)
    }

    /// Removes the object of version `expected`; what is left to say of it carries the removal's version.
    pub(crate) fn remove(&self, table: &str, key: &Key, expected: u64) -> Option<Arc<Object>> {
        self.take_out(table, key, expected, Object::at)
    }

    /// As `remove`, for an object whose last change takes it away: `last` is what is said of it.
    pub(crate) fn remove_as(
        &self,
        table: &str,
        key: &Key,
        expected: u64,
        last: &Value,
    ) -> Option<Arc<Object>> {
        self.take_out(table, key, expected, |_, revision| Object::new(key.clone(), revision, last))
    }

    fn take_out(
        &self,
        table: &str,
        key: &Key,
        expected: u64,
        last: impl FnOnce(&Object, u64) -> Object,
    ) -> Option<Arc<Object>> {
        let mut inner = self.lock();
        let previous = inner.get(table, key).filter(|object| object.revision == expected)?;
        inner.revision += 1;
        let revision = inner.revision;
        let object = Arc::new(last(&previous, revision));
        let table = inner.table(table);
        table.objects.remove(key);
        let event = Event {
            revision,
            change: Change::Deleted,
            object: Arc::clone(&object),
            previous: Some(previous),
        };
        table.note(event, self.window);
        self.news.send_replace(revision);
        Some(object)
    }

    /// Asks a guard without writing.
    pub(crate) fn inspect<T>(&self, guard: impl FnOnce(&Inner) -> T) -> T {
        guard(&self.read())
    }

    /// Forgets all events so far: every watch and every continued list of an older version is told so.
    pub(crate) fn compact(&self) {
        let mut inner = self.lock();
        let revision = inner.revision;
        for table in inner.tables.values_mut() {
            table.log.compact(revision);
        }
    }
}

impl Table {
    fn note(&mut self, event: Event, window: usize) {
        let revision = event.revision;
        self.log.push(event, window);
        self.news.send_replace(revision);
    }
}

impl Inner {
    fn table(&mut self, name: &str) -> &mut Table {
        self.tables.entry(name.to_owned()).or_default()
    }

    pub(crate) fn get(&self, table: &str, key: &Key) -> Option<Arc<Object>> {
        self.tables.get(table)?.objects.get(key).map(Arc::clone)
    }

    /// The objects of `table` in `namespace`, or all.
    pub(crate) fn in_namespace<'a>(
        &'a self,
        table: &str,
        namespace: &'a str,
    ) -> impl Iterator<Item = Arc<Object>> + 'a {
        let start = Key::new(namespace, "");
        self.tables
            .get(table)
            .into_iter()
            .flat_map(move |table| table.objects.range(start.clone()..))
            .take_while(move |(key, _)| namespace.is_empty() || key.namespace == namespace)
            .map(|(_, object)| Arc::clone(object))
    }
}
