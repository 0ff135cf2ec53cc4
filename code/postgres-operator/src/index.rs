//! A reverse index: from a Secret to the Databases that name it.
//!
//! Databases name Secrets in their spec, and no owner reference leads back. Without the index each Secret's event would cost a
//! look at every Database.

use crate::api::Database;
use kube::{
    ResourceExt,
    runtime::{reflector::ObjectRef, watcher::Event},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

/// A namespace and a Secret's name in it.
type Key = (String, String);

/// Which Databases name a Secret. Clones share what they know.
#[derive(Clone, Default)]
pub struct SecretIndex(Arc<RwLock<Entries>>);

#[derive(Default)]
struct Entries {
    naming: HashMap<Key, BTreeSet<String>>,
    /// What each Database named when it was last seen: without it, a change could not take the old entry back.
    named_by: HashMap<ObjectRef<Database>, BTreeSet<String>>,
    /// Databases of a list that is being read. What it lacks is gone, and no event says so.
    listed: HashSet<ObjectRef<Database>>,
}

impl SecretIndex {
    /// Follows the watch of the Databases. It has to see every event, before any filter.
    pub fn update(&self, event: &Event<Database>) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(db) => entries.set(db),
            Event::Delete(db) => entries.clear(&ObjectRef::from_obj(db)),
            Event::Init => entries.listed.clear(),
            Event::InitApply(db) => {
                entries.listed.insert(ObjectRef::from_obj(db));
                entries.set(db);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut entries.listed);
                let gone: Vec<_> =
                    entries.named_by.keys().filter(|db| !listed.contains(db)).cloned().collect();
                for db in &gone {
                    entries.clear(db);
                }
            }
        }
    }

    /// The Databases that name a Secret.
    pub fn naming(&self, namespace: &str, secret: &str) -> Vec<ObjectRef<Database>> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = entries.naming.get(&(namespace.to_owned(), secret.to_owned()));
        found.into_iter().flatten().map(|name| ObjectRef::new(name).within(namespace)).collect()
    }
}

// ANCHOR: index-entries
impl Entries {
    fn set(&mut self, db: &Database) {
        let reference = ObjectRef::from_obj(db);
        let secrets = named_in(db);
        if self.named_by.get(&reference) == Some(&secrets) {
            return;
        }
        self.clear(&reference);
        for secret in &secrets {
            let key = (db.namespace().unwrap_or_default(), secret.clone());
            self.naming.entry(key).or_default().insert(db.name_any());
        }
        if !secrets.is_empty() {
            self.named_by.insert(reference, secrets);
        }
    }

    fn clear(&mut self, db: &ObjectRef<Database>) {
        for secret in self.named_by.remove(db).unwrap_or_default() {
            let key = (db.namespace.clone().unwrap_or_default(), secret);
            if let Some(names) = self.naming.get_mut(&key) {
                names.remove(&db.name);
                if names.is_empty() {
                    self.naming.remove(&key);
                }
            }
        }
    }
}
// ANCHOR_END: index-entries

/// The Secrets that a spec names.
pub fn named_in(db: &Database) -> BTreeSet<String> {
    let password = db.spec.password_secret_ref.iter().map(|reference| reference.name.clone());
    let store = db.spec.backup.iter().filter_map(|backup| backup.secret_name.clone());
    password.chain(store).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::SecretKeyRef, resources::tests::database};

    fn naming(name: &str, secret: Option<&str>) -> Database {
        let mut db = database();
        db.metadata.name = Some(name.into());
        db.spec.password_secret_ref =
            secret.map(|secret| SecretKeyRef { name: secret.into(), key: "pw".into() });
        db
    }

    fn found(index: &SecretIndex, namespace: &str, secret: &str) -> Vec<String> {
        index.naming(namespace, secret).into_iter().map(|db| db.name).collect()
    }

    #[test]
    fn it_follows_what_databases_name() {
        let index = SecretIndex::default();
        index.update(&Event::Apply(naming("one", Some("shared"))));
        index.update(&Event::Apply(naming("two", Some("shared"))));
        index.update(&Event::Apply(naming("none", None)));
        assert_eq!(found(&index, "shop", "shared"), ["one", "two"]);
        assert!(found(&index, "elsewhere", "shared").is_empty());
        index.update(&Event::Apply(naming("one", Some("own"))));
        assert_eq!(found(&index, "shop", "shared"), ["two"]);
        assert_eq!(found(&index, "shop", "own"), ["one"]);
        index.update(&Event::Delete(naming("two", Some("shared"))));
        index.update(&Event::Apply(naming("one", None)));
        let entries = index.0.read().unwrap();
        assert!(entries.naming.is_empty() && entries.named_by.is_empty(), "nothing is held for nobody");
    }

    #[test]
    fn a_list_that_lacks_a_database_ends_its_entry() {
        let index = SecretIndex::default();
        index.update(&Event::Apply(naming("gone", Some("s"))));
        index.update(&Event::Init);
        index.update(&Event::InitApply(naming("here", Some("s"))));
        assert_eq!(found(&index, "shop", "s"), ["gone", "here"], "not before the list is whole");
        index.update(&Event::InitDone);
        assert_eq!(found(&index, "shop", "s"), ["here"]);
    }
}
