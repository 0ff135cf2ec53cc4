//! What pods tell: whether they are ready, and what keeps them from it.

use crate::{external::exec::complaint, reason::Reason};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use kube::ResourceExt;

/// Why a pod does not start, beyond that it has not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// For machines.
    pub reason: Reason,
    /// For a person, and the same each time the pod tries again.
    pub message: String,
}

/// Whether a pod's Ready condition is True and it is not on its way out.
pub fn is_ready(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(says_ready) && pod.metadata.deletion_timestamp.is_none()
}

/// Whether a pod's Ready condition is True.
pub fn says_ready(status: &PodStatus) -> bool {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What keeps a pod from starting.
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    if is_ready(pod) {
        return None;
    }
    let status = pod.status.as_ref()?;
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    containers
        .filter(|container| !container.ready)
        .find_map(|container| of_container(&pod.name_any(), container))
}

fn of_container(pod: &str, container: &ContainerStatus) -> Option<Trouble> {
    let state = container.state.as_ref();
    let waiting =
        state.and_then(|state| state.waiting.as_ref()).and_then(|waiting| waiting.reason.as_deref());
    // The kubelet goes back and forth between trying and waiting, which is one trouble.
    if matches!(waiting, Some("ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull"))
    {
        let message = format!("{pod}: the image {} cannot be pulled", container.image);
        return Some(Trouble { reason: Reason::ImageUnavailable, message });
    }
    let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let ended =
        state.and_then(|state| state.terminated.as_ref()).or(last).filter(|ended| ended.exit_code != 0)?;
    // Once can happen, to a server whose node goes down for example.
    if container.restart_count < 2 {
        return None;
    }
    let words = ended.message.as_deref().and_then(complaint);
    let words = words.unwrap_or_else(|| format!("it ends with status {}", ended.exit_code));
    Some(Trouble { reason: Reason::ServerCrashes, message: format!("{pod} does not start: {words}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::Kept;
    use serde_json::{Value, json};

    fn pod(container: Value) -> Pod {
        let mut container = container;
        for (field, value) in [
            ("name", json!("postgres")),
            ("image", json!("img")),
            ("imageID", json!("")),
            ("ready", json!(false)),
        ] {
            container[field] = value;
        }
        container["restartCount"] = container.get("restartCount").cloned().unwrap_or(json!(0));
        serde_json::from_value(json!({
            "metadata": {"name": "orders-0"},
            "status": {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [container]},
        }))
        .unwrap()
    }

    #[test]
    fn trouble_as_a_table() {
        let crashed =
            json!({"terminated": {"exitCode": 1, "message": "2026 UTC [1] FATAL:  could not map memory"}});
        for (container, expected) in [
            (json!({"state": {"waiting": {"reason": "ContainerCreating"}}}), None),
            (json!({"state": {"running": {}}}), None),
            (
                json!({"state": {"waiting": {"reason": "ErrImagePull"}}}),
                Some("orders-0: the image img cannot be pulled"),
            ),
            (
                json!({"state": {"waiting": {"reason": "ImagePullBackOff"}}}),
                Some("orders-0: the image img cannot be pulled"),
            ),
            (json!({"state": crashed, "restartCount": 1}), None),
            (
                json!({"state": crashed, "restartCount": 2}),
                Some("orders-0 does not start: could not map memory"),
            ),
            (
                json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": crashed, "restartCount": 3}),
                Some("orders-0 does not start: could not map memory"),
            ),
            (
                json!({"state": {"terminated": {"exitCode": 137}}, "restartCount": 5}),
                Some("orders-0 does not start: it ends with status 137"),
            ),
        ] {
            let found = trouble(&pod(container.clone())).map(|trouble| trouble.message);
            assert_eq!(found.as_deref(), expected, "{container}");
        }
    }

    #[test]
    fn what_is_not_kept_was_not_looked_at() {
        let full = pod(json!({"state": {"waiting": {"reason": "ErrImagePull"}}}));
        let kept = Kept::from(full.clone()).object();
        assert_eq!(trouble(&kept), trouble(&full));
        assert_eq!(is_ready(&kept), is_ready(&full));

        // The parameters are applied unasked while no node has the pod, and a list tells that one has.
        let mut ready = pod(json!({"state": {"running": {}}}));
        ready.status.as_mut().unwrap().container_statuses.as_mut().unwrap()[0].ready = true;
        assert_eq!(Kept::from(ready).object().status.unwrap().container_statuses, Some(Vec::new()));
    }
}
