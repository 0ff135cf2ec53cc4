//! Children that are known to be as desired.
//!
//! Of what the operator applies the caches keep a part only. Whether the rest is right is found out with the whole object from the
//! API server, and remembered, with the word that the caches have for it.

use crate::{
    api::Database,
    child::Child,
    kept::{InParts, Kept, checksum},
};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What was found out, by Database.
#[derive(Default)]
pub struct Settled(Mutex<HashMap<ObjectRef<Database>, Vec<Finding>>>);

/// As checksums: an operator of many Databases holds many of them.
#[derive(PartialEq)]
struct Finding {
    /// Of kind and name.
    child: u64,
    /// Of the object's word, and of the Database's UID and spec. What is desired follows from these.
    found: u64,
}

impl Finding {
    fn of<K: InParts>(db: &Database, kept: &Kept<K>) -> Self {
        Self {
            child: hash((K::kind(&()), kept.name_any())),
            found: hash((kept.word(), db.uid(), checksum(&db.spec))),
        }
    }
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Settled {
    /// Whether this very object, as it is now, was found to be what this spec asks for.
    pub fn knows<K: InParts>(&self, db: &Database, kept: &Kept<K>) -> bool {
        let (db, finding) = (ObjectRef::from_obj(db), Finding::of(db, kept));
        self.lock().get(&db).is_some_and(|known| known.contains(&finding))
    }

    /// Looks at a whole object, and remembers it if it is what is desired by this very spec. Returns whether it is.
    pub fn find_out<K: InParts + Clone>(&self, db: &Database, live: &K, desired: &Child) -> bool {
        let holds = desired.holds_in(Some(live));
        if holds {
            let finding = Finding::of(db, &Kept::from(live.clone()));
            let mut all = self.lock();
            let known = all.entry(ObjectRef::from_obj(db)).or_default();
            known.retain(|known| known.child != finding.child);
            known.push(finding);
        }
        holds
    }

    /// Forgets a Database that is gone.
    pub fn clear(&self, db: &ObjectRef<Database>) {
        self.lock().remove(db);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<Database>, Vec<Finding>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{services, stateful_set, tests::database};
    use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Service};
    use serde::de::DeserializeOwned;

    /// As the API server would have it if the operator had applied it.
    fn live<K: InParts + DeserializeOwned>(desired: &Child) -> K {
        let mut live: K = serde_json::from_value(desired.desired.clone()).unwrap();
        live.meta_mut().uid = Some("one".into());
        live
    }

    #[test]
    fn what_was_found_out_holds_for_one_object_as_it_is_and_one_wish() {
        let (settled, mut db) = (Settled::default(), database());
        let desired = Child::new(&stateful_set(&db, None)).unwrap();
        let set: StatefulSet = live(&desired);
        let kept = Kept::from(set.clone());
        assert!(!settled.knows(&db, &kept), "nobody has looked");
        assert!(settled.find_out(&db, &set, &desired));
        assert!(settled.knows(&db, &kept));
        assert!(settled.knows(&db, &kept));

        let mut changed = set.clone();
        changed.spec.as_mut().unwrap().template.spec.as_mut().unwrap().service_account_name = None;
        assert!(!settled.knows(&db, &Kept::from(changed.clone())), "somebody has changed the pods");
        assert!(!settled.find_out(&db, &changed, &desired));
        assert!(settled.knows(&db, &kept), "and taken it back");
        let mut reborn = set.clone();
        reborn.metadata.uid = Some("other".into());
        assert!(!settled.knows(&db, &Kept::from(reborn)), "another object of the same name");
        db.spec.replicas = 3;
        let other = Child::new(&stateful_set(&db, Some(&set))).unwrap();
        assert!(!settled.knows(&db, &kept), "something else is wanted");
        assert!(!settled.find_out(&db, &set, &other));
    }

    #[test]
    fn each_child_has_its_own_finding_and_the_last_one_counts() {
        let (settled, db) = (Settled::default(), database());
        let [headless, primary, _] = services(&db).map(|service| Child::new(&service).unwrap());
        let first: Service = live(&primary);
        let mut labelled = first.clone();
        labelled.metadata.labels.as_mut().unwrap().insert("added-by".into(), "somebody".into());
        assert!(
            settled.find_out(&db, &first, &primary)
                && settled.find_out(&db, &live::<Service>(&headless), &headless)
        );
        assert!(settled.knows(&db, &Kept::from(first.clone())));
        assert!(!settled.knows(&db, &Kept::from(labelled.clone())), "somebody has written to it");
        assert!(settled.find_out(&db, &labelled, &primary), "what came of it is right");
        assert!(settled.knows(&db, &Kept::from(labelled)));
        assert!(!settled.knows(&db, &Kept::from(first)), "and what was before is looked at again");
        assert!(settled.knows(&db, &Kept::from(live::<Service>(&headless))));
    }
}
