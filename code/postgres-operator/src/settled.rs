//! StatefulSets that are known to be as desired.
//!
//! A StatefulSet is by far the largest child, and nearly all of it is its pod template. The cache keeps none of that. Whether the
//! template is right is found out once, with the whole object from the API server; after that the generation tells, because
//! every change of a spec raises it.

use crate::{api::Database, child::Child, watches::strip};
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use kube::runtime::reflector::ObjectRef;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What was found out, by Database.
#[derive(Default)]
pub struct Settled(Mutex<HashMap<ObjectRef<Database>, Finding>>);

#[derive(PartialEq)]
struct Finding {
    uid: Option<String>,
    generation: Option<i64>,
    /// Of the desired StatefulSet.
    checksum: String,
}

impl Finding {
    fn of(set: &StatefulSet, desired: &Child) -> Self {
        Self {
            uid: set.metadata.uid.clone(),
            generation: set.metadata.generation,
            checksum: desired.checksum().to_owned(),
        }
    }
}

impl Settled {
    /// Whether this very object, at this generation, was found to be what is desired now.
    pub fn knows(&self, db: &Database, set: &StatefulSet, desired: &Child) -> bool {
        self.lock().get(&ObjectRef::from_obj(db)) == Some(&Finding::of(set, desired))
    }

    /// Looks at a whole object, and remembers it if it is what is desired. Returns whether it is.
    pub fn find_out(&self, db: &Database, set: &StatefulSet, desired: &Child) -> bool {
        let holds = desired.holds_in(Some(set));
        if holds {
            self.lock().insert(ObjectRef::from_obj(db), Finding::of(set, desired));
        }
        holds
    }

    /// Forgets a Database that is gone.
    pub fn clear(&self, db: &ObjectRef<Database>) {
        self.lock().remove(db);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<Database>, Finding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the pod template, and what else no decision looks at.
pub fn prune(set: &mut StatefulSet) {
    strip(set);
    if let Some(mut spec) = set.spec.take() {
        spec.volume_claim_templates.iter_mut().for_each(Vec::shrink_to_fit);
        set.spec = Some(StatefulSetSpec {
            replicas: spec.replicas,
            volume_claim_templates: spec.volume_claim_templates,
            ..StatefulSetSpec::default()
        });
    }
    if let Some(status) = &mut set.status {
        status.conditions = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{recorded_storage, stateful_set, tests::database};

    fn live(db: &Database, generation: i64) -> StatefulSet {
        let desired = Child::new(&stateful_set(db, None)).unwrap().desired;
        let mut set: StatefulSet = serde_json::from_value(desired).unwrap();
        set.metadata.uid = Some("set".into());
        set.metadata.generation = Some(generation);
        set
    }

    #[test]
    fn what_was_found_out_holds_for_one_object_one_generation_and_one_wish() {
        let (settled, mut db) = (Settled::default(), database());
        let set = live(&db, 1);
        let desired = Child::new(&stateful_set(&db, Some(&set))).unwrap();
        let mut pruned = set.clone();
        prune(&mut pruned);
        assert!(!settled.knows(&db, &pruned, &desired), "nobody has looked");
        assert!(settled.find_out(&db, &set, &desired));
        assert!(settled.knows(&db, &pruned, &desired));

        assert!(!settled.knows(&db, &live(&db, 2), &desired), "somebody has changed the spec");
        let mut reborn = pruned.clone();
        reborn.metadata.uid = Some("other".into());
        assert!(!settled.knows(&db, &reborn, &desired), "another object of the same name");
        db.spec.replicas = 3;
        let other = Child::new(&stateful_set(&db, Some(&pruned))).unwrap();
        assert!(!settled.knows(&db, &pruned, &other), "something else is wanted");
        assert!(!settled.find_out(&db, &set, &other));
    }

    #[test]
    fn what_a_decision_looks_at_is_kept() {
        let set = live(&database(), 1);
        let mut pruned = set.clone();
        prune(&mut pruned);
        assert_eq!(recorded_storage(&pruned), recorded_storage(&set));
        let desired = |existing| Child::new(&stateful_set(&database(), Some(existing))).unwrap().desired;
        assert_eq!(desired(&pruned), desired(&set));
        assert!(
            serde_json::to_string(&pruned).unwrap().len() < serde_json::to_string(&set).unwrap().len() / 3
        );
    }
}
