//! Tasks 5 and 6: a reverse index, from a Secret to the Databases that name it.

use kube::{
    ResourceExt,
    runtime::{reflector::ObjectRef, watcher::Event},
};
use postgres_operator::{api::Database, index::named_in};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    mem::take,
    sync::{Arc, PoisonError, RwLock},
};

/// Which Databases name a Secret. Clones share what they know.
#[derive(Clone, Default)]
pub struct SecretIndex(Arc<RwLock<Entries>>);

#[derive(Default)]
struct Entries {
    /// Names of Databases, by the namespace and the name of the Secret that they name.
    naming: HashMap<(String, String), BTreeSet<String>>,
    /// The other way: what has to be taken back when a Database changes or goes.
    named_by: HashMap<ObjectRef<Database>, BTreeSet<String>>,
    /// The Databases of a list that is not whole yet.
    listed: HashSet<ObjectRef<Database>>,
}

impl SecretIndex {
    /// Task 5: follows the watch of the Databases. [`named_in`] gives the Secrets that one names.
    ///
    /// - `Apply` is one that was made or changed: its old entries go, and the new ones come.
    /// - A list begins with `Init`, gives an `InitApply` for each and ends with `InitDone`. What it lacks is gone, and no
    ///   `Delete` says so.
    pub fn update(&self, event: &Event<Database>) {
        todo!("task 5: keep the index")
    }

    /// Task 6: the Databases that name a Secret.
    pub fn naming(&self, namespace: &str, secret: &str) -> Vec<ObjectRef<Database>> {
        todo!("task 6: ask the index")
    }
}
