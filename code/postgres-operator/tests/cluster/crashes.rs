use crate::stage::Stage;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use postgres_operator::api::Database;
use rand::RngExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const CRASHES: usize = 10;

/// Kills the operator ten times at random moments while something is under way, and then lets it work.
async fn under_fire(stage: &mut Stage) {
    for _ in 0..CRASHES {
        // The moment itself is the subject: from before the first request to well into the work.
        sleep(Duration::from_millis(rand::rng().random_range(0..400))).await;
        stage.crash();
    }
}

async fn changed(stage: &mut Stage, spec: Value) {
    stage.change("orders", spec).await.unwrap();
    under_fire(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_crashes_in_each_stage_of_a_life_change_nothing_about_its_end() {
    let mut stage = Stage::set("crashes").await;
    let secret = json!({"metadata": {"name": "mine"}, "stringData": {"password": "first"}});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    stage.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
    let spec = json!({
        "deletionPolicy": "Snapshot", "backup": {"destination": stage.destination()},
        "passwordSecretRef": {"name": "mine"},
    });
    stage.create("orders", spec).await.unwrap();
    under_fire(&mut stage).await;
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let credentials = stage.api::<Secret>().get("orders-credentials").await.unwrap();
    stage.sql("orders", "SET ROLE app; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");

    changed(&mut stage, json!({"replicas": 3})).await;
    stage.wait("orders", "Ready", "True", "3 of 3").await;
    changed(&mut stage, json!({"replicas": 1})).await;
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    // The same image by its full name: for the StatefulSet controller it is another one.
    let spec = json!({"parameters": {"max_connections": "61"}, "image": "library/postgres:17"});
    changed(&mut stage, spec).await;
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SHOW max_connections"), "61");

    let patch = Patch::Merge(json!({"stringData": {"password": "second"}}));
    stage.api::<Secret>().patch("mine", &PatchParams::default(), &patch).await.unwrap();
    under_fire(&mut stage).await;
    let login = "PGPASSWORD=second psql -h orders -U app -Atc 'SELECT count(*) FROM kept'";
    stage.wait_in_pod("orders-0", &["bash", "-c", login], "1000").await;
    let now = stage.api::<Secret>().get("orders-credentials").await.unwrap();
    assert_eq!(now.data, credentials.data, "no password was made anew");
    assert_eq!(now.uid(), credentials.uid());

    stage.api::<Database>().delete("orders", &DeleteParams::default()).await.unwrap();
    under_fire(&mut stage).await;
    stage.wait_gone("orders").await;
    let folder = stage.backups.path().join(&stage.namespace).join("orders");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let dumps = files.iter().filter(|path| path.extension().is_some_and(|it| it == "dump")).count();
    assert_eq!(dumps, 1, "{files:?}");
    let claims = stage.api::<PersistentVolumeClaim>().list(&ListParams::default()).await.unwrap().items;
    // Volumes of standbys that were scaled away have to go too.
    let alive: Vec<_> = claims.iter().filter(|claim| claim.metadata.deletion_timestamp.is_none()).collect();
    assert!(alive.is_empty(), "{alive:?}");
    stage.clear().await;
}
