//! StatefulSets: numbered pods, each with claims of its own, made, replaced and removed in order.

mod claims;
mod decide;
#[cfg(test)]
mod decide_tests;
mod pod;
mod revision;

use crate::{
    adoption::adopt,
    error::{During, Error, gone_is_fine, there_is_fine},
    events::{Events, News},
    object::{Key, controller, controller_key, is_controlled_by},
    queue::{self, Again},
    world::World,
};
use decide::{Step, decide};
use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus},
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use revision::Revisions;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Watches and works. Does not end.
pub(crate) async fn run(world: World, receiver: mpsc::UnboundedReceiver<Key>) {
    let controller = Arc::new(Controller { events: world.events("statefulset-controller"), world });
    controller.world.ready().await;
    queue::work("StatefulSet", receiver, |key| {
        let controller = controller.clone();
        async move { controller.reconcile(&key).await }
    })
    .await;
}

/// Says what concerns a StatefulSet.
pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.sets.tell(sender.clone(), |set| Some(Key::of(set)));
    world.pods.tell(sender.clone(), |pod| match controller(&pod.metadata) {
        Some(_) => controller_key::<StatefulSet>(&pod.metadata),
        // It may be adopted by the set whose name it bears.
        None => pod::set_of(&pod.name_any()).map(|set| Key::new(pod.namespace().unwrap_or_default(), set)),
    });
    world.revisions.tell(sender, |revision| controller_key::<StatefulSet>(&revision.metadata));
    receiver
}

struct Controller {
    world: World,
    events: Events,
}

impl Controller {
    async fn reconcile(&self, key: &Key) -> Result<Again, Error> {
        let Some(set) = self.world.sets.get(key) else { return Ok(None) };
        let pods = self.pods(&set).await?;
        let selector = set.spec.as_ref().map(|spec| &spec.selector);
        for revision in revision::known(&self.world, &set) {
            adopt(&self.api(&set), &*set, selector, &*revision).await?;
        }
        let revisions = revision::revisions(&self.world, &set).await?;
        let decision = decide(&set, &revisions, &pods, self.world.clock.now());
        self.keep_claims(&set, &pods).await?;
        for step in &decision.steps {
            self.carry_out(&set, &revisions, &pods, step).await?;
        }
        self.report(&set, decision.status).await?;
        self.forget_history(&set, &revisions, &pods).await?;
        Ok(decision.again)
    }

    /// The set's pods, and those that could be and belong to nobody.
    async fn pods(&self, set: &StatefulSet) -> Result<Vec<Arc<Pod>>, Error> {
        let selector = set.spec.as_ref().map(|spec| &spec.selector);
        let api: Api<Pod> = self.api(set);
        let mut pods = self.world.pods.in_namespace(&set.namespace().unwrap_or_default());
        for pod in &pods {
            if pod::ordinal(&set.name_any(), &pod.name_any()).is_some() {
                adopt(&api, set, selector, pod).await?;
            }
        }
        pods.retain(|pod| is_controlled_by(&pod.metadata, set));
        Ok(pods)
    }

    fn api<K>(&self, set: &StatefulSet) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.world.client.clone(), &set.namespace().unwrap_or_default())
    }

    async fn carry_out(
        &self,
        set: &StatefulSet,
        revisions: &Revisions,
        pods: &[Arc<Pod>],
        step: &Step,
    ) -> Result<(), Error> {
        match step {
            Step::Create { ordinal, update } => {
                self.make_claims(set, *ordinal).await?;
                let revision = if *update { &revisions.update } else { &revisions.current };
                let pod = pod::new_pod(set, revision, *ordinal);
                self.create(set, &pod, format!("Pod {}", pod.name_any())).await
            }
            Step::Claims { ordinal } => self.make_claims(set, *ordinal).await,
            Step::Delete { pod } => {
                let uid = pods.iter().find(|it| it.name_any() == *pod).and_then(|it| it.uid());
                let this_one = Preconditions { uid, resource_version: None };
                let how = DeleteParams::default().preconditions(this_one);
                let deleted = self.api::<Pod>(set).delete(pod, &how).await;
                gone_is_fine(deleted).during(|| format!("delete Pod {pod}"))?;
                let text = format!("delete Pod {pod} in StatefulSet {} successful", set.name_any());
                self.events.tell(set, News::normal("SuccessfulDelete", text)).await;
                Ok(())
            }
        }
    }

    async fn make_claims(&self, set: &StatefulSet, ordinal: i32) -> Result<(), Error> {
        for claim in claims::claims(set, ordinal) {
            if self.world.claims.get(&Key::of(&claim)).is_none() {
                let what = format!("Claim {} Pod {}-{ordinal}", claim.name_any(), set.name_any());
                self.create(set, &claim, what).await?;
            }
        }
        Ok(())
    }

    async fn create<K>(&self, set: &StatefulSet, object: &K, what: String) -> Result<(), Error>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let name = set.name_any();
        let created = self.api::<K>(set).create(&PostParams::default(), object).await;
        let news = match &created {
            Ok(_) => {
                News::normal("SuccessfulCreate", format!("create {what} in StatefulSet {name} successful"))
            }
            Err(error) => News::warning(
                "FailedCreate",
                format!("create {what} in StatefulSet {name} failed error: {error}"),
            ),
        };
        let there = matches!(&created, Err(kube::Error::Api(status)) if status.reason == "AlreadyExists");
        if !there {
            self.events.tell(set, news).await;
        }
        there_is_fine(created).during(|| format!("create {what}"))
    }

    /// Gives the claims the owners that the set's retention policy asks for.
    async fn keep_claims(&self, set: &StatefulSet, pods: &[Arc<Pod>]) -> Result<(), Error> {
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        for claim in self.world.claims.in_namespace(&set.namespace().unwrap_or_default()) {
            let name = claim.name_any();
            let Some(ordinal) = claims::claim_ordinal(set, &name) else { continue };
            let pod = format!("{}-{ordinal}", set.name_any());
            let pod = pods.iter().find(|it| it.name_any() == pod).map(AsRef::as_ref);
            if let Some(owners) = claims::owners(set, &claim, pod, ordinal) {
                self.set_owners(set, &claim, owners).await?;
            }
        }
        Ok(())
    }

    async fn set_owners(
        &self,
        set: &StatefulSet,
        claim: &PersistentVolumeClaim,
        owners: Vec<OwnerReference>,
    ) -> Result<(), Error> {
        let name = claim.name_any();
        let version = claim.resource_version();
        let patch =
            json!({"metadata": {"uid": claim.uid(), "resourceVersion": version, "ownerReferences": owners}});
        let api = self.api::<PersistentVolumeClaim>(set);
        let patched = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).during(|| format!("set the owners of PersistentVolumeClaim {name}"))
    }

    async fn report(&self, set: &StatefulSet, status: StatefulSetStatus) -> Result<(), Error> {
        if set.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let mut reported = set.clone();
        reported.status = Some(status);
        reported.metadata.managed_fields = None;
        let name = set.name_any();
        let api = self.api::<StatefulSet>(set);
        let replaced = api.replace_status(&name, &PostParams::default(), &reported).await;
        replaced.map(drop).during(|| format!("report the status of StatefulSet {name}"))
    }

    async fn forget_history(
        &self,
        set: &StatefulSet,
        revisions: &Revisions,
        pods: &[Arc<Pod>],
    ) -> Result<(), Error> {
        let limit = set.spec.as_ref().and_then(|spec| spec.revision_history_limit).unwrap_or(10);
        let used: Vec<_> = pods.iter().map(|pod| pod::revision_of(pod).to_owned()).collect();
        let known = revision::known(&self.world, set);
        for name in revision::superfluous(&known, revisions, &used, limit.try_into().unwrap_or(0)) {
            let deleted = self.api::<ControllerRevision>(set).delete(&name, &DeleteParams::default()).await;
            gone_is_fine(deleted).during(|| format!("delete ControllerRevision {name}"))?;
        }
        Ok(())
    }
}
