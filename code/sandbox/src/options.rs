//! What can be set.

use std::{sync::Arc, time::Duration};

/// How a sandbox behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many events of each resource are kept for watches. A watch or a continued list from before that gets 410.
    pub history: usize,
    /// How often a watch that allows bookmarks gets one.
    pub bookmark_every: Duration,
    /// Whether the rights of users named by impersonation headers are checked. Without such headers a client may do anything.
    pub rbac: bool,
    /// What answers for pods' logs, commands and ports.
    pub pods: Option<Arc<dyn crate::pods::PodAccess>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { history: 4_096, bookmark_every: Duration::from_mins(1), rbac: false, pods: None }
    }
}
