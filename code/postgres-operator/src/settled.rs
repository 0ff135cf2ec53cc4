//! Children that are known to be as desired.
//!
//! Of a StatefulSet, which is nearly all pod template, and of Services the caches keep only what a decision looks at. Whether the rest is
//! right is found out with the whole object from the API server, and remembered. After that the generation of a StatefulSet tells, which
//! every change of the spec raises; and of a Service, which has none, the version, because nobody writes to it but to change it.

use crate::{api::Database, child::Child, watches::strip};
use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetSpec},
    core::v1::Service,
};
use kube::{Resource, runtime::reflector::ObjectRef};
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What was found out, by Database.
#[derive(Default)]
pub struct Settled(Mutex<HashMap<ObjectRef<Database>, Vec<Finding>>>);

struct Finding {
    /// Name of the child, and what kind it is of.
    what: String,
    found: Found,
}

#[derive(PartialEq)]
struct Found {
    uid: Option<String>,
    state: State,
    /// Of the desired object.
    checksum: String,
}

/// What is another one as soon as a child is.
#[derive(PartialEq)]
enum State {
    Generation(Option<i64>),
    Version(Option<String>),
}

impl Found {
    fn of<K: Resource>(live: &K, desired: &Child) -> Self {
        let meta = live.meta();
        let state = match desired.resource.kind.as_str() {
            "StatefulSet" => State::Generation(meta.generation),
            _ => State::Version(meta.resource_version.clone()),
        };
        Self { uid: meta.uid.clone(), state, checksum: desired.checksum().to_owned() }
    }
}

impl Settled {
    /// Whether this very object, in this state, was found to be what is desired now.
    pub fn knows<K: Resource<DynamicType = ()>>(&self, db: &Database, live: &K, desired: &Child) -> bool {
        let (what, now) = (desired.what(), Found::of(live, desired));
        // A version tells of everything; a generation does not tell of a label that somebody has taken off.
        let tells_all = matches!(now.state, State::Version(_));
        let all = self.lock();
        let known =
            all.get(&ObjectRef::from_obj(db)).and_then(|known| known.iter().find(|it| it.what == what));
        known.is_some_and(|known| known.found == now) && (tells_all || desired.metadata_holds_in(Some(live)))
    }

    /// Looks at a whole object, and remembers it if it is what is desired. Returns whether it is.
    pub fn find_out<K>(&self, db: &Database, live: &K, desired: &Child) -> bool
    where
        K: Resource + Serialize,
    {
        let holds = desired.holds_in(Some(live));
        if holds {
            let (what, found) = (desired.what(), Found::of(live, desired));
            let mut all = self.lock();
            let known = all.entry(ObjectRef::from_obj(db)).or_default();
            match known.iter_mut().find(|it| it.what == what) {
                Some(known) => known.found = found,
                None => known.push(Finding { what, found }),
            }
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

/// Drops all of a Service but which it is, whose, and in which version.
pub fn prune_service(service: &mut Service) {
    strip(service);
    service.metadata.labels = None;
    service.metadata.annotations = None;
    service.spec = None;
    service.status = None;
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
    use crate::resources::{is_owned_by, recorded_storage, services, stateful_set, tests::database};

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
    fn a_service_has_no_generation_and_is_known_by_its_version() {
        let (settled, db) = (Settled::default(), database());
        let [headless, primary, _] = services(&db).map(|service| Child::new(&service).unwrap());
        let mut live: Service = serde_json::from_value(primary.desired.clone()).unwrap();
        live.metadata.resource_version = Some("7".into());
        assert!(settled.find_out(&db, &live, &primary));
        let mut pruned = live.clone();
        prune_service(&mut pruned);
        assert!(is_owned_by(&pruned.metadata, &db), "that much is kept");
        assert!(settled.knows(&db, &pruned, &primary));
        assert!(!settled.knows(&db, &pruned, &headless), "nobody has looked at the other one");
        pruned.metadata.resource_version = Some("8".into());
        assert!(!settled.knows(&db, &pruned, &primary), "somebody has written to it");
        pruned.metadata.generation = Some(1);
        assert!(!settled.knows(&db, &pruned, &primary), "a generation would not tell of a label");
        live.metadata.resource_version = Some("9".into());
        assert!(settled.find_out(&db, &live, &primary), "what came of it is right");
        assert!(!settled.knows(&db, &pruned, &primary), "and the version in between is not");
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
