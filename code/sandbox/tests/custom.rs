//! Custom resources.

mod common;

use common::{definition, refused, wheel, wheels};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions},
};
use sandbox::Sandbox;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_definition_is_established_and_serves_its_kind() {
    let client = Sandbox::default().client();
    let wheels = wheels(&client).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let established =
        await_condition(definitions.clone(), "wheels.example.com", conditions::is_crd_established());
    established.await.unwrap();
    let made = wheels
        .create(&PostParams::default(), &wheel("a", &json!({ "lost": 1, "free": { "kept": 1 } })))
        .await
        .unwrap();
    assert_eq!(made.data["spec"], json!({ "color": "black", "spokes": 8, "free": { "kept": 1 } }));
    assert_eq!(made.metadata.generation, Some(1));
    definitions.delete("wheels.example.com", &DeleteParams::default()).await.unwrap();
    await_condition(
        definitions,
        "wheels.example.com",
        conditions::is_deleted(&made.metadata.uid.clone().unwrap()),
    )
    .await
    .unwrap();
    let status = refused(wheels.list(&ListParams::default()).await);
    // The group went with its only kind.
    assert_eq!((status.code, status.message.trim()), (404, "404 page not found"));
}

#[tokio::test(start_paused = true)]
async fn schemas_and_rules_are_checked() {
    let wheels = wheels(&Sandbox::default().client()).await;
    let post = PostParams::default();
    for (spec, message) in [
        (
            json!({ "spokes": 0, "color": "blue" }),
            "Wheel.example.com \"a\" is invalid: [spec.spokes: Invalid value: 0: spec.spokes in body should be greater than or \
             equal to 1, <nil>: Invalid value: \"null\": some validation rules were not checked because the object was invalid; \
             correct the existing errors to complete validation]",
        ),
        (
            json!({ "spokes": 1, "color": "red" }),
            "Wheel.example.com \"a\" is invalid: spec: Invalid value: \"object\": red wheels need three spokes",
        ),
        (
            json!({ "tags": ["x", "x"] }),
            "Wheel.example.com \"a\" is invalid: [spec.tags[1]: Duplicate value: \"x\", <nil>: Invalid value: \"null\": some \
             validation rules were not checked because the object was invalid; correct the existing errors to complete \
             validation]",
        ),
    ] {
        let status = refused(wheels.create(&post, &wheel("a", &spec)).await);
        assert_eq!((status.code, status.message.as_str()), (422, message), "{spec}");
    }
    wheels.create(&post, &wheel("a", &json!({ "color": "red" }))).await.unwrap();
    let patch = Patch::Merge(json!({ "spec": { "color": "blue" } }));
    let status = refused(wheels.patch("a", &PatchParams::default(), &patch).await);
    assert_eq!(
        status.message,
        "Wheel.example.com \"a\" is invalid: spec.color: Invalid value: \"string\": color is immutable"
    );
    let selected = wheels.list(&ListParams::default().fields("spec.color=red")).await.unwrap();
    assert_eq!(selected.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn status_and_scale_are_resources_of_their_own() {
    let wheels = wheels(&Sandbox::default().client()).await;
    let mut with_status = wheel("a", &json!({}));
    with_status.data["status"] = json!({ "spokes": 9 });
    let made = wheels.create(&PostParams::default(), &with_status).await.unwrap();
    assert!(made.data.get("status").is_none());
    let patch = Patch::Merge(json!({ "status": { "spokes": 4 }, "spec": { "spokes": 1 } }));
    let told = wheels.patch_status("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!((&told.data["status"]["spokes"], &told.data["spec"]["spokes"]), (&json!(4), &json!(8)));
    let more = Patch::Merge(json!({ "spec": { "replicas": 12 } }));
    let scale = wheels.patch_scale("a", &PatchParams::default(), &more).await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(12));
    let scaled = wheels.get("a").await.unwrap();
    assert_eq!((scaled.metadata.generation, &scaled.data["spec"]["spokes"]), (Some(2), &json!(12)));
}

#[tokio::test(start_paused = true)]
async fn broken_definitions_are_refused() {
    let definitions: Api<CustomResourceDefinition> = Api::all(Sandbox::default().client());
    let mut misnamed = definition();
    misnamed.metadata.name = Some("wheel.example.com".to_owned());
    let status = refused(definitions.create(&PostParams::default(), &misnamed).await);
    assert!(status.message.contains(
        "metadata.name: Invalid value: \"wheel.example.com\": must be spec.names.plural+\".\"+spec.group"
    ));
}
