use crate::stage::Stage;
use k8s_openapi::api::core::v1::{Event, ResourceQuota, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use postgres_operator::api::Database;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::interval;

async fn create_secret(stage: &Stage, name: &str, password: &str) {
    let secret = json!({"metadata": {"name": name}, "stringData": {"password": password}});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    stage.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
}

fn login(name: &str, password: &str) -> String {
    let quoted = format!("'{}'", password.replace('\'', "'\\''"));
    format!("PGPASSWORD={quoted} psql -h {name} -U app -Atc 'SELECT 1'")
}

async fn wait_event(stage: &Stage, name: &str, reason: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut tick = interval(Duration::from_millis(200));
    loop {
        tick.tick().await;
        let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap();
        let of = |event: &Event| event.involved_object.name.as_deref() == Some(name);
        if events.iter().any(|event| of(event) && event.reason.as_deref() == Some(reason)) {
            return;
        }
        assert!(Instant::now() < deadline, "no Event {reason} of {name}: {:#?}", events.items);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_applied_while_a_standby_is_missing_and_whatever_the_parameters_are() {
    let stage = Stage::set("missing").await;
    create_secret(&stage, "mine", "first").await;
    let parameters = json!({"default_transaction_read_only": "on", "log_error_verbosity": "verbose"});
    let spec = json!({"passwordSecretRef": {"name": "mine"}, "parameters": parameters});
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.change("orders", json!({"parameters": {"work_mem": "6MB"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    assert_eq!(stage.sql("orders", "SHOW work_mem"), "6MB", "the trial of parameters is understood");

    let quota = json!({"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}});
    let quotas = stage.api::<ResourceQuota>();
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut tick = interval(Duration::from_millis(200));
    while quotas.get("one").await.unwrap().status.is_none_or(|status| status.hard.is_none()) {
        tick.tick().await;
        assert!(Instant::now() < deadline, "the quota is not in force");
    }
    stage.change("orders", json!({"replicas": 2})).await.unwrap();
    stage.wait("orders", "Ready", "False", "").await;
    let patch = Patch::Merge(json!({"stringData": {"password": "second"}}));
    stage.api::<Secret>().patch("mine", &PatchParams::default(), &patch).await.unwrap();
    stage.wait_in_pod("orders-0", &["bash", "-c", &login("orders", "second")], "1").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_applied_and_the_old_one_no_longer_works() {
    let stage = Stage::set("rotate").await;
    create_secret(&stage, "mine", "first").await;
    create_secret(&stage, "others", "theirs").await;
    for (name, secret) in [("orders", "mine"), ("twin", "mine"), ("other", "others")] {
        stage.create(name, json!({"passwordSecretRef": {"name": secret}})).await.unwrap();
    }
    for name in ["orders", "twin", "other"] {
        stage.wait(name, "Ready", "True", "1 of 1").await;
    }
    let untouched = stage.sql("other", "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");

    let second = "it's \"the\" \\second";
    let patch = Patch::Merge(json!({"stringData": {"password": second}}));
    stage.api::<Secret>().patch("mine", &PatchParams::default(), &patch).await.unwrap();
    for name in ["orders", "twin"] {
        let pod = format!("{name}-0");
        stage.wait_in_pod(&pod, &["bash", "-c", &login(name, second)], "1").await;
        let refused = stage.try_in_pod(&pod, &["bash", "-c", &login(name, "first")]).unwrap_err();
        assert!(refused.contains("password authentication failed"), "{refused}");
        stage.wait(name, "Ready", "True", "1 of 1").await;
        wait_event(&stage, name, "PasswordChanged").await;
    }
    let now = stage.sql("other", "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
    assert_eq!(now, untouched, "a Secret that it does not name is none of its business");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_referenced_secret_that_is_deleted_later_is_told_and_the_server_goes_on() {
    let stage = Stage::set("lost-secret").await;
    create_secret(&stage, "mine", "first").await;
    stage.create("orders", json!({"passwordSecretRef": {"name": "mine"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let started = stage.sql("orders", "SELECT pg_postmaster_start_time()");
    stage.api::<Secret>().delete("mine", &DeleteParams::default()).await.unwrap();
    stage.wait("orders", "Failed", "True", "spec.passwordSecretRef: Secret mine does not exist").await;
    assert_eq!(stage.sql("orders", "SELECT pg_postmaster_start_time()"), started);
    stage.wait_in_pod("orders-0", &["bash", "-c", &login("orders", "first")], "1").await;
    create_secret(&stage, "mine", "second").await;
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.wait_in_pod("orders-0", &["bash", "-c", &login("orders", "second")], "1").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_of_the_users_own_a_password_is_generated_and_set() {
    let stage = Stage::set("own-password").await;
    create_secret(&stage, "mine", "first").await;
    stage.create("orders", json!({"passwordSecretRef": {"name": "mine"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let credentials = async || stage.api::<Secret>().get("orders-credentials").await.unwrap().data.unwrap();
    let before = credentials().await;
    assert!(!before.contains_key("password"));

    stage.change("orders", json!({"passwordSecretRef": Value::Null})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let mut after = credentials().await;
    let password = String::from_utf8(after.remove("password").unwrap().0).unwrap();
    assert_eq!(after, before, "the others are what they were");
    stage.wait_in_pod("orders-0", &["bash", "-c", &login("orders", &password)], "1").await;
    let secret_name = stage.api::<Database>().get("orders").await.unwrap().status.unwrap().secret_name;
    assert_eq!(secret_name.as_deref(), Some("orders-credentials"));

    stage.change("orders", json!({"passwordSecretRef": {"name": "mine"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.change("orders", json!({"passwordSecretRef": Value::Null})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let again = String::from_utf8(credentials().await["password"].0.clone()).unwrap();
    assert_eq!(again, password, "one that is there is never made anew");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_cannot_be_made_leaves_no_password_in_any_log() {
    let stage = Stage::set("leak").await;
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    // The script with a role that PostgreSQL refuses, as the init container runs it.
    let script = include_str!("../../src/resources/bootstrap.sh");
    let environment = [
        "HOSTNAME=x-0",
        "PRIMARY_DOMAIN=nowhere",
        "PGDATA=/tmp/leak",
        "APP_USER=public",
        "APP_DATABASE=app",
        "APP_PASSWORD=s3cret-of-the-app",
        "SUPERUSER_PASSWORD=s3cret-of-root",
        "REPLICATION_PASSWORD=s3cret-of-standbys",
    ];
    let mut command = vec!["env"];
    command.extend(environment);
    // The server that it has started would hold the pipe open.
    let logged = format!(
        "({script}) >/tmp/log 2>&1; pg_ctl -D /tmp/leak.new -m immediate stop >/dev/null; cat /tmp/log"
    );
    command.extend(["bash", "-c", &logged]);
    let output = stage.output_in_pod("orders-0", &command);
    assert!(output.contains("role name \"public\" is reserved"), "{output}");
    assert!(!output.contains("s3cret"), "{output}");
    stage.clear().await;
}
