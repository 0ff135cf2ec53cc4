//! The volume claims of a StatefulSet: one per template and pod, kept for a pod that comes back, unless the set says otherwise.

use super::pod::{ordinal, ordinals};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Resource, ResourceExt};

/// The claims of the pod of an ordinal.
pub(crate) fn claims(set: &StatefulSet, ordinal: i32) -> Vec<PersistentVolumeClaim> {
    let spec = set.spec.as_ref();
    let selected = spec.and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    let templates = spec.and_then(|spec| spec.volume_claim_templates.clone()).unwrap_or_default();
    let of = |mut claim: PersistentVolumeClaim| {
        let mut labels = claim.metadata.labels.take().unwrap_or_default();
        labels.extend(selected.clone());
        claim.metadata = ObjectMeta {
            name: Some(format!("{}-{}-{ordinal}", claim.name_any(), set.name_any())),
            namespace: set.namespace(),
            labels: Some(labels),
            annotations: claim.metadata.annotations,
            ..ObjectMeta::default()
        };
        claim.status = None;
        claim
    };
    templates.into_iter().map(of).collect()
}

/// The owners that a claim should have besides those of others; none if those that it has are right.
///
/// Garbage collection does the rest: a claim that the set owns goes with the set, one that its pod owns with the pod.
pub(crate) fn owners(
    set: &StatefulSet,
    claim: &PersistentVolumeClaim,
    pod: Option<&Pod>,
    claim_ordinal: i32,
) -> Option<Vec<OwnerReference>> {
    let policy = set.spec.as_ref().and_then(|spec| spec.persistent_volume_claim_retention_policy.as_ref());
    let deletes = |when: Option<&String>| when.map(String::as_str) == Some("Delete");
    let when_deleted = deletes(policy.and_then(|it| it.when_deleted.as_ref()));
    let when_scaled = deletes(policy.and_then(|it| it.when_scaled.as_ref()));
    let (start, count) = ordinals(set);
    let condemned = !(start..start + count).contains(&claim_ordinal);

    let has = claim.metadata.owner_references.clone().unwrap_or_default();
    let is_ours = |owner: &OwnerReference| {
        let of_set = owner.kind == "StatefulSet" && owner.name == set.name_any();
        let of_pod = owner.kind == "Pod" && ordinal(&set.name_any(), &owner.name) == Some(claim_ordinal);
        of_set || of_pod
    };
    let mut wanted: Vec<_> = has.iter().filter(|owner| !is_ours(owner)).cloned().collect();
    if when_scaled && condemned {
        // Without the pod there is nothing that could take the claim along: then it stays as it is.
        wanted.push(pod?.owner_ref(&())?);
    } else if when_deleted {
        wanted.push(set.owner_ref(&())?);
    }
    (wanted != has).then_some(wanted)
}

/// Which pod of the set a claim belongs to, by its name.
pub(crate) fn claim_ordinal(set: &StatefulSet, claim: &str) -> Option<i32> {
    let templates = set.spec.as_ref()?.volume_claim_templates.as_ref()?;
    templates.iter().find_map(|template| {
        let pod = claim.strip_prefix(&template.name_any())?.strip_prefix('-')?;
        ordinal(&set.name_any(), pod)
    })
}
