//! The part of each kind.

use super::InParts;
use crate::{
    api::Storage,
    pods::says_ready,
    resources::{claim, recorded_storage},
};
use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus},
    core::v1::{ContainerStatus, Pod, PodCondition, PodStatus, Service, ServiceAccount},
};

/// What is kept of a StatefulSet.
#[derive(Clone, Debug)]
pub struct Servers {
    storage: Option<Storage>,
    status: Option<StatefulSetStatus>,
}

impl InParts for StatefulSet {
    type Part = Servers;

    fn take(&mut self) -> Servers {
        let status = self.status.take().map(|status| StatefulSetStatus { conditions: None, ..status });
        Servers { storage: recorded_storage(self), status }
    }

    fn put_back(&mut self, servers: &Servers) {
        let volume_claim_templates = servers.storage.as_ref().map(|storage| vec![claim(storage)]);
        self.spec = Some(StatefulSetSpec { volume_claim_templates, ..StatefulSetSpec::default() });
        self.status.clone_from(&servers.status);
    }
}

impl InParts for Service {
    type Part = ();

    fn take(&mut self) {
        self.status = None;
    }

    fn put_back(&mut self, (): &()) {}
}

impl InParts for ServiceAccount {
    type Part = ();

    fn take(&mut self) {
        self.secrets = None; // Kubernetes before 1.24 adds the account's token
    }

    fn put_back(&mut self, (): &()) {}
}

/// What is kept of a pod.
#[derive(Clone, Debug)]
pub struct Server {
    ready: bool,
    ip: Option<String>,
    /// Those that are not ready.
    init_containers: Option<Vec<ContainerStatus>>,
    containers: Option<Vec<ContainerStatus>>,
}

impl InParts for Pod {
    type Part = Server;
    const LABELLED: bool = true;

    fn take(&mut self) -> Server {
        self.spec = None; // nobody asks whether a pod is as desired
        let status = self.status.take().unwrap_or_default();
        let not_ready = |statuses: Option<Vec<ContainerStatus>>| {
            // An empty list still says that a node has the pod.
            statuses.map(|statuses| statuses.into_iter().filter(|container| !container.ready).collect())
        };
        Server {
            ready: says_ready(&status),
            ip: status.pod_ip,
            init_containers: not_ready(status.init_container_statuses),
            containers: not_ready(status.container_statuses),
        }
    }

    fn put_back(&mut self, server: &Server) {
        let status = if server.ready { "True" } else { "False" }.to_owned();
        let ready = PodCondition { type_: "Ready".to_owned(), status, ..PodCondition::default() };
        self.status = Some(PodStatus {
            conditions: Some(vec![ready]),
            pod_ip: server.ip.clone(),
            init_container_statuses: server.init_containers.clone(),
            container_statuses: server.containers.clone(),
            ..PodStatus::default()
        });
    }
}
