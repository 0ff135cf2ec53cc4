//! Which resources are served, and what is known of each.

pub(crate) mod builtin;
pub(crate) mod custom;

use crate::schema::{self, Node, custom::Custom};
use builtin::{ROWS, Row};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// A resource at one version.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) status: bool,
    pub(crate) scale: Option<Scale>,
    /// The table that holds the objects, shared by all versions.
    pub(crate) table: String,
    pub(crate) body: Body,
}

/// Where the scale subresource finds its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: Vec<String>,
    pub(crate) status_replicas: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

/// What an object of the kind looks like.
pub(crate) enum Body {
    BuiltIn(&'static Row),
    Custom(Arc<Custom>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BuiltIn(_) => "BuiltIn",
            Self::Custom(_) => "Custom",
        })
    }
}

impl Resource {
    fn built_in(row: &'static Row) -> Self {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let path = |text: &str| text.split('.').map(str::to_owned).collect();
        let scale = row.scale.then(|| Scale {
            spec_replicas: path("spec.replicas"),
            status_replicas: path("status.replicas"),
            selector: Some(path("spec.selector")),
        });
        Self {
            group: row.group.to_owned(),
            version: row.version.to_owned(),
            kind: row.kind.to_owned(),
            list_kind: format!("{}List", row.kind),
            plural: row.plural.to_owned(),
            singular: row.kind.to_lowercase(),
            short_names: texts(row.short_names),
            categories: texts(row.categories),
            namespaced: row.namespaced,
            status: row.status,
            scale,
            table: row.table.to_owned(),
            body: Body::BuiltIn(row),
        }
    }

    /// `apps/v1`, or `v1` for the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `statefulsets.apps`, or `pods` for the core group.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub(crate) fn node(&self) -> Arc<Node> {
        match &self.body {
            Body::BuiltIn(row) => schema::builtin::node(row),
            Body::Custom(custom) => Arc::clone(&custom.node),
        }
    }

    pub(crate) fn custom(&self) -> Option<&Custom> {
        match &self.body {
            Body::BuiltIn(_) => None,
            Body::Custom(custom) => Some(custom),
        }
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.custom().is_some()
    }

    /// Whether what is stored differs from what is served by more than its version.
    pub(crate) fn converts(&self) -> bool {
        self.group == "events.k8s.io" || self.custom().is_some_and(|custom| custom.reshapes)
    }

    /// Whether all objects can be deleted in one request. Namespaces go one by one.
    pub(crate) fn deletes_collections(&self) -> bool {
        self.table != "namespaces"
    }

    /// Whether a change of the spec counts up `metadata.generation`.
    pub(crate) fn has_generation(&self) -> bool {
        const WITH: [&str; 8] = [
            "cronjobs.batch",
            "customresourcedefinitions.apiextensions.k8s.io",
            "daemonsets.apps",
            "deployments.apps",
            "endpointslices.discovery.k8s.io",
            "jobs.batch",
            "replicasets.apps",
            "statefulsets.apps",
        ];
        self.is_custom() || WITH.contains(&self.table.as_str()) || self.table == "poddisruptionbudgets.policy"
    }
}

type ByPath = BTreeMap<(String, String, String), Arc<Resource>>;

/// Every resource by group, version and plural.
#[derive(Debug)]
pub(crate) struct Registry {
    all: RwLock<Arc<ByPath>>,
    /// Held from the look at a definition until its versions are served.
    updates: Mutex<()>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let all = ROWS.iter().map(|row| entry(Resource::built_in(row))).collect();
        Self { all: RwLock::new(Arc::new(all)), updates: Mutex::default() }
    }

    pub(crate) fn all(&self) -> Arc<ByPath> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.all().get(&(group.to_owned(), version.to_owned(), plural.to_owned())).map(Arc::clone)
    }

    /// The first version of `plural.group` that is served.
    pub(crate) fn by_name(&self, qualified: &str) -> Option<Arc<Resource>> {
        self.all().values().find(|resource| resource.qualified() == qualified).map(Arc::clone)
    }

    /// The built-in resource of this name: they are always there.
    pub(crate) fn built_in(&self, qualified: &str) -> Arc<Resource> {
        match self.by_name(qualified) {
            Some(resource) => resource,
            None => unreachable!("{qualified} is built in"),
        }
    }

    /// One update at a time: of two writers of a definition, the slower one must not bring back what it saw before the other.
    fn updating(&self) -> MutexGuard<'_, ()> {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the versions of one custom resource in the place of those that were served before.
    pub(crate) fn replace(&self, table: &str, versions: Vec<Resource>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let kept = all.iter().filter(|(_, resource)| resource.table != table);
        let kept = kept.map(|(path, resource)| (path.clone(), Arc::clone(resource)));
        *all = Arc::new(kept.chain(versions.into_iter().map(entry)).collect());
    }
}

fn entry(resource: Resource) -> ((String, String, String), Arc<Resource>) {
    let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
    (path, Arc::new(resource))
}
