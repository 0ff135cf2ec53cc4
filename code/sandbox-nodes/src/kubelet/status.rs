//! A pod's status from its containers', as the kubelet derives it.

use k8s_openapi::api::core::v1::{ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus};
use sandbox::Clock;

/// Address of the one node.
pub(crate) const NODE_ADDRESS: &str = "127.0.0.1";

/// The conditions that the kubelet writes.
const OWN: [&str; 4] = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];

/// Derives the status. What others put there, conditions for example, stays. `said` is what was reported last: the watch may show an
/// older pod, and a time taken from that would be another one, to be reported again, and again from the next late pod.
pub(crate) fn pod_status(
    pod: &Pod,
    said: Option<&PodStatus>,
    address: Option<&str>,
    init: Vec<ContainerStatus>,
    containers: Vec<ContainerStatus>,
    clock: &Clock,
) -> PodStatus {
    let before = pod.status.clone().unwrap_or_default();
    let phase = phase(pod, &init, &containers);
    let initialized = init.iter().all(|it| it.ready);
    let all_ready = containers.iter().all(|it| it.ready) && phase == "Running";
    let mut conditions = before.conditions.clone().unwrap_or_default();
    let own = said.and_then(|said| said.conditions.as_ref()).into_iter().flatten();
    for condition in own.filter(|condition| OWN.contains(&condition.type_.as_str())) {
        conditions.retain(|it| it.type_ != condition.type_);
        conditions.push(condition.clone());
    }
    let not_ready: Vec<_> = containers.iter().filter(|it| !it.ready).map(|it| it.name.as_str()).collect();
    let unready = match phase {
        "Succeeded" => ("PodCompleted", None),
        "Failed" => ("PodFailed", None),
        _ => {
            ("ContainersNotReady", Some(format!("containers with unready status: [{}]", not_ready.join(" "))))
        }
    };
    let uninitialized: Vec<_> = init.iter().filter(|it| !it.ready).map(|it| it.name.as_str()).collect();
    let incomplete = format!("containers with incomplete status: [{}]", uninitialized.join(" "));
    let mut set = |type_: &str, holds: bool, (reason, message): (&str, Option<String>)| {
        set_condition(&mut conditions, type_, holds, reason, message, clock);
    };
    set("PodScheduled", true, ("", None));
    set("Initialized", initialized, ("ContainersNotInitialized", Some(incomplete)));
    set("ContainersReady", all_ready, unready.clone());
    let gates_open = gates_open(pod, &before);
    let gated = ("ReadinessGatesNotReady", Some("the status of a readiness gate is not True".to_owned()));
    set("Ready", all_ready && gates_open, if all_ready { gated } else { unready });
    PodStatus {
        phase: Some(phase.into()),
        conditions: Some(conditions),
        host_ip: Some(NODE_ADDRESS.into()),
        host_ips: Some(vec![HostIP { ip: NODE_ADDRESS.into() }]),
        pod_ip: address.map(str::to_owned),
        pod_ips: address.map(|ip| vec![PodIP { ip: ip.into() }]),
        start_time: said.unwrap_or(&before).start_time.clone().or_else(|| Some(clock.time())),
        init_container_statuses: (!init.is_empty()).then_some(init),
        container_statuses: Some(containers),
        ..before
    }
}

fn gates_open(pod: &Pod, status: &PodStatus) -> bool {
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_deref()).unwrap_or_default();
    gates.iter().all(|gate| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|it| it.type_ == gate.condition_type && it.status == "True")
    })
}

fn phase(pod: &Pod, init: &[ContainerStatus], containers: &[ContainerStatus]) -> &'static str {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()).unwrap_or("Always");
    let exit = |it: &ContainerStatus| it.state.as_ref()?.terminated.as_ref().map(|ended| ended.exit_code);
    if init.iter().any(|it| exit(it).is_some_and(|code| code != 0) && policy == "Never") {
        return "Failed";
    }
    if !init.iter().all(|it| it.ready) {
        return "Pending";
    }
    let has_run = |it: &ContainerStatus| {
        let state = it.state.as_ref();
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
            || it.last_state.is_some()
    };
    if !containers.iter().all(has_run) {
        return "Pending";
    }
    let ended: Option<Vec<i32>> = containers.iter().map(exit).collect();
    match ended {
        Some(codes) if policy != "Always" && codes.iter().all(|code| *code == 0) => "Succeeded",
        Some(_) if policy == "Never" => "Failed",
        _ => "Running",
    }
}

/// Sets a condition. Its time moves only when its status does.
pub(crate) fn set_condition(
    conditions: &mut Vec<PodCondition>,
    type_: &str,
    holds: bool,
    reason: &str,
    message: Option<String>,
    clock: &Clock,
) {
    let status = if holds { "True" } else { "False" };
    let before = conditions.iter().find(|it| it.type_ == type_);
    let since = before.filter(|it| it.status == status).and_then(|it| it.last_transition_time.clone());
    let condition = PodCondition {
        type_: type_.into(),
        status: status.into(),
        reason: (!holds).then(|| reason.to_owned()),
        message: message.filter(|_| !holds),
        last_transition_time: since.or_else(|| Some(clock.time())),
        ..PodCondition::default()
    };
    match conditions.iter_mut().find(|it| it.type_ == type_) {
        Some(place) => *place = condition,
        None => conditions.push(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn container(state: &Value, ready: bool) -> ContainerStatus {
        let status = json!({"name": "c", "image": "i", "imageID": "", "ready": ready, "restartCount": 0, "state": state});
        serde_json::from_value(status).unwrap()
    }

    #[tokio::test]
    async fn a_late_watch_changes_no_time() {
        let pod: Pod =
            serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {"containers": []}})).unwrap();
        let (clock, ready) = (Clock::default(), || vec![container(&json!({"running": {}}), true)]);
        let mut said = pod_status(&pod, None, None, Vec::new(), ready(), &clock);
        let long_ago = serde_json::from_value(json!("2020-01-01T00:00:00Z")).unwrap();
        said.start_time = Some(long_ago);
        for condition in said.conditions.iter_mut().flatten() {
            condition.last_transition_time = said.start_time.clone();
        }
        assert_eq!(pod_status(&pod, Some(&said), None, Vec::new(), ready(), &clock), said);
        let fallen = pod_status(
            &pod,
            Some(&said),
            None,
            Vec::new(),
            vec![container(&json!({"running": {}}), false)],
            &clock,
        );
        let ready = fallen.conditions.unwrap().into_iter().find(|it| it.type_ == "Ready").unwrap();
        assert_ne!(ready.last_transition_time, said.start_time, "its status has changed");
    }

    #[tokio::test]
    async fn phases_as_a_table() {
        let (waiting, running) =
            (json!({"waiting": {"reason": "ContainerCreating"}}), json!({"running": {}}));
        let ended = |code: i32| json!({"terminated": {"exitCode": code}});
        for (policy, init, main, phase, ready) in [
            ("Always", None, (&waiting, false), "Pending", "False"),
            ("Always", None, (&running, false), "Running", "False"),
            ("Always", None, (&running, true), "Running", "True"),
            ("Always", Some((&running, false)), (&waiting, false), "Pending", "False"),
            ("Always", Some((&ended(0), true)), (&running, true), "Running", "True"),
            ("Always", None, (&ended(1), false), "Running", "False"),
            ("Always", Some((&ended(1), false)), (&waiting, false), "Pending", "False"),
            ("Never", Some((&ended(1), false)), (&waiting, false), "Failed", "False"),
            ("Never", None, (&ended(0), false), "Succeeded", "False"),
            ("Never", None, (&ended(1), false), "Failed", "False"),
            ("OnFailure", None, (&ended(1), false), "Running", "False"),
            ("OnFailure", None, (&ended(0), false), "Succeeded", "False"),
        ] {
            let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [], "restartPolicy": policy}});
            let init = init.iter().map(|(state, ready)| container(state, *ready)).collect();
            let pod = serde_json::from_value(pod).unwrap();
            let status =
                pod_status(&pod, None, None, init, vec![container(main.0, main.1)], &Clock::default());
            let condition = status.conditions.unwrap().into_iter().find(|it| it.type_ == "Ready").unwrap();
            assert_eq!(
                (status.phase.as_deref(), &*condition.status),
                (Some(phase), ready),
                "{policy} {main:?}"
            );
        }
    }
}
