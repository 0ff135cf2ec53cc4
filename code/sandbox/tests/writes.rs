//! Create, update, patch, delete: through a client without sockets.

mod common;

use common::{config_map, from, refused};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Namespace, Pod, ResourceQuota, Secret, Service},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use sandbox::Sandbox;
use serde_json::json;

fn maps() -> Api<ConfigMap> {
    Api::namespaced(Sandbox::default().client(), "default")
}

#[tokio::test(start_paused = true)]
async fn a_created_object_has_what_the_server_gives() {
    let made = maps().create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    assert_eq!(made.namespace().as_deref(), Some("default"));
    assert!(made.uid().is_some_and(|uid| uid.len() == 36));
    assert!(made.creation_timestamp().is_some() && made.resource_version().is_some());
    assert_eq!(made.managed_fields().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_version_conflicts() {
    let maps = maps();
    let first = maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let mut second = first.clone();
    second.data = Some([("key".to_owned(), "2".to_owned())].into());
    maps.replace("a", &PostParams::default(), &second).await.unwrap();
    let status = refused(maps.replace("a", &PostParams::default(), &second).await);
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        status.message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the \
         latest version and try again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_write_changes_nothing() {
    let maps = maps();
    let first = maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let patch = Patch::Merge(json!({ "data": { "key": "1" } }));
    let second = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(first.resource_version(), second.resource_version());
}

#[tokio::test(start_paused = true)]
async fn names_are_generated_and_dry_runs_keep_nothing() {
    let maps = maps();
    let unnamed: ConfigMap = from(json!({ "metadata": { "generateName": "a-" } }));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let made = maps.create(&dry, &unnamed).await.unwrap();
    assert!(made.name_any().starts_with("a-") && made.name_any().len() == 7);
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_errors_are_the_real_servers() {
    let maps = maps();
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let again = refused(maps.create(&PostParams::default(), &config_map("a", "1")).await);
    assert_eq!((again.code, again.message.as_str()), (409, "configmaps \"a\" already exists"));
    let missing = refused(maps.get("b").await);
    assert_eq!((missing.code, missing.message.as_str()), (404, "configmaps \"b\" not found"));
    let bad = refused(maps.create(&PostParams::default(), &config_map("A_b", "1")).await);
    assert_eq!((bad.code, bad.reason.as_str()), (422, "Invalid"));
    assert!(bad.message.starts_with(
        "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123"
    ));
    let elsewhere: Api<ConfigMap> = Api::namespaced(maps.clone().into_client(), "nowhere");
    let nowhere = refused(elsewhere.create(&PostParams::default(), &config_map("a", "1")).await);
    assert_eq!(nowhere.message, "namespaces \"nowhere\" not found");
    let patch = Patch::Merge(json!({ "metadata": { "uid": "other" } }));
    let immutable = refused(maps.patch("a", &PatchParams::default(), &patch).await);
    assert_eq!(
        immutable.message,
        "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"other\": field is immutable"
    );
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let maps = maps();
    let held: ConfigMap = from(json!({ "metadata": { "name": "a", "finalizers": ["example.com/held"] } }));
    maps.create(&PostParams::default(), &held).await.unwrap();
    let marked = maps.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(marked.metadata.deletion_timestamp.is_some());
    assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(0));
    let more =
        Patch::Merge(json!({ "metadata": { "finalizers": ["example.com/held", "example.com/more"] } }));
    let status = refused(maps.patch("a", &PatchParams::default(), &more).await);
    assert_eq!(
        status.message,
        "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being \
         deleted, found new finalizers []string{\"example.com/more\"}"
    );
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    maps.patch("a", &PatchParams::default(), &none).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_delete_means_one_object() {
    let maps = maps();
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let other = Preconditions { uid: Some("other".to_owned()), resource_version: None };
    let status = refused(maps.delete("a", &DeleteParams::default().preconditions(other)).await);
    assert_eq!(status.code, 409);
    assert!(status.message.contains("the UID in the precondition (other) does not match the UID in record"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_its_content() {
    let client = Sandbox::default().client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .create(&PostParams::default(), &from(json!({ "metadata": { "name": "team" } })))
        .await
        .unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "team");
    let held: ConfigMap = from(json!({ "metadata": { "name": "a", "finalizers": ["example.com/held"] } }));
    maps.create(&PostParams::default(), &held).await.unwrap();
    maps.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    let going = namespaces.delete("team", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(going.status.unwrap().phase.as_deref(), Some("Terminating"));
    let status = refused(maps.create(&PostParams::default(), &config_map("c", "1")).await);
    assert_eq!(
        status.message,
        "configmaps \"c\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    until(async || maps.get_opt("b").await.unwrap().is_none()).await;
    assert!(namespaces.get_opt("team").await.unwrap().is_some());
    maps.patch("a", &PatchParams::default(), &none).await.unwrap();
    until(async || namespaces.get_opt("team").await.unwrap().is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_counts_objects() {
    let client = Sandbox::default().client();
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), "default");
    let quota =
        json!({ "metadata": { "name": "none" }, "spec": { "hard": { "count/statefulsets.apps": "0" } } });
    quotas.create(&PostParams::default(), &from(quota)).await.unwrap();
    let sets: Api<StatefulSet> = Api::namespaced(client, "default");
    let status = refused(sets.create(&PostParams::default(), &stateful_set()).await);
    assert_eq!(status.code, 403);
    assert_eq!(
        status.message,
        "statefulsets.apps \"orders\" is forbidden: exceeded quota: none, requested: count/statefulsets.apps=1, used: \
         count/statefulsets.apps=0, limited: count/statefulsets.apps=0"
    );
}

fn stateful_set() -> StatefulSet {
    from(json!({
        "metadata": { "name": "orders" },
        "spec": {
            "serviceName": "orders", "selector": { "matchLabels": { "app": "db" } },
            "template": {
                "metadata": { "labels": { "app": "db" } },
                "spec": { "containers": [{ "name": "postgres", "image": "postgres:16" }] },
            },
        },
    }))
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_keeps_most_of_its_spec() {
    let sets: Api<StatefulSet> = Api::namespaced(Sandbox::default().client(), "default");
    let made = sets.create(&PostParams::default(), &stateful_set()).await.unwrap();
    assert_eq!(made.metadata.generation, Some(1));
    let spec = made.spec.unwrap();
    assert_eq!((spec.replicas, spec.pod_management_policy.as_deref()), (Some(1), Some("OrderedReady")));
    let status = Patch::Merge(json!({ "status": { "replicas": 1 } }));
    let told = sets.patch_status("orders", &PatchParams::default(), &status).await.unwrap();
    assert_eq!((told.metadata.generation, told.status.unwrap().replicas), (Some(1), 1));
    let ignored = sets
        .patch("orders", &PatchParams::default(), &Patch::Merge(json!({ "status": { "replicas": 7 } })))
        .await;
    assert_eq!(ignored.unwrap().status.unwrap().replicas, 1);
    let name = Patch::Merge(json!({ "spec": { "serviceName": "other" } }));
    let refusal = refused(sets.patch("orders", &PatchParams::default(), &name).await);
    assert!(refusal.message.starts_with(
        "StatefulSet.apps \"orders\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than"
    ));
    let replicas = Patch::Strategic(json!({ "spec": { "replicas": 3 } }));
    let grown = sets.patch("orders", &PatchParams::default(), &replicas).await.unwrap();
    assert_eq!(grown.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn secrets_and_services_get_their_defaults() {
    let client = Sandbox::default().client();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let secret = json!({ "metadata": { "name": "s" }, "stringData": { "password": "x" } });
    let made = secrets.create(&PostParams::default(), &from(secret)).await.unwrap();
    assert_eq!(
        (made.type_.as_deref(), made.data.unwrap()["password"].0.as_slice()),
        (Some("Opaque"), &b"x"[..])
    );
    let kind = refused(
        secrets.patch("s", &PatchParams::default(), &Patch::Merge(json!({ "type": "other/type" }))).await,
    );
    assert_eq!(
        kind.message,
        "Secret \"s\" is invalid: type: Invalid value: \"other/type\": field is immutable"
    );
    let services: Api<Service> = Api::namespaced(client, "default");
    let service = json!({ "metadata": { "name": "s" }, "spec": { "ports": [{ "port": 5432 }] } });
    let spec = services.create(&PostParams::default(), &from(service)).await.unwrap().spec.unwrap();
    assert!(spec.cluster_ip.is_some_and(|address| address.starts_with("10.96.")));
    assert_eq!(spec.ports.unwrap()[0].protocol.as_deref(), Some("TCP"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_node_gets_time_to_end() {
    let pods: Api<Pod> = Api::namespaced(Sandbox::default().client(), "default");
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }] } });
    pods.create(&PostParams::default(), &from(pod)).await.unwrap();
    let marked = pods.delete("p", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(30));
    pods.delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    assert!(pods.get_opt("p").await.unwrap().is_none());
}

/// Waits until `done`, at most a minute of the paused clock.
async fn until(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("not within a minute");
}
