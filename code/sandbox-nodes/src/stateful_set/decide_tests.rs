//! The steps of a StatefulSet as tables.

use super::{
    decide::{Step, decide},
    revision::Revisions,
};
use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, StatefulSet},
        core::v1::Pod,
    },
    jiff::Timestamp,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn revision(name: &str) -> ControllerRevision {
    serde_json::from_value(json!({"metadata": {"name": name}, "revision": 1})).unwrap()
}

fn set(spec: &Value) -> StatefulSet {
    let mut whole = json!({"replicas": 3, "serviceName": "web", "selector": {}, "template": {}});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(json!({"metadata": {"name": "web", "generation": 2}, "spec": whole})).unwrap()
}

/// A pod by its ordinal, its revision, and how it is: `ready`, `running`, `pending`, `failed`, `going`.
fn pod((ordinal, revision, state): (i32, &str, &str)) -> Arc<Pod> {
    let phase = match state {
        "pending" => "Pending",
        "failed" => "Failed",
        _ => "Running",
    };
    let ready = if matches!(state, "ready" | "going") { "True" } else { "False" };
    let mut pod = json!({
        "metadata": {"name": format!("web-{ordinal}"), "labels": {"controller-revision-hash": revision}},
        "status": {"phase": phase, "conditions": [{
            "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]},
    });
    if state == "going" {
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    Arc::new(serde_json::from_value(pod).unwrap())
}

/// The steps in short: `+0` and `+0*` create from the current and the update revision, `-0` deletes.
fn steps(spec: &Value, revisions: (&str, &str), pods: &[(i32, &str, &str)]) -> String {
    let revisions = Revisions { current: revision(revisions.0), update: revision(revisions.1) };
    let pods: Vec<_> = pods.iter().copied().map(pod).collect();
    let steps = decide(&set(spec), &revisions, &pods, Timestamp::now()).steps;
    let short = steps.iter().filter_map(|step| match step {
        Step::Create { ordinal, update } => Some(format!("+{ordinal}{}", if *update { "*" } else { "" })),
        Step::Delete { pod } => Some(pod.replace("web", "")),
        Step::Claims { .. } => None,
    });
    short.collect::<Vec<_>>().join(" ")
}

#[test]
fn pods_come_and_go_in_order() {
    let parallel = json!({"podManagementPolicy": "Parallel"});
    let (ready, pending) = ("ready", "pending");
    for (spec, pods, expected) in [
        (json!({}), vec![], "+0*"),
        (json!({}), vec![(0, "a", pending)], ""),
        (json!({}), vec![(0, "a", "running")], ""),
        (json!({}), vec![(0, "a", ready)], "+1*"),
        (json!({}), vec![(0, "a", ready), (2, "a", ready)], "+1*"),
        (json!({}), vec![(0, "a", "going"), (1, "a", ready), (2, "a", ready)], ""),
        (json!({}), vec![(0, "a", "failed"), (1, "a", ready), (2, "a", ready)], "-0"),
        (json!({}), vec![(0, "a", ready), (1, "a", ready), (2, "a", ready)], ""),
        (json!({"replicas": 1}), vec![(0, "a", ready), (1, "a", ready), (2, "a", ready)], "-2"),
        (json!({"replicas": 1}), vec![(0, "a", ready), (1, "a", ready), (2, "a", "going")], ""),
        (json!({"replicas": 1}), vec![(0, "a", pending), (1, "a", ready)], ""),
        (json!({"replicas": 0}), vec![(0, "a", pending)], "-0"),
        (json!({"replicas": 2, "ordinals": {"start": 5}}), vec![(5, "a", ready)], "+6*"),
        (parallel.clone(), vec![], "+0* +1* +2*"),
        (parallel.clone(), vec![(1, "a", pending)], "+0* +2*"),
        (
            json!({"replicas": 1, "podManagementPolicy": "Parallel"}),
            vec![(0, "a", pending), (1, "a", ready), (2, "a", ready)],
            "-2 -1",
        ),
    ] {
        assert_eq!(steps(&spec, ("a", "a"), &pods), expected, "{spec} {pods:?}");
    }
}

#[test]
fn a_new_revision_rolls_from_the_highest_ordinal_to_the_partition() {
    let partition = |from: i32| json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": from}}});
    let all = |states: [(&'static str, &'static str); 3]| -> Vec<_> {
        (0..).zip(states).map(|(ordinal, (revision, state))| (ordinal, revision, state)).collect()
    };
    let old = ("a", "ready");
    for (spec, pods, expected) in [
        (json!({}), all([old, old, old]), "-2"),
        (json!({}), all([old, old, ("b", "pending")]), ""),
        (json!({}), all([old, old, ("b", "ready")]), "-1"),
        (json!({}), all([old, old, ("a", "going")]), ""),
        (json!({}), all([("b", "ready"), ("b", "ready"), ("b", "ready")]), ""),
        (partition(2), all([old, old, ("b", "ready")]), ""),
        (partition(2), all([old, old, old]), "-2"),
        (partition(2), vec![(1, "a", "ready"), (2, "b", "ready")], "+0"),
        (partition(0), vec![(1, "a", "ready"), (2, "b", "ready")], "+0*"),
        (json!({"updateStrategy": {"type": "OnDelete"}}), all([old, old, old]), ""),
    ] {
        assert_eq!(steps(&spec, ("a", "b"), &pods), expected, "{spec} {pods:?}");
    }
}

#[test]
fn the_status_counts_what_is_there_and_what_was_done() {
    let status = |pods: &[(i32, &str, &str)]| {
        let revisions = Revisions { current: revision("a"), update: revision("b") };
        let pods: Vec<_> = pods.iter().copied().map(pod).collect();
        let status = decide(&set(&json!({})), &revisions, &pods, Timestamp::now()).status;
        assert_eq!(status.observed_generation, Some(2));
        let counts = [status.ready_replicas, status.current_replicas, status.updated_replicas];
        (status.replicas, counts.map(Option::unwrap_or_default), status.current_revision.unwrap())
    };
    assert_eq!(status(&[]), (1, [0, 0, 1], "a".into()));
    assert_eq!(
        status(&[(0, "a", "ready"), (1, "a", "ready"), (2, "a", "ready")]),
        (3, [3, 2, 0], "a".into())
    );
    assert_eq!(
        status(&[(0, "a", "ready"), (1, "a", "ready"), (2, "b", "running")]),
        (3, [2, 2, 1], "a".into())
    );
    // The rollout is complete: what was new is what there is.
    assert_eq!(
        status(&[(0, "b", "ready"), (1, "b", "ready"), (2, "b", "ready")]),
        (3, [3, 3, 3], "b".into())
    );
}

#[test]
fn time_makes_a_pod_available() {
    let revisions = Revisions { current: revision("a"), update: revision("a") };
    let at = |seconds: i64| {
        let now = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap()
            + std::time::Duration::from_secs(seconds.try_into().unwrap());
        let decision =
            decide(&set(&json!({"minReadySeconds": 10})), &revisions, &[pod((0, "a", "ready"))], now);
        (decision.status.available_replicas, decision.again.map(|it| it.as_secs()), decision.steps.len())
    };
    assert_eq!(at(4), (Some(0), Some(6), 0));
    assert_eq!(at(10), (Some(1), None, 1));
}
