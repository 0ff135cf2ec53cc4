//! Who owns whom: all objects of the API server as a graph, by UID.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::ApiResource;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Set by the API server on what is deleted in the foreground.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Set by the API server on what is deleted without its dependents.
pub(crate) const ORPHAN: &str = "orphan";

/// A kind of object, as discovery found it.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Arc<Kind>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) owners: Vec<OwnerReference>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) going: bool,
}

impl Item {
    pub(crate) fn new(kind: Arc<Kind>, metadata: &ObjectMeta) -> Self {
        Self {
            kind,
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone().unwrap_or_default(),
            owners: metadata.owner_references.clone().unwrap_or_default(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            going: metadata.deletion_timestamp.is_some(),
        }
    }

    /// Whether it is on its way out and a finalizer asks garbage collection for its part.
    pub(crate) fn waits_for(&self, finalizer: &str) -> bool {
        self.going && self.finalizers.iter().any(|it| it == finalizer)
    }

    /// Whether it keeps its owner in place while that is deleted in the foreground.
    pub(crate) fn blocks(&self, owner: &str) -> bool {
        self.owners.iter().any(|it| it.uid == owner && it.block_owner_deletion == Some(true))
    }
}

/// All objects.
#[derive(Default)]
pub(crate) struct Graph {
    items: HashMap<String, Item>,
    /// UIDs of what names an owner, whether or not there is one.
    dependents: HashMap<String, HashSet<String>>,
}

impl Graph {
    pub(crate) fn get(&self, uid: &str) -> Option<&Item> {
        self.items.get(uid)
    }

    /// What names an owner.
    pub(crate) fn dependents(&self, owner: &str) -> impl Iterator<Item = (&String, &Item)> {
        let uids = self.dependents.get(owner).into_iter().flatten();
        uids.filter_map(|uid| Some((uid, self.items.get(uid)?)))
    }

    /// Takes an object in as it is now, and gives the UIDs of those for whom that may mean work.
    pub(crate) fn put(&mut self, uid: &str, item: Item) -> Vec<String> {
        let mut work = Vec::new();
        let before = self.items.get(uid).cloned();
        for owner in before.iter().flat_map(|it| &it.owners) {
            if item
                .owners
                .iter()
                .all(|it| it.uid != owner.uid || it.block_owner_deletion != owner.block_owner_deletion)
            {
                // The owner may have waited for this one.
                self.disown(&owner.uid, uid);
                work.push(owner.uid.clone());
            }
        }
        for owner in &item.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(uid.to_owned());
        }
        // An owner in another namespace is none.
        let elsewhere = |owner: &Item| owner.kind.namespaced && owner.namespace != item.namespace;
        let doubtful = |it: &OwnerReference| {
            self.items.get(&it.uid).is_none_or(|owner| owner.waits_for(FOREGROUND) || elsewhere(owner))
        };
        if item.waits_for(FOREGROUND) || item.waits_for(ORPHAN) || item.owners.iter().any(doubtful) {
            work.push(uid.to_owned());
        }
        self.items.insert(uid.to_owned(), item);
        work
    }

    /// Takes an object out, and gives the UIDs of its owners and dependents.
    pub(crate) fn remove(&mut self, uid: &str) -> Vec<String> {
        let Some(item) = self.items.remove(uid) else { return Vec::new() };
        for owner in &item.owners {
            self.disown(&owner.uid, uid);
        }
        let dependents = self.dependents.get(uid).into_iter().flatten().cloned();
        item.owners.into_iter().map(|owner| owner.uid).chain(dependents).collect()
    }

    /// UIDs of the objects of a kind, for the difference to a new list.
    pub(crate) fn of_kind(&self, kind: &Arc<Kind>) -> HashSet<String> {
        self.items
            .iter()
            .filter(|(_, item)| Arc::ptr_eq(&item.kind, kind))
            .map(|(uid, _)| uid.clone())
            .collect()
    }

    fn disown(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}
