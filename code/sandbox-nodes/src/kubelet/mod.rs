//! The kubelet of the one node: a worker for each pod that is bound to it.

mod backoff;
mod container;
mod env;
mod image;
mod node;
mod probe;
mod process;
mod slot;
mod start;
mod status;
mod worker;

use crate::{
    cache::Change,
    object::Key,
    world::{NODE, World},
};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::{collections::HashMap, sync::Arc};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
};
use worker::Worker;

pub use worker::{EXIT_CODE, KILL};

pub(crate) use env::Environment;
pub(crate) use node::Addresses;
pub(crate) use process::{Ended, KILLED, Process};
pub(crate) use slot::Slot;
pub(crate) use status::NODE_ADDRESS;

/// Says what happens to pods.
pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Change<Pod>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.pods.on_change(move |change| {
        let _ = sender.send(change.clone());
    });
    receiver
}

/// Runs the pods. Does not end; the pods end with it.
pub(crate) async fn run(world: World, mut changes: mpsc::UnboundedReceiver<Change<Pod>>) {
    let mut kubelet = Kubelet {
        events: world.events_from("kubelet", NODE),
        world,
        pods: HashMap::new(),
        workers: JoinSet::new(),
        addresses: Addresses::default(),
    };
    kubelet.world.ready().await;
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Some(change) => kubelet.handle(change),
                None => return,
            },
            Some(_) = kubelet.workers.join_next() => {}
        }
    }
}

struct Kubelet {
    world: World,
    events: crate::events::Events,
    /// By UID: a namesake is another pod.
    pods: HashMap<String, Kept>,
    workers: JoinSet<()>,
    addresses: Addresses,
}

struct Kept {
    pod: watch::Sender<Arc<Pod>>,
    task: AbortHandle,
}

impl Kubelet {
    fn handle(&mut self, change: Change<Pod>) {
        let uid = |pod: &Arc<Pod>| pod.uid().unwrap_or_default();
        let gone = change.old.filter(|old| change.new.as_ref().map(uid) != Some(uid(old)));
        if let Some(old) = gone {
            self.forget(&old);
        }
        if let Some(pod) = change.new {
            self.keep(pod);
        }
    }

    fn keep(&mut self, pod: Arc<Pod>) {
        let uid = pod.uid().unwrap_or_default();
        if let Some(kept) = self.pods.get(&uid) {
            kept.pod.send_replace(pod);
            return;
        }
        let ours = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(NODE);
        let ended = matches!(
            pod.status.as_ref().and_then(|status| status.phase.as_deref()),
            Some("Succeeded" | "Failed")
        );
        if !ours || (ended && pod.metadata.deletion_timestamp.is_none()) {
            return;
        }
        let place = self.addresses.place(&Key::of(&*pod), &self.world);
        let sender = watch::Sender::new(pod);
        let worker = Worker::new(self.world.clone(), self.events.clone(), place, sender.subscribe());
        self.world.running.put(&uid, worker.place.address.clone(), worker.containers());
        let task = self.workers.spawn(worker.live());
        self.pods.insert(uid, Kept { pod: sender, task });
    }

    /// The pod is not in the API any more: by force, or because its worker took it out.
    fn forget(&mut self, pod: &Pod) {
        let uid = pod.uid().unwrap_or_default();
        if let Some(kept) = self.pods.remove(&uid) {
            kept.task.abort();
            self.world.running.remove(&uid);
        }
    }
}
