//! A namespace with an operator in it, for one test.

use crate::{operator::Operator, target::Target};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Namespace, Pod},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use postgres_operator::api::Database;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};
use tokio::time::interval;

/// A namespace with an operator that watches it.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    /// Where `file:///` backups may go.
    pub(crate) backups: tempfile::TempDir,
    pub(crate) operator: Operator,
    /// After the operator: it may be the last to need its sandbox.
    target: Target,
}

impl Stage {
    pub(crate) async fn set(test: &str) -> Self {
        let target = Target::named();
        let client = target.client().await;
        postgres_operator::crd::install(&client).await.unwrap();
        let namespace = format!("test-{test}-{:05}", rand::random::<u16>());
        let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
        let object = Namespace { metadata, ..Namespace::default() };
        Api::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        let backups = tempfile::tempdir().unwrap();
        let operator = Operator::start(&target, &namespace, backups.path());
        Self { client, namespace, backups, operator, target }
    }

    /// Kills the operator at this very moment, and starts another.
    pub(crate) fn crash(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Kills the operator.
    pub(crate) fn stop(&mut self) {
        self.operator.kill();
    }

    /// Starts an operator after [`Self::stop`].
    pub(crate) fn start_again(&mut self) {
        self.operator = Operator::start(&self.target, &self.namespace, self.backups.path());
    }

    /// Kills the operator, and starts one that sees a disk of one megabyte in place of a folder.
    pub(crate) fn shrink(&mut self, folder: &Path) {
        self.stop();
        self.operator =
            Operator::start_with_small_disk(&self.target, &self.namespace, self.backups.path(), folder);
    }

    /// The URL of the folder for backups.
    pub(crate) fn destination(&self) -> String {
        format!("file://{}", self.backups.path().display())
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a Database, or gives the API server's refusal.
    pub(crate) async fn create(&self, name: &str, spec: Value) -> Result<(), String> {
        let object = json!({"apiVersion": "database.example.com/v1", "kind": "Database", "metadata": {"name": name}, "spec": spec});
        let object = serde_json::from_value::<kube::api::DynamicObject>(object).unwrap();
        let resource = kube::core::ApiResource::erase::<Database>(&());
        let api: Api<kube::api::DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        api.create(&PostParams::default(), &object).await.map(drop).map_err(|error| error.to_string())
    }

    /// Changes a Database, or gives the API server's refusal.
    pub(crate) async fn change(&self, name: &str, spec: Value) -> Result<(), String> {
        let patch = Patch::Merge(json!({"spec": spec}));
        let changed = self.api::<Database>().patch(name, &PatchParams::default(), &patch).await;
        changed.map(drop).map_err(|error| error.to_string())
    }

    /// Waits until a condition has a status and a message that starts as given.
    pub(crate) async fn wait(&self, name: &str, type_: &str, status: &str, message: &str) {
        let deadline = Instant::now() + Duration::from_mins(2);
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let db = self.api::<Database>().get(name).await.unwrap();
            let current =
                db.status.as_ref().and_then(|status| status.observed_generation) == db.metadata.generation;
            let found = db.conditions().iter().find(|condition| condition.type_ == type_);
            if current && found.is_some_and(|it| it.status == status && it.message.starts_with(message)) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{name}: expected {type_}={status} {message:?}, seen {:#?}",
                db.status
            );
        }
    }

    /// The message of a condition.
    pub(crate) async fn message(&self, name: &str, type_: &str) -> String {
        let db = self.api::<Database>().get(name).await.unwrap();
        db.conditions().iter().find(|it| it.type_ == type_).unwrap().message.clone()
    }

    /// Waits until a Database is gone. Its pods have a minute to stop, and may take it on a busy machine.
    pub(crate) async fn wait_gone(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_mins(3);
        let mut tick = interval(Duration::from_millis(100));
        while let Some(db) = self.api::<Database>().get_opt(name).await.unwrap() {
            tick.tick().await;
            assert!(Instant::now() < deadline, "{name} is still there: {:#?}", db.status);
        }
    }

    /// Waits until no pod of a Database is left.
    pub(crate) async fn wait_no_pods(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_mins(2);
        let mut tick = interval(Duration::from_millis(250));
        let of = ListParams::default().labels(&format!("app.kubernetes.io/instance={name}"));
        while !self.api::<Pod>().list(&of).await.unwrap().items.is_empty() {
            tick.tick().await;
            assert!(Instant::now() < deadline, "{name} still has pods");
        }
    }

    /// Deletes a Database and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        self.api::<Database>().delete(name, &DeleteParams::default()).await.unwrap();
        self.wait_gone(name).await;
    }

    /// What `psql` prints as the superuser, on the primary.
    pub(crate) fn sql(&self, name: &str, statement: &str) -> String {
        self.in_pod(&format!("{name}-0"), &["psql", "-U", "postgres", "-Atd", "app", "-c", statement])
    }

    /// The StatefulSet's generation, which any change of its spec would raise.
    pub(crate) async fn set_generation(&self, name: &str) -> Option<i64> {
        self.api::<StatefulSet>().get_opt(name).await.unwrap()?.metadata.generation
    }

    /// What a command prints in a pod of the database.
    pub(crate) fn in_pod(&self, pod: &str, command: &[&str]) -> String {
        self.try_in_pod(pod, command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Waits until a command prints something: Services and standbys follow a new pod a moment later.
    pub(crate) async fn wait_in_pod(&self, pod: &str, command: &[&str], expected: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut tick = interval(Duration::from_millis(250));
        loop {
            tick.tick().await;
            let printed = self.try_in_pod(pod, command);
            if printed.as_deref() == Ok(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "{command:?}: expected {expected:?}, seen {printed:?}");
        }
    }

    pub(crate) fn try_in_pod(&self, pod: &str, command: &[&str]) -> Result<String, String> {
        let output = self.run_in_pod(pod, command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// What a command prints in a pod, however it ends.
    pub(crate) fn output_in_pod(&self, pod: &str, command: &[&str]) -> String {
        String::from_utf8_lossy(&self.run_in_pod(pod, command).stdout).into_owned()
    }

    fn run_in_pod(&self, pod: &str, command: &[&str]) -> Output {
        self.exec(pod).arg("--").args(command).output().unwrap()
    }

    /// `kubectl exec` into a pod of the database, as far as its own options.
    pub(crate) fn exec(&self, pod: &str) -> Command {
        let mut command = self.target.command("kubectl");
        command.args(["exec", "--namespace", &self.namespace, pod, "--container", "postgres"]);
        command
    }

    /// Stops the operator and has the namespace removed.
    pub(crate) async fn clear(mut self) {
        self.stop();
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
        // Nobody is left to take finalizers off.
        self.let_go::<Database>().await;
        self.let_go::<ConfigMap>().await;
    }

    async fn let_go<K>(&self)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        for object in self.api::<K>().list(&ListParams::default()).await.unwrap() {
            // It may be gone by now, which is fine.
            let _ = self.api::<K>().patch(&object.name_any(), &PatchParams::default(), &none).await;
        }
    }
}
