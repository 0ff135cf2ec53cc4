//! What the tests share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use k8s_openapi::{
    api::core::v1::ConfigMap, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Error, ResourceExt,
    api::{ApiResource, DynamicObject, PostParams},
    core::Status,
};
use serde_json::{Value, json};

pub(crate) fn config_map(name: &str, value: &str) -> ConfigMap {
    from(json!({ "metadata": { "name": name }, "data": { "key": value } }))
}

pub(crate) fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The `Status` that a request was refused with.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Box<Status> {
    match outcome {
        Err(Error::Api(status)) => status,
        other => panic!("not refused: {other:?}"),
    }
}

/// Wheels: a custom resource with a bit of everything.
pub(crate) fn definition() -> CustomResourceDefinition {
    from(json!({
        "metadata": { "name": "wheels.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "wheels", "kind": "Wheel", "shortNames": ["wh"] },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": { "status": {}, "scale": { "specReplicasPath": ".spec.spokes", "statusReplicasPath": ".status.spokes" } },
                "selectableFields": [{ "jsonPath": ".spec.color" }],
                "additionalPrinterColumns": [{ "name": "Spokes", "type": "integer", "jsonPath": ".spec.spokes" }],
                "schema": { "openAPIV3Schema": {
                    "type": "object", "required": ["spec"],
                    "properties": {
                        "spec": {
                            "type": "object",
                            "x-kubernetes-validations": [
                                { "rule": "self.spokes >= 3 || self.color != 'red'", "message": "red wheels need three spokes" },
                            ],
                            "properties": {
                                "spokes": { "type": "integer", "minimum": 1, "default": 8 },
                                "color": { "type": "string", "default": "black",
                                    "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": "color is immutable" }] },
                                "size": { "x-kubernetes-int-or-string": true },
                                "parts": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                                    "items": { "type": "object", "required": ["name"],
                                        "properties": { "name": { "type": "string" }, "weight": { "type": "integer" } } } },
                                "tags": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
                                "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                            },
                        },
                        "status": { "type": "object", "properties": { "spokes": { "type": "integer" } } },
                    },
                } },
            }],
        },
    }))
}

pub(crate) fn wheel_resource() -> ApiResource {
    ApiResource {
        group: "example.com".to_owned(),
        version: "v1".to_owned(),
        api_version: "example.com/v1".to_owned(),
        kind: "Wheel".to_owned(),
        plural: "wheels".to_owned(),
    }
}

pub(crate) fn wheel(name: &str, spec: &Value) -> DynamicObject {
    from(
        json!({ "apiVersion": "example.com/v1", "kind": "Wheel", "metadata": { "name": name }, "spec": spec }),
    )
}

/// Installs the definition and returns the API of its objects in the default namespace.
pub(crate) async fn wheels(client: &Client) -> Api<DynamicObject> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let made = definitions.create(&PostParams::default(), &definition()).await.unwrap();
    assert_eq!(made.name_any(), "wheels.example.com");
    Api::namespaced_with(client.clone(), "default", &wheel_resource())
}
