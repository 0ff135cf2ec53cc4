//! What kube-controller-manager, the scheduler and the kubelet do for a sandbox: StatefulSets, Jobs, endpoints, volumes,
//! garbage collection, and pods that are simulated or real PostgreSQL servers.
//!
//! It works against any API server that has no controllers of its own, over a plain [`kube::Client`], and only ever waits for
//! tokio's clock.

mod access;
mod adoption;
mod cache;
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
use tokio::task::{JoinError, JoinSet};
use world::World;

/// A controller has ended, though none of them has an end: there is a defect in it.
#[derive(Debug, thiserror::Error)]
#[error("a controller of the sandbox has crashed")]
pub struct Crash(#[source] Option<JoinError>);

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

    /// Runs everything. Ends only if a part of it crashes, with that; all of it ends when it is dropped.
    pub async fn run(self, client: Client) -> Crash {
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
        first_crash(&mut tasks).await
    }
}

async fn first_crash(tasks: &mut JoinSet<()>) -> Crash {
    let ended = tasks.join_next().await.and_then(Result::err);
    // Nobody cancels one of them but a runtime that ends, and with it all of this.
    if ended.as_ref().is_some_and(JoinError::is_cancelled) {
        std::future::pending::<()>().await;
    }
    let crash = Crash(ended);
    tracing::error!("{}", error::chain(&crash));
    crash
}

/// Runs the controllers, the scheduler and the node, as [`Nodes::run`] does.
pub async fn run(client: Client, options: Options) -> Result<Crash, MachineError> {
    Ok(Nodes::new(options)?.run(client).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crash_says_what_has_crashed() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        tasks.spawn(async { panic!("an object without a name") });
        let said = error::chain(&first_crash(&mut tasks).await);
        assert!(said.starts_with("a controller of the sandbox has crashed: "), "{said}");
        assert!(said.contains("an object without a name"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_runtime_is_no_crash() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        tasks.abort_all();
        let crash = tokio::time::timeout(std::time::Duration::from_mins(1), first_crash(&mut tasks)).await;
        assert!(crash.is_err());
    }
}
