//! What pods are.

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
        /// Where folders of sandboxes are. What dead ones left there is removed.
        folder: PathBuf,
        /// How many servers may run at a time.
        servers: usize,
    },
}

impl Pods {
    /// Real servers, as many as a laptop bears, with their data in the folder for temporary files.
    pub fn postgres() -> Self {
        Self::Postgres { folder: std::env::temp_dir().join("sandboxes"), servers: 64 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { pods: Pods::Simulated { ready_after: Duration::from_millis(200) } }
    }
}
