//! Pods for cases.

use crate::{
    arena::Arena,
    case::Failure,
    resource::{PODS, SERVICE_ACCOUNTS},
};
use serde_json::{Value, json};

/// A pod that no scheduler takes: it stays as its case writes it.
pub(super) fn unscheduled(name: &str, arena: &Arena) -> Value {
    let mut pod = idle(name, arena);
    pod["spec"]["schedulerName"] = json!("nobody");
    pod
}

/// A pod that does nothing.
pub(super) fn idle(name: &str, arena: &Arena) -> Value {
    let container = json!({"name": "main", "image": arena.image, "imagePullPolicy": "IfNotPresent"});
    json!({
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    })
}

/// Creates a pod, as soon as the namespace has the account that its pods run as, and that account what it needs.
pub(super) async fn create(arena: &Arena, pod: Value) -> Result<Value, Failure> {
    let accounts = arena.at(SERVICE_ACCOUNTS);
    arena.until_object(&accounts, "default", "to be made", |_| true).await?;
    arena
        .until("the account of the pods", async || {
            let answer = arena.at(PODS).create(pod.clone()).await;
            let early = answer.body["reason"] == "ServerTimeout" || answer.body["reason"] == "Forbidden";
            if early { Ok(None) } else { answer.is(201).map(Some) }
        })
        .await
}
