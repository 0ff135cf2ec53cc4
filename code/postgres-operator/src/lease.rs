//! Leader election: of several operators, one works.

use crate::start::StartError;
use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::{sync::watch::Receiver, task::JoinHandle};

/// Name of the Lease.
pub const LEASE: &str = "postgres-operator";
/// Without a renewal for so long, another operator takes over.
const DURATION_SECONDS: u64 = 15;
/// The holder renews so long before its time is up. It also bounds how far the clocks of two nodes may differ.
const GRACE_SECONDS: u64 = 5;

/// The lead. After a pause of one of them, two operators can believe to have it for a moment. Writes to children and status are
/// conditional on what they were decided on. Final backups are not: each is written under a name of its own, and the one that is
/// whole first removes what the other has sent so far, which fails then.
pub struct Lead {
    state: Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl Lead {
    /// Stands for election in a namespace.
    pub async fn stand(client: &Client, namespace: &str, identity: &str) -> Result<Self, StartError> {
        let manager = LeaseManagerBuilder::new(client.clone(), LEASE)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_field_manager(identity)
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await
            .map_err(|error| StartError::Lease(crate::error::chain(&error)))?;
        let (state, task) = manager.watch().await;
        Ok(Self { state, task })
    }

    /// Waits until this operator leads.
    pub async fn taken(&mut self) {
        // The sender goes only with the task, and nobody leads then.
        if self.state.wait_for(|leads| *leads).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A future that ends when the lead is lost.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut state = self.state.clone();
        async move {
            let _ = state.wait_for(|leads| !*leads).await;
        }
    }

    /// Gives the lead up, so that another takes over at once and not when time is up.
    pub async fn release(self) {
        drop(self.state);
        if let Ok(Ok(manager)) = self.task.await
            && let Err(error) = manager.release().await
        {
            tracing::warn!(error = crate::error::chain(&error), "the lease was not released");
        }
    }
}
