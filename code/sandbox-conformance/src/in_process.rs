//! The sandbox, in this process.

use crate::{case::Needs, target::Target};
use sandbox::{Options, Sandbox};
use std::{error::Error, time::Duration};
use tokio::task::JoinSet;

/// A sandbox with everything that runs in it. All of it ends when this is dropped.
pub struct InProcess {
    /// The sandbox, as a server under test.
    pub target: Target,
    _nodes: JoinSet<()>,
}

impl InProcess {
    /// Starts a sandbox whose pods become ready as soon as they start. Needs a tokio runtime.
    pub fn start() -> Self {
        let sandbox = Sandbox::new(Options { rbac: true, ..Options::default() });
        let pods = sandbox_nodes::Pods::Simulated { ready_after: Duration::from_millis(20) };
        let mut nodes = JoinSet::new();
        let run = sandbox_nodes::run(sandbox.client(), sandbox_nodes::Options { pods });
        nodes.spawn(async move {
            match run.await {
                Ok(crash) => eprintln!("{crash}: {:?}", crash.source()),
                Err(error) => eprintln!("the nodes of the sandbox do not start: {error}"),
            }
        });
        let mut target = Target::new("sandbox", sandbox.client(), Needs::Nodes);
        // The only image that its node has.
        "postgres:17".clone_into(&mut target.image);
        Self { target, _nodes: nodes }
    }
}
