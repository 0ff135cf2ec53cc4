//! What the server sees to by itself: events that expire, addresses that are given out, claims that may not grow.

mod common;

use common::{from, refused};
use k8s_openapi::api::{
    core::v1::{Event, PersistentVolumeClaim, Service},
    storage::v1::StorageClass,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use sandbox::Sandbox;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

fn event(name: &str) -> Event {
    from(json!({"metadata": {"name": name}, "involvedObject": {"namespace": "default"}, "reason": "Tested"}))
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_an_hour_after_its_last_write() {
    let events: Api<Event> = Api::default_namespaced(Sandbox::default().client());
    let names = async || {
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.iter().map(ResourceExt::name_any).collect::<Vec<_>>().join(" ")
    };
    for name in ["old", "renewed"] {
        events.create(&PostParams::default(), &event(name)).await.unwrap();
    }
    sleep(Duration::from_mins(40)).await;
    let again = Patch::Merge(json!({"count": 2}));
    events.patch("renewed", &PatchParams::default(), &again).await.unwrap();
    sleep(Duration::from_mins(21)).await;
    events.create(&PostParams::default(), &event("young")).await.unwrap();
    assert_eq!(names().await, "renewed young");
}

#[tokio::test(start_paused = true)]
async fn stamps_follow_the_clock_that_tests_pause() {
    let events: Api<Event> = Api::default_namespaced(Sandbox::default().client());
    let made = async |name: &str| {
        let made = events.create(&PostParams::default(), &event(name)).await.unwrap();
        made.metadata.creation_timestamp.unwrap().0.as_second()
    };
    let first = made("first").await;
    sleep(Duration::from_mins(30)).await;
    assert!((1_800..=1_802).contains(&(made("second").await - first)));
}

fn service(name: &str, address: Option<&str>) -> Service {
    from(json!({"metadata": {"name": name}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}}))
}

#[tokio::test]
async fn an_address_belongs_to_the_service_that_is_stored_with_it() {
    let services: Api<Service> = Api::default_namespaced(Sandbox::default().client());
    let (wet, dry) = (PostParams::default(), PostParams { dry_run: true, ..PostParams::default() });
    let own = "10.96.7.7";
    services.create(&dry, &service("dry", Some(own))).await.unwrap();
    services.create(&wet, &service("a", Some(own))).await.unwrap();
    let status = refused(services.create(&wet, &service("b", Some(own))).await);
    assert!(status.message.contains("provided IP is already allocated"), "{}", status.message);
    services.delete("a", &DeleteParams::default()).await.unwrap();
    services.create(&wet, &service("b", Some(own))).await.unwrap();
}

#[tokio::test]
async fn a_claim_grows_only_if_its_class_lets_it() {
    let client = Sandbox::default().client();
    let classes: Api<StorageClass> = Api::all(client.clone());
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client);
    for (name, grows) in [("rigid", false), ("elastic", true)] {
        let class = json!({"metadata": {"name": name}, "provisioner": "p", "allowVolumeExpansion": grows});
        classes.create(&PostParams::default(), &from(class)).await.unwrap();
        let claim = json!({"metadata": {"name": name}, "spec": {
            "storageClassName": name, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }});
        claims.create(&PostParams::default(), &from(claim)).await.unwrap();
        let bound = Patch::Merge(json!({"status": {"phase": "Bound"}}));
        claims.patch_status(name, &PatchParams::default(), &bound).await.unwrap();
    }
    let more = Patch::Merge(json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}}));
    claims.patch("elastic", &PatchParams::default(), &more).await.unwrap();
    let status = refused(claims.patch("rigid", &PatchParams::default(), &more).await);
    assert_eq!(status.code, 403);
    assert!(status.message.contains("must support resize"), "{}", status.message);
}
