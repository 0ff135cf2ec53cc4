//! What the API server asks of the node: logs, commands in containers, connections to ports of pods.

mod channels;
mod exec;
mod forward;

use crate::{
    kubelet::{Process, Slot},
    postgres::Machine,
};
use futures::future::BoxFuture;
use sandbox::{Io, PodAccess, Upgrade};
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is said of a pod that is none.
const SIMULATED: &str = "this pod is simulated: start the sandbox with --pods postgres";
/// Protocols for commands, the best first.
const EXEC: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// Protocols for ports, the best first.
const FORWARD: [&str; 2] = ["v4.channel.k8s.io", "portforward.k8s.io"];

/// The pods that run, by UID.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<String, RunningPod>>>);

#[derive(Clone)]
struct RunningPod {
    address: String,
    containers: Arc<[Slot]>,
}

impl Running {
    pub(crate) fn put(&self, uid: &str, address: String, containers: Arc<[Slot]>) {
        self.lock().insert(uid.to_owned(), RunningPod { address, containers });
    }

    pub(crate) fn remove(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, RunningPod>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, pod: &Value) -> Result<RunningPod, String> {
        let found = self.lock().get(pod["metadata"]["uid"].as_str().unwrap_or_default()).cloned();
        found.ok_or_else(|| format!("pod {} does not run on this node", name(pod)))
    }
}

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap_or_default()
}

/// The node, for an API server.
#[derive(Clone)]
pub struct Access {
    machine: Option<Arc<Machine>>,
    running: Running,
}

impl Access {
    pub(crate) fn new(machine: Option<Arc<Machine>>, running: Running) -> Self {
        Self { machine, running }
    }

    /// The process of a container: of the one that is named, or the first.
    fn process(&self, upgrade: &Upgrade) -> Result<Process, String> {
        let pod = self.running.find(&upgrade.pod)?;
        let wanted = parameter(upgrade, "container");
        let mut containers = pod.containers.iter();
        let container = containers.find(|slot| wanted.is_none_or(|wanted| slot.spec.name == wanted));
        let of = || format!("container {} of pod {}", wanted.unwrap_or_default(), name(&upgrade.pod));
        let container = container.ok_or_else(|| format!("{} is not valid", of()))?;
        container.process().ok_or_else(|| format!("{} is not running", of()))
    }
}

fn parameter<'a>(upgrade: &'a Upgrade, name: &str) -> Option<&'a str> {
    upgrade.parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pods = if self.machine.is_some() { "postgres" } else { "simulated" };
        f.debug_struct("Access").field("pods", &pods).finish_non_exhaustive()
    }
}

impl PodAccess for Access {
    fn log(
        &self,
        pod: &Value,
        container: Option<&str>,
    ) -> BoxFuture<'static, Result<hyper::body::Bytes, String>> {
        let first = pod["spec"]["containers"][0]["name"].as_str();
        let container = container.or(first).unwrap_or_default().to_owned();
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let path = self.machine.as_ref().map(|machine| machine.log(uid, &container));
        let name = name(pod).to_owned();
        Box::pin(async move {
            let path = path.ok_or(SIMULATED)?;
            let read = tokio::fs::read(path).await;
            read.map(Into::into)
                .map_err(|_| format!("container \"{container}\" in pod \"{name}\" is waiting to start"))
        })
    }

    fn accept(&self, upgrade: &Upgrade) -> Result<String, String> {
        if self.machine.is_none() {
            return Err(SIMULATED.into());
        }
        let known: &[&str] = match upgrade.subresource.as_str() {
            "exec" => {
                self.process(upgrade)?;
                &EXEC
            }
            "portforward" => &FORWARD,
            other => return Err(format!("the sandbox has no {other}")),
        };
        let chosen = known.iter().find(|protocol| upgrade.protocols.iter().any(|it| it == *protocol));
        chosen
            .map(|it| (*it).to_owned())
            .ok_or_else(|| format!("none of the protocols {:?} is known", upgrade.protocols))
    }

    fn serve(&self, upgrade: Upgrade, protocol: String, connection: Box<dyn Io>) -> BoxFuture<'static, ()> {
        let access = self.clone();
        Box::pin(async move {
            match upgrade.subresource.as_str() {
                "exec" => {
                    if let Ok(Process::Real(process)) = access.process(&upgrade) {
                        exec::serve(&upgrade, &process, &protocol, connection).await;
                    }
                }
                _ => {
                    if let Ok(pod) = access.running.find(&upgrade.pod) {
                        forward::serve(&upgrade, &pod.address, connection).await;
                    }
                }
            }
        })
    }
}
