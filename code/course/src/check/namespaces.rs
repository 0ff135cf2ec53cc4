//! What a run needs in a cluster, and what it must not leave there.

use crate::cluster::Cluster;
use futures::{StreamExt, stream};
use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding, RoleRef, Subject},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use postgres_operator::{api::Database, error::chain};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Label of the namespaces of a run.
const RUN_LABEL: &str = "course.example.com/run";
/// The operator's rights, cut from its manifests under a name of the course's own.
const ROLE: &str = "course-postgres-operator";
/// Patches that are under way at the same time.
const RELEASED_AT_ONCE: usize = 4;
pub(super) const ACCOUNT: &str = "postgres-operator";
const MANIFEST: &str = include_str!("../../../postgres-operator/deploy/rbac.yaml");

/// What every check needs in the cluster: the CRD, and the operator's rights as its manifests state them.
pub(super) async fn prepare(cluster: &Cluster) -> Result<(), String> {
    postgres_operator::crd::install(&cluster.client).await?;
    let documents = serde_yaml_ng::Deserializer::from_str(MANIFEST);
    let mut documents = documents.filter_map(|document| Value::deserialize(document).ok());
    let role =
        documents.find(|document| document["kind"] == "ClusterRole").ok_or("rbac.yaml has no ClusterRole")?;
    let mut role: ClusterRole =
        serde_json::from_value(role).map_err(|error| format!("rbac.yaml: {error}"))?;
    role.metadata.name = Some(ROLE.into());
    let api: Api<ClusterRole> = Api::all(cluster.client.clone());
    let applied = api.patch(ROLE, &PatchParams::apply("course").force(), &Patch::Apply(&typed(&role)?)).await;
    applied.map(drop).map_err(|error| format!("cannot install the operator's role: {}", chain(&error)))
}

/// Server-side apply wants the kind, which typed objects leave out.
fn typed<K: kube::Resource<DynamicType = ()> + serde::Serialize>(object: &K) -> Result<Value, String> {
    let mut value = serde_json::to_value(object).map_err(|error| error.to_string())?;
    value["apiVersion"] = json!(K::api_version(&()));
    value["kind"] = json!(K::kind(&()));
    Ok(value)
}

/// Has the namespaces of a run removed, and waits until no pod of them is left. The empty namespaces take the namespace
/// controller a little longer: it looks again after half of a pod's grace period.
pub(super) async fn remove_namespaces(cluster: &Cluster, run: &str) -> Result<(), String> {
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    let ours = ListParams::default().labels(&format!("{RUN_LABEL}={run}"));
    let grants: Api<ClusterRoleBinding> = Api::all(cluster.client.clone());
    grants.delete_collection(&DeleteParams::default(), &ours).await.map_err(|error| chain(&error))?;
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..240 {
        tick.tick().await;
        let mut pods = 0;
        for namespace in api.list(&ours).await.map_err(|error| chain(&error))?.items {
            let name = namespace.name_any();
            if namespace.metadata.deletion_timestamp.is_none() {
                // Somebody else may have been faster.
                let _ = api.delete(&name, &DeleteParams::default()).await;
            }
            release(&cluster.client, &name).await;
            let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &name);
            let left =
                api.delete_collection(&DeleteParams::default().grace_period(0), &ListParams::default()).await;
            pods += left.map_or(0, |left| left.left().map_or(0, |list| list.items.len()));
        }
        if pods == 0 {
            return Ok(());
        }
    }
    Err(format!("namespaces with the label {RUN_LABEL}={run} still have pods after a minute"))
}

/// Takes the finalizers off the Databases of a namespace whose operator is gone: nobody else would, and it would stay for ever.
pub(super) async fn release(client: &Client, namespace: &str) {
    let api: Api<Database> = Api::namespaced(client.clone(), namespace);
    let Ok(databases) = api.list_metadata(&ListParams::default()).await else { return };
    let held = databases.items.iter().filter(|database| !database.finalizers().is_empty());
    let names = held.map(ResourceExt::name_any);
    let release = async |name: String| {
        let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        // One that is gone by now needs no help.
        let _ = api.patch_metadata(&name, &PatchParams::default(), &patch).await;
    };
    stream::iter(names).for_each_concurrent(RELEASED_AT_ONCE, release).await;
}

pub(super) async fn make_namespace(client: &Client, name: &str, run: &str) -> Result<(), kube::Error> {
    let namespace = Namespace { metadata: of_run(name, run), ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    let binding = RoleBinding {
        metadata: of_run(ROLE, run),
        role_ref: role(),
        subjects: Some(vec![account(name, ACCOUNT)]),
    };
    Api::namespaced(client.clone(), name).create(&PostParams::default(), &binding).await.map(drop)
}

/// Grants a service account the operator's rights in every namespace, until the end of the run.
pub(super) async fn grant_everywhere(
    client: &Client,
    namespace: &str,
    name: &str,
    run: &str,
) -> Result<(), kube::Error> {
    let binding = ClusterRoleBinding {
        metadata: of_run(namespace, run),
        role_ref: role(),
        subjects: Some(vec![account(namespace, name)]),
    };
    Api::all(client.clone()).create(&PostParams::default(), &binding).await.map(drop)
}

fn of_run(name: &str, run: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some([(RUN_LABEL.to_owned(), run.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

fn role() -> RoleRef {
    RoleRef { api_group: "rbac.authorization.k8s.io".into(), kind: "ClusterRole".into(), name: ROLE.into() }
}

fn account(namespace: &str, name: &str) -> Subject {
    Subject {
        kind: "ServiceAccount".into(),
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
        api_group: None,
    }
}
