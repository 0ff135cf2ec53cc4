use super::*;
use crate::{
    api::SecretKeyRef,
    fake::{self, Answer, Asked},
    finalizer::FINALIZER,
    resources::tests::database,
};
use futures::future::join_all;
use kube::runtime::watcher::Event;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// A server with one object, of which its first watch tells more. After that it is silent.
fn telling<K: Serialize>(first: &K, events: &[(&str, K)]) -> impl Fn(&Asked) -> Answer + use<K> {
    let list =
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": [first]});
    let line = |(type_, object): &(&str, K)| json!({"type": type_, "object": object}).to_string() + "\n";
    let events: String = events.iter().map(line).collect();
    let told = AtomicBool::new(false);
    move |asked| {
        if asked.line.contains("watch=") {
            (!told.swap(true, Relaxed)).then(|| (200, events.clone()))
        } else {
            Some((200, list.to_string()))
        }
    }
}

fn service(version: &str) -> Service {
    let service = json!({"metadata": {
        "name": "orders", "namespace": "shop", "resourceVersion": version,
        "managedFields": [{"manager": "kubectl"}],
    }});
    serde_json::from_value(service).unwrap()
}

#[test]
fn a_label_names_a_database_in_the_objects_own_namespace() {
    let pod = |metadata: Value| -> Pod { serde_json::from_value(json!({"metadata": metadata})).unwrap() };
    let found = |metadata| named_by_label(&pod(metadata)).map(|db| (db.namespace.unwrap(), db.name));
    let labels = json!({INSTANCE: "orders"});
    let named = |namespace: &str| Some((namespace.to_owned(), "orders".to_owned()));
    assert_eq!(found(json!({"namespace": "shop", "name": "orders-0", "labels": labels})), named("shop"));
    assert_eq!(found(json!({"namespace": "elsewhere", "name": "x", "labels": labels})), named("elsewhere"));
    assert_eq!(found(json!({"namespace": "shop", "name": "orders-0"})), None);
    assert_eq!(found(json!({"name": "orders-0", "labels": labels})), None);
}

#[tokio::test]
async fn a_change_and_a_deletion_are_handed_on_and_the_store_has_them_by_then() {
    handed_on::<Service>().await;
    handed_on::<Kept<Service>>().await;
}

async fn handed_on<K>()
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let (client, log) =
        fake::client(telling(&service("1"), &[("MODIFIED", service("2")), ("DELETED", service("3"))]));
    let config = watcher::Config::default().labels("a=b");
    let (store, mut events) = watched::<K>(Scope::Cluster.api(&client), config);
    let mut versions = Vec::new();
    for _ in 0..3 {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.meta().managed_fields, None, "what nobody looks at is dropped");
        let held = store.get(&ObjectRef::from_obj(&event)).and_then(|held| held.resource_version());
        versions.push((event.resource_version().unwrap(), held));
    }
    let held = |version: &str| Some(version.to_owned());
    // A list is told object by object, and the store takes it as a whole, after the last one.
    let expected = [("1".to_owned(), None), ("2".to_owned(), held("2")), ("3".to_owned(), None)];
    assert_eq!(versions, expected, "an event, and what the store has by then");
    assert_eq!(store.len(), 0, "it is gone");
    assert!(log.lines().iter().all(|line| line.contains("labelSelector=a%3Db")));
}

#[tokio::test(start_paused = true)]
async fn store_and_index_see_what_the_filter_keeps_from_the_controller() {
    let seen = |version: &str, secret: &str, finalizers: &[&str]| {
        let mut db = database();
        db.metadata.resource_version = Some(version.into());
        db.metadata.finalizers = Some(finalizers.iter().map(|it| (*it).to_owned()).collect());
        db.spec.password_secret_ref = Some(SecretKeyRef { name: secret.into(), key: "pw".into() });
        db
    };
    // The generation stays, as it does when a status is written.
    let quiet = ("MODIFIED", seen("2", "late", &[]));
    let (client, _) = fake::client(telling(&seen("1", "early", &[]), &[quiet]));
    let index = SecretIndex::default();
    let (store, mut events) = databases(Scope::Cluster.api(&client), index.clone());
    assert_eq!(events.next().await.unwrap().unwrap().resource_version().as_deref(), Some("1"));
    let next = tokio::time::timeout(Duration::from_millis(200), events.next()).await;
    assert!(next.is_err(), "{next:?}");
    assert_eq!(store.state()[0].resource_version().as_deref(), Some("2"));
    assert!(index.naming("shop", "early").is_empty() && index.naming("shop", "late").len() == 1);

    let (client, _) =
        fake::client(telling(&seen("1", "s", &[]), &[("MODIFIED", seen("2", "s", &[FINALIZER]))]));
    let (_store, mut events) = databases(Scope::Cluster.api(&client), SecretIndex::default());
    for version in ["1", "2"] {
        assert_eq!(events.next().await.unwrap().unwrap().resource_version().as_deref(), Some(version));
    }
}

#[tokio::test(start_paused = true)]
async fn caches_that_are_not_filled_end_the_pass_with_an_error_that_says_so() {
    let ctx = fake::without_caches(fake::client(|_| None).0);
    let Err(error) = ctx.caches.ready().await else { panic!("they are not filled") };
    assert_eq!(error.to_string(), "the watch caches are not filled after 30 s");
}

#[tokio::test(start_paused = true)]
async fn every_pass_that_waits_for_the_caches_goes_on_when_they_are_filled() {
    let (stateful_sets, mut sets) = reflector::store();
    let (services, mut service_writer) = reflector::store();
    let (service_accounts, mut accounts) = reflector::store();
    let (secrets, mut secret_writer) = reflector::store();
    let (pods, mut pod_writer) = reflector::store();
    let stores = Stores { stateful_sets, services, service_accounts, secrets, pods };
    let caches = Arc::new(Caches::new(stores, |stores| filled(stores).boxed()));
    let passes: Vec<_> = (0..3)
        .map(|_| {
            let caches = caches.clone();
            tokio::spawn(async move { caches.ready().await.is_ok() })
        })
        .collect();
    sets.apply_watcher_event(&Event::InitDone);
    service_writer.apply_watcher_event(&Event::InitDone);
    tokio::task::yield_now().await;
    // Somebody asks whether it is ready, in between.
    assert!(!caches.are_ready());
    accounts.apply_watcher_event(&Event::InitDone);
    secret_writer.apply_watcher_event(&Event::InitDone);
    pod_writer.apply_watcher_event(&Event::InitDone);
    let started = tokio::time::Instant::now();
    assert!(join_all(passes).await.into_iter().all(|ready| ready.unwrap_or(false)));
    assert_eq!(started.elapsed(), Duration::ZERO, "nobody waited for the deadline");
    assert!(caches.are_ready());
}
