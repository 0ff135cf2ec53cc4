//! The built-in kinds that are served.

use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1 as apps, batch::v1 as batch, coordination::v1 as coordination, core::v1 as core},
    api::{
        discovery::v1 as discovery, events::v1 as events, policy::v1 as policy, rbac::v1 as rbac,
        storage::v1 as storage,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::sync::LazyLock;

/// A built-in kind at one version.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) namespaced: bool,
    pub(crate) status: bool,
    pub(crate) scale: bool,
    /// The table that holds the objects: `events.k8s.io` shares the core events'.
    pub(crate) table: &'static str,
    pub(crate) type_name: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

const ALL: &[&str] = &["all"];
const NONE: &[&str] = &[];

fn row<T>(table: &'static str, short_names: &'static [&'static str]) -> Row
where
    T: k8s_openapi::Resource + JsonSchema,
    T::Scope: 'static,
{
    Row {
        group: T::GROUP,
        version: T::VERSION,
        kind: T::KIND,
        plural: T::URL_PATH_SEGMENT,
        short_names,
        categories: NONE,
        namespaced: std::any::TypeId::of::<T::Scope>() == std::any::TypeId::of::<NamespaceResourceScope>(),
        status: false,
        scale: false,
        table,
        type_name: Box::leak(T::schema_name().into_owned().into_boxed_str()),
        schema: |generator| generator.subschema_for::<T>(),
    }
}

impl Row {
    fn status(self) -> Self {
        Self { status: true, ..self }
    }

    fn scale(self) -> Self {
        Self { scale: true, ..self }
    }

    fn all(self) -> Self {
        Self { categories: ALL, ..self }
    }
}

/// Every built-in kind, in the order of discovery.
pub(crate) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    vec![
        row::<core::ConfigMap>("configmaps", &["cm"]),
        row::<core::Endpoints>("endpoints", &["ep"]),
        row::<core::Event>("events", &["ev"]),
        row::<core::Namespace>("namespaces", &["ns"]).status(),
        row::<core::Node>("nodes", &["no"]).status(),
        row::<core::PersistentVolumeClaim>("persistentvolumeclaims", &["pvc"]).status(),
        row::<core::PersistentVolume>("persistentvolumes", &["pv"]).status(),
        row::<core::Pod>("pods", &["po"]).status().all(),
        row::<core::ResourceQuota>("resourcequotas", &["quota"]).status(),
        row::<core::Secret>("secrets", NONE),
        row::<core::ServiceAccount>("serviceaccounts", &["sa"]),
        row::<core::Service>("services", &["svc"]).status().all(),
        row::<apiextensions::CustomResourceDefinition>(
            "customresourcedefinitions.apiextensions.k8s.io",
            &["crd", "crds"],
        )
        .status(),
        row::<apps::ControllerRevision>("controllerrevisions.apps", NONE),
        row::<apps::DaemonSet>("daemonsets.apps", &["ds"]).status().all(),
        row::<apps::Deployment>("deployments.apps", &["deploy"]).status().scale().all(),
        row::<apps::ReplicaSet>("replicasets.apps", &["rs"]).status().scale().all(),
        row::<apps::StatefulSet>("statefulsets.apps", &["sts"]).status().scale().all(),
        row::<batch::CronJob>("cronjobs.batch", &["cj"]).status().all(),
        row::<batch::Job>("jobs.batch", NONE).status().all(),
        row::<coordination::Lease>("leases.coordination.k8s.io", NONE),
        row::<discovery::EndpointSlice>("endpointslices.discovery.k8s.io", NONE),
        row::<events::Event>("events", &["ev"]),
        row::<policy::PodDisruptionBudget>("poddisruptionbudgets.policy", &["pdb"]).status(),
        row::<rbac::ClusterRoleBinding>("clusterrolebindings.rbac.authorization.k8s.io", NONE),
        row::<rbac::ClusterRole>("clusterroles.rbac.authorization.k8s.io", NONE),
        row::<rbac::RoleBinding>("rolebindings.rbac.authorization.k8s.io", NONE),
        row::<rbac::Role>("roles.rbac.authorization.k8s.io", NONE),
        row::<storage::StorageClass>("storageclasses.storage.k8s.io", &["sc"]),
    ]
});
