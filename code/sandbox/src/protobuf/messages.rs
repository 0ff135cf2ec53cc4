//! The messages that are read, by the field numbers of Kubernetes' `generated.proto` files. No crate of the workspace knows
//! them; they never change.

/// A field of a message.
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Text,
    Texts,
    Bytes,
    /// A number that may be absent, so that zero says something.
    Number,
    /// A number whose zero is its absence.
    Plain,
    Flag,
    Quantity,
    IntOrText,
    One(&'static Message),
    List(&'static Message),
    Map(&'static Message),
}

use Kind::{Bytes, Flag, IntOrText, List, Map, Number, One, Plain, Quantity, Text, Texts};

pub(super) type Message = [Field];

const fn f(number: u64, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind }
}

pub(super) static ENVELOPE: [Field; 4] = [
    f(1, "typeMeta", One(&TYPE)),
    f(2, "raw", Bytes),
    f(3, "contentEncoding", Text),
    f(4, "contentType", Text),
];
pub(super) static QUANTITY: [Field; 1] = [f(1, "string", Text)];
pub(super) static INT_OR_TEXT: [Field; 3] = [f(1, "type", Plain), f(2, "number", Plain), f(3, "text", Text)];

static TYPE: [Field; 2] = [f(1, "apiVersion", Text), f(2, "kind", Text)];
static TEXT_MAP: [Field; 2] = [f(1, "key", Text), f(2, "value", Text)];
static BYTES_MAP: [Field; 2] = [f(1, "key", Text), f(2, "value", Bytes)];
static QUANTITY_MAP: [Field; 2] = [f(1, "key", Text), f(2, "value", Quantity)];

static METADATA: [Field; 8] = [
    f(1, "name", Text),
    f(2, "generateName", Text),
    f(3, "namespace", Text),
    f(5, "uid", Text),
    f(6, "resourceVersion", Text),
    f(11, "labels", Map(&TEXT_MAP)),
    f(12, "annotations", Map(&TEXT_MAP)),
    f(14, "finalizers", Texts),
];

static NAMESPACE: [Field; 1] = [f(1, "metadata", One(&METADATA))];
static CONFIG_MAP: [Field; 4] = [
    f(1, "metadata", One(&METADATA)),
    f(2, "data", Map(&TEXT_MAP)),
    f(3, "binaryData", Map(&BYTES_MAP)),
    f(4, "immutable", Flag),
];
static SECRET: [Field; 5] = [
    f(1, "metadata", One(&METADATA)),
    f(2, "data", Map(&BYTES_MAP)),
    f(3, "type", Text),
    f(4, "stringData", Map(&TEXT_MAP)),
    f(5, "immutable", Flag),
];
static QUOTA_SPEC: [Field; 2] = [f(1, "hard", Map(&QUANTITY_MAP)), f(2, "scopes", Texts)];
static QUOTA: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&QUOTA_SPEC))];
static PORT: [Field; 5] = [
    f(1, "name", Text),
    f(2, "protocol", Text),
    f(3, "port", Plain),
    f(4, "targetPort", IntOrText),
    f(5, "nodePort", Plain),
];
static SERVICE_SPEC: [Field; 5] = [
    f(1, "ports", List(&PORT)),
    f(2, "selector", Map(&TEXT_MAP)),
    f(3, "clusterIP", Text),
    f(4, "type", Text),
    f(10, "externalName", Text),
];
static SERVICE: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&SERVICE_SPEC))];
static RULE: [Field; 5] = [
    f(1, "verbs", Texts),
    f(2, "apiGroups", Texts),
    f(3, "resources", Texts),
    f(4, "resourceNames", Texts),
    f(5, "nonResourceURLs", Texts),
];
static ROLE: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "rules", List(&RULE))];
static SUBJECT: [Field; 4] =
    [f(1, "kind", Text), f(2, "apiGroup", Text), f(3, "name", Text), f(4, "namespace", Text)];
static ROLE_REF: [Field; 3] = [f(1, "apiGroup", Text), f(2, "kind", Text), f(3, "name", Text)];
static BINDING: [Field; 3] =
    [f(1, "metadata", One(&METADATA)), f(2, "subjects", List(&SUBJECT)), f(3, "roleRef", One(&ROLE_REF))];

static CONTAINER_PORT: [Field; 3] =
    [f(1, "name", Text), f(3, "containerPort", Plain), f(4, "protocol", Text)];
static CONTAINER: [Field; 6] = [
    f(1, "name", Text),
    f(2, "image", Text),
    f(3, "command", Texts),
    f(4, "args", Texts),
    f(6, "ports", List(&CONTAINER_PORT)),
    f(14, "imagePullPolicy", Text),
];
static POD_SPEC: [Field; 2] = [f(2, "containers", List(&CONTAINER)), f(3, "restartPolicy", Text)];
static TEMPLATE: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&POD_SPEC))];
static SELECTOR: [Field; 1] = [f(1, "matchLabels", Map(&TEXT_MAP))];
static DEPLOYMENT_SPEC: [Field; 3] =
    [f(1, "replicas", Number), f(2, "selector", One(&SELECTOR)), f(3, "template", One(&TEMPLATE))];
static DEPLOYMENT: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&DEPLOYMENT_SPEC))];
static JOB_SPEC: [Field; 4] = [
    f(1, "parallelism", Number),
    f(2, "completions", Number),
    f(6, "template", One(&TEMPLATE)),
    f(7, "backoffLimit", Number),
];
static JOB: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&JOB_SPEC))];

static ATTRIBUTES: [Field; 7] = [
    f(1, "namespace", Text),
    f(2, "verb", Text),
    f(3, "group", Text),
    f(4, "version", Text),
    f(5, "resource", Text),
    f(6, "subresource", Text),
    f(7, "name", Text),
];
static ACCESS_SPEC: [Field; 1] = [f(1, "resourceAttributes", One(&ATTRIBUTES))];
static ACCESS: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&ACCESS_SPEC))];
static RULES_SPEC: [Field; 1] = [f(1, "namespace", Text)];
static RULES: [Field; 2] = [f(1, "metadata", One(&METADATA)), f(2, "spec", One(&RULES_SPEC))];

static PRECONDITIONS: [Field; 2] = [f(1, "uid", Text), f(2, "resourceVersion", Text)];
static DELETE: [Field; 5] = [
    f(1, "gracePeriodSeconds", Number),
    f(2, "preconditions", One(&PRECONDITIONS)),
    f(3, "orphanDependents", Flag),
    f(4, "propagationPolicy", Text),
    f(5, "dryRun", Texts),
];

/// The message of a kind.
pub(super) fn of(kind: &str) -> Option<&'static Message> {
    let message: &'static Message = match kind {
        // Accounts are created without more than a name.
        "Namespace" | "SelfSubjectReview" | "ServiceAccount" => &NAMESPACE,
        "ConfigMap" => &CONFIG_MAP,
        "Secret" => &SECRET,
        "ResourceQuota" => &QUOTA,
        "Service" => &SERVICE,
        "ClusterRole" | "Role" => &ROLE,
        "ClusterRoleBinding" | "RoleBinding" => &BINDING,
        "Deployment" => &DEPLOYMENT,
        "Job" => &JOB,
        "SelfSubjectAccessReview" => &ACCESS,
        "SelfSubjectRulesReview" => &RULES,
        "DeleteOptions" => &DELETE,
        _ => return None,
    };
    Some(message)
}
