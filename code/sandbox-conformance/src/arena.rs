//! Where a case takes place: a namespace and an API group of its own.

use crate::{
    answer::Answer,
    case::Failure,
    endpoint::Endpoint,
    ledger::Ledger,
    resource::{NAMESPACES, Resource},
};
use http::Method;
use kube::Client;
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(50);

/// A place for one case.
pub(crate) struct Arena {
    /// Talks to the server under test.
    pub(crate) client: Client,
    /// The case's own.
    pub(crate) namespace: String,
    /// The API group of the run.
    pub(crate) group: String,
    /// The image of a container that does nothing, one that the nodes have if they tell.
    pub(crate) image: String,
    ledger: Arc<Ledger>,
    names: AtomicUsize,
    waiting: Mutex<String>,
}

impl Arena {
    /// Makes the namespace.
    pub(crate) async fn open(
        client: Client,
        ledger: Arc<Ledger>,
        run: &str,
        number: usize,
        image: String,
    ) -> Result<Self, Failure> {
        let arena = Self {
            client,
            namespace: format!("conformance-{run}-{number}"),
            group: format!("{run}.conformance.example.com"),
            image,
            ledger,
            names: AtomicUsize::new(0),
            waiting: Mutex::default(),
        };
        let namespace = json!({"metadata": {
            "name": arena.namespace, "labels": {"conformance.example.com/run": run},
        }});
        arena.at(NAMESPACES).create(namespace).await.ok()?;
        Ok(arena)
    }

    /// A kind's objects in the case's namespace, or those of the cluster.
    pub(crate) fn at(&self, resource: Resource) -> Endpoint {
        let namespace = resource.namespaced.then_some(self.namespace.as_str());
        let path = resource.path(namespace);
        self.endpoint(resource, path)
    }

    /// A kind's objects in all namespaces.
    pub(crate) fn everywhere(&self, resource: Resource) -> Endpoint {
        let path = resource.path(None);
        self.endpoint(resource, path)
    }

    /// A kind's objects in another namespace.
    pub(crate) fn elsewhere(&self, namespace: &str, resource: Resource) -> Endpoint {
        let path = resource.path(Some(namespace));
        self.endpoint(resource, path)
    }

    /// Any path, as it is.
    pub(crate) fn path(&self, path: &str) -> Endpoint {
        let resource = Resource { kind: Cow::Borrowed(""), ..NAMESPACES };
        self.endpoint(resource, path.into())
    }

    /// What a plain read of any path answers.
    pub(crate) async fn read(&self, path: &str) -> Answer {
        self.path(path).send(Method::GET, "", "", String::new()).await
    }

    fn endpoint(&self, resource: Resource, path: String) -> Endpoint {
        Endpoint::new(self.client.clone(), self.ledger.clone(), resource, path)
    }

    /// A name that no other case of the run has: for objects of the cluster.
    pub(crate) fn unique(&self, what: &str) -> String {
        match self.names.fetch_add(1, Ordering::Relaxed) {
            0 => format!("{}-{what}", self.namespace),
            more => format!("{}-{what}-{more}", self.namespace),
        }
    }

    /// Polls until something is there. The case's deadline ends it, and tells what it waited for.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        what.clone_into(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        loop {
            if let Some(found) = look().await? {
                self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                return Ok(found);
            }
            sleep(POLL).await;
        }
    }

    /// Polls an object until it is as wanted.
    pub(crate) async fn until_object(
        &self,
        at: &Endpoint,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        self.until(&format!("{} {name} {what}", at.resource().kind), async || {
            let answer = at.get(name).await;
            Ok((answer.status == 200 && wanted(&answer.body)).then_some(answer.body))
        })
        .await
    }

    /// Polls until an object is gone.
    pub(crate) async fn until_gone(&self, at: &Endpoint, name: &str) -> Result<(), Failure> {
        let what = format!("{} {name} to go", at.resource().kind);
        self.until(&what, async || {
            let answer = at.get(name).await;
            // Whether nobody has deleted it, or somebody keeps it, is the first question about one that stays.
            let metadata = &answer.body["metadata"];
            let (since, kept_by) = (&metadata["deletionTimestamp"], &metadata["finalizers"]);
            let state = format!("{what}: answer {}, deleted {since}, finalizers {kept_by}", answer.status);
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = state;
            Ok((answer.status == 404).then_some(()))
        })
        .await
    }

    /// What the case polls for now, empty if nothing.
    pub(crate) fn waiting(&self) -> String {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
