//! What a Job's next steps are.

use crate::object::is_going;
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobCondition, JobStatus},
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// What to do, and what to report once it is done.
pub(crate) struct Decision {
    /// How many pods to make.
    pub(crate) create: usize,
    /// Whether to delete the pods that still run.
    pub(crate) stop: bool,
    pub(crate) status: JobStatus,
    /// When to look again though nothing happens.
    pub(crate) again: Option<Duration>,
}

/// Whether a Job has come to its end.
pub(crate) fn is_finished(job: &Job) -> bool {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|it| matches!(&*it.type_, "Complete" | "Failed") && it.status == "True")
}

/// Decides on a Job that is not finished.
pub(crate) fn decide(job: &Job, pods: &[Arc<Pod>], now: Timestamp) -> Decision {
    let spec = job.spec.clone().unwrap_or_default();
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
    let count = |wanted: &str| pods.iter().filter(|pod| phase(pod) == wanted).count();
    let (succeeded, failed) = (count("Succeeded"), count("Failed"));
    let active = pods
        .iter()
        .filter(|pod| !matches!(&*phase(pod), "Succeeded" | "Failed") && !is_going(&***pod))
        .count();
    let parallelism = usize::try_from(spec.parallelism.unwrap_or(1)).unwrap_or(0);
    let completions = spec.completions.and_then(|it| usize::try_from(it).ok());
    let limit = usize::try_from(spec.backoff_limit.unwrap_or(6)).unwrap_or(0);
    let suspended = spec.suspend == Some(true);
    let start = job.status.as_ref().and_then(|status| status.start_time.clone());
    let start = start.or_else(|| (!suspended).then_some(Time(now)));
    let deadline = spec.active_deadline_seconds.and_then(|it| it.try_into().ok()).map(Duration::from_secs);
    let left = deadline.zip(start.as_ref()).map(|(deadline, start)| until(start.0 + deadline, now));

    let complete = match completions {
        Some(wanted) => succeeded >= wanted,
        // Without a number, one success and no pod left is the end.
        None => succeeded > 0 && active == 0,
    };
    let end = if complete {
        Some(("Complete", "CompletionsReached", "Reached expected number of succeeded pods"))
    } else if failed > limit {
        Some(("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    } else if left.is_some_and(|left| left.is_zero()) {
        Some(("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    } else {
        None
    };
    let pause = pause(pods, failed, now);
    let wanted = completions.map_or(if succeeded > 0 { active } else { parallelism }, |all| {
        parallelism.min(all.saturating_sub(succeeded))
    });
    let may_create = end.is_none() && !suspended && pause.is_zero();
    let create = if may_create { wanted.saturating_sub(active) } else { 0 };
    let stop = end.is_some() || suspended;
    let number = |count: usize| i32::try_from(count).ok();
    let mut status = job.status.clone().unwrap_or_default();
    status.start_time = start;
    status.active = number(if stop { 0 } else { active + create }).filter(|it| *it > 0);
    status.succeeded = number(succeeded).filter(|it| *it > 0);
    status.failed = number(failed).filter(|it| *it > 0);
    status.ready = number(pods.iter().filter(|pod| is_ready(pod)).count());
    if let Some((type_, reason, message)) = end {
        status.completion_time = (type_ == "Complete").then_some(Time(now));
        status.conditions.get_or_insert_default().push(JobCondition {
            type_: type_.into(),
            status: "True".into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_probe_time: Some(Time(now)),
            last_transition_time: Some(Time(now)),
        });
    }
    let again = [Some(pause), left].into_iter().flatten().filter(|it| !it.is_zero()).min();
    Decision { create, stop, status, again: again.filter(|_| end.is_none()) }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True")
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    at.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}

/// How long to wait after the last failure.
fn pause(pods: &[Arc<Pod>], failed: usize, now: Timestamp) -> Duration {
    let ended = pods
        .iter()
        .flat_map(|pod| pod.status.iter())
        .filter(|status| status.phase.as_deref() == Some("Failed"));
    let containers = ended.flat_map(|status| status.container_statuses.iter().flatten());
    let last = containers
        .filter_map(|it| it.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref().map(|at| at.0))
        .max();
    let (Some(last), Some(more)) = (last, failed.checked_sub(1)) else { return Duration::ZERO };
    let factor = 2_u32.saturating_pow(more.try_into().unwrap_or(u32::MAX));
    until(last + FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn steps_as_a_table() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let pod = |(phase, ended): (&str, &str)| {
            let state = if phase == "Failed" {
                json!({"terminated": {"exitCode": 1, "finishedAt": ended}})
            } else {
                json!({})
            };
            let container = json!({"name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
            let pod = json!({"metadata": {"name": "p"}, "status": {"phase": phase, "containerStatuses": [container]}});
            Arc::new(serde_json::from_value::<Pod>(pod).unwrap())
        };
        let (done, runs) = (("Succeeded", ""), ("Running", ""));
        let (long_ago, just_now) = (("Failed", "2026-01-01T00:00:00Z"), ("Failed", "2026-01-01T00:00:58Z"));
        for (spec, pods, create, end, again) in [
            (json!({"completions": 1, "parallelism": 1}), vec![], 1, None, None),
            (json!({"completions": 1, "parallelism": 1}), vec![runs], 0, None, None),
            (json!({"completions": 1, "parallelism": 1}), vec![done], 0, Some("Complete"), None),
            (json!({"completions": 5, "parallelism": 2}), vec![done, runs], 1, None, None),
            (json!({"completions": 2, "parallelism": 5}), vec![], 2, None, None),
            (json!({"completions": 1, "backoffLimit": 1}), vec![long_ago], 1, None, None),
            (json!({"completions": 1, "backoffLimit": 1}), vec![just_now], 0, None, Some(8)),
            (
                json!({"completions": 1, "backoffLimit": 1}),
                vec![long_ago, long_ago],
                0,
                Some("BackoffLimitExceeded"),
                None,
            ),
            (
                json!({"completions": 1, "backoffLimit": 0}),
                vec![just_now],
                0,
                Some("BackoffLimitExceeded"),
                None,
            ),
            (json!({"completions": 1, "suspend": true}), vec![], 0, None, None),
            (json!({"parallelism": 2}), vec![done, runs], 0, None, None),
            (json!({"parallelism": 2}), vec![done], 0, Some("Complete"), None),
            (json!({"completions": 1, "activeDeadlineSeconds": 30}), vec![runs], 0, None, Some(30)),
        ] {
            let mut whole = json!({"template": {}});
            whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            let job = serde_json::from_value(json!({"metadata": {"name": "j"}, "spec": whole})).unwrap();
            let pods: Vec<_> = pods.into_iter().map(pod).collect();
            let decision = decide(&job, &pods, now);
            let condition = decision.status.conditions.unwrap_or_default().pop();
            let ended =
                condition.map(|it| if it.type_ == "Complete" { it.type_ } else { it.reason.unwrap() });
            let seen = (decision.create, ended.as_deref(), decision.again.map(|it| it.as_secs()));
            assert_eq!(seen, (create, end, again), "{spec} {}", Value::from(pods.len()));
        }
    }
}
