//! Leader election: of several operators, one works.

use crate::start::StartError;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use std::time::Duration;
use tokio::{
    sync::watch::Receiver,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// Name of the Lease.
pub const LEASE: &str = "postgres-operator";
/// Without a renewal for so long, another operator takes over.
const DURATION_SECONDS: u64 = 15;
/// The holder renews so long before its time is up. It also bounds how far the clocks of two nodes may differ.
const GRACE_SECONDS: u64 = 5;
/// How often the holder looks whether it is still named.
const LOOK_EVERY: Duration = Duration::from_secs(GRACE_SECONDS);

/// The lead. After a pause of one of them, two operators can believe to have it until the next look. Writes to children and status are
/// conditional on what they were decided on. Final backups are not: each is written under a name of its own, and the one that is
/// whole first removes what the other has sent so far, which fails then.
pub struct Lead {
    lease: Api<Lease>,
    identity: String,
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
        let lease = Api::namespaced(client.clone(), namespace);
        Ok(Self { lease, identity: identity.to_owned(), state, task })
    }

    /// Waits until this operator leads.
    pub async fn taken(&mut self) {
        // The sender goes only with the task, and nobody leads then.
        if self.state.wait_for(|leads| *leads).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A future that ends when the lead is lost: when it was given to another, or when nothing has been heard of the Lease for as
    /// long as it lasts. The manager by itself goes on leading while the API server cannot be reached.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut state, lease, identity) = (self.state.clone(), self.lease.clone(), self.identity.clone());
        async move {
            tokio::select! {
                _ = state.wait_for(|leads| !*leads) => {}
                () = unnamed(&lease, &identity) => {}
            }
        }
    }

    /// Gives the lead up, and the Lease with it. Who waits for it looks when the time that it has read is up.
    pub async fn release(self) {
        drop(self.state);
        if let Ok(Ok(manager)) = self.task.await
            && let Err(error) = manager.release().await
        {
            tracing::warn!(error = crate::error::chain(&error), "the lease was not released");
        }
    }
}

/// Ends when the Lease names another, or has not been seen to name this operator for as long as it lasts.
async fn unnamed(lease: &Api<Lease>, identity: &str) {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut named = Instant::now();
    while named.elapsed() < Duration::from_secs(DURATION_SECONDS) {
        tick.tick().await;
        // A client that tries again by itself may not answer for minutes.
        let Ok(Ok(found)) = timeout(LOOK_EVERY, lease.get(LEASE)).await else { continue };
        if found.spec.and_then(|spec| spec.holder_identity).as_deref() != Some(identity) {
            return;
        }
        named = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::client;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How long the lead lasts if the API server names these holders, one on each look, and then does not answer.
    async fn lasts(holders: &'static [&'static str]) -> Duration {
        let looks = AtomicUsize::new(0);
        let (client, _) = client(move |_| {
            let holder = holders.get(looks.fetch_add(1, Ordering::Relaxed))?;
            let lease = json!({"metadata": {"name": LEASE}, "spec": {"holderIdentity": holder}});
            Some((200, lease.to_string()))
        });
        let begun = Instant::now();
        unnamed(&Api::namespaced(client, "operators"), "me").await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_lead_ends_when_another_is_named_or_nobody_answers_for_as_long_as_it_lasts() {
        assert_eq!(lasts(&["me", "me", "other"]).await, 2 * LOOK_EVERY);
        for holders in [&[][..], &["me"]] {
            let lasted = lasts(holders).await.as_secs();
            assert!((DURATION_SECONDS..=DURATION_SECONDS + 5).contains(&lasted), "{holders:?}: {lasted} s");
        }
    }
}
