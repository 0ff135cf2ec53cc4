//! Nothing exists that cleanup would miss: the finalizer is on before the first child is made.

use super::{NAME, NOTICED, OTHERS, life::set_metadata};
use crate::{
    check::{Arena, Failure, History, Kind},
    lesson_4_1::NO_IMAGE,
};
use fault_proxy::{Action, Aim, Fault};
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use kube::ResourceExt;
use postgres_operator::{api::Database, finalizer::FINALIZER};
use serde_json::json;

/// So often the API server refuses the finalizer.
const REFUSALS: usize = 2;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    let (secrets, services) = (follow::<Secret>(arena), follow::<Service>(arena));
    let accounts = follow::<ServiceAccount>(arena);
    let refused = arena.proxy.inject(Fault {
        aim: Aim {
            // Of the Databases themselves, whatever its verb: a finalizer can be put on by a patch, and by an update.
            writes: true,
            resource: Some("databases".into()),
            times: REFUSALS,
            ..Aim::default()
        },
        action: Action::Answer(500),
    });
    arena.create(NAME, json!({"image": NO_IMAGE})).await?;
    // While the operator's is refused, somebody else's comes on.
    set_metadata(arena, NAME, json!({"finalizers": [OTHERS]})).await?;
    if !refused.fired_times(REFUSALS, NOTICED).await {
        let expected =
            format!("{REFUSALS} tries to put a finalizer on the Database within {} s", NOTICED.as_secs());
        return Err(Failure::new(expected, format!("{} of them", refused.fired())));
    }
    let on = arena.database(0, NOTICED, "the operator's finalizer is on the Database", is_on).await?;
    if !on.object.finalizers().iter().any(|finalizer| finalizer == OTHERS) {
        let seen = format!("finalizers {:?}", on.object.finalizers());
        return Err(Failure::new("somebody else's finalizer stays beside the operator's", seen));
    }
    arena.set(0, NOTICED, "the StatefulSet is made then", |set| set.name_any() == NAME).await?;

    let sets = first("StatefulSet", &arena.sets);
    let firsts =
        [sets, first("Secret", &secrets), first("Service", &services), first("ServiceAccount", &accounts)];
    let children: Vec<(String, u64)> = firsts.into_iter().flatten().collect();
    if let Some((child, _)) = children.iter().find(|(_, made)| *made < on.revision) {
        return Err(Failure::new(
            "the finalizer is on before the first child is made",
            format!("{child} was there before"),
        ));
    }
    Ok(format!("refused {REFUSALS} times, then on, then children of {} kinds", children.len()))
}

fn is_on(db: &Database) -> bool {
    db.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

fn follow<K: Kind>(arena: &Arena) -> History<K> {
    History::follow(arena.client.clone(), &arena.namespace)
}

/// The first version of the Database's children of a kind.
fn first<K: Kind>(kind: &str, history: &History<K>) -> Option<(String, u64)> {
    let ours = |meta: &K| meta.name_any().starts_with(NAME);
    let version = history.all().into_iter().find(|version| ours(&version.object))?;
    Some((format!("{kind} {}", version.object.name_any()), version.revision))
}
