//! Jobs: pods that end, as often as it takes.

mod decide;

use crate::{
    error::{During, Error, gone_is_fine},
    events::{Events, News},
    object::{Key, controller_key, is_controlled_by, is_going, owned_by},
    queue::{self, Again},
    world::World,
};
use decide::{decide, is_finished};
use k8s_openapi::api::{
    batch::v1::{Job, JobStatus},
    core::v1::Pod,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.jobs.tell(sender.clone(), |job| Some(Key::of(job)));
    world.pods.tell(sender, |pod| controller_key::<Job>(&pod.metadata));
    receiver
}

pub(crate) async fn run(world: World, receiver: mpsc::UnboundedReceiver<Key>) {
    world.ready().await;
    let controller = Arc::new(Controller { events: world.events("job-controller"), world });
    queue::work("Job", receiver, |key| {
        let controller = controller.clone();
        async move { controller.reconcile(&key).await }
    })
    .await;
}

struct Controller {
    world: World,
    events: Events,
}

impl Controller {
    async fn reconcile(&self, key: &Key) -> Result<Again, Error> {
        let Some(job) = self.world.jobs.get(key).filter(|job| !is_going(&**job)) else { return Ok(None) };
        if is_finished(&job) {
            return self.clean_up(&job).await;
        }
        let mut pods = self.world.pods.in_namespace(&key.namespace);
        pods.retain(|pod| is_controlled_by(&pod.metadata, &*job));
        let decision = decide(&job, &pods, self.world.clock.now());
        if decision.stop {
            for pod in pods.iter().filter(|pod| runs(pod)) {
                self.delete(&job, pod).await?;
            }
        }
        let free = (0..)
            .map(|number| name(&job, number))
            .filter(|name| pods.iter().all(|pod| pod.name_any() != *name));
        for name in free.take(decision.create) {
            self.create(&job, name).await?;
        }
        self.report(&job, decision.status).await?;
        Ok(decision.again)
    }

    fn pods(&self, job: &Job) -> Api<Pod> {
        Api::namespaced(self.world.client.clone(), &job.namespace().unwrap_or_default())
    }

    fn jobs(&self, job: &Job) -> Api<Job> {
        Api::namespaced(self.world.client.clone(), &job.namespace().unwrap_or_default())
    }

    async fn create(&self, job: &Job, name: String) -> Result<(), Error> {
        match self.pods(job).create(&PostParams::default(), &pod(job, name.clone())).await {
            Ok(_) => {
                self.events.tell(job, News::normal("SuccessfulCreate", format!("Created pod: {name}"))).await;
                Ok(())
            }
            // It is of an earlier pass, and will be in the cache in a moment.
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
            Err(error) => {
                let text = format!("Error creating: {error}");
                self.events.tell(job, News::warning("FailedCreate", text)).await;
                Err(error).during(|| format!("create Pod {name}"))
            }
        }
    }

    async fn delete(&self, job: &Job, pod: &Pod) -> Result<(), Error> {
        let name = pod.name_any();
        let this_one = Preconditions { uid: pod.uid(), resource_version: None };
        let deleted = self.pods(job).delete(&name, &DeleteParams::default().preconditions(this_one)).await;
        gone_is_fine(deleted).during(|| format!("delete Pod {name}"))?;
        self.events.tell(job, News::normal("SuccessfulDelete", format!("Deleted pod: {name}"))).await;
        Ok(())
    }

    async fn report(&self, job: &Job, status: JobStatus) -> Result<(), Error> {
        if job.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let mut reported = job.clone();
        reported.status = Some(status);
        reported.metadata.managed_fields = None;
        let name = job.name_any();
        let replaced = self.jobs(job).replace_status(&name, &PostParams::default(), &reported).await;
        replaced.during(|| format!("report the status of Job {name}"))?;
        let conditions = reported.status.and_then(|status| status.conditions).unwrap_or_default();
        match conditions.last().map(|it| (&*it.type_, it)) {
            Some(("Complete", _)) => self.events.tell(job, News::normal("Completed", "Job completed")).await,
            Some(("Failed", it)) => {
                let text = it.message.clone().unwrap_or_default();
                self.events.tell(job, News::warning("BackoffLimitExceeded", text)).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// Deletes a finished Job that is to be deleted after a time.
    async fn clean_up(&self, job: &Job) -> Result<Again, Error> {
        let Some(ttl) = job.spec.as_ref().and_then(|spec| spec.ttl_seconds_after_finished) else {
            return Ok(None);
        };
        let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let finished = conditions.into_iter().filter_map(|it| it.last_transition_time.as_ref()).max();
        let Some(finished) = finished else { return Ok(None) };
        let at = finished.0 + Duration::from_secs(ttl.try_into().unwrap_or(0));
        let left: Duration = at.duration_since(self.world.clock.now()).try_into().unwrap_or(Duration::ZERO);
        if !left.is_zero() {
            return Ok(Some(left));
        }
        let this_one = Preconditions { uid: job.uid(), resource_version: None };
        let how = DeleteParams::background().preconditions(this_one);
        let deleted = self.jobs(job).delete(&job.name_any(), &how).await;
        gone_is_fine(deleted).during(|| format!("delete Job {}", job.name_any()))?;
        Ok(None)
    }
}

fn runs(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Succeeded" | "Failed")) && !is_going(pod)
}

/// The name of a Job's pod. The same for the same number: a pass on a late cache makes nothing twice.
fn name(job: &Job, number: usize) -> String {
    let text = format!("{}{number}", job.uid().unwrap_or_default());
    let hash = crate::hash::name(&text);
    format!("{}-{}", job.name_any(), &hash[..hash.len().min(5)])
}

fn pod(job: &Job, name: String) -> Pod {
    let template = job.spec.clone().unwrap_or_default().template;
    let given = template.metadata.unwrap_or_default();
    let mut labels = given.labels.unwrap_or_default();
    for prefix in ["", "batch.kubernetes.io/"] {
        labels.insert(format!("{prefix}job-name"), job.name_any());
        labels.insert(format!("{prefix}controller-uid"), job.uid().unwrap_or_default());
    }
    Pod {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: job.namespace(),
            labels: Some(labels),
            annotations: given.annotations,
            owner_references: owned_by(job),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}
