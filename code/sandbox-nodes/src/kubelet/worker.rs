//! One pod's life on the node: its containers in order, its status, its end.

use super::{node::Place, slot::Slot, status::pod_status};
use crate::{
    error::{During, Error, chain, gone_is_fine},
    events::{Events, News},
    object::is_going,
    world::World,
};
use futures::future::join_all;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

/// Setting this annotation of a pod to a new value kills its containers, as a crash would.
pub const KILL: &str = "sandbox.example.com/kill";
/// The exit status of a simulated container that ends: one in a pod whose restart policy is not Always.
pub const EXIT_CODE: &str = "sandbox.example.com/exit-code";

const STATUS_RETRY: Duration = Duration::from_millis(200);
/// What `terminationGracePeriodSeconds` is if the pod does not say.
const DEFAULT_GRACE: i64 = 30;

/// One pod's keeper.
pub(crate) struct Worker {
    pub(crate) world: World,
    pub(crate) events: Events,
    pub(crate) place: Place,
    pod: watch::Receiver<Arc<Pod>>,
    init: Vec<Slot>,
    containers: Arc<[Slot]>,
    changed: Arc<Notify>,
}

impl Worker {
    pub(crate) fn new(world: World, events: Events, place: Place, pod: watch::Receiver<Arc<Pod>>) -> Self {
        let spec = pod.borrow().spec.clone().unwrap_or_default();
        let changed = Arc::new(Notify::new());
        let first = spec.init_containers.unwrap_or_default();
        let waiting = if first.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let slot = |container| Slot::new(container, waiting, world.clock, changed.clone());
        let init = first.into_iter().map(slot).collect();
        let containers = spec.containers.into_iter().map(slot).collect();
        Self { world, events, place, pod, init, containers, changed }
    }

    /// For those who want to do something in a container.
    pub(crate) fn containers(&self) -> Arc<[Slot]> {
        self.containers.clone()
    }

    /// Lives the pod's life. Ends when the pod is deleted.
    pub(crate) async fn live(self) {
        tokio::select! {
            () = self.run() => {}
            () = self.keep_status() => {}
            () = self.kill_when_told() => {}
            () = self.asked_to_end() => {}
        }
        if !is_going(&*self.pod()) {
            return;
        }
        self.stop().await;
        if let Some(machine) = &self.world.machine {
            machine.forget_pod(&self.pod().uid().unwrap_or_default()).await;
        }
        if let Err(error) = self.bury().await {
            tracing::warn!("{}: {}", self.pod_label(), chain(&error));
        }
    }

    async fn run(&self) {
        for slot in &self.init {
            if self.run_container(slot, true).await.code != 0 {
                // The pod has failed: its policy is Never.
                std::future::pending::<()>().await;
            }
            slot.is_done();
        }
        join_all(self.containers.iter().map(|slot| self.run_container(slot, false))).await;
        // All have ended for good. The pod stays until somebody deletes it.
        std::future::pending::<()>().await;
    }

    pub(crate) fn pod(&self) -> Arc<Pod> {
        self.pod.borrow().clone()
    }

    pub(crate) fn pod_label(&self) -> String {
        let pod = self.pod();
        format!(
            "{}_{}({})",
            pod.name_any(),
            pod.namespace().unwrap_or_default(),
            pod.uid().unwrap_or_default()
        )
    }

    pub(crate) fn address(&self) -> &str {
        &self.place.address
    }

    pub(crate) fn ready_after(&self) -> Duration {
        self.world.ready_after()
    }

    pub(crate) fn restart_policy(&self) -> &'static str {
        match self.pod().spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) {
            Some("Never") => "Never",
            Some("OnFailure") => "OnFailure",
            _ => "Always",
        }
    }

    pub(crate) async fn tell(&self, slot: &Slot, news: News) {
        let list =
            if self.init.iter().any(|it| std::ptr::eq(it, slot)) { "initContainers" } else { "containers" };
        let part = format!("spec.{list}{{{}}}", slot.spec.name);
        self.events.tell_of_part(&*self.pod(), Some(part), news).await;
    }

    async fn asked_to_end(&self) {
        let mut pod = self.pod.clone();
        // An error says that the kubelet is gone, and this task with it.
        let _ = pod.wait_for(|pod| is_going(&**pod)).await;
    }

    async fn kill_when_told(&self) {
        let mut pod = self.pod.clone();
        let told = |pod: &Pod| pod.annotations().get(KILL).cloned();
        let mut seen = told(&pod.borrow());
        while pod.changed().await.is_ok() {
            let now = told(&pod.borrow_and_update());
            if now.is_some() && now != seen {
                self.containers.iter().filter_map(Slot::process).for_each(|process| process.kill());
            }
            seen = now;
        }
        std::future::pending::<()>().await;
    }

    fn status(&self, said: Option<&PodStatus>) -> PodStatus {
        let of = |slots: &[Slot]| slots.iter().map(Slot::status).collect();
        pod_status(
            &self.pod(),
            said,
            Some(self.address()),
            of(&self.init),
            of(&self.containers),
            &self.world.clock,
        )
    }

    /// Reports each change. Does not end.
    async fn keep_status(&self) {
        let mut posted = None;
        let mut pod = self.pod.clone();
        loop {
            let status = self.status(posted.as_ref());
            if posted.as_ref() != Some(&status) {
                match self.post(&status).await {
                    Ok(()) => posted = Some(status),
                    Err(error) => {
                        tracing::debug!("{}: {}", self.pod_label(), chain(&error));
                        sleep(STATUS_RETRY).await;
                        continue;
                    }
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                // Somebody else's condition may open a readiness gate.
                _ = pod.changed() => {}
            }
        }
    }

    async fn post(&self, status: &PodStatus) -> Result<(), Error> {
        let pod = self.pod();
        let name = pod.name_any();
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
        let patched = self.api().patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).during(|| format!("report the status of Pod {name}"))
    }

    fn api(&self) -> Api<Pod> {
        Api::namespaced(self.world.client.clone(), &self.pod().namespace().unwrap_or_default())
    }

    pub(crate) fn grace(&self) -> Duration {
        let pod = self.pod();
        let asked = pod.metadata.deletion_grace_period_seconds;
        let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
        Duration::from_secs(asked.or(own).unwrap_or(DEFAULT_GRACE).try_into().unwrap_or(0))
    }

    /// Ends all containers, by force after the grace period.
    async fn stop(&self) {
        let running =
            self.init.iter().chain(&*self.containers).filter_map(|slot| Some((slot, slot.process()?)));
        join_all(running.map(async |(slot, process)| {
            let text = format!("Stopping container {}", slot.spec.name);
            self.tell(slot, News::normal("Killing", text)).await;
            let ended = self.stop_process(slot, &process).await;
            slot.has_ended(&ended);
        }))
        .await;
    }

    /// Reports the end, and takes the pod out of the API: the kubelet has the last word on it.
    async fn bury(&self) -> Result<(), Error> {
        let pod = self.pod();
        let name = pod.name_any();
        // What was said last may not have been heard before the pod went: that is fine too.
        let _ = self.post(&self.status(None)).await;
        let this_one = Preconditions { uid: pod.uid(), resource_version: None };
        let now = DeleteParams::default().grace_period(0).preconditions(this_one);
        loop {
            match gone_is_fine(self.api().delete(&name, &now).await) {
                Err(kube::Error::Api(status)) if status.code == 409 => return Ok(()),
                Err(kube::Error::Service(_) | kube::Error::HyperError(_)) => sleep(STATUS_RETRY).await,
                result => return result.during(|| format!("delete Pod {name}")),
            }
        }
    }
}
