//! What every pass shares.

use crate::{
    api::Database,
    backoff::Backoff,
    error::Error,
    expectations::Expectations,
    external::{backups::Backups, login::Logins, reach::Way},
    metrics::Metrics,
    options::RunOptions,
    settled::Settled,
    stores::Stores,
    watches::Caches,
};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{
        events::Recorder,
        reflector::{ObjectRef, Store},
    },
};
use rand::RngExt;
use serde::de::DeserializeOwned;
use std::{
    collections::HashSet,
    fmt::Debug,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The field manager of everything that the operator writes.
pub const MANAGER: &str = "postgres-operator";

/// A set of UIDs.
#[derive(Default)]
pub struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Whether it holds a UID.
    pub fn contains(&self, uid: &str) -> bool {
        self.lock().contains(uid)
    }

    /// Adds one.
    pub fn insert(&self, uid: String) {
        self.lock().insert(uid);
    }

    fn remove(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by all passes.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What the watches hold.
    pub caches: Caches,
    /// Own writes that the caches may not show yet.
    pub expectations: Expectations,
    /// Children that are known to be as desired.
    pub settled: Settled,
    /// Delays after failures.
    pub backoff: Backoff,
    /// Delays after passes that found their object changed.
    pub stale: Backoff,
    /// The applications' logins.
    pub logins: Logins,
    /// Backups under way.
    pub backups: Backups,
    /// Where backups go.
    pub stores: Stores,
    /// Publishes Events.
    pub recorder: Recorder,
    /// UIDs of Databases whose users were told something that is told once.
    pub told: Told,
    /// The Databases, for those who count them. A pass is given its own.
    pub databases: OnceLock<Store<Database>>,
    /// What Prometheus gets to know.
    pub metrics: Metrics,
    working: AtomicBool,
    /// Time between two passes over an object to which nothing happens.
    pub requeue: Duration,
}

impl Context {
    /// A context for a new operator.
    pub fn new(client: Client, caches: Caches, backups: Backups, options: &RunOptions) -> Self {
        let requeue = Duration::from_secs(options.requeue);
        let reach = options.reach.unwrap_or_else(Way::from_here).reach(&client);
        Self {
            recorder: Recorder::new(client.clone(), MANAGER.into()),
            client,
            caches,
            expectations: Expectations::default(),
            settled: Settled::default(),
            backoff: Backoff::default(),
            stale: Backoff::stale(),
            // A login is tried again at each periodic pass, not at each event in between.
            logins: Logins::new(reach, requeue.mul_f64(0.9)),
            backups,
            stores: Stores::new(options.file_backups.clone()),
            told: Told::default(),
            databases: OnceLock::new(),
            metrics: Metrics::default(),
            working: AtomicBool::new(false),
            requeue,
        }
    }

    /// The wait for the lead is over, if there was one.
    pub fn starts_working(&self) {
        self.working.store(true, Ordering::Relaxed);
    }

    /// Whether the operator can do what it is there for now: its caches are filled, or it waits for its turn to fill them.
    pub fn is_ready(&self) -> bool {
        !self.working.load(Ordering::Relaxed) || self.caches.are_ready()
    }

    /// The API of a kind in the Database's namespace.
    pub fn namespaced<K>(&self, db: &Database) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &db.namespace().unwrap_or_default())
    }

    /// Reads an object in the Database's namespace; `None` if there is none of that name.
    pub async fn read<K>(&self, db: &Database, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let read = self.namespaced::<K>(db).get_opt(name).await;
        read.map_err(|source| Error::Read { what: format!("{} {name}", K::kind(&())), source })
    }

    /// Forgets what is remembered of a Database that goes.
    pub fn forget(&self, db: &Database) {
        let uid = db.uid().unwrap_or_default();
        self.forget_name(&ObjectRef::from_obj(db));
        self.backups.forget(&uid);
        self.told.remove(&uid);
    }

    /// Forgets what is remembered by name, of a Database that is found gone.
    pub fn forget_name(&self, db: &ObjectRef<Database>) {
        self.caches.waiting.taken_up(db);
        self.backoff.clear(db);
        self.stale.clear(db);
        self.expectations.clear(db);
        self.settled.clear(db);
        self.logins.forget(db.namespace.as_deref().unwrap_or_default(), &db.name);
    }

    /// The requeue interval, lengthened by up to a tenth at random: after a restart all objects are reconciled at once, and
    /// would be again at every interval.
    pub fn requeue_after(&self) -> Duration {
        self.requeue.mul_f64(rand::rng().random_range(1.0..=1.1))
    }
}
