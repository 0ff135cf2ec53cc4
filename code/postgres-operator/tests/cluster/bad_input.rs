use crate::stage::Stage;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Secret, Service},
};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use postgres_operator::api::Database;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_schema_forbids_the_api_server_refuses() {
    let stage = Stage::set("schema").await;
    for (field, spec) in [
        ("spec.replicas", json!({"replicas": 0})),
        ("spec.replicas", json!({"replicas": 11})),
        ("spec.storage.size", json!({"storage": {"size": "ten"}})),
        ("spec.databaseName", json!({"databaseName": "Not A Name"})),
        ("spec.username", json!({"username": "a\"; DROP ROLE postgres; --"})),
        ("spec.resources.requests.cpu", json!({"resources": {"requests": {"cpu": "lots"}}})),
        ("spec.passwordSecretRef.name", json!({"passwordSecretRef": {}})),
    ] {
        let refusal = stage.create("orders", spec.clone()).await.unwrap_err();
        assert!(refusal.contains(field), "{spec}: {refusal}");
    }
    stage.clear().await;
}

/// Since Kubernetes 1.25 the API server refuses these; before, the operator says the same in the status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_cel_forbids_is_refused_or_reported_and_the_running_database_is_left_alone() {
    let stage = Stage::set("cel").await;
    stage.create("orders", json!({"storage": {"size": "1Gi"}})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let before = stage.set_generation("orders").await;
    for (told, spec, back) in [
        ("spec.databaseName: is immutable", json!({"databaseName": "shop"}), json!({"databaseName": "app"})),
        ("spec.username: is immutable", json!({"username": "shop"}), json!({"username": "app"})),
        (
            "spec.storage.size: cannot shrink",
            json!({"storage": {"size": "1Mi"}}),
            json!({"storage": {"size": "1Gi"}}),
        ),
        (
            "spec.storage.storageClass: is immutable",
            json!({"storage": {"storageClass": "other"}}),
            json!({"storage": {"storageClass": Value::Null}}),
        ),
    ] {
        if stage.change("orders", spec).await.is_ok() {
            stage.wait("orders", "Failed", "True", told).await;
            stage.wait("orders", "Ready", "False", told).await;
            stage.change("orders", back).await.unwrap();
            stage.wait("orders", "Ready", "True", "1 of 1").await;
        }
    }
    assert_eq!(stage.set_generation("orders").await, before);

    let long = "x".repeat(53);
    if stage.create(&long, json!({})).await.is_ok() {
        stage.wait(&long, "Failed", "True", "metadata.name: must have at most 52 characters").await;
        assert!(stage.api::<StatefulSet>().get_opt(&long).await.unwrap().is_none());
        assert!(stage.api::<Secret>().get_opt(&format!("{long}-credentials")).await.unwrap().is_none());
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_not_there_or_lacks_the_key_is_waited_for() {
    let stage = Stage::set("secret").await;
    let spec = json!({"passwordSecretRef": {"name": "mine", "key": "pw"}});
    stage.create("orders", spec).await.unwrap();
    stage.wait("orders", "Failed", "True", "spec.passwordSecretRef: Secret mine does not exist").await;
    let metadata = ObjectMeta { name: Some("mine".into()), ..ObjectMeta::default() };
    let secret = Secret { metadata, ..Secret::default() };
    stage.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
    stage.wait("orders", "Failed", "True", "Secret mine has no value under the key pw").await;
    assert_eq!(stage.set_generation("orders").await, None);
    let value = Patch::Merge(json!({"stringData": {"pw": "it's \"quoted\" \\ and $(strange)"}}));
    stage.api::<Secret>().patch("mine", &PatchParams::default(), &value).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    let login =
        "PGPASSWORD='it'\\''s \"quoted\" \\ and $(strange)' psql -h orders -U app -Atc 'SELECT current_user'";
    // A Service leads to a new pod a moment after the pod is ready.
    stage.wait_in_pod("orders-0", &["bash", "-c", login], "app").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_object_of_the_same_name_is_told_of_and_not_touched() {
    let stage = Stage::set("stranger").await;
    let theirs: Service = serde_json::from_value(json!({
        "metadata": {"name": "orders"}, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
    }))
    .unwrap();
    let before = stage.api::<Service>().create(&PostParams::default(), &theirs).await.unwrap();
    stage.create("orders", json!({})).await.unwrap();
    stage.wait("orders", "Failed", "True", "Service orders exists and belongs to somebody else").await;
    let after = stage.api::<Service>().get("orders").await.unwrap();
    assert_eq!(after.metadata.resource_version, before.metadata.resource_version);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_cannot_be_pulled_is_told_and_its_correction_leads_to_ready() {
    let stage = Stage::set("image").await;
    stage.create("orders", json!({"image": "localhost/no-such-image:1"})).await.unwrap();
    let told = "orders-0: the image localhost/no-such-image:1 cannot be pulled";
    stage.wait("orders", "Failed", "True", told).await;
    stage.change("orders", json!({"image": "postgres:17"})).await.unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_annotation_of_a_thousand_characters_and_many_labels_are_no_obstacle() {
    let stage = Stage::set("labels").await;
    let labels: serde_json::Map<String, Value> =
        (0..20).map(|number| (format!("label-{number}"), "x".repeat(50).into())).collect();
    let object = json!({
        "apiVersion": "database.example.com/v1", "kind": "Database", "spec": {},
        "metadata": {"name": "orders", "labels": labels, "annotations": {"note": "y".repeat(1000)}},
    });
    stage
        .api::<Database>()
        .create(&PostParams::default(), &serde_json::from_value(object).unwrap())
        .await
        .unwrap();
    stage.wait("orders", "Ready", "True", "1 of 1").await;
    stage.clear().await;
}
