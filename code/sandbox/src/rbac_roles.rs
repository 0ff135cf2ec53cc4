//! The roles that every cluster has for people: `cluster-admin`, `admin`, `edit` and `view`.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>

use crate::{
    metadata,
    server::Server,
    store::{Inner, Key},
};
use serde_json::{Value, json};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];
/// By group, what `view` reads and `edit` writes.
const CONTENT: [(&str, &[&str]); 6] = [
    (
        "",
        &["configmaps", "endpoints", "persistentvolumeclaims", "pods", "replicationcontrollers", "services"],
    ),
    (
        "apps",
        &[
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
];
/// What `view` reads and nobody but the cluster writes.
const STATE: [(&str, &[&str]); 5] = [
    (
        "",
        &[
            "bindings",
            "events",
            "limitranges",
            "namespaces",
            "namespaces/status",
            "persistentvolumeclaims/status",
            "pods/log",
            "pods/status",
            "resourcequotas",
            "resourcequotas/status",
            "serviceaccounts",
            "services/status",
        ],
    ),
    ("apps", &["controllerrevisions", "deployments/status", "statefulsets/status"]),
    ("batch", &["cronjobs/status", "jobs/status"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("policy", &["poddisruptionbudgets/status"]),
];

/// Makes the roles, and binds the first of them to the group of whoever starts a cluster.
pub(crate) fn make_first(server: &Server) {
    let anything = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
    let any_path = json!({"nonResourceURLs": ["*"], "verbs": ["*"]});
    for (name, rules) in [
        ("cluster-admin", vec![anything, any_path]),
        ("admin", [view(), edit(), admin()].concat()),
        ("edit", [view(), edit()].concat()),
        ("view", view()),
    ] {
        put(server, "clusterroles", name, json!({"rules": rules}));
    }
    let role =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"});
    let masters = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"});
    put(server, "clusterrolebindings", "cluster-admin", json!({"roleRef": role, "subjects": [masters]}));
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

fn view() -> Vec<Value> {
    CONTENT.iter().chain(&STATE).map(|(group, resources)| rule(group, resources, &READ)).collect()
}

fn edit() -> Vec<Value> {
    let mut rules: Vec<_> = CONTENT.iter().map(|(group, resources)| rule(group, resources, &WRITE)).collect();
    let entered = ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"];
    rules.extend([
        rule("", &entered, &READ),
        rule(
            "",
            &["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "serviceaccounts"],
            &WRITE,
        ),
        rule("", &["pods/eviction"], &["create"]),
        rule("", &["serviceaccounts"], &["impersonate"]),
    ]);
    rules
}

fn admin() -> Vec<Value> {
    let all = [&READ[..], &WRITE[..]].concat();
    vec![
        rule("rbac.authorization.k8s.io", &["rolebindings", "roles"], &all),
        rule("authorization.k8s.io", &["localsubjectaccessreviews"], &["create"]),
    ]
}

fn put(server: &Server, plural: &str, name: &str, mut object: Value) {
    let resource = server.registry.built_in(&format!("{plural}.rbac.authorization.k8s.io"));
    object["metadata"] = json!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    });
    metadata::begin(&server.clock, &resource, &mut object, "");
    let nothing = |_: &Inner| Ok::<(), ()>(());
    // Nothing is there yet that could stand in the way.
    let _ = server.store.put(&resource.table, &Key::new("", name), None, &object, nothing);
}
