//! What all controllers share: the client, the clock, and the watched copies.

use crate::{Pods, access::Running, cache::Cache, events::Events, postgres::Machine};
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSet},
    batch::v1::Job,
    core::v1::{Endpoints, Namespace, Node, PersistentVolumeClaim, Pod, Service, ServiceAccount},
    discovery::v1::EndpointSlice,
    storage::v1::StorageClass,
};
use kube::Client;
use sandbox::Clock;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Name of the one node.
pub(crate) const NODE: &str = "sandbox";

/// What all controllers share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    ready_after: Duration,
    /// What runs real pods; without it they are simulated.
    pub(crate) machine: Option<Arc<Machine>>,
    pub(crate) running: Running,
    pub(crate) sets: Arc<Cache<StatefulSet>>,
    pub(crate) revisions: Arc<Cache<ControllerRevision>>,
    pub(crate) jobs: Arc<Cache<Job>>,
    pub(crate) pods: Arc<Cache<Pod>>,
    pub(crate) claims: Arc<Cache<PersistentVolumeClaim>>,
    pub(crate) services: Arc<Cache<Service>>,
    pub(crate) endpoints: Arc<Cache<Endpoints>>,
    pub(crate) slices: Arc<Cache<EndpointSlice>>,
    pub(crate) accounts: Arc<Cache<ServiceAccount>>,
    pub(crate) nodes: Arc<Cache<Node>>,
    pub(crate) namespaces: Arc<Cache<Namespace>>,
    pub(crate) classes: Arc<Cache<StorageClass>>,
}

/// Does the same with each of the copies.
macro_rules! each {
    ($world:expr, $cache:ident => $what:expr) => {{
        let world = $world;
        {
            let $cache = &world.sets;
            $what
        }
        {
            let $cache = &world.revisions;
            $what
        }
        {
            let $cache = &world.jobs;
            $what
        }
        {
            let $cache = &world.pods;
            $what
        }
        {
            let $cache = &world.claims;
            $what
        }
        {
            let $cache = &world.services;
            $what
        }
        {
            let $cache = &world.endpoints;
            $what
        }
        {
            let $cache = &world.slices;
            $what
        }
        {
            let $cache = &world.accounts;
            $what
        }
        {
            let $cache = &world.nodes;
            $what
        }
        {
            let $cache = &world.namespaces;
            $what
        }
        {
            let $cache = &world.classes;
            $what
        }
    }};
}

impl World {
    pub(crate) fn new(client: Client, pods: &Pods, machine: Option<Arc<Machine>>, running: Running) -> Self {
        let ready_after = match pods {
            Pods::Simulated { ready_after } => *ready_after,
            Pods::Postgres { .. } => Duration::ZERO,
        };
        Self {
            client,
            clock: Clock::default(),
            ready_after,
            machine,
            running,
            sets: Arc::default(),
            revisions: Arc::default(),
            jobs: Arc::default(),
            pods: Arc::default(),
            claims: Arc::default(),
            services: Arc::default(),
            endpoints: Arc::default(),
            slices: Arc::default(),
            accounts: Arc::default(),
            nodes: Arc::default(),
            namespaces: Arc::default(),
            classes: Arc::default(),
        }
    }

    /// Starts to watch. Whoever wants to hear of each change has asked for it before.
    pub(crate) fn watch(&self, tasks: &mut JoinSet<()>) {
        each!(self, cache => {
            let (cache, client) = (cache.clone(), self.client.clone());
            tasks.spawn(async move { cache.fill(client).await });
        });
    }

    /// Waits until all copies are complete.
    pub(crate) async fn ready(&self) {
        each!(self, cache => cache.ready().await);
    }

    pub(crate) fn events(&self, component: &'static str) -> Events {
        Events::of(self.client.clone(), self.clock, component, None)
    }

    pub(crate) fn events_from(&self, component: &'static str, host: &str) -> Events {
        Events::of(self.client.clone(), self.clock, component, Some(host))
    }

    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Removes what is in a volume.
    pub(crate) async fn remove_volume(&self, name: &str) {
        if let Some(machine) = &self.machine {
            machine.forget_volume(name).await;
        }
    }
}
