//! What pods are.

use crate::postgres;
use std::{path::PathBuf, time::Duration};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What pods are.
    pub pods: Pods,
}

/// What pods are.
#[derive(Clone, Debug)]
pub enum Pods {
    /// Nothing: they become ready after a time, and say that they are.
    Simulated {
        /// How long after its start a container is ready.
        ready_after: Duration,
    },
    /// PostgreSQL servers of this machine. Needs Linux, PostgreSQL from the system's package, and user namespaces.
    Postgres {
        /// Where folders of sandboxes are. Those that dead ones left there are removed.
        folder: PathBuf,
        /// How many servers may run at a time.
        servers: usize,
    },
}

impl Pods {
    /// Real servers, as many as a laptop bears, with their data in the folder for temporary files.
    pub fn postgres() -> Self {
        // Each user's own: what another one has made there could not be written to.
        let folder = std::env::temp_dir().join(format!("sandboxes-{}", postgres::uid()));
        Self::Postgres { folder, servers: 64 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { pods: Pods::Simulated { ready_after: Duration::from_millis(200) } }
    }
}
