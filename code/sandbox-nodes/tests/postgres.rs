//! Pods that are real servers. Needs PostgreSQL from the system's package, and fails without.

use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use sandbox::Sandbox;
use sandbox_nodes::{KILL, Nodes, Options, Pods};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// As it is hard to quote.
const PASSWORD: &str = r#"open 'sesame' \" $HOME"#;
const DEADLINE: Duration = Duration::from_mins(1);

fn server() -> Value {
    let secret = json!({"secretKeyRef": {"name": "login", "key": "password"}});
    json!({"metadata": {"name": "db"}, "spec": {"containers": [{
        "name": "postgres", "image": "postgres:17",
        "env": [
            {"name": "POSTGRES_PASSWORD", "valueFrom": secret},
            {"name": "POSTGRES_USER", "value": "app"},
            {"name": "POSTGRES_DB", "value": "orders"},
        ],
        // Not the socket: the server that sets up the data directory listens there too.
        // A period is longer than a start may take, so that a server must be found within the first.
        "readinessProbe": {"tcpSocket": {"port": 5432}, "periodSeconds": 20},
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/postgresql/data"},
            {"name": "run", "mountPath": "/var/run/postgresql"},
        ],
    }], "volumes": [{"name": "data", "emptyDir": {}}, {"name": "run", "emptyDir": {}}]}})
}

/// Waits until the pod is ready after so many restarts, and gives its address.
async fn ready(pods: &Api<Pod>, restarts: i32) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let status = pods.get("db").await.unwrap().status.unwrap_or_default();
        let container = status.container_statuses.iter().flatten().next();
        if container.is_some_and(|it| it.ready && it.restart_count == restarts) {
            return status.pod_ip.unwrap();
        }
        assert!(Instant::now() < deadline, "{status:#?}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn sql(address: &str, password: &str, sql: &str) -> Result<String, String> {
    let login = ["-h", address, "-U", "app", "-d", "orders", "-Atqc", sql];
    let output = Command::new("psql").args(login).env("PGPASSWORD", password).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn holds(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_a_server_with_the_password_of_its_secret_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    // A run that was killed long ago: no process has this id and this start.
    fs::create_dir_all(folder.path().join("1-0/volumes/old")).unwrap();
    fs::create_dir(folder.path().join("letters-2026")).unwrap();
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pods = Pods::Postgres { folder: folder.path().to_owned(), servers: 4 };
    let nodes = Nodes::new(Options { pods }).unwrap();
    assert!(!folder.path().join("1-0").exists(), "what the dead leave is removed");
    let client: Client = Sandbox::default().client();
    let running = tokio::spawn(nodes.run(client.clone()));

    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let secret = json!({"metadata": {"name": "login"}, "stringData": {"password": PASSWORD}});
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    let shared = holds(Path::new("/dev/shm"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    pods.create(&PostParams::default(), &serde_json::from_value(server()).unwrap()).await.unwrap();
    let address = ready(&pods, 0).await;
    sql(&address, PASSWORD, "CREATE TABLE kept (i int)").unwrap();
    let refused = sql(&address, "a guess", "SELECT 1").unwrap_err();
    assert!(refused.contains("password authentication failed"), "{refused}");

    assert_eq!(sql(&address, PASSWORD, "SHOW fsync").as_deref(), Ok("off"), "nothing waits for the disk");
    let events =
        Api::<Event>::namespaced(client, "default").list(&ListParams::default()).await.unwrap().items;
    let unhealthy = events.iter().filter(|it| it.reason.as_deref() == Some("Unhealthy"));
    assert_eq!(unhealthy.count(), 0, "a server that starts is not ill");

    let new = holds(Path::new("/dev/shm")).into_iter().filter(|name| !shared.contains(name));
    assert_eq!(new.collect::<Vec<_>>(), [""; 0], "a server's shared memory is its own, and goes with it");
    let kill = Patch::Merge(json!({"metadata": {"annotations": {KILL: "1"}}}));
    pods.patch("db", &PatchParams::default(), &kill).await.unwrap();
    assert_eq!(ready(&pods, 1).await, address);
    assert_eq!(
        sql(&address, PASSWORD, "SELECT count(*) FROM kept").as_deref(),
        Ok("0"),
        "data outlives a crash"
    );

    pods.delete("db", &DeleteParams::default()).await.unwrap();
    let deadline = Instant::now() + DEADLINE;
    while pods.get_opt("db").await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "the pod does not go");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(sql(&address, PASSWORD, "SELECT 1").is_err(), "the server has gone with its pod");
    running.abort();
    let _ = running.await;
    // The last of its tasks ends a moment after it.
    while holds(folder.path()) != ["letters-2026"] {
        assert!(Instant::now() < deadline, "something is left behind");
        sleep(Duration::from_millis(10)).await;
    }
}
