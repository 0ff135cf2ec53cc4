//! Server-side apply.

mod common;

use common::{refused, wheel, wheels};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
};
use sandbox::Sandbox;
use serde_json::{Value, json};

async fn apply(
    wheels: &Api<DynamicObject>,
    manager: &str,
    spec: Value,
) -> Result<DynamicObject, kube::Error> {
    wheels.patch("a", &PatchParams::apply(manager), &Patch::Apply(&wheel("a", &spec))).await
}

#[tokio::test(start_paused = true)]
async fn managers_own_what_they_apply() {
    let wheels = wheels(&Sandbox::default().client()).await;
    apply(&wheels, "one", json!({ "spokes": 5, "parts": [{ "name": "hub", "weight": 1 }] })).await.unwrap();
    apply(&wheels, "two", json!({ "tags": ["t"], "parts": [{ "name": "rim" }] })).await.unwrap();
    let status = refused(apply(&wheels, "two", json!({ "spokes": 6 })).await);
    assert_eq!(status.message, "Apply failed with 1 conflict: conflict with \"one\": .spec.spokes");
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    // What "two" does not say any more goes; what "one" says stays.
    let left = apply(&wheels, "two", json!({ "size": 5 })).await.unwrap();
    assert_eq!(
        left.data["spec"],
        json!({ "spokes": 5, "color": "black", "size": 5, "parts": [{ "name": "hub", "weight": 1 }], "tags": [] })
            .as_object()
            .map(|spec| spec.iter().filter(|(name, _)| *name != "tags").map(|(k, v)| (k.clone(), v.clone())).collect::<Value>())
            .unwrap()
    );
    let forced = wheels
        .patch("a", &PatchParams::apply("two").force(), &Patch::Apply(&wheel("a", &json!({ "spokes": 6 }))))
        .await
        .unwrap();
    assert_eq!(forced.data["spec"]["spokes"], 6);
    let gone = apply(&wheels, "one", json!({})).await.unwrap();
    assert_eq!((&gone.data["spec"]["spokes"], &gone.data["spec"]["parts"]), (&json!(6), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn applying_the_same_again_writes_nothing() {
    let wheels = wheels(&Sandbox::default().client()).await;
    let spec = json!({ "spokes": 5, "parts": [{ "name": "hub", "weight": 1 }], "tags": ["x"], "free": { "a": { "b": [1] } } });
    let first = apply(&wheels, "one", spec.clone()).await.unwrap();
    let second = apply(&wheels, "one", spec).await.unwrap();
    assert_eq!(first.resource_version(), second.resource_version());
    let status = json!({ "apiVersion": "example.com/v1", "kind": "Wheel", "status": { "spokes": 5 } });
    let params = PatchParams::apply("one");
    let told = wheels.patch_status("a", &params, &Patch::Apply(&status)).await.unwrap();
    let again = wheels.patch_status("a", &params, &Patch::Apply(&status)).await.unwrap();
    assert_eq!((told.resource_version(), told.metadata.generation), (again.resource_version(), Some(1)));
    let entries: Vec<_> = told.managed_fields().iter().map(|entry| entry.subresource.clone()).collect();
    assert_eq!(entries.len(), 2);
    assert!(entries.contains(&Some("status".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_plain_write_takes_fields_over() {
    let wheels = wheels(&Sandbox::default().client()).await;
    apply(&wheels, "one", json!({ "spokes": 5 })).await.unwrap();
    let patch = Patch::Merge(json!({ "spec": { "spokes": 7 } }));
    wheels
        .patch("a", &PatchParams { field_manager: Some("hand".into()), ..PatchParams::default() }, &patch)
        .await
        .unwrap();
    let status = refused(apply(&wheels, "one", json!({ "spokes": 5 })).await);
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"hand\" using example.com/v1: .spec.spokes"
    );
}
