//! How lists and objects of built-in types merge: the `x-kubernetes-*` extensions of Kubernetes' OpenAPI document, which
//! k8s-openapi turns into code and does not keep as data.

use super::ListKind;

/// A list that is not replaced as a whole.
pub(crate) struct ListType {
    types: &'static [&'static str],
    field: &'static str,
    /// The key of strategic merge.
    pub(crate) patch: Option<&'static str>,
    /// The keys of server-side apply: `&[]` for an atomic list, `&["="]` for a set.
    pub(crate) keys: &'static [&'static str],
}

const fn list(
    types: &'static [&'static str],
    field: &'static str,
    patch: &'static str,
    keys: &'static [&'static str],
) -> ListType {
    ListType { types, field, patch: Some(patch), keys }
}

const CONTAINERS: &[&str] = &["Container", "EphemeralContainer"];
const ATOMIC: &[&str] = &[];

static LISTS: &[ListType] = &[
    list(&["ObjectMeta"], "ownerReferences", "uid", &["uid"]),
    list(&["ObjectMeta"], "finalizers", "=", &["="]),
    list(CONTAINERS, "env", "name", &["name"]),
    list(CONTAINERS, "ports", "containerPort", &["containerPort", "protocol"]),
    list(CONTAINERS, "volumeDevices", "devicePath", &["devicePath"]),
    list(CONTAINERS, "volumeMounts", "mountPath", &["mountPath"]),
    list(&["ResourceRequirements", "VolumeResourceRequirements"], "claims", "name", &["name"]),
    list(&["PodSpec"], "containers", "name", &["name"]),
    list(&["PodSpec"], "initContainers", "name", &["name"]),
    list(&["PodSpec"], "ephemeralContainers", "name", &["name"]),
    list(&["PodSpec"], "volumes", "name", &["name"]),
    list(&["PodSpec"], "imagePullSecrets", "name", &["name"]),
    list(&["PodSpec"], "hostAliases", "ip", &["ip"]),
    list(&["PodSpec"], "schedulingGates", "name", &["name"]),
    list(&["PodSpec"], "resourceClaims", "name", &["name"]),
    list(&["PodSpec"], "topologySpreadConstraints", "topologyKey", &["topologyKey", "whenUnsatisfiable"]),
    list(&["PodStatus"], "podIPs", "ip", &["ip"]),
    list(&["PodStatus"], "hostIPs", "ip", ATOMIC),
    list(&["NodeStatus"], "addresses", "type", &["type"]),
    list(&["ServiceAccount"], "secrets", "name", &["name"]),
    list(&["ServiceSpec"], "ports", "port", &["port", "protocol"]),
    list(&["JobStatus"], "conditions", "type", ATOMIC),
    list(
        &[
            "CustomResourceDefinitionStatus",
            "DaemonSetStatus",
            "DeploymentStatus",
            "NamespaceStatus",
            "NodeStatus",
            "PersistentVolumeClaimStatus",
            "PodDisruptionBudgetStatus",
            "PodStatus",
            "ReplicaSetStatus",
            "ServiceStatus",
            "StatefulSetStatus",
        ],
        "conditions",
        "type",
        &["type"],
    ),
];

/// Types that server-side apply replaces as a whole.
const ATOMIC_TYPES: [&str; 16] = [
    "ConfigMapKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ObjectReference",
    "OwnerReference",
    "ResourceFieldSelector",
    "RoleRef",
    "ScopeSelector",
    "ScopedResourceSelectorRequirement",
    "SecretKeySelector",
    "SecretReference",
    "Subject",
    "TypedLocalObjectReference",
];

pub(crate) fn is_atomic(type_name: &str) -> bool {
    ATOMIC_TYPES.contains(&type_name)
}

pub(crate) fn of(type_name: &str, field: &str) -> Option<&'static ListType> {
    LISTS.iter().find(|list| list.field == field && list.types.contains(&type_name))
}

pub(crate) fn kind(keys: &[&str]) -> ListKind {
    match keys {
        [] => ListKind::Atomic,
        ["="] => ListKind::Set,
        keys => ListKind::Map(keys.iter().map(|&key| key.to_owned()).collect()),
    }
}
