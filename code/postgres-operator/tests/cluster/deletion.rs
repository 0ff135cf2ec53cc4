use crate::stage::Stage;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Event, Namespace, PersistentVolumeClaim, Pod, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use postgres_operator::api::Database;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::interval;

/// What a deletion can leave behind, by name.
async fn left(stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    let all = ListParams::default().labels("app.kubernetes.io/managed-by=postgres-operator");
    for claim in stage.api::<PersistentVolumeClaim>().list(&all).await.unwrap() {
        found.push(claim.name_any());
    }
    for secret in stage.api::<Secret>().list(&all).await.unwrap() {
        found.push(secret.name_any());
    }
    found
}

/// Waits until exactly that is left: volumes take a moment longer than the Database.
async fn wait_left(stage: &Stage, expected: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut tick = interval(Duration::from_millis(200));
    loop {
        tick.tick().await;
        let found = left(stage).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "expected {expected:?}, left are {found:?}");
    }
}

fn dumps(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "dump")).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retain_keeps_rows_and_passwords_for_the_next_life() {
    let stage = Stage::set("retain").await;
    stage.create("orders", json!({"deletionPolicy": "Retain"})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)");
    stage.delete("orders").await;
    wait_left(&stage, &["data-orders-0", "orders-credentials"]).await;
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SELECT id FROM kept"), "42");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshot_leaves_one_backup_that_restores_the_rows_into_a_new_database() {
    let stage = Stage::set("snapshot").await;
    let spec = json!({"deletionPolicy": "Snapshot", "backup": {"destination": stage.destination()}});
    stage.create("orders", spec.clone()).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.sql("orders", "SET ROLE app; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");
    stage.delete("orders").await;
    wait_left(&stage, &[]).await;

    let folder = stage.backups.path().join(&stage.namespace).join("orders");
    let dumps = dumps(&folder);
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--status"]).arg(dumps[0].with_extension("dump.sha256")).current_dir(&folder);
    let checked = check.status().unwrap();
    assert!(checked.success(), "the checksum beside the backup is right");
    let partial = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(partial.filter(|name| name.to_string_lossy().contains("partial")).count(), 0);
    let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap();
    let told = events.iter().filter(|event| event.reason.as_deref() == Some("FinalBackup")).count();
    assert_eq!(told, 1);

    stage.create("again", json!({})).await.unwrap();
    stage.wait("again", "Ready", "True", "1 of 1").await;
    let restore = ["pg_restore", "-U", "postgres", "--exit-on-error", "-d", "app"];
    let dump = std::fs::File::open(&dumps[0]).unwrap();
    let mut command = stage.exec("again-0");
    let restored = command.args(["--stdin", "--"]).args(restore).stdin(Stdio::from(dump)).output().unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(stage.sql("again", "SELECT count(*) FROM kept"), "1000");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_leaves_nothing_and_touches_no_stranger() {
    let stage = Stage::set("delete").await;
    let spec = json!({"deletionPolicy": "Delete", "backup": {"destination": stage.destination()}});
    let folder = stage.backups.path().join(&stage.namespace);
    for file in ["orders/of-a-previous-life.dump", "orders-2/of-somebody-else.dump"] {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), "x").unwrap();
    }
    let strangers: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": {"name": "data-orders-9"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }))
    .unwrap();
    stage.api::<PersistentVolumeClaim>().create(&PostParams::default(), &strangers).await.unwrap();
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.delete("orders").await;
    wait_left(&stage, &[]).await;
    assert!(dumps(&folder.join("orders")).is_empty(), "old backups go");
    assert_eq!(dumps(&folder.join("orders-2")).len(), 1, "those of a name that starts alike stay");
    assert!(stage.api::<PersistentVolumeClaim>().get_opt("data-orders-9").await.unwrap().is_some());
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_cleanup_says_why_and_goes_on_when_the_store_is_back() {
    let mut stage = Stage::set("blocked").await;
    let folder = stage.backups.path().join("store");
    // A file where the folder should be: nothing can be written below it.
    std::fs::write(&folder, "in the way").unwrap();
    let spec = json!({"deletionPolicy": "Snapshot", "backup": {"destination": format!("file://{}", folder.display())}});
    for name in ["orders", "given-up"] {
        stage.create(name, spec.clone()).await.unwrap();
        stage.wait(name, "Ready", "True", "1 of 1").await;
        stage.api::<Database>().delete(name, &DeleteParams::default()).await.unwrap();
        stage.wait(name, "Failed", "True", "the backup store").await;
    }
    assert!(stage.api::<StatefulSet>().get_opt("orders").await.unwrap().is_some(), "nothing is deleted");
    // It is tried again and again, and the report stays what it is: hope on every try would make it flap.
    let until = Instant::now() + Duration::from_secs(5);
    let mut tick = interval(Duration::from_millis(50));
    while Instant::now() < until {
        tick.tick().await;
        assert!(stage.api::<Database>().get("orders").await.unwrap().says("Failed"));
    }
    stage.crash();

    let give_up = json!({"metadata": {"annotations": {"database.example.com/give-up-final-backup": "true"}}});
    stage.api::<Database>().patch("given-up", &PatchParams::default(), &Patch::Merge(give_up)).await.unwrap();
    stage.wait_gone("given-up").await;
    let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap();
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("FinalBackupGivenUp")));

    std::fs::remove_file(&folder).unwrap();
    stage.wait_gone("orders").await;
    assert_eq!(dumps(&folder.join(&stage.namespace).join("orders")).len(), 1);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_while_the_operator_is_off_completes_at_its_start() {
    let mut stage = Stage::set("off").await;
    let spec = json!({"deletionPolicy": "Snapshot", "backup": {"destination": stage.destination()}});
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.stop();
    stage.api::<Database>().delete("orders", &DeleteParams::default()).await.unwrap();
    assert!(stage.api::<Database>().get_opt("orders").await.unwrap().is_some());
    stage.start_again();
    stage.wait_gone("orders").await;
    assert_eq!(dumps(&stage.backups.path().join(&stage.namespace).join("orders")).len(), 1);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_in_any_phase_leaves_nothing() {
    let stage = Stage::set("phases").await;
    for number in 0_u64..8 {
        let name = format!("db-{number}");
        stage.create(&name, json!({"deletionPolicy": "Delete"})).await.unwrap();
        // From before the first request to when the server is about to be ready.
        tokio::time::sleep(Duration::from_millis(number * number * 60)).await;
        stage.api::<Database>().delete(&name, &DeleteParams::default()).await.unwrap();
    }
    for number in 0..8 {
        stage.wait_gone(&format!("db-{number}")).await;
    }
    wait_left(&stage, &[]).await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_leaves_no_backup_that_is_not_whole() {
    let mut stage = Stage::set("full").await;
    let folder = stage.backups.path().join("small");
    std::fs::create_dir(&folder).unwrap();
    stage.shrink(&folder);
    let spec = json!({"deletionPolicy": "Snapshot", "backup": {"destination": format!("file://{}", folder.display())}});
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let rows = "CREATE TABLE big AS SELECT md5(i::text) || md5((i + 1)::text) AS x FROM generate_series(1, 100000) i";
    stage.sql("orders", rows);
    stage.api::<Database>().delete("orders", &DeleteParams::default()).await.unwrap();
    stage.wait("orders", "Failed", "True", "the backup store has no space left").await;
    let seen = stage.operator.sees(&folder).join(&stage.namespace).join("orders");
    assert!(seen.is_dir() && dumps(&seen).is_empty(), "in {}", seen.display());
    // The next one has the whole disk again.
    stage.crash();
    stage.wait_gone("orders").await;
    assert_eq!(dumps(&folder.join(&stage.namespace).join("orders")).len(), 1);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_goes_and_no_database_holds_it_up() {
    let stage = Stage::set("namespace").await;
    stage.create("kept", json!({})).await.unwrap();
    let spec = json!({"deletionPolicy": "Delete"});
    stage.create("orders", spec).await.unwrap();
    // Whether its servers go before they are asked for a backup is chance.
    let spec = json!({"deletionPolicy": "Snapshot", "backup": {"destination": stage.destination()}});
    stage.create("saved", spec).await.unwrap();
    for name in ["kept", "orders", "saved"] {
        stage.wait(name, "Ready", "True", "1 of 1").await;
    }
    let api: Api<Namespace> = Api::all(stage.client.clone());
    api.delete(&stage.namespace, &DeleteParams::default()).await.unwrap();
    // The Databases are gone within a minute, if their pods are: on a busy machine an old kubelet can take that long until it reports
    // a pod gone whose containers ended at once. The namespace controller looks again after half of a pod's grace period, and then
    // after ever longer pauses: it gets another minute.
    let started = Instant::now();
    let mut tick = interval(Duration::from_millis(500));
    while api.get_opt(&stage.namespace).await.unwrap().is_some() {
        tick.tick().await;
        let databases = stage.api::<Database>().list(&ListParams::default()).await.unwrap().items;
        let databases: Vec<_> =
            databases.iter().map(|db| (db.name_any(), db.finalizers().to_vec())).collect();
        let pods = stage.api::<Pod>().list(&ListParams::default()).await.unwrap();
        let pods: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
        assert!(
            databases.is_empty() || !pods.is_empty() || started.elapsed() < Duration::from_mins(1),
            "still there: {databases:?}, {pods:?}"
        );
        assert!(started.elapsed() < Duration::from_mins(2), "the namespace is still there: {pods:?}");
    }
}
