//! The page for controller-runtime people names parts of kube. Each stands here too, so that it has to exist.

#![allow(missing_docs)]

use futures::stream;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, Config, CustomResourceExt, Error, Resource,
    api::{DeleteParams, ListParams, PartialObjectMeta, Patch, PatchParams, PostParams, Preconditions},
    core::{ApiResource, DynamicObject, Status},
    runtime::{
        Controller, PredicateConfig, WatchStreamExt,
        controller::{self, Action},
        events::Recorder,
        finalizer, predicates,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use postgres_operator::api::Database;
use serde_json::json;
use std::time::Duration;

/// Compiled, never run: what it needs is a cluster.
#[allow(dead_code, clippy::too_many_lines)]
async fn every_name(client: Client, mut kubeconfig: Config) -> Result<(), Box<dyn std::error::Error>> {
    let _ = Client::try_default().await?;
    kubeconfig.default_retry = false;
    let databases = || Api::<Database>::all(client.clone());
    let config = watcher::Config::default().labels("a=b").fields("metadata.name=c");

    let controller = Controller::new(databases(), config.clone())
        .owns(Api::<ConfigMap>::all(client.clone()), watcher::Config::default())
        .watches(Api::<Secret>::all(client.clone()), config, |_secret| None::<ObjectRef<Database>>)
        .reconcile_on(stream::pending())
        .with_config(controller::Config::default().concurrency(8))
        .graceful_shutdown_on(std::future::ready(()))
        .shutdown_on_signal();
    let error_policy = |_: &Database| Action::requeue(Duration::from_secs(1));
    let _ = (controller, error_policy, Action::await_change());

    let (store, writer): (Store<Database>, _) = reflector::store();
    let events = watcher(databases(), watcher::Config::default())
        .default_backoff()
        .modify(|db| db.metadata.managed_fields = None)
        .reflect(writer)
        .touched_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    let _ = Controller::for_stream(events, store.clone());
    store.wait_until_ready().await?;
    let _ = (store.get(&ObjectRef::new("a").within("b")), store.state());

    let _ = (
        databases().get("a").await?,
        databases().get_opt("a").await?,
        databases().list(&ListParams::default()).await?,
    );
    let _: Api<PartialObjectMeta<Secret>> = Api::all(client.clone());
    let _: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<Secret>(&()));
    Ok(())
}

#[allow(dead_code)]
async fn writing(client: Client, db: Database) -> Result<(), Box<dyn std::error::Error>> {
    let databases = Api::<Database>::namespaced(client.clone(), "a");
    let patch = Patch::Apply(json!({}));
    let _ = databases.patch("a", &PatchParams::apply("me"), &patch).await?;
    let _ = databases.patch_status("a", &PatchParams::apply("me"), &patch).await?;
    let _ = databases.replace_status("a", &PostParams::default(), &db).await?;
    let _ = databases.entry("a").await?;
    let _ = db.controller_owner_ref(&());
    let _ = DeleteParams { preconditions: Some(Preconditions::default()), ..DeleteParams::default() };
    let _ = Recorder::new(client, "me".to_owned().into());
    let _ = <Database as CustomResourceExt>::crd();
    let done =
        finalizer(&databases, "a/b", db.into(), async |_| Ok::<_, Error>(Action::await_change())).await;
    if let Err(finalizer::Error::AddFinalizer(Error::Api(status))) = done {
        let status: &Status = &status;
        let _ = status.is_conflict();
    }
    Ok(())
}

/// Names that are none of kube's types and functions.
const OTHERS: [&str; 12] = [
    "Err",
    "CustomResource", // derived by every custom resource of this course
    "KubeSchema",     // the same
    "#[kube(…)]",     // its attributes
    "#[x_kube(validation = …)]",
    "#[schemars(…)]",
    "core::admission", // a feature that this course does not need
    "tracing",
    "unstable-runtime",
    "kube-lease-manager",
    "Ok",
    "error_policy",
];

#[test]
fn every_name_of_the_page_is_compiled_here() {
    let page = include_str!("../../../book/reference/kube-for-controller-runtime.md");
    let this = include_str!("kube_names.rs");
    let mut names = 0;
    for (index, line) in page.lines().enumerate().filter(|(_, line)| line.starts_with("| ")) {
        let Some(cell) = line.split(" | ").nth(1) else { continue };
        for name in cell.split('`').skip(1).step_by(2).filter(|name| !OTHERS.contains(name)) {
            let name = name.split('(').next().unwrap_or_default();
            let name = name.rsplit("::").next().unwrap_or_default();
            let found = this.contains(name);
            assert!(
                found,
                "book/reference/kube-for-controller-runtime.md:{}: nothing compiles `{name}`",
                index + 1
            );
            names += 1;
        }
    }
    assert!(names > 40, "the page has names: {names}");
}
