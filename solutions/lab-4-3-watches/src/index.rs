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
    /// Task 5: follows the watch of the Databases.
    // ANCHOR: solution-4-3-index
    pub fn update(&self, event: &Event<Database>) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(db) => entries.put(db),
            Event::Delete(db) => entries.remove(&ObjectRef::from_obj(db)),
            Event::Init => entries.listed.clear(),
            Event::InitApply(db) => {
                entries.listed.insert(ObjectRef::from_obj(db));
                entries.put(db);
            }
            Event::InitDone => {
                let listed = take(&mut entries.listed);
                let known: Vec<_> = entries.named_by.keys().cloned().collect();
                known.iter().filter(|db| !listed.contains(db)).for_each(|db| entries.remove(db));
            }
        }
    }

    /// Task 6: the Databases that name a Secret.
    pub fn naming(&self, namespace: &str, secret: &str) -> Vec<ObjectRef<Database>> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = entries.naming.get(&(namespace.to_owned(), secret.to_owned()));
        found.into_iter().flatten().map(|name| ObjectRef::new(name).within(namespace)).collect()
    }
    // ANCHOR_END: solution-4-3-index
}

impl Entries {
    fn put(&mut self, db: &Database) {
        let reference = ObjectRef::from_obj(db);
        self.remove(&reference);
        let secrets = named_in(db);
        for secret in &secrets {
            let key = (db.namespace().unwrap_or_default(), secret.clone());
            self.naming.entry(key).or_default().insert(db.name_any());
        }
        if !secrets.is_empty() {
            self.named_by.insert(reference, secrets);
        }
    }

    fn remove(&mut self, db: &ObjectRef<Database>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_operator::api::{DatabaseSpec, SecretKeyRef};

    fn naming(name: &str, secret: Option<&str>) -> Database {
        let mut db = Database::new(name, DatabaseSpec::default());
        db.metadata.namespace = Some("shop".into());
        db.spec.password_secret_ref =
            secret.map(|secret| SecretKeyRef { name: secret.into(), key: "password".into() });
        db
    }

    fn found(index: &SecretIndex, namespace: &str, secret: &str) -> Vec<String> {
        index.naming(namespace, secret).into_iter().map(|db| db.name).collect()
    }

    #[test]
    fn it_follows_what_databases_name() {
        let index = SecretIndex::default();
        for name in ["one", "two"] {
            index.update(&Event::Apply(naming(name, Some("shared"))));
        }
        assert_eq!(found(&index, "shop", "shared"), ["one", "two"]);
        assert!(found(&index, "elsewhere", "shared").is_empty());
        index.update(&Event::Apply(naming("one", Some("own"))));
        index.update(&Event::Delete(naming("two", Some("shared"))));
        assert!(found(&index, "shop", "shared").is_empty());
        assert_eq!(found(&index, "shop", "own"), ["one"]);
    }

    #[test]
    fn what_a_new_list_lacks_is_taken_out_at_its_end() {
        let index = SecretIndex::default();
        index.update(&Event::Apply(naming("gone", Some("shared"))));
        index.update(&Event::Init);
        index.update(&Event::InitApply(naming("here", Some("shared"))));
        assert_eq!(found(&index, "shop", "shared"), ["gone", "here"]);
        index.update(&Event::InitDone);
        assert_eq!(found(&index, "shop", "shared"), ["here"]);
    }
}
