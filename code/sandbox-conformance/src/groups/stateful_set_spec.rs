//! StatefulSets of pods that do nothing.

use serde_json::{Value, json};

/// A StatefulSet of this name and size.
pub(super) fn of_pods(name: &str, replicas: u32, image: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "main", "image": image, "imagePullPolicy": "IfNotPresent"}],
                },
            },
        },
    })
}
