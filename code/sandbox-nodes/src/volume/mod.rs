//! Volumes: a claim gets a volume of its own, grows where its class allows it, and stays while a pod uses it.

mod decide;

use crate::{
    error::{During, Error, gone_is_fine, there_is_fine},
    events::{Events, News},
    object::Key,
    queue::{self, Again},
    world::World,
};
use decide::{Step, decide};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(crate) use decide::volume_name;

/// Phase of a claim without a volume.
pub(crate) const CLAIM_PENDING: &str = "Pending";

/// Names of the claims that a pod mounts.
pub(crate) fn claims_of(pod: &Pod) -> impl Iterator<Item = String> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    volumes.iter().filter_map(|it| Some(it.persistent_volume_claim.as_ref()?.claim_name.clone()))
}

pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.claims.tell(sender.clone(), |claim| Some(Key::of(claim)));
    let to = sender.clone();
    world.pods.on_change(move |change| {
        for pod in change.versions() {
            for claim in claims_of(pod) {
                let _ = to.send(Key::new(pod.namespace().unwrap_or_default(), claim));
            }
        }
    });
    // A claim may wait for its class.
    let claims = world.claims.clone();
    world.classes.on_change(move |_| {
        for claim in claims.all() {
            let _ = sender.send(Key::of(&*claim));
        }
    });
    receiver
}

pub(crate) async fn run(world: World, receiver: mpsc::UnboundedReceiver<Key>) {
    world.ready().await;
    let binder = Arc::new(Binder { events: world.events("persistentvolume-controller"), world });
    queue::work("volume", receiver, |key| {
        let binder = binder.clone();
        async move { binder.reconcile(&key).await }
    })
    .await;
}

struct Binder {
    world: World,
    events: Events,
}

impl Binder {
    async fn reconcile(&self, key: &Key) -> Result<Again, Error> {
        let Some(claim) = self.world.claims.get(key) else { return Ok(None) };
        let used = self.world.pods.in_namespace(&key.namespace).iter().any(|pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            !matches!(phase, Some("Succeeded" | "Failed")) && claims_of(pod).any(|it| it == key.name)
        });
        let step = decide(&claim, &self.world.classes.all(), used);
        self.carry_out(&claim, step).await?;
        Ok(None)
    }

    fn api(&self, claim: &PersistentVolumeClaim) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.world.client.clone(), &claim.namespace().unwrap_or_default())
    }

    async fn carry_out(&self, claim: &PersistentVolumeClaim, step: Step) -> Result<(), Error> {
        match step {
            Step::Nothing => Ok(()),
            Step::Finalizers(finalizers) => {
                self.patch(claim, json!({"metadata": {"finalizers": finalizers}})).await
            }
            Step::Class(class) => self.patch(claim, json!({"spec": {"storageClassName": class}})).await,
            Step::Wait(news) => {
                self.events.tell(claim, news).await;
                self.status(claim, json!({"phase": CLAIM_PENDING})).await
            }
            Step::Bind(volume) => {
                let api: Api<PersistentVolume> = Api::all(self.world.client.clone());
                let name = volume.name_any();
                let created = there_is_fine(api.create(&PostParams::default(), &volume).await);
                created.during(|| format!("create PersistentVolume {name}"))?;
                let bound = Patch::Merge(json!({"status": {"phase": "Bound"}}));
                let patched = api.patch_status(&name, &PatchParams::default(), &bound).await;
                patched.during(|| format!("report that PersistentVolume {name} is bound"))?;
                self.patch(claim, json!({"spec": {"volumeName": name}})).await?;
                let text = format!("Successfully provisioned volume {name}");
                self.events.tell(claim, News::normal("ProvisioningSucceeded", text)).await;
                Ok(())
            }
            Step::Report(status) => self.status(claim, status).await,
            Step::Grow { volume, status } => {
                let api: Api<PersistentVolume> = Api::all(self.world.client.clone());
                let patch = Patch::Merge(json!({"spec": {"capacity": status["capacity"]}}));
                let patched = api.patch(&volume, &PatchParams::default(), &patch).await;
                patched.during(|| format!("grow PersistentVolume {volume}"))?;
                self.status(claim, status).await?;
                let text = "the volume is a folder, and has grown at once";
                self.events.tell(claim, News::normal("FileSystemResizeSuccessful", text)).await;
                Ok(())
            }
            Step::Remove(finalizers) => {
                // What is in the volume goes first: a crash in between leaves a claim that is asked for again.
                if claim.metadata.finalizers.as_ref().is_some_and(|it| it.len() == finalizers.len() + 1) {
                    self.free_volume(claim).await?;
                }
                self.patch(claim, json!({"metadata": {"finalizers": finalizers}})).await
            }
        }
    }

    /// Does with the volume of a claim that goes what its policy says: it goes along, or stays with all that is in it.
    async fn free_volume(&self, claim: &PersistentVolumeClaim) -> Result<(), Error> {
        let api: Api<PersistentVolume> = Api::all(self.world.client.clone());
        let name = volume_name(claim);
        let volume = api.get_opt(&name).await.during(|| format!("read PersistentVolume {name}"))?;
        if volume.is_some_and(|volume| is_retained(&volume)) {
            let released = Patch::Merge(json!({"status": {"phase": "Released"}}));
            let patched = gone_is_fine(api.patch_status(&name, &PatchParams::default(), &released).await);
            return patched.during(|| format!("report that PersistentVolume {name} is released"));
        }
        let deleted = gone_is_fine(api.delete(&name, &DeleteParams::default()).await);
        deleted.during(|| format!("delete PersistentVolume {name}"))?;
        // The API server may have put a finalizer on it, against deletion while a claim is bound to it. This one goes.
        let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        let freed = gone_is_fine(api.patch(&name, &PatchParams::default(), &free).await);
        freed.during(|| format!("let PersistentVolume {name} go"))?;
        self.world.remove_volume(&name).await;
        Ok(())
    }

    async fn patch(&self, claim: &PersistentVolumeClaim, mut patch: Value) -> Result<(), Error> {
        let name = claim.name_any();
        patch["metadata"]["uid"] = json!(claim.uid());
        patch["metadata"]["resourceVersion"] = json!(claim.resource_version());
        let patched = self.api(claim).patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).during(|| format!("change PersistentVolumeClaim {name}"))
    }

    async fn status(&self, claim: &PersistentVolumeClaim, status: Value) -> Result<(), Error> {
        let name = claim.name_any();
        let patch = Patch::Merge(json!({"metadata": {"uid": claim.uid()}, "status": status}));
        let patched = self.api(claim).patch_status(&name, &PatchParams::default(), &patch).await;
        patched.map(drop).during(|| format!("report the status of PersistentVolumeClaim {name}"))
    }
}

fn is_retained(volume: &PersistentVolume) -> bool {
    let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    policy == Some("Retain")
}
