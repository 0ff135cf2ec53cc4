//! A Kubernetes API without a cluster, for labs and tests: one process, no container, real HTTP.
//!
//! [`Sandbox::client`] is a client without sockets, which works under tokio's paused clock; [`Sandbox::serve`] answers kubectl
//! and everything else. What it speaks, it speaks as strictly as a real API server; what runs in a cluster besides it
//! (controllers, nodes) is not part of it.

mod apply;
mod cause;
mod clock;
mod discovery;
mod error;
mod http;
mod in_process;
mod kinds;
mod kubeconfig;
mod metadata;
mod names;
mod namespaces;
mod openapi_paths;
mod options;
mod patch;
mod pods;
mod protobuf;
mod quota;
mod rbac;
mod rbac_grants;
mod rbac_roles;
mod registry;
mod reviews;
mod schema;
mod selectors;
mod serve;
mod server;
mod store;
mod table;
mod upgrade;
mod verbs;
mod write;
mod write_parts;

pub use clock::Clock;
pub use kubeconfig::{CONTEXT, kubeconfig};
pub use options::Options;
pub use pods::{Io, PodAccess, Upgrade};

use kinds::event::Expiry;
use kube::Client;
use registry::Registry;
use server::Server;
use std::{io, sync::Arc};
use store::Store;
use tokio::net::TcpListener;

/// A Kubernetes API and everything in it. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Server>);

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Sandbox {
    /// An API with the namespaces that every cluster has.
    pub fn new(options: Options) -> Self {
        let store = Store::new(options.history);
        let server = Server {
            options,
            clock: Clock::default(),
            store,
            registry: Registry::new(),
            events: Expiry::default(),
        };
        namespaces::make_first(&server);
        rbac_roles::make_first(&server);
        Self(Arc::new(server))
    }

    /// A client without sockets. Needs a tokio runtime, whose clock may be paused.
    pub fn client(&self) -> Client {
        in_process::client(Arc::clone(&self.0))
    }

    /// Answers what comes to `listener`, until it is dropped.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        serve::serve(Arc::clone(&self.0), listener).await
    }

    /// Forgets the history: watches and continued lists from before now get 410. Watches under way go on.
    pub fn compact(&self) {
        self.0.store.compact();
    }

    /// Ends all watches with 410 in their streams, and forgets the history that they could go on from.
    pub fn expire_watches(&self) {
        self.0.store.expire_watches();
    }

    /// The current resource version.
    pub fn resource_version(&self) -> u64 {
        self.0.store.revision()
    }
}
