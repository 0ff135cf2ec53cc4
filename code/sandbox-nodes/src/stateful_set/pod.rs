//! The pods of a StatefulSet: their names, what they are made from, and what can be read from them.

use crate::object::{is_going, owned_by};
use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, StatefulSet},
        core::v1::{PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use kube::ResourceExt;
use std::time::Duration;

/// Names a pod for selectors.
pub(crate) const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Tells the revision that a pod was made from.
pub(crate) const REVISION: &str = "controller-revision-hash";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The number at the end of a pod's name, if the rest is the set's.
pub(crate) fn ordinal(set: &str, pod: &str) -> Option<i32> {
    pod.strip_prefix(set)?.strip_prefix('-')?.parse().ok().filter(|&it: &i32| it >= 0)
}

/// The name of the set that a pod of this name would be of.
pub(crate) fn set_of(pod: &str) -> Option<&str> {
    let (set, _) = pod.rsplit_once('-')?;
    ordinal(set, pod).map(|_| set)
}

/// The first ordinal and how many there are.
pub(crate) fn ordinals(set: &StatefulSet) -> (i32, i32) {
    let spec = set.spec.as_ref();
    let start = spec.and_then(|spec| spec.ordinals.as_ref()?.start).unwrap_or(0);
    (start, spec.and_then(|spec| spec.replicas).unwrap_or(1))
}

/// The pod of an ordinal, from the template of a revision.
pub(crate) fn new_pod(set: &StatefulSet, revision: &ControllerRevision, ordinal: i32) -> Pod {
    let name = format!("{}-{ordinal}", set.name_any());
    let template = template(revision);
    let given = template.metadata.unwrap_or_default();
    let mut labels = given.labels.unwrap_or_default();
    labels.insert(POD_NAME.into(), name.clone());
    labels.insert(REVISION.into(), revision.name_any());
    labels.insert(POD_INDEX.into(), ordinal.to_string());
    let mut spec = template.spec.unwrap_or_default();
    let set_spec = set.spec.as_ref();
    spec.hostname = Some(name.clone());
    spec.subdomain = set_spec.and_then(|it| it.service_name.clone());
    let templates = set_spec.and_then(|it| it.volume_claim_templates.as_deref()).unwrap_or_default();
    let volumes = spec.volumes.get_or_insert_default();
    // The claim wins over a volume of the same name in the template.
    volumes.retain(|volume| templates.iter().all(|claim| claim.name_any() != volume.name));
    volumes.extend(templates.iter().map(|claim| Volume {
        name: claim.name_any(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: format!("{}-{name}", claim.name_any()),
            read_only: None,
        }),
        ..Volume::default()
    }));
    Pod {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: set.namespace(),
            labels: Some(labels),
            annotations: given.annotations,
            finalizers: given.finalizers,
            owner_references: owned_by(set),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    }
}

fn template(revision: &ControllerRevision) -> PodTemplateSpec {
    let data = revision.data.as_ref().and_then(|it| it.0.pointer("/spec/template")).cloned();
    let template = data.and_then(|mut template| {
        template.as_object_mut()?.remove("$patch");
        serde_json::from_value(template).ok()
    });
    template.unwrap_or_default()
}

pub(crate) fn revision_of(pod: &Pod) -> &str {
    pod.labels().get(REVISION).map_or("", String::as_str)
}

pub(crate) fn is_created(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).is_some_and(|phase| !phase.is_empty())
}

pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

/// Running, and its Ready condition is True: whether or not it is on its way out.
pub(crate) fn is_running_and_ready(pod: &Pod) -> bool {
    let running = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
    running && ready_since(pod).is_some()
}

fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|it| it.type_ == "Ready" && it.status == "True")?;
    Some(ready.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0))
}

/// How long a ready pod has to go on being ready to count as available; none if it is not ready, zero if it is available.
pub(crate) fn until_available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> Option<Duration> {
    let since = is_running_and_ready(pod).then(|| ready_since(pod))??;
    let available = since + Duration::from_secs(min_ready_seconds.try_into().unwrap_or(0));
    Some(available.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

/// Ready and not on its way out: what a rollout waits for.
pub(crate) fn is_healthy(pod: &Pod) -> bool {
    is_running_and_ready(pod) && !is_going(pod)
}
