//! Revisions: each template that a StatefulSet ever had, under a name that says which.

use crate::{
    error::{During, Error},
    labels::matches,
    object::{controller, is_controlled_by, owned_by},
    world::World,
};
use k8s_openapi::{
    api::apps::v1::{ControllerRevision, StatefulSet},
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, runtime::RawExtension},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The templates that matter: the one that pods were last brought to as a whole, and the one that they are on the way to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Revisions {
    pub(crate) current: ControllerRevision,
    pub(crate) update: ControllerRevision,
}

/// What a revision holds: a patch that gives the StatefulSet this template.
pub(crate) fn data(set: &StatefulSet) -> Value {
    let mut template =
        set.spec.as_ref().and_then(|spec| serde_json::to_value(&spec.template).ok()).unwrap_or_default();
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}

/// Finds the revisions of a set among those that there are, and makes the one that is missing.
pub(crate) async fn revisions(world: &World, set: &StatefulSet) -> Result<Revisions, Error> {
    let namespace = set.namespace().unwrap_or_default();
    let api: Api<ControllerRevision> = Api::namespaced(world.client.clone(), &namespace);
    let mut known = known(world, set);
    known.sort_by_key(|it| it.revision);
    let wanted = data(set);
    let next = known.last().map_or(0, |it| it.revision) + 1;
    let update = match known.iter().find(|it| it.data.as_ref().is_some_and(|it| it.0 == wanted)) {
        Some(equal) if equal.revision + 1 == next => (**equal).clone(),
        // A rollback: the old template becomes the newest revision again.
        Some(equal) => {
            let patch = Patch::Merge(json!({"revision": next}));
            api.patch(&equal.name_any(), &PatchParams::default(), &patch)
                .await
                .during(|| format!("renumber ControllerRevision {}", equal.name_any()))?
        }
        None => create(&api, set, wanted, next).await?,
    };
    let recorded = set.status.as_ref().and_then(|status| status.current_revision.clone());
    let current = known.iter().find(|it| Some(it.name_any()) == recorded);
    let current = current.map_or_else(|| update.clone(), |it| (**it).clone());
    Ok(Revisions { current, update })
}

async fn create(
    api: &Api<ControllerRevision>,
    set: &StatefulSet,
    data: Value,
    number: i64,
) -> Result<ControllerRevision, Error> {
    let template = set.spec.as_ref().map(|spec| &spec.template);
    let labels = template.and_then(|it| it.metadata.as_ref()?.labels.clone()).unwrap_or_default();
    let mut collisions = set.status.as_ref().and_then(|status| status.collision_count).unwrap_or(0);
    loop {
        let hash = hash(&data, collisions);
        let mut labels = labels.clone();
        labels.insert("controller.kubernetes.io/hash".into(), hash.clone());
        let name = format!("{}-{hash}", set.name_any());
        let revision = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(labels),
                owner_references: owned_by(set),
                ..ObjectMeta::default()
            },
            data: Some(RawExtension(data.clone())),
            revision: number,
        };
        match api.create(&PostParams::default(), &revision).await {
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                let there = api.get(&name).await.during(|| format!("read ControllerRevision {name}"))?;
                let same = there.data.as_ref().is_some_and(|it| it.0 == data);
                if same && is_controlled_by(&there.metadata, set) {
                    return Ok(there);
                }
                // Another set's, of a deleted namesake for example.
                collisions += 1;
            }
            result => return result.during(|| format!("create ControllerRevision {name}")),
        }
    }
}

/// The revisions that nothing needs any more, beyond those that history keeps.
pub(crate) fn superfluous(
    known: &[Arc<ControllerRevision>],
    revisions: &Revisions,
    used: &[String],
    limit: usize,
) -> Vec<String> {
    let is_live = |name: &String| {
        *name == revisions.current.name_any() || *name == revisions.update.name_any() || used.contains(name)
    };
    let mut history: Vec<_> = known.iter().filter(|it| !is_live(&it.name_any())).collect();
    history.sort_by_key(|it| it.revision);
    let excess = history.len().saturating_sub(limit);
    history.into_iter().take(excess).map(|it| it.name_any()).collect()
}

/// The revisions of a set.
pub(crate) fn known(world: &World, set: &StatefulSet) -> Vec<Arc<ControllerRevision>> {
    let selector = set.spec.as_ref().map(|spec| &spec.selector);
    let mut all = world.revisions.in_namespace(&set.namespace().unwrap_or_default());
    // One that lost its set belongs to the next one that wants the same, which adopts it.
    let is_orphan = |it: &ControllerRevision| {
        controller(&it.metadata).is_none() && selector.is_some_and(|selector| matches(selector, it.labels()))
    };
    all.retain(|it| is_controlled_by(&it.metadata, set) || is_orphan(it));
    all
}

fn hash(data: &Value, collisions: i32) -> String {
    crate::hash::name(&if collisions == 0 { data.to_string() } else { format!("{data}{collisions}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(name: &str, number: i64) -> ControllerRevision {
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        ControllerRevision { metadata, data: None, revision: number }
    }

    #[test]
    fn history_forgets_the_oldest_that_no_pod_is_of() {
        let known: Vec<_> = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]
            .map(|(name, n)| Arc::new(revision(name, n)))
            .into();
        let revisions = Revisions { current: revision("d", 4), update: revision("e", 5) };
        for (used, limit, expected) in [
            (vec![], 10, vec![]),
            (vec![], 1, vec!["a", "b"]),
            (vec!["a".to_owned()], 1, vec!["b"]),
            (vec!["a".to_owned()], 0, vec!["b", "c"]),
        ] {
            assert_eq!(superfluous(&known, &revisions, &used, limit), expected, "{used:?} {limit}");
        }
    }

    #[test]
    fn a_template_has_one_name() {
        let (one, other) = (json!({"spec": 1}), json!({"spec": 2}));
        assert_eq!(hash(&one, 0), hash(&one.clone(), 0));
        assert_ne!(hash(&one, 0), hash(&other, 0));
        assert_ne!(hash(&one, 0), hash(&one, 1));
    }
}
