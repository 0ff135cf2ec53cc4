//! The kinds that cases are made of, and where the API has them.

use std::borrow::Cow;

/// A kind and its place in the API.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: &'static str,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) plural: Cow<'static, str>,
    pub(crate) namespaced: bool,
}

impl Resource {
    const fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        let (group, kind, plural) = (Cow::Borrowed(group), Cow::Borrowed(kind), Cow::Borrowed(plural));
        Self { group, version, kind, plural, namespaced: true }
    }

    const fn of_the_cluster(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        let (group, kind, plural) = (Cow::Borrowed(group), Cow::Borrowed(kind), Cow::Borrowed(plural));
        Self { group, version, kind, plural, namespaced: false }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of its list, in one namespace or, without one, of the cluster.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let place = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        format!("{root}/{}{place}/{}", self.api_version(), self.plural)
    }
}

pub(crate) const CONFIG_MAPS: Resource = Resource::new("", "v1", "ConfigMap", "configmaps");
pub(crate) const EVENTS: Resource = Resource::new("", "v1", "Event", "events");
pub(crate) const NAMESPACES: Resource = Resource::of_the_cluster("", "v1", "Namespace", "namespaces");
pub(crate) const NODES: Resource = Resource::of_the_cluster("", "v1", "Node", "nodes");
pub(crate) const PODS: Resource = Resource::new("", "v1", "Pod", "pods");
pub(crate) const QUOTAS: Resource = Resource::new("", "v1", "ResourceQuota", "resourcequotas");
pub(crate) const SECRETS: Resource = Resource::new("", "v1", "Secret", "secrets");
pub(crate) const SERVICES: Resource = Resource::new("", "v1", "Service", "services");
pub(crate) const SERVICE_ACCOUNTS: Resource = Resource::new("", "v1", "ServiceAccount", "serviceaccounts");
pub(crate) const ENDPOINTS: Resource = Resource::new("", "v1", "Endpoints", "endpoints");
pub(crate) const VOLUME_CLAIMS: Resource =
    Resource::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
pub(crate) const STATEFUL_SETS: Resource = Resource::new("apps", "v1", "StatefulSet", "statefulsets");
pub(crate) const REVISIONS: Resource =
    Resource::new("apps", "v1", "ControllerRevision", "controllerrevisions");
pub(crate) const JOBS: Resource = Resource::new("batch", "v1", "Job", "jobs");
pub(crate) const LEASES: Resource = Resource::new("coordination.k8s.io", "v1", "Lease", "leases");
const RBAC: &str = "rbac.authorization.k8s.io";
pub(crate) const ROLES: Resource = Resource::new(RBAC, "v1", "Role", "roles");
pub(crate) const ROLE_BINDINGS: Resource = Resource::new(RBAC, "v1", "RoleBinding", "rolebindings");
pub(crate) const CLUSTER_ROLES: Resource =
    Resource::of_the_cluster(RBAC, "v1", "ClusterRole", "clusterroles");
pub(crate) const CLUSTER_ROLE_BINDINGS: Resource =
    Resource::of_the_cluster(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings");
const AUTHORIZATION: &str = "authorization.k8s.io";
pub(crate) const SELF_ACCESS_REVIEWS: Resource =
    Resource::of_the_cluster(AUTHORIZATION, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews");
pub(crate) const ACCESS_REVIEWS: Resource =
    Resource::of_the_cluster(AUTHORIZATION, "v1", "SubjectAccessReview", "subjectaccessreviews");
pub(crate) const DEFINITIONS: Resource = Resource::of_the_cluster(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);
