//! What a StatefulSet's next steps are. Pure, and in the order of the real controller: create, wait, scale down, roll.

use super::{
    pod::{
        has_ended, is_created, is_healthy, is_running_and_ready, ordinal, ordinals, revision_of,
        until_available,
    },
    revision::Revisions,
};
use crate::object::is_going;
use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetStatus},
        core::v1::Pod,
    },
    jiff::Timestamp,
};
use kube::ResourceExt;
use std::{sync::Arc, time::Duration};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Make the pod of an ordinal from the current or the update revision, after its claims.
    Create {
        ordinal: i32,
        update: bool,
    },
    Delete {
        pod: String,
    },
    /// Make what is missing of the claims of a pod that waits for them.
    Claims {
        ordinal: i32,
    },
}

/// The steps, and the status that holds once they are done.
pub(crate) struct Decision {
    pub(crate) steps: Vec<Step>,
    pub(crate) status: StatefulSetStatus,
    /// When time alone makes a pod available.
    pub(crate) again: Option<Duration>,
}

/// Decides on the pods of a set, sorted or not.
pub(crate) fn decide(
    set: &StatefulSet,
    revisions: &Revisions,
    pods: &[Arc<Pod>],
    now: Timestamp,
) -> Decision {
    let mut decision = Decision { steps: Vec::new(), status: count(set, revisions, pods, now), again: None };
    let min_ready = min_ready_seconds(set);
    decision.again =
        pods.iter().filter_map(|pod| until_available(pod, min_ready, now)).filter(|it| !it.is_zero()).min();
    if set.metadata.deletion_timestamp.is_none() {
        decision.plan(&Plan::of(set, revisions, pods, now));
    }
    complete_rollout(set, &mut decision.status);
    decision
}

/// The pods sorted into their places.
struct Plan<'a> {
    set: &'a StatefulSet,
    revisions: &'a Revisions,
    /// Ordinal and pod, none where one is missing.
    replicas: Vec<(i32, Option<&'a Pod>)>,
    /// Beyond the ordinals that are wanted, highest first.
    condemned: Vec<&'a Pod>,
    /// One at a time.
    ordered: bool,
    now: Timestamp,
}

impl<'a> Plan<'a> {
    fn of(set: &'a StatefulSet, revisions: &'a Revisions, pods: &'a [Arc<Pod>], now: Timestamp) -> Self {
        let (start, count) = ordinals(set);
        let name = set.name_any();
        let of = |pod: &Pod| ordinal(&name, &pod.name_any());
        let mut replicas: Vec<_> = (start..start + count).map(|ordinal| (ordinal, None)).collect();
        let mut condemned = Vec::new();
        for pod in pods {
            match replicas.iter_mut().find(|(ordinal, _)| of(pod) == Some(*ordinal)) {
                Some((_, place)) => *place = Some(&**pod),
                None if of(pod).is_some() => condemned.push(&**pod),
                None => {}
            }
        }
        condemned.sort_by_key(|pod| std::cmp::Reverse(of(pod)));
        let policy = set.spec.as_ref().and_then(|spec| spec.pod_management_policy.as_deref());
        Self { set, revisions, replicas, condemned, ordered: policy != Some("Parallel"), now }
    }

    /// Which revision the pod of an ordinal is made from: below the partition, what it was.
    fn makes_update(&self, ordinal: i32) -> bool {
        let strategy = self.set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolling = strategy.and_then(|it| it.type_.as_deref()) != Some("OnDelete");
        !(rolling && ordinal < self.start() + self.partition())
    }

    fn start(&self) -> i32 {
        ordinals(self.set).0
    }

    fn partition(&self) -> i32 {
        let strategy = self.set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        strategy.and_then(|it| it.rolling_update.as_ref()?.partition).unwrap_or(0)
    }

    fn is_on_delete(&self) -> bool {
        let strategy = self.set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        strategy.and_then(|it| it.type_.as_deref()) == Some("OnDelete")
    }

    fn is_available(&self, pod: &Pod) -> bool {
        until_available(pod, min_ready_seconds(self.set), self.now) == Some(Duration::ZERO)
    }

    /// The unhealthy pod of the lowest ordinal: the only one that may go before its turn.
    fn first_unhealthy(&self) -> Option<&Pod> {
        let mut replicas = self.replicas.iter();
        if let Some((_, pod)) = replicas.find(|(_, pod)| pod.is_none_or(|pod| !is_healthy(pod))) {
            return *pod;
        }
        self.condemned.iter().rev().find(|pod| !is_healthy(pod)).copied()
    }
}

impl Decision {
    fn plan(&mut self, plan: &Plan) {
        if self.fill_places(plan) && self.scale_down(plan) && !plan.is_on_delete() {
            self.roll(plan);
        }
    }

    /// Creates what is missing. False if order says to wait.
    fn fill_places(&mut self, plan: &Plan) -> bool {
        for &(ordinal, pod) in &plan.replicas {
            let Some(pod) = pod.filter(|pod| is_created(pod)) else {
                self.create(plan, ordinal);
                if plan.ordered {
                    return false;
                }
                continue;
            };
            if has_ended(pod) && !is_going(pod) {
                self.delete(pod, plan.revisions);
                if plan.ordered {
                    return false;
                }
                continue;
            }
            if pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Pending") {
                self.steps.push(Step::Claims { ordinal });
            }
            if plan.ordered && (is_going(pod) || !plan.is_available(pod)) {
                return false;
            }
        }
        true
    }

    /// Removes pods beyond the wanted ones, from the highest. False if order says to wait.
    fn scale_down(&mut self, plan: &Plan) -> bool {
        let first_unhealthy = plan.first_unhealthy().map(ResourceExt::name_any);
        for &pod in &plan.condemned {
            let may_go = is_running_and_ready(pod) || Some(pod.name_any()) == first_unhealthy;
            if plan.ordered && (is_going(pod) || !may_go) {
                return false;
            }
            if !is_going(pod) {
                self.delete(pod, plan.revisions);
                if plan.ordered {
                    return false;
                }
            }
        }
        true
    }

    /// Replaces one pod of an old revision, from the highest ordinal, once those above it are healthy.
    fn roll(&mut self, plan: &Plan) {
        let update = plan.revisions.update.name_any();
        let lowest = plan.start() + plan.partition();
        for &(_, pod) in plan.replicas.iter().rev().take_while(|(ordinal, _)| *ordinal >= lowest) {
            // One that was created in this very pass is of the update revision and not healthy yet.
            let Some(pod) = pod else { return };
            if revision_of(pod) != update && !is_going(pod) {
                if !self.steps.contains(&Step::Delete { pod: pod.name_any() }) {
                    self.delete(pod, plan.revisions);
                }
                return;
            }
            if !is_healthy(pod) {
                return;
            }
        }
    }

    fn create(&mut self, plan: &Plan, ordinal: i32) {
        let update = plan.makes_update(ordinal);
        self.steps.push(Step::Create { ordinal, update });
        self.status.replicas += 1;
        let revisions = plan.revisions;
        let revision = if update { &revisions.update } else { &revisions.current }.name_any();
        self.count_revision(&revision, revisions, 1);
    }

    fn delete(&mut self, pod: &Pod, revisions: &Revisions) {
        self.steps.push(Step::Delete { pod: pod.name_any() });
        self.count_revision(revision_of(pod), revisions, -1);
    }

    fn count_revision(&mut self, revision: &str, revisions: &Revisions, by: i32) {
        for (counted, count) in [
            (&revisions.current, &mut self.status.current_replicas),
            (&revisions.update, &mut self.status.updated_replicas),
        ] {
            if revision == counted.name_any() {
                *count.get_or_insert_default() += by;
            }
        }
    }
}

fn min_ready_seconds(set: &StatefulSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
}

/// The status that the pods as they are amount to.
fn count(set: &StatefulSet, revisions: &Revisions, pods: &[Arc<Pod>], now: Timestamp) -> StatefulSetStatus {
    let amount = |counts: &dyn Fn(&Pod) -> bool| {
        i32::try_from(pods.iter().filter(|pod| counts(pod)).count()).unwrap_or(i32::MAX)
    };
    let of =
        |revision: String| amount(&|pod| is_created(pod) && !is_going(pod) && revision_of(pod) == revision);
    let is_available = |pod: &Pod| until_available(pod, min_ready_seconds(set), now) == Some(Duration::ZERO);
    let before = set.status.as_ref();
    StatefulSetStatus {
        observed_generation: set.metadata.generation,
        replicas: amount(&is_created),
        ready_replicas: Some(amount(&is_running_and_ready)),
        available_replicas: Some(amount(&is_available)),
        current_replicas: Some(of(revisions.current.name_any())),
        updated_replicas: Some(of(revisions.update.name_any())),
        current_revision: Some(revisions.current.name_any()),
        update_revision: Some(revisions.update.name_any()),
        collision_count: before.and_then(|it| it.collision_count).or(Some(0)),
        conditions: before.and_then(|it| it.conditions.clone()),
    }
}

/// Once all pods are of the update revision and ready, that is the current one.
fn complete_rollout(set: &StatefulSet, status: &mut StatefulSetStatus) {
    let wanted = Some(ordinals(set).1);
    let on_delete = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref()?.type_.as_deref());
    if on_delete != Some("OnDelete")
        && status.updated_replicas == wanted
        && Some(status.replicas) == wanted
        && status.ready_replicas == wanted
    {
        status.current_replicas = status.updated_replicas;
        status.current_revision = status.update_revision.clone();
    }
}
