//! What the proxy writes down.

use crate::{Behind, create, map};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::PartialObjectMeta,
};
use serde_json::json;

fn fields(request: &fault_proxy::Request) -> Vec<String> {
    let Some(change) = &request.change else { return vec!["no change".into()] };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".into());
    change
        .fields
        .iter()
        .map(|it| format!("{} {} → {}", it.path, or_none(&it.old), or_none(&it.new)))
        .collect()
}

#[tokio::test]
async fn writes_tell_what_they_changed() {
    let behind = Behind::start().await;
    let maps = behind.maps();
    create(&maps, "a").await.unwrap();
    let to = |value: &str| Patch::Merge(json!({"data": {"key": value}}));
    maps.patch("a", &PatchParams::default(), &to("2")).await.unwrap();
    maps.patch("a", &PatchParams::default(), &to("2")).await.unwrap();
    maps.replace("a", &PostParams::default(), &map("a", "3")).await.unwrap();
    let _: PartialObjectMeta<ConfigMap> =
        maps.patch_metadata("a", &PatchParams::default(), &to("4")).await.unwrap();
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let told: Vec<_> = behind.proxy.requests().iter().map(|it| (it.to_string(), fields(it))).collect();
    let told: Vec<(&str, Vec<&str>)> =
        told.iter().map(|(it, fields)| (it.as_str(), fields.iter().map(String::as_str).collect())).collect();
    assert_eq!(
        told,
        [
            ("create configmaps a → 200", vec![".data.key ∅ → \"1\""]),
            ("patch configmaps a → 200", vec![".data.key \"1\" → \"2\""]),
            ("patch configmaps a → 200", vec!["no change"]),
            ("update configmaps a → 200", vec![".data.key \"2\" → \"3\""]),
            ("patch configmaps a → 200", vec![".data.key \"3\" → \"4\""]),
            ("delete configmaps a → 200", vec![]),
        ]
    );
}

#[tokio::test]
async fn what_secrets_hold_is_nowhere_in_the_log() {
    let behind = Behind::start().await;
    let secrets: Api<Secret> = Api::namespaced(crate::client(&behind.proxy.url()), "shop");
    let mut secret = Secret::default();
    secret.metadata.name = Some("a".into());
    secret.data = Some([("password".to_owned(), ByteString(b"correct horse".to_vec()))].into());
    secrets.create(&PostParams::default(), &secret).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"password": "YmF0dGVyeQ=="}}));
    secrets.patch("a", &PatchParams::default(), &patch).await.unwrap();
    let log = serde_json::to_string(&behind.proxy.requests()).unwrap();
    assert!(log.contains(".data.password") && log.contains("(hidden)"), "{log}");
    assert!(!log.contains("YmF0dGVyeQ") && !log.contains("Y29ycmVjdCBob3JzZQ"), "{log}");
}

#[tokio::test]
async fn a_mark_finds_what_came_after_it() {
    let behind = Behind::start().await;
    create(&behind.maps(), "a").await.unwrap();
    let mark = behind.proxy.mark();
    behind.maps().get("a").await.unwrap();
    let since: Vec<String> = behind.proxy.requests_since(mark).iter().map(ToString::to_string).collect();
    assert_eq!(since, ["get configmaps a → 200"], "and not what the proxy itself asks for");
    assert_eq!(behind.proxy.requests().len(), 2);
}
