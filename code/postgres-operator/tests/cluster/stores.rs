//! Backups in a store that speaks S3: moto, which the test run installs and names in `S3_SERVER`.

use crate::stage::Stage;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams};
use object_store::{ObjectStore, ObjectStoreExt, aws::AmazonS3Builder, path::Path};
use postgres_operator::api::Database;
use serde_json::{Value, json};
use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::interval;

/// A server on a free port, stopped when it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    async fn start() -> Self {
        let program =
            std::env::var("S3_SERVER").expect("S3_SERVER should name moto_server: ./scripts/test.sh sets it");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self { process: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut tick = interval(Duration::from_millis(100));
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            tick.tick().await;
            assert!(Instant::now() < deadline, "the S3 server does not listen");
        }
        server
    }

    fn bucket(&self, name: &str) {
        let made = Command::new("curl")
            .args(["-sf", "-X", "PUT", &format!("{}/{name}", self.url)])
            .status()
            .unwrap();
        assert!(made.success(), "the bucket {name} was not made");
    }

    fn options(&self) -> Value {
        json!({
            "aws_endpoint": self.url, "aws_allow_http": "true", "aws_region": "us-east-1",
            "aws_access_key_id": "key", "aws_secret_access_key": "s3cret-of-the-store",
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_final_backup_goes_to_s3_in_parts_and_waits_for_a_bucket() {
    let server = Server::start().await;
    let stage = Stage::set("s3").await;
    let secret = json!({"metadata": {"name": "store"}, "stringData": server.options()});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    stage.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
    let spec = json!({
        "deletionPolicy": "Snapshot",
        "backup": {"destination": "s3://course/final", "secretName": "store"},
    });
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    // Twelve megabytes that cannot be compressed: more than two parts.
    let rows =
        "SELECT string_agg(md5(random()::text), '') AS x FROM generate_series(1, 12000) i GROUP BY i % 10";
    stage.sql(
        "orders",
        &format!("CREATE TABLE kept AS SELECT x, n FROM generate_series(1, 60) n, LATERAL ({rows}) r"),
    );
    let uid = stage.api::<Database>().get("orders").await.unwrap().metadata.uid.unwrap();

    stage.api::<Database>().delete("orders", &DeleteParams::default()).await.unwrap();
    stage.wait("orders", "Failed", "True", "the backup store has no such bucket or folder").await;
    server.bucket("course");
    stage.wait_gone("orders").await;

    let store = AmazonS3Builder::new()
        .with_endpoint(&server.url)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("course")
        .with_access_key_id("key")
        .with_secret_access_key("other")
        .build()
        .unwrap();
    let folder = Path::from(format!("final/{}/orders", stage.namespace));
    let list = store.list_with_delimiter(Some(&folder)).await.unwrap();
    let names: Vec<_> = list.objects.iter().filter_map(|object| object.location.filename()).collect();
    assert_eq!(names, [format!("{uid}.dump"), format!("{uid}.dump.sha256")]);
    let size = list.objects[0].size;
    assert!(size > 10 * 1024 * 1024, "it should have gone in parts: {size} bytes");
    let bytes = store.get(&list.objects[0].location).await.unwrap().bytes().await.unwrap();
    assert!(bytes.starts_with(b"PGDMP"), "a dump in pg_dump's custom format");
    stage.clear().await;
}
