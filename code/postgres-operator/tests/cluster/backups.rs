//! What a final backup is taken of, and when there is none.

use crate::stage::Stage;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use postgres_operator::api::Database;
use serde_json::{Value, json};
use std::process::Command;

fn snapshot(stage: &Stage) -> Value {
    json!({"deletionPolicy": "Snapshot", "backup": {"destination": stage.destination()}})
}

/// The tables in the final backup of a Database, as `pg_restore` lists them.
fn tables(stage: &Stage, name: &str) -> Vec<String> {
    let folder = stage.backups.path().join(&stage.namespace).join(name);
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let dumps: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "dump")).collect();
    assert_eq!(dumps.len(), 1, "{dumps:?} in {}", folder.display());
    // The names of tables are plain text in the table of contents.
    let listed =
        Command::new("grep").args(["-aoE", "CREATE TABLE public\\.[a-z]+"]).arg(&dumps[0]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed.lines().filter_map(|line| line.rsplit('.').next()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_was_made_beforehand_is_backed_up_too() {
    let stage = Stage::set("beforehand").await;
    let claim: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": {"name": "data-orders-0"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }))
    .unwrap();
    stage.api::<PersistentVolumeClaim>().create(&PostParams::default(), &claim).await.unwrap();
    stage.create("orders", snapshot(&stage)).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "CREATE TABLE kept (id int)");
    stage.delete("orders").await;
    assert_eq!(tables(&stage, "orders"), ["kept"]);
    assert!(stage.api::<PersistentVolumeClaim>().get_opt("data-orders-0").await.unwrap().is_some());
    stage.clear().await;
}

/// Since Kubernetes 1.25 the API server refuses the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_name_that_was_edited_does_not_lead_to_a_backup_of_another_database() {
    let stage = Stage::set("renamed").await;
    stage.create("orders", snapshot(&stage)).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "CREATE TABLE kept (id int)");
    if stage.change("orders", json!({"databaseName": "template1"})).await.is_ok() {
        stage.api::<Database>().delete("orders", &DeleteParams::default()).await.unwrap();
        let told = "spec.databaseName: is immutable: app cannot become template1; \
                    database.example.com/give-up-final-backup=true gives the backup up";
        stage.wait("orders", "Failed", "True", told).await;
        stage.change("orders", json!({"databaseName": "app"})).await.unwrap();
        stage.wait_gone("orders").await;
        assert_eq!(tables(&stage, "orders"), ["kept"]);
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_foreground_deletion_the_servers_go_first_and_the_database_stays() {
    let mut stage = Stage::set("foreground").await;
    stage.create("orders", snapshot(&stage)).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "CREATE TABLE kept (id int)");
    // The operator must not be faster than garbage collection: it would find a server and take the backup.
    stage.stop();
    stage.api::<Database>().delete("orders", &DeleteParams::foreground()).await.unwrap();
    stage.wait_no_pods("orders").await;
    stage.start_again();
    stage
        .wait("orders", "Failed", "True", "no server to take the final backup from: there are volumes")
        .await;
    assert!(stage.api::<PersistentVolumeClaim>().get_opt("data-orders-0").await.unwrap().is_some());
    let give_up = json!({"metadata": {"annotations": {"database.example.com/give-up-final-backup": "true"}}});
    stage.api::<Database>().patch("orders", &PatchParams::default(), &Patch::Merge(give_up)).await.unwrap();
    stage.wait_gone("orders").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_updating_or_failed_is_backed_up_when_it_is_deleted() {
    let stage = Stage::set("busy").await;
    for name in ["updating", "failed"] {
        stage.create(name, snapshot(&stage)).await.unwrap();
    }
    for name in ["updating", "failed"] {
        stage.wait(name, "Ready", "True", "1 of 1").await;
        stage.sql(name, "CREATE TABLE kept (id int)");
    }
    stage.change("updating", json!({"parameters": {"max_connections": "57"}})).await.unwrap();
    stage.wait("updating", "Progressing", "True", "").await;
    stage.change("failed", json!({"parameters": {"work_mem": "lots"}})).await.unwrap();
    stage.wait("failed", "Failed", "True", "spec.parameters: PostgreSQL refuses them").await;
    for name in ["updating", "failed"] {
        stage.api::<Database>().delete(name, &DeleteParams::default()).await.unwrap();
    }
    for name in ["updating", "failed"] {
        stage.wait_gone(name).await;
        assert_eq!(tables(&stage, name), ["kept"]);
    }
    stage.clear().await;
}

/// What `apply` takes for "the object has changed since", and why it looks for two answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_with_the_uid_of_another_object_is_refused_in_one_of_two_ways() {
    let stage = Stage::set("uid").await;
    let api = stage.api::<ConfigMap>();
    let uid = "11111111-1111-1111-1111-111111111111";
    let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "orders", "uid": uid}});
    let applied = async || {
        let params = PatchParams::apply("test").force();
        match api.patch("orders", &params, &Patch::Apply(&patch)).await {
            Err(kube::Error::Api(status)) => {
                let causes = status.details.iter().flat_map(|details| &details.causes);
                (status.code, causes.map(|cause| cause.field.clone()).collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(applied().await, (409, Vec::new()), "there is none");
    let object = json!({"metadata": {"name": "orders"}});
    let other = api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    let (code, fields) = applied().await;
    assert_eq!(code, 422, "there is another");
    assert!(!fields.is_empty() && fields.iter().all(|field| field == "metadata.uid"), "{fields:?}");
    assert_eq!(api.get("orders").await.unwrap().uid(), other.uid());
    stage.clear().await;
}
