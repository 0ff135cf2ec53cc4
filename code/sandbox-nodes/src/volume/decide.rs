//! What a claim needs next.

use super::CLAIM_PENDING;
use crate::{events::News, object::is_going, quantity::exceeds};
use k8s_openapi::api::{
    core::v1::{HostPathVolumeSource, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec},
    storage::v1::StorageClass,
};
use kube::{Resource, ResourceExt, api::ObjectMeta};
use serde_json::{Value, json};
use std::sync::Arc;

/// Keeps a claim while a pod uses it.
const PROTECTION: &str = "kubernetes.io/pvc-protection";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// One step.
#[derive(Debug)]
pub(crate) enum Step {
    Nothing,
    Finalizers(Vec<String>),
    /// Take the default class.
    Class(String),
    /// Stay as it is, and say why.
    Wait(News),
    Bind(Box<PersistentVolume>),
    Report(Value),
    Grow {
        volume: String,
        status: Value,
    },
    /// Leave only these finalizers, which lets the claim go.
    Remove(Vec<String>),
}

/// Name of the volume that a claim gets.
pub(crate) fn volume_name(claim: &PersistentVolumeClaim) -> String {
    format!("pvc-{}", claim.uid().unwrap_or_default())
}

/// Decides on a claim. `used` says whether a pod mounts it.
pub(crate) fn decide(claim: &PersistentVolumeClaim, classes: &[Arc<StorageClass>], used: bool) -> Step {
    let mut finalizers = claim.metadata.finalizers.clone().unwrap_or_default();
    let protected = finalizers.iter().any(|it| it == PROTECTION);
    if is_going(claim) {
        if !protected || used {
            return Step::Nothing;
        }
        finalizers.retain(|it| it != PROTECTION);
        return Step::Remove(finalizers);
    }
    if !protected {
        finalizers.push(PROTECTION.into());
        return Step::Finalizers(finalizers);
    }
    if claim.spec.as_ref().and_then(|spec| spec.volume_name.as_ref()).is_some() {
        return follow(claim);
    }
    bind(claim, classes, used)
}

fn bind(claim: &PersistentVolumeClaim, classes: &[Arc<StorageClass>], used: bool) -> Step {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.clone());
    let is_default =
        |class: &StorageClass| class.annotations().get(DEFAULT_CLASS).is_some_and(|it| it == "true");
    let Some(name) = wanted else {
        return match classes.iter().find(|class| is_default(class)) {
            Some(class) => Step::Class(class.name_any()),
            None => Step::Wait(News::normal(
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            )),
        };
    };
    let Some(class) = classes.iter().find(|class| class.name_any() == name) else {
        let text = format!("storageclass.storage.k8s.io \"{name}\" not found");
        return Step::Wait(News::warning("ProvisioningFailed", text));
    };
    if class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer") && !used {
        let text = "waiting for first consumer to be created before binding";
        return Step::Wait(News::normal("WaitForFirstConsumer", text));
    }
    Step::Bind(Box::new(volume(claim, class)))
}

/// The status that follows from the spec of a claim that has its volume.
fn follow(claim: &PersistentVolumeClaim) -> Step {
    let spec = claim.spec.clone().unwrap_or_default();
    let asked = spec.resources.and_then(|it| it.requests).and_then(|it| it.get("storage").cloned());
    let status = claim.status.clone().unwrap_or_default();
    let has = status.capacity.as_ref().and_then(|it| it.get("storage"));
    let target = json!({"phase": "Bound", "accessModes": spec.access_modes, "capacity": {"storage": asked}});
    if status.phase.as_deref().unwrap_or(CLAIM_PENDING) == CLAIM_PENDING {
        return Step::Report(target);
    }
    match (asked.as_ref(), has, spec.volume_name) {
        // The API server has made sure that the class allows it.
        (Some(asked), Some(has), Some(volume)) if exceeds(asked, has) => {
            Step::Grow { volume, status: target }
        }
        _ => Step::Nothing,
    }
}

fn volume(claim: &PersistentVolumeClaim, class: &StorageClass) -> PersistentVolume {
    let spec = claim.spec.clone().unwrap_or_default();
    let name = volume_name(claim);
    PersistentVolume {
        metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeSpec {
            access_modes: spec.access_modes,
            capacity: spec.resources.and_then(|it| it.requests),
            claim_ref: Some(claim.object_ref(&())),
            host_path: Some(HostPathVolumeSource { path: format!("/volumes/{name}"), type_: None }),
            persistent_volume_reclaim_policy: class.reclaim_policy.clone().or_else(|| Some("Delete".into())),
            storage_class_name: spec.storage_class_name,
            volume_mode: spec.volume_mode,
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(spec: &Value, status: &Value, metadata: &Value) -> PersistentVolumeClaim {
        let mut claim = json!({"metadata": {"name": "data", "namespace": "n", "uid": "u", "finalizers": [PROTECTION]}, "spec": spec, "status": status});
        for (field, value) in metadata.as_object().unwrap() {
            claim["metadata"][field] = value.clone();
        }
        serde_json::from_value(claim).unwrap()
    }

    #[test]
    fn steps_as_a_table() {
        let class = |name: &str, mode: &str, default: bool| {
            let annotations = json!({DEFAULT_CLASS: default.to_string()});
            let class = json!({"metadata": {"name": name, "annotations": annotations}, "provisioner": "p", "volumeBindingMode": mode});
            Arc::new(serde_json::from_value(class).unwrap())
        };
        let classes = [class("standard", "WaitForFirstConsumer", true), class("fast", "Immediate", false)];
        let of =
            |class: &str| json!({"storageClassName": class, "resources": {"requests": {"storage": "2Gi"}}});
        let bound = |size: &str| json!({"phase": "Bound", "capacity": {"storage": size}});
        let mut with_volume = of("fast");
        with_volume["volumeName"] = json!("pvc-u");
        let going = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        for (spec, status, metadata, used, expected) in [
            (of("fast"), json!({}), json!({"finalizers": []}), false, "Finalizers"),
            (json!({}), json!({}), json!({}), false, "Class(\"standard\")"),
            (of("standard"), json!({}), json!({}), false, "Wait"),
            (of("standard"), json!({}), json!({}), true, "Bind"),
            (of("fast"), json!({}), json!({}), false, "Bind"),
            (of("absent"), json!({}), json!({}), true, "Wait"),
            (with_volume.clone(), json!({"phase": "Pending"}), json!({}), true, "Report"),
            (with_volume.clone(), bound("2Gi"), json!({}), true, "Nothing"),
            (with_volume.clone(), bound("1Gi"), json!({}), true, "Grow"),
            (with_volume.clone(), bound("2Gi"), going.clone(), true, "Nothing"),
            (with_volume.clone(), bound("2Gi"), going.clone(), false, "Remove([])"),
        ] {
            let step = format!("{:?}", decide(&claim(&spec, &status, &metadata), &classes, used));
            assert!(step.starts_with(expected), "{spec} {status} {used}: {step}, not {expected}");
        }
    }
}
