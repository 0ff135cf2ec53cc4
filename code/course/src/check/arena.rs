//! Where a check takes place: a namespace, the operator in it behind the proxy, and the histories of what happens.

use super::{
    Begin, Failure, Version,
    depth::{Depth, NEVER, patience},
    describe::{database, event, stateful_set},
    history::History,
    namespaces::{ACCOUNT, make_namespace, release},
    operator::Operator,
    rights::in_force,
    shared::Shared,
    verdict::{ALIVE, Evidence},
    watchdog::Watchdog,
};
use crate::labs::{Lab, Target};
use fault_proxy::{Identity, Proxy, Request, timeline};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Event, Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use postgres_operator::{api::Database, error::chain};
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Below the arena's own folder.
const BACKUPS: &str = "backups";

/// What all checks of a run share.
pub(super) struct Setup {
    pub(super) lab: Lab,
    pub(super) target: Target,
    pub(super) client: Client,
    pub(super) program: PathBuf,
    pub(super) run: String,
    pub(super) logs: PathBuf,
    pub(super) depth: Depth,
    pub(super) requeue: Duration,
    pub(super) quiet: Duration,
    pub(super) steady: Duration,
    pub(super) here: bool,
    /// Whether all that the checks have made goes with this process.
    pub(super) goes_by_itself: bool,
    pub(super) turns: Arc<Semaphore>,
    pub(super) shared: Shared,
}

/// A namespace with an operator in it.
pub(crate) struct Arena {
    /// Talks to the API server directly, not through the proxy.
    pub(crate) client: Client,
    /// The namespace.
    pub(crate) namespace: String,
    /// Every version of its Databases.
    pub(crate) databases: History<Database>,
    /// Every version of its StatefulSets.
    pub(crate) sets: History<StatefulSet>,
    /// Time between two passes of the operator over an object to which nothing happens.
    pub(crate) requeue: Duration,
    /// Without a write, or a pass, for so long nothing is under way.
    pub(crate) quiet: Duration,
    /// How long a steady state is watched.
    pub(crate) steady: Duration,
    /// Stands between the operator and the API server.
    pub(crate) proxy: Proxy,
    /// The operator.
    pub(crate) operator: Operator,
    pub(super) setup: Arc<Setup>,
    pub(super) check: String,
    files: tempfile::TempDir,
}

/// A short random name for a run.
pub(super) fn run_id() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 5).to_lowercase()
}

impl Arena {
    /// Makes the namespace, grants the operator its rights in it, and starts it behind a proxy.
    pub(super) async fn enter(check: &str, begin: Begin, setup: Arc<Setup>) -> Result<Self, String> {
        let client = setup.client.clone();
        let lab = setup.lab.to_string().replace('.', "-");
        let namespace = format!("course-{lab}-{}-{check}", setup.run);
        make_namespace(&client, &namespace, &setup.run).await.map_err(|error| chain(&error))?;
        let databases = History::follow(client.clone(), &namespace);
        let sets = History::follow(client.clone(), &namespace);
        let identity = Identity::service_account(&namespace, ACCOUNT);
        let proxy = Proxy::start(client.clone(), Some(identity)).await.map_err(|error| chain(&error))?;
        let files = tempfile::tempdir().map_err(|error| error.to_string())?;
        let kubeconfig = files.path().join("kubeconfig");
        proxy.write_kubeconfig(&kubeconfig, &namespace).map_err(|error| chain(&error))?;
        let backups = files.path().join(BACKUPS);
        std::fs::create_dir(&backups).map_err(|error| error.to_string())?;
        let requeue = if begin == Begin::Running { setup.requeue } else { NEVER };
        let environment = [
            ("KUBECONFIG", kubeconfig.display().to_string()),
            ("WATCH_NAMESPACE", namespace.clone()),
            ("REQUEUE_SECONDS", requeue.as_secs().to_string()),
            ("FILE_BACKUPS", backups.display().to_string()),
        ];
        let log = setup.logs.join(format!("{check}.log"));
        let operator = Operator::new(&setup.program, setup.target.arguments(), environment.to_vec(), log)?;
        in_force(&client, &namespace).await?;
        if begin != Begin::Later {
            operator.start()?;
        }
        Ok(Self {
            client,
            namespace,
            databases,
            sets,
            requeue,
            quiet: setup.quiet,
            steady: setup.steady,
            proxy,
            operator,
            check: check.to_owned(),
            setup,
            files,
        })
    }

    /// Waits for a turn to start a server, and has it until the answer is dropped. More servers that start at the same time would
    /// compete for two cores until deadlines pass.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.setup.turns.clone().acquire_owned().await.ok()
    }

    /// Tries something, until it is done or the operator does what none may do: end by itself, flood the API server, tell a
    /// password.
    pub(crate) async fn watched<T>(
        &self,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut watchdog = Watchdog::new(self);
        let result = tokio::select! {
            result = attempt => result,
            // Waiting for anything else would be in vain.
            ended = self.operator.failed() => Err(Failure::new(ALIVE, ended)),
            failure = watchdog.barks() => Err(failure),
        };
        let result = result?;
        watchdog.last_look().await.map(|()| result)
    }

    /// Whether one fault of a kind has to do.
    pub(crate) fn few_faults(&self) -> bool {
        self.setup.depth.few_faults
    }

    /// The folder that the operator may write backups to.
    pub(crate) fn backups(&self) -> PathBuf {
        self.files.path().join(BACKUPS)
    }

    /// Writes what the operator read and wrote, in order: as text, whose path it returns, and as a page for a browser.
    pub(super) fn write_timeline(&self) -> Option<PathBuf> {
        let (requests, events) = (self.proxy.requests(), self.proxy.events());
        let page = self.setup.logs.join(format!("{}.html", self.check));
        let text = page.with_extension("txt");
        let written = std::fs::write(page, timeline::html(&self.check, &requests, &events))
            .and_then(|()| std::fs::write(&text, timeline::text(&requests, &events)));
        match written {
            Ok(()) => Some(text),
            Err(error) => {
                eprintln!("warning: no timeline of {}: {error}", self.check);
                None
            }
        }
    }

    /// Starts the namespace's removal; the run waits for it at its end.
    ///
    /// The namespace controller waits for half of the longest grace period of the pods that it finds, so they go first, and
    /// before them the sets that would bring them back. What fails here, the namespace's own removal catches up with.
    pub(crate) async fn leave(self) {
        self.operator.kill();
        if self.setup.goes_by_itself {
            return;
        }
        release(&self.client, &self.namespace).await;
        let all = ListParams::default();
        let _ = self.api::<StatefulSet>().delete_collection(&DeleteParams::background(), &all).await;
        let _ = self.api::<Pod>().delete_collection(&DeleteParams::default().grace_period(0), &all).await;
        let api: Api<Namespace> = Api::all(self.client.clone());
        let _ = api.delete(&self.namespace, &DeleteParams::default()).await;
    }

    /// The API of a kind in the namespace.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a Database.
    pub(crate) async fn create(&self, name: &str, spec: Value) -> Result<(), Failure> {
        self.create_in(&self.namespace, name, spec).await
    }

    /// Changes a Database's spec.
    pub(crate) async fn change(&self, name: &str, spec: Value) -> Result<Database, Failure> {
        let patch = Patch::Merge(json!({"spec": spec}));
        let changed = self.api::<Database>().patch(name, &PatchParams::default(), &patch).await;
        changed.map_err(|error| Failure::new(format!("Database {name} can be changed"), chain(&error)))
    }

    /// What is left of a cluster's deadline here.
    pub(crate) fn patience(&self, within: Duration) -> Duration {
        patience(self.setup.here, within)
    }

    /// Waits for a version of a Database, with the patience that the cluster needs.
    pub(crate) async fn database(
        &self,
        mark: usize,
        within: Duration,
        expected: &str,
        fits: impl Fn(&Database) -> bool,
    ) -> Result<Version<Database>, Failure> {
        self.database_within(mark, self.patience(within), expected, fits).await
    }

    /// Waits for a version of a Database, for so long: what is waited for takes its time anywhere.
    pub(crate) async fn database_within(
        &self,
        mark: usize,
        within: Duration,
        expected: &str,
        fits: impl Fn(&Database) -> bool,
    ) -> Result<Version<Database>, Failure> {
        let found = self.databases.find(mark, within, fits).await;
        found.ok_or_else(|| Failure::new(format!("{expected} within {} s", within.as_secs()), self.latest()))
    }

    /// Waits for a version of a StatefulSet, with the patience that the cluster needs.
    pub(crate) async fn set(
        &self,
        mark: usize,
        within: Duration,
        expected: &str,
        fits: impl Fn(&StatefulSet) -> bool,
    ) -> Result<Version<StatefulSet>, Failure> {
        let within = self.patience(within);
        let found = self.sets.find(mark, within, fits).await;
        found.ok_or_else(|| {
            Failure::new(format!("{expected} within {} s", within.as_secs()), self.latest_set())
        })
    }

    /// Requests of the operator so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.proxy.requests()
    }

    fn latest(&self) -> String {
        self.databases.last().map_or_else(|| "no Database".into(), |version| database(&version.object))
    }

    fn latest_set(&self) -> String {
        self.sets.last().map_or_else(|| "no StatefulSet".into(), |version| stateful_set(&version.object))
    }

    /// What is to be said of an operator that watches and has not ended one pass: its log is silent.
    fn stuck(&self) -> Option<String> {
        let works = self.databases.last().is_some() && !self.requests().is_empty();
        let words = "no pass has ended since the operator started: a loop that does not end, or an await that does not come back?";
        (works && self.passes() == 0).then(|| words.to_owned())
    }

    pub(crate) async fn evidence(&self) -> Evidence {
        let objects = vec![self.latest(), self.latest_set()];
        let events =
            self.api::<Event>().list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
        let mut events: Vec<_> =
            events.iter().filter(|event| event.type_.as_deref() != Some("Normal")).map(event).collect();
        events.dedup();
        Evidence {
            objects,
            events: events.split_off(events.len().saturating_sub(3)),
            panic: self.operator.log().panic(),
            log: self.stuck().into_iter().chain(self.operator.log().last_words()).collect(),
            log_file: self.operator.log().shown(),
            timeline: None,
        }
    }
}
