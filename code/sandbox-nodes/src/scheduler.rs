//! The scheduler: binds pods to the one node, once they can run there.

use crate::{
    error::{During, Error},
    events::{Events, News},
    object::{Key, is_going},
    quantity::number,
    queue::{self, Again},
    volume::{CLAIM_PENDING, claims_of},
    world::{NODE, World},
};
use k8s_openapi::{
    api::core::v1::{Binding, Node, ObjectReference, PersistentVolumeClaim, Pod, PodCondition},
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{
    Api, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

const SCHEDULER: &str = "default-scheduler";
/// When a pod is looked at again that fits nowhere.
const AGAIN: Duration = Duration::from_secs(5);

pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.pods.tell(sender.clone(), |pod| is_unbound(pod).then(|| Key::of(pod)));
    let (pods, to) = (world.pods.clone(), sender.clone());
    world.claims.on_change(move |change| {
        let Some(claim) = change.versions().last() else { return };
        for pod in pods.in_namespace(&claim.namespace().unwrap_or_default()) {
            if is_unbound(&pod) && claims_of(&pod).any(|it| it == claim.name_any()) {
                let _ = to.send(Key::of(&*pod));
            }
        }
    });
    let pods = world.pods.clone();
    world.nodes.on_change(move |_| {
        for pod in pods.all().iter().filter(|pod| is_unbound(pod)) {
            let _ = sender.send(Key::of(&**pod));
        }
    });
    receiver
}

pub(crate) async fn run(world: World, receiver: mpsc::UnboundedReceiver<Key>) {
    world.ready().await;
    let scheduler = Arc::new(Scheduler { events: world.events(SCHEDULER), world });
    queue::work("scheduler", receiver, |key| {
        let scheduler = scheduler.clone();
        async move { scheduler.schedule(&key).await }
    })
    .await;
}

fn is_unbound(pod: &Pod) -> bool {
    let spec = pod.spec.as_ref();
    let ours = spec.and_then(|spec| spec.scheduler_name.as_deref()).is_none_or(|name| name == SCHEDULER);
    let gated = spec.and_then(|spec| spec.scheduling_gates.as_ref()).is_some_and(|gates| !gates.is_empty());
    spec.is_some_and(|spec| spec.node_name.is_none()) && ours && !gated && !is_going(pod)
}

/// Whether a pod can run.
#[derive(Debug, PartialEq)]
enum Fit {
    Yes,
    /// Its volumes are being made.
    Soon,
    No(String),
}

fn fit(pod: &Pod, node: Option<&Node>, claim: impl Fn(&str) -> Option<Arc<PersistentVolumeClaim>>) -> Fit {
    let Some(node) = node else { return Fit::No("no nodes available to schedule pods".into()) };
    let unavailable = |why: &str| Fit::No(format!("0/1 nodes are available: {why}"));
    let spec = pod.spec.clone().unwrap_or_default();
    let labels = node.labels();
    if spec.node_selector.iter().flatten().any(|(name, value)| labels.get(name) != Some(value)) {
        return unavailable("1 node(s) didn't match Pod's node affinity/selector.");
    }
    let cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true);
    if cordoned {
        return unavailable("1 node(s) were unschedulable.");
    }
    for resource in ["cpu", "memory"] {
        let asked: f64 = spec
            .containers
            .iter()
            .filter_map(|it| number(it.resources.as_ref()?.requests.as_ref()?.get(resource)?))
            .sum();
        let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
        let there: Option<&Quantity> = allocatable.and_then(|it| it.get(resource));
        if there.and_then(number).is_some_and(|there| asked > there) {
            return unavailable(&format!("1 Insufficient {resource}."));
        }
    }
    let mut soon = false;
    for name in claims_of(pod) {
        match claim(&name) {
            None => return unavailable(&format!("persistentvolumeclaim \"{name}\" not found.")),
            Some(claim) if is_going(&*claim) => {
                return unavailable(&format!("persistentvolumeclaim \"{name}\" is being deleted."));
            }
            Some(claim) => {
                let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
                soon |= phase.unwrap_or(CLAIM_PENDING) == CLAIM_PENDING;
            }
        }
    }
    if soon { Fit::Soon } else { Fit::Yes }
}

struct Scheduler {
    world: World,
    events: Events,
}

impl Scheduler {
    async fn schedule(&self, key: &Key) -> Result<Again, Error> {
        let Some(pod) = self.world.pods.get(key).filter(|pod| is_unbound(pod)) else { return Ok(None) };
        let node = self.world.nodes.get(&Key::new("", NODE));
        let claim = |name: &str| self.world.claims.get(&Key::new(&key.namespace, name));
        match fit(&pod, node.as_deref(), claim) {
            Fit::Yes => {
                self.bind(&pod).await?;
                let text = format!("Successfully assigned {key} to {NODE}");
                self.events.tell(&*pod, News::normal("Scheduled", text)).await;
                Ok(None)
            }
            Fit::Soon => Ok(Some(AGAIN)),
            Fit::No(why) => {
                self.refuse(&pod, &why).await?;
                Ok(Some(AGAIN))
            }
        }
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        Api::namespaced(self.world.client.clone(), &pod.namespace().unwrap_or_default())
    }

    async fn bind(&self, pod: &Pod) -> Result<(), Error> {
        let name = pod.name_any();
        let target = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Node".into()),
            name: Some(NODE.into()),
            ..ObjectReference::default()
        };
        let metadata = ObjectMeta { name: Some(name.clone()), uid: pod.uid(), ..ObjectMeta::default() };
        let binding = Binding { metadata, target };
        let bound =
            self.api(pod).create_subresource("binding", &name, &PostParams::default(), &binding).await;
        bound.map(|_: Value| ()).during(|| format!("bind Pod {name} to node {NODE}"))
    }

    async fn refuse(&self, pod: &Pod, why: &str) -> Result<(), Error> {
        self.events.tell(pod, News::warning("FailedScheduling", why)).await;
        let mut conditions =
            pod.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
        let is_scheduled = |it: &PodCondition| it.type_ == "PodScheduled";
        if conditions.iter().any(|it| is_scheduled(it) && it.message.as_deref() == Some(why)) {
            return Ok(());
        }
        conditions.retain(|it| !is_scheduled(it));
        conditions.push(PodCondition {
            type_: "PodScheduled".into(),
            status: "False".into(),
            reason: Some("Unschedulable".into()),
            message: Some(why.into()),
            last_transition_time: Some(self.world.clock.time()),
            ..PodCondition::default()
        });
        let name = pod.name_any();
        let patch =
            Patch::Merge(json!({"metadata": {"uid": pod.uid()}, "status": {"conditions": conditions}}));
        let patched = self.api(pod).patch_status(&name, &PatchParams::default(), &patch).await;
        patched.map(drop).during(|| format!("report that Pod {name} cannot be scheduled"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_as_a_table() {
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": "sandbox", "labels": {"disk": "fast"}},
            "status": {"allocatable": {"cpu": "2", "memory": "1Gi"}},
        }))
        .unwrap();
        let volume = |name: &str| json!([{"name": "v", "persistentVolumeClaim": {"claimName": name}}]);
        let claim = |name: &str| {
            let phase = if name == "bound" { "Bound" } else { "Pending" };
            let claim = json!({"metadata": {"name": name}, "status": {"phase": phase}});
            (name != "absent").then(|| Arc::new(serde_json::from_value(claim).unwrap()))
        };
        let no = |why: &str| Fit::No(format!("0/1 nodes are available: {why}"));
        for (spec, expected) in [
            (json!({"containers": []}), Fit::Yes),
            (json!({"containers": [], "nodeSelector": {"disk": "fast"}}), Fit::Yes),
            (
                json!({"containers": [], "nodeSelector": {"disk": "slow"}}),
                no("1 node(s) didn't match Pod's node affinity/selector."),
            ),
            (
                json!({"containers": [{"name": "c", "resources": {"requests": {"cpu": "2500m"}}}]}),
                no("1 Insufficient cpu."),
            ),
            (json!({"containers": [], "volumes": volume("bound")}), Fit::Yes),
            (json!({"containers": [], "volumes": volume("pending")}), Fit::Soon),
            (
                json!({"containers": [], "volumes": volume("absent")}),
                no("persistentvolumeclaim \"absent\" not found."),
            ),
        ] {
            let pod = serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
            assert_eq!(fit(&pod, Some(&node), claim), expected, "{spec}");
        }
    }
}
