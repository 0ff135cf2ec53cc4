use crate::stage::Stage;
use Phase::{Configuring, Deploying, Failed, Pending, Provisioning, Ready, Updating, Verifying};
use futures::{StreamExt, pin_mut};
use k8s_openapi::api::{core::v1::PersistentVolumeClaim, storage::v1::StorageClass};
use kube::{
    Api,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};
use postgres_operator::{api::Database, phase::Phase};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// Every phase that the status goes through, in order.
fn phases(stage: &Stage) -> Arc<Mutex<Vec<Phase>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (api, told) = (stage.api::<Database>(), seen.clone());
    tokio::spawn(async move {
        let versions = watcher(api, watcher::Config::default()).default_backoff().touched_objects();
        pin_mut!(versions);
        while let Some(Ok(db)) = versions.next().await {
            let mut told = told.lock().unwrap();
            if let Some(phase) =
                db.status.and_then(|status| status.phase).filter(|it| told.last() != Some(it))
            {
                told.push(phase);
            }
        }
    });
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_while_servers_restart_waits_for_them_and_is_no_failure() {
    let stage = Stage::set("twice").await;
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let seen = phases(&stage);
    stage.change("orders", json!({"parameters": {"work_mem": "5MB"}})).await.unwrap();
    stage.wait("orders", "Progressing", "True", "0 of 1 servers are ready").await;
    stage.change("orders", json!({"parameters": {"work_mem": "6MB"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SHOW work_mem"), "6MB");
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.contains(&Failed), "{seen:?}");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaling_and_new_parameters_and_images_go_through_updating_to_ready() {
    let stage = Stage::set("changes").await;
    let seen = phases(&stage);
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)");

    stage.change("orders", json!({"replicas": 3})).await.unwrap();
    stage.wait("orders", "Ready", "True", "3 of 3").await;
    let standbys = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    assert_eq!(stage.sql("orders", standbys), "2");
    stage.change("orders", json!({"replicas": 1})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;

    let parameters = json!({"max_connections": "57", "log_line_prefix": "%m $(HOME) $$1 "});
    stage.change("orders", json!({"parameters": parameters})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SHOW max_connections"), "57");
    assert_eq!(stage.sql("orders", "SHOW log_line_prefix"), "%m $(HOME) $$1");

    // The same image by its full name: for the StatefulSet controller it is another one.
    stage.change("orders", json!({"image": "library/postgres:17"})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SELECT id FROM kept"), "42");

    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[..6], [Pending, Provisioning, Configuring, Deploying, Verifying, Ready], "{seen:?}");
    assert_eq!(seen.iter().filter(|phase| **phase == Updating).count(), 4, "one for each change: {seen:?}");
    for pair in seen.windows(2) {
        assert!(pair[0].next().contains(&pair[1]), "{} → {} is not in the table: {seen:?}", pair[0], pair[1]);
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgresql_refuses_is_quoted_and_the_old_configuration_keeps_serving() {
    let stage = Stage::set("refused").await;
    stage.create("orders", json!({"parameters": {"work_mem": "5MB"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let pod = |stage: &Stage| stage.sql("orders", "SELECT pg_postmaster_start_time()");
    let started = pod(&stage);
    for (parameters, complaint) in [
        (json!({"work_mem": "lots"}), "invalid value for parameter \"work_mem\": \"lots\""),
        (json!({"no_such_setting": "1"}), "unrecognized configuration parameter \"no_such_setting\""),
        (json!({"max_connections": "-1"}), "-1 is outside the valid range for parameter \"max_connections\""),
        // Two settings against each other. Each version of PostgreSQL says it in other words.
        (json!({"superuser_reserved_connections": "200"}), ""),
    ] {
        // A merge patch would keep the key of the round before.
        stage.change("orders", json!({"parameters": null})).await.unwrap();
        stage.change("orders", json!({"parameters": parameters})).await.unwrap();
        let told = format!("spec.parameters: PostgreSQL refuses them: {complaint}");
        stage.wait("orders", "Failed", "True", &told).await;
        assert_eq!(pod(&stage), started, "the server was not touched");
    }
    let failed = stage.message("orders", "Failed").await;
    assert!(failed.contains("superuser_reserved_connections") && failed.contains("(200)"), "{failed}");
    stage.change("orders", json!({"parameters": null})).await.unwrap();
    stage.change("orders", json!({"parameters": {"work_mem": "6MB"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SHOW work_mem"), "6MB");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_larger_volume_is_asked_for_where_the_class_allows_it() {
    let mut stage = Stage::set("grow").await;
    let class = json!({
        "metadata": {"name": stage.namespace}, "provisioner": "kubernetes.io/host-path", "allowVolumeExpansion": true,
    });
    let classes: Api<StorageClass> = Api::all(stage.client.clone());
    classes.create(&PostParams::default(), &serde_json::from_value(class).unwrap()).await.unwrap();
    let class = stage.namespace.clone();
    let storage = |size: &str| json!({"storage": {"size": size, "storageClass": class}});
    stage.create("orders", storage("1Gi")).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.change("orders", storage("2Gi")).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let claim = stage.api::<PersistentVolumeClaim>().get("data-orders-0").await.unwrap();
    let asked = claim.spec.unwrap().resources.unwrap().requests.unwrap()["storage"].0.clone();
    assert_eq!(asked, "2Gi");
    // The template of the StatefulSet still says 1Gi.
    if stage.change("orders", json!({"storage": {"size": "1Gi"}})).await.is_ok() {
        let told = "spec.storage.size: cannot shrink from 2Gi to 1Gi";
        stage.wait("orders", "Failed", "True", told).await;
        stage.crash();
        stage.change("orders", json!({"storage": {"size": "1500Mi"}})).await.unwrap();
        stage.wait("orders", "Failed", "True", "spec.storage.size: cannot shrink from 2Gi to 1500Mi").await;
    }
    let _ = classes.delete(&stage.namespace, &kube::api::DeleteParams::default()).await;
    stage.clear().await;
}
