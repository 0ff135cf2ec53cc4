//! Garbage collection: what loses its last owner goes, in the background, in the foreground, or stays as an orphan.
//!
//! <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>

mod decide;
mod discover;
mod graph;

use crate::{
    error::{During, Error, gone_is_fine},
    object::Key,
    queue::{self, Again},
    world::World,
};
use decide::{Owner, Verdict, decide};
use graph::{FOREGROUND, Graph, Item, Kind, ORPHAN};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy},
    core::Status,
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    join,
    sync::{Notify, mpsc},
};

/// When an owner is looked for again that is there, but that no watch has told of.
const UNSEEN: Duration = Duration::from_secs(2);

/// Watches and collects. Does not end.
pub(crate) async fn run(world: World) {
    let (queue, receiver) = mpsc::unbounded_channel();
    let collector = Arc::new(Collector {
        world,
        graph: Mutex::default(),
        kinds: Mutex::default(),
        queue,
        definitions: Notify::new(),
    });
    let work = queue::work("garbage", receiver, |uid| {
        let collector = collector.clone();
        async move { collector.look_at(&uid.name).await }
    });
    join!(discover::keep_watching(collector.clone()), work);
}

struct Collector {
    world: World,
    graph: Mutex<Graph>,
    kinds: Mutex<Kinds>,
    queue: mpsc::UnboundedSender<Key>,
    /// A definition of a custom resource has changed.
    definitions: Notify,
}

/// The kinds that the API server has.
#[derive(Default)]
struct Kinds {
    known: Vec<Arc<Kind>>,
    /// UIDs of objects with an owner of a kind that is not among them.
    waiting: HashSet<String>,
}

impl Collector {
    fn graph(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, uid: &str, item: Item) {
        let work = self.graph().put(uid, item);
        self.enqueue(work);
    }

    fn remove(&self, uid: &str) {
        let work = self.graph().remove(uid);
        self.enqueue(work);
    }

    fn enqueue(&self, uids: impl IntoIterator<Item = String>) {
        for uid in uids {
            // The receiver lives as long as this.
            let _ = self.queue.send(Key::new("", uid));
        }
    }

    fn of_kind(&self, kind: &Arc<Kind>) -> HashSet<String> {
        self.graph().of_kind(kind)
    }

    fn forget(&self, kind: &Arc<Kind>) {
        self.of_kind(kind).iter().for_each(|uid| self.remove(uid));
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in which kinds there are, and looks again at what waits for one.
    fn kinds_are(&self, known: Vec<Arc<Kind>>) {
        let waiting = {
            let mut kinds = self.kinds();
            kinds.known = known;
            std::mem::take(&mut kinds.waiting)
        };
        self.enqueue(waiting);
    }

    /// The kind that a reference names. The version may be another one than that which is watched. Without such a kind, the
    /// dependent is looked at again once the kinds have changed.
    fn kind_of(&self, owner: &OwnerReference, dependent: &str) -> Option<Arc<Kind>> {
        let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let mut kinds = self.kinds();
        let of = |it: &&Arc<Kind>| it.resource.group == group && it.resource.kind == owner.kind;
        let found = kinds.known.iter().find(of).cloned();
        if found.is_none() {
            kinds.waiting.insert(dependent.to_owned());
        }
        found
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = self.world.client.clone();
        match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => Api::namespaced_with(client, namespace, &kind.resource),
            None => Api::all_with(client, &kind.resource),
        }
    }

    fn api_of(&self, item: &Item) -> Api<DynamicObject> {
        self.api(&item.kind, item.namespace.as_deref())
    }

    /// Looks at one object, as it is at the server: the graph may be late.
    async fn look_at(&self, uid: &str) -> Result<Again, Error> {
        let Some(known) = self.graph().get(uid).cloned() else { return Ok(None) };
        let Some(live) = self.read(&known.kind, known.namespace.as_deref(), &known.name).await? else {
            return Ok(None);
        };
        if live.uid.as_deref() != Some(uid) {
            return Ok(None);
        }
        let item = Item::new(known.kind, &live);
        if item.waits_for(ORPHAN) {
            return self.orphan(uid, &item, &live).await.map(|()| None);
        }
        if item.waits_for(FOREGROUND) {
            return self.in_foreground(uid, &item, &live).await.map(|()| None);
        }
        if item.going {
            return Ok(None);
        }
        self.judge(uid, &item, &live).await
    }

    async fn read(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<ObjectMeta>, Error> {
        match self.api(kind, namespace).get_metadata(name).await {
            Ok(object) => Ok(Some(object.metadata)),
            Err(kube::Error::Api(status)) if is_absent(&status, name) => Ok(None),
            Err(error) => Err(error).during(|| format!("read {} {name}", kind.resource.kind)),
        }
    }

    /// Frees the dependents of an object that goes alone.
    async fn orphan(&self, uid: &str, item: &Item, live: &ObjectMeta) -> Result<(), Error> {
        let dependents: Vec<_> = self.graph().dependents(uid).map(|(_, it)| it.clone()).collect();
        for dependent in dependents {
            let Some(now) =
                self.read(&dependent.kind, dependent.namespace.as_deref(), &dependent.name).await?
            else {
                continue;
            };
            let owners = now.owner_references.clone().unwrap_or_default();
            let left: Vec<_> = owners.iter().filter(|owner| owner.uid != uid).collect();
            if left.len() < owners.len() {
                self.patch(&dependent, &now, json!({"ownerReferences": left})).await?;
            }
        }
        self.drop_finalizer(item, live, ORPHAN).await
    }

    /// Sends the dependents away, and lets the object follow once none blocks it.
    async fn in_foreground(&self, uid: &str, item: &Item, live: &ObjectMeta) -> Result<(), Error> {
        let (mut blocked, mut left) = (false, Vec::new());
        for (dependent, it) in self.graph().dependents(uid) {
            blocked |= it.blocks(uid);
            if !it.going {
                left.push(dependent.clone());
            }
        }
        if !blocked {
            return self.drop_finalizer(item, live, FOREGROUND).await;
        }
        self.enqueue(left);
        Ok(())
    }

    async fn judge(&self, uid: &str, item: &Item, live: &ObjectMeta) -> Result<Again, Error> {
        let mut owners = Vec::new();
        for owner in &item.owners {
            let Some(kind) = self.kind_of(owner, uid) else {
                // Not known yet, or not any more. Nothing is deleted on a guess.
                return Ok(None);
            };
            owners.push(self.find(item, owner, kind).await?);
        }
        let has_dependents = self.graph().dependents(uid).next().is_some();
        match decide(&owners, &item.finalizers, has_dependents) {
            // Nobody tells of the end of an owner that the graph has not seen yet.
            Verdict::Keep => {
                let graph = self.graph();
                Ok(item.owners.iter().any(|owner| graph.get(&owner.uid).is_none()).then_some(UNSEEN))
            }
            Verdict::Disown(places) => {
                let kept = item.owners.iter().enumerate().filter(|(place, _)| !places.contains(place));
                let kept: Vec<_> = kept.map(|(_, owner)| owner).collect();
                self.patch(item, live, json!({"ownerReferences": kept})).await.map(|()| None)
            }
            Verdict::Delete(policy) => self.delete(item, live, policy).await.map(|()| None),
        }
    }

    async fn find(&self, item: &Item, owner: &OwnerReference, kind: Arc<Kind>) -> Result<Owner, Error> {
        if kind.namespaced && !item.kind.namespaced {
            return Ok(Owner::Unresolvable);
        }
        let live = self.read(&kind, item.namespace.as_deref(), &owner.name).await?;
        Ok(match live {
            Some(live) if live.uid.as_ref() == Some(&owner.uid) => {
                if Item::new(kind, &live).waits_for(FOREGROUND) { Owner::Waiting } else { Owner::Solid }
            }
            _ => Owner::Absent,
        })
    }

    async fn delete(&self, item: &Item, live: &ObjectMeta, policy: PropagationPolicy) -> Result<(), Error> {
        let preconditions =
            Preconditions { uid: live.uid.clone(), resource_version: live.resource_version.clone() };
        let how = DeleteParams { propagation_policy: Some(policy), ..DeleteParams::default() };
        let deleted = self.api_of(item).delete(&item.name, &how.preconditions(preconditions)).await;
        gone_is_fine(deleted).during(|| format!("delete {} {}", item.kind.resource.kind, item.name))
    }

    async fn drop_finalizer(&self, item: &Item, live: &ObjectMeta, finalizer: &str) -> Result<(), Error> {
        let left: Vec<_> = item.finalizers.iter().filter(|it| *it != finalizer).collect();
        self.patch(item, live, json!({"finalizers": left})).await
    }

    async fn patch(&self, item: &Item, live: &ObjectMeta, mut metadata: Value) -> Result<(), Error> {
        metadata["uid"] = json!(live.uid);
        metadata["resourceVersion"] = json!(live.resource_version);
        let patch = Patch::Merge(json!({"metadata": metadata}));
        let patched = self.api_of(item).patch_metadata(&item.name, &PatchParams::default(), &patch).await;
        gone_is_fine(patched).during(|| format!("patch {} {}", item.kind.resource.kind, item.name))
    }
}

/// Whether the API server says that there is no such object. It also answers 404 to a version that it does not serve any more,
/// but without a name: the object may well be there.
fn is_absent(status: &Status, name: &str) -> bool {
    status.code == 404 && status.details.as_ref().is_some_and(|details| details.name == name)
}
