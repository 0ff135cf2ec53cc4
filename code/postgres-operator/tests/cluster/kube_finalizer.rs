//! What kube's own `finalizer()` does, and why the operator writes its finalizer itself.

use crate::stage::Stage;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams},
    runtime::{
        controller::Action,
        finalizer::{Event, finalizer},
    },
};
use serde_json::json;
use std::{convert::Infallible, sync::Arc, time::Duration};

const NAME: &str = "example.com/kube";

/// A pass with kube's helper over an object as it is now. What ran in it, and what it returned.
async fn pass(api: &Api<ConfigMap>, object: ConfigMap, next: Action) -> (&'static str, Action) {
    let mut ran = "nothing";
    let action = finalizer(api, NAME, Arc::new(object), |event| {
        ran = if matches!(event, Event::Apply(_)) { "apply" } else { "cleanup" };
        async { Ok::<_, Infallible>(next) }
    });
    let action = action.await.unwrap();
    (ran, action)
}

async fn create(api: &Api<ConfigMap>, name: &str, finalizers: &[&str]) -> ConfigMap {
    let object = json!({"metadata": {"name": name, "finalizers": finalizers}});
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleanup_that_asks_to_be_called_again_is_not() {
    let stage = Stage::set("kube-again").await;
    let api = stage.api::<ConfigMap>();
    create(&api, "orders", &[NAME]).await;
    api.delete("orders", &DeleteParams::default()).await.unwrap();
    let deleted = api.get("orders").await.unwrap();
    let again = Action::requeue(Duration::from_secs(5));
    let (ran, action) = pass(&api, deleted, again.clone()).await;
    assert_eq!((ran, action), ("cleanup", again));
    assert!(api.get_opt("orders").await.unwrap().is_none(), "any Ok takes the finalizer off");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_adding_the_finalizer_nothing_is_applied_and_no_pass_is_asked_for() {
    let stage = Stage::set("kube-add").await;
    let api = stage.api::<ConfigMap>();
    let object = create(&api, "orders", &[]).await;
    let (ran, action) = pass(&api, object, Action::requeue(Duration::from_secs(5))).await;
    assert_eq!((ran, action), ("nothing", Action::await_change()));
    assert_eq!(api.get("orders").await.unwrap().finalizers(), [NAME]);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleanup_runs_without_an_apply_before_it_and_not_at_all_without_the_finalizer() {
    let stage = Stage::set("kube-never").await;
    let api = stage.api::<ConfigMap>();
    for (finalizers, expected) in
        [(&[NAME, "example.com/other"][..], "cleanup"), (&["example.com/other"], "nothing")]
    {
        let name = format!("orders-{}", finalizers.len());
        create(&api, &name, finalizers).await;
        api.delete(&name, &DeleteParams::default()).await.unwrap();
        let deleted = api.get(&name).await.unwrap();
        let (ran, _) = pass(&api, deleted, Action::await_change()).await;
        assert_eq!(ran, expected, "with {finalizers:?}");
        assert_eq!(api.get(&name).await.unwrap().finalizers(), ["example.com/other"]);
    }
    stage.clear().await;
}
