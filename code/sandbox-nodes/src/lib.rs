//! What kube-controller-manager, the scheduler and the kubelet do for a sandbox: StatefulSets, Jobs, endpoints, volumes,
//! garbage collection, and pods that are simulated or real PostgreSQL servers.
//!
//! It works against any API server that has no controllers of its own, over a plain [`kube::Client`], and only ever waits for
//! tokio's clock.

mod access;
mod adoption;
mod cache;
mod clock;
mod error;
mod events;
mod garbage;
mod hash;
mod job;
mod kubelet;
mod labels;
mod node;
mod object;
mod options;
mod postgres;
mod quantity;
mod queue;
mod scheduler;
mod service_account;
mod services;
mod stateful_set;
mod volume;
mod world;

pub use access::Access;
pub use kubelet::{EXIT_CODE, KILL};
pub use options::{Options, Pods};
pub use postgres::MachineError;

use access::Running;
use kube::Client;
use postgres::Machine;
use std::sync::Arc;
use tokio::task::JoinSet;
use world::World;

/// The controllers, the scheduler and the node, before they have an API server.
pub struct Nodes {
    options: Options,
    machine: Option<Arc<Machine>>,
    running: Running,
}

impl Nodes {
    /// Looks at what the machine has, if pods are to be real.
    pub fn new(options: Options) -> Result<Self, MachineError> {
        let machine = match &options.pods {
            Pods::Simulated { .. } => None,
            Pods::Postgres { folder, servers } => Some(Arc::new(Machine::find(folder, *servers)?)),
        };
        Ok(Self { options, machine, running: Running::default() })
    }

    /// What an API server needs for logs, `exec` and port-forwards.
    pub fn access(&self) -> Access {
        Access::new(self.machine.clone(), self.running.clone())
    }

    /// Runs everything. Ends only if a part of it crashes; all of it ends when it is dropped.
    pub async fn run(self, client: Client) {
        let world = World::new(client, &self.options.pods, self.machine, self.running);
        let mut tasks = JoinSet::new();
        tasks.spawn(stateful_set::run(world.clone(), stateful_set::listen(&world)));
        tasks.spawn(job::run(world.clone(), job::listen(&world)));
        tasks.spawn(scheduler::run(world.clone(), scheduler::listen(&world)));
        tasks.spawn(volume::run(world.clone(), volume::listen(&world)));
        tasks.spawn(services::run(world.clone(), services::listen(&world)));
        tasks.spawn(service_account::run(world.clone(), service_account::listen(&world)));
        tasks.spawn(kubelet::run(world.clone(), kubelet::listen(&world)));
        tasks.spawn(node::run(world.clone()));
        tasks.spawn(garbage::run(world.clone()));
        if let Some(machine) = &world.machine {
            tasks.spawn(postgres::keep_hosts(world.clone(), machine.clone(), postgres::listen(&world)));
        }
        world.watch(&mut tasks);
        // They have no end, but for a defect.
        if let Some(Err(error)) = tasks.join_next().await {
            tracing::error!("a controller of the sandbox has crashed: {error}");
        }
    }
}

/// Runs the controllers, the scheduler and the node, as [`Nodes::run`] does.
pub async fn run(client: Client, options: Options) -> Result<(), MachineError> {
    Nodes::new(options)?.run(client).await;
    Ok(())
}
