//! Which kinds of objects there are, and a watch of each one's metadata.

use super::{
    Collector,
    graph::{Item, Kind},
};
use crate::error::chain;
use futures::TryStreamExt;
use kube::{
    Api,
    api::DynamicObject,
    core::{ApiResource, PartialObjectMeta},
    discovery::{ApiCapabilities, ApiGroup, Discovery, Scope, verbs},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

/// How soon a kind is noticed of whose definition the watch told nothing.
const EVERY: Duration = Duration::from_secs(30);
/// After a change of a definition, which the API server serves a moment later, and after a discovery that failed.
const SETTLED: Duration = Duration::from_millis(200);

/// Watches every kind that can be listed, watched and deleted. Does not end.
pub(crate) async fn keep_watching(collector: Arc<Collector>) {
    let mut watches = Watches { collector, running: HashMap::new(), tasks: JoinSet::new() };
    loop {
        let pause = match Discovery::new(watches.collector.world.client.clone()).run().await {
            Ok(discovery) => {
                watches.follow(&discovery);
                EVERY
            }
            // A group may have gone after it was listed.
            Err(error) => {
                tracing::debug!("discovery: {}", chain(&error));
                SETTLED
            }
        };
        let definitions = watches.collector.definitions.notified();
        if timeout(pause, definitions).await.is_ok() {
            sleep(SETTLED).await;
        }
    }
}

/// Group and plural.
type Id = (String, String);

struct Watches {
    collector: Arc<Collector>,
    running: HashMap<Id, (Arc<Kind>, AbortHandle)>,
    tasks: JoinSet<()>,
}

impl Watches {
    /// Ends the watches of kinds that are gone or served at another version, and starts those of new ones.
    fn follow(&mut self, discovery: &Discovery) {
        let mut there = kinds(discovery);
        let mut gone = Vec::new();
        self.running.retain(|id, (kind, task)| {
            let same = there.get(id).is_some_and(|now| now.resource.version == kind.resource.version);
            if same {
                there.insert(id.clone(), kind.clone());
            } else {
                task.abort();
                gone.push(kind.clone());
            }
            same
        });
        // First of all: what is forgotten or seen next asks for owners of these kinds.
        self.collector.kinds_are(there.values().cloned().collect());
        for kind in &gone {
            self.collector.forget(kind);
        }
        for (id, kind) in there {
            self.running.entry(id).or_insert_with(|| {
                let task = self.tasks.spawn(watch(self.collector.clone(), kind.clone()));
                (kind, task)
            });
        }
    }
}

/// The kinds to watch, each at the most stable version that has it: one group may serve different kinds at different versions.
fn kinds(discovery: &Discovery) -> HashMap<Id, Arc<Kind>> {
    let resources = discovery.groups().flat_map(ApiGroup::resources_by_stability);
    let usable = resources.filter(|(resource, capabilities)| {
        // Events are many, and own nothing and are owned by nobody.
        resource.plural != "events"
            && [verbs::LIST, verbs::WATCH, verbs::DELETE]
                .iter()
                .all(|verb| capabilities.supports_operation(verb))
    });
    let kind = |(resource, capabilities): (ApiResource, ApiCapabilities)| {
        let namespaced = capabilities.scope == Scope::Namespaced;
        ((resource.group.clone(), resource.plural.clone()), Arc::new(Kind { resource, namespaced }))
    };
    usable.map(kind).collect()
}

async fn watch(collector: Arc<Collector>, kind: Arc<Kind>) {
    let api: Api<PartialObjectMeta<DynamicObject>> =
        Api::all_with(collector.world.client.clone(), &kind.resource);
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    let is_definition = kind.resource.plural == "customresourcedefinitions";
    let mut unseen = HashSet::new();
    loop {
        let event = match events.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!("watch of {}: {}", kind.resource.plural, chain(&error));
                continue;
            }
        };
        if is_definition {
            collector.definitions.notify_one();
        }
        match event {
            Event::Init => unseen = collector.of_kind(&kind),
            Event::InitApply(object) | Event::Apply(object) => {
                let uid = uid(&object);
                unseen.remove(&uid);
                collector.put(&uid, Item::new(kind.clone(), &object.metadata));
            }
            Event::InitDone => std::mem::take(&mut unseen).iter().for_each(|uid| collector.remove(uid)),
            Event::Delete(object) => collector.remove(&uid(&object)),
        }
    }
}

fn uid(object: &PartialObjectMeta<DynamicObject>) -> String {
    object.metadata.uid.clone().unwrap_or_default()
}
