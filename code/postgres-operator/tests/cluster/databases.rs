use crate::stage::Stage;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Pod, Secret, Service},
};
use kube::api::DeleteParams;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::interval;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standbys_stream_from_the_primary_and_rows_survive_a_dead_pod() {
    let stage = Stage::set("stream").await;
    stage.create("orders", json!({"replicas": 3})).await.unwrap();
    stage.wait("orders", "Ready", "True", "3 of 3").await;
    let sql = |pod: &str, sql: &str| stage.in_pod(pod, &["psql", "-U", "postgres", "-Atd", "app", "-c", sql]);
    assert_eq!(sql("orders-0", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"), "2");
    sql("orders-0", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (42); GRANT SELECT ON kept TO app");

    stage.api::<Pod>().delete("orders-0", &DeleteParams::default()).await.unwrap();
    stage.wait("orders", "Ready", "False", "").await;
    stage.wait("orders", "Ready", "True", "3 of 3").await;

    // As the application: over the Service, with the password from the Secret.
    let secret = stage.api::<Secret>().get("orders-credentials").await.unwrap();
    let password = String::from_utf8(secret.data.unwrap()["password"].0.clone()).unwrap();
    let login = format!("postgresql://app:{password}@orders:5432/app");
    stage.wait_in_pod("orders-1", &["psql", &login, "-Atc", "SELECT id FROM kept"], "42").await;
    // The standbys come back to the primary by themselves.
    let standbys = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    stage.wait_in_pod("orders-0", &["psql", "-U", "postgres", "-Atd", "app", "-c", standbys], "2").await;
    assert_eq!(sql("orders-2", "SELECT id FROM kept"), "42");

    // A standby with fewer connections than its primary would not start, and hold the rollout up before it reaches the primary.
    stage.change("orders", json!({"parameters": {"max_connections": "50"}})).await.unwrap();
    let told = "spec.parameters: PostgreSQL refuses them: max_connections cannot go from 100 to 50 while there are standbys";
    stage.wait("orders", "Failed", "True", told).await;
    stage.change("orders", json!({"parameters": null})).await.unwrap();
    stage.wait("orders", "Ready", "True", "3 of 3").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_or_edited_child_comes_back() {
    let stage = Stage::set("children").await;
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.api::<Service>().delete("orders-ro", &DeleteParams::default()).await.unwrap();
    let patch = kube::api::Patch::Merge(json!({"spec": {"selector": {"somebody": "else"}}}));
    stage.api::<Service>().patch("orders", &kube::api::PatchParams::default(), &patch).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut tick = interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        let read_only = stage.api::<Service>().get_opt("orders-ro").await.unwrap();
        let service = stage.api::<Service>().get("orders").await.unwrap();
        let foreign = service.spec.unwrap().selector.unwrap().contains_key("somebody");
        if read_only.is_some() && !foreign {
            break;
        }
        assert!(Instant::now() < deadline, "restored: {}, foreign selector: {foreign}", read_only.is_some());
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_made_again_over_its_volume_finds_its_rows_and_its_passwords() {
    let stage = Stage::set("again").await;
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let sql = |sql: &str| stage.in_pod("orders-0", &["psql", "-U", "postgres", "-Atd", "app", "-c", sql]);
    sql("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)");
    let passwords = stage.api::<Secret>().get("orders-credentials").await.unwrap().data;

    let databases = stage.api::<postgres_operator::api::Database>();
    databases.delete("orders", &DeleteParams::foreground()).await.unwrap();
    // The garbage collector may have to learn of the new kind first, which it looks for every half minute.
    let deadline = Instant::now() + Duration::from_mins(2);
    let mut tick = interval(Duration::from_millis(100));
    while databases.get_opt("orders").await.unwrap().is_some()
        || stage.api::<StatefulSet>().get_opt("orders").await.unwrap().is_some()
    {
        tick.tick().await;
        assert!(Instant::now() < deadline, "the database or its servers are still there");
    }
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(sql("SELECT id FROM kept"), "42");
    assert_eq!(stage.api::<Secret>().get("orders-credentials").await.unwrap().data, passwords);

    // Without the passwords that the volume knows, nothing may be made up.
    stage.api::<Secret>().delete("orders-credentials", &DeleteParams::default()).await.unwrap();
    stage.wait("orders", "Failed", "True", "Secret orders-credentials is gone").await;
    assert!(stage.api::<Secret>().get_opt("orders-credentials").await.unwrap().is_none());
    stage.clear().await;
}
