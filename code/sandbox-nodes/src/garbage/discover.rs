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
    core::PartialObjectMeta,
    discovery::{Discovery, Scope, verbs},
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
/// After a change of a definition: the API server serves it a moment later.
const SETTLED: Duration = Duration::from_millis(200);

/// Watches every kind that can be listed, watched and deleted. Does not end.
pub(crate) async fn keep_watching(collector: Arc<Collector>) {
    let mut watches = Watches { collector, running: HashMap::new(), tasks: JoinSet::new() };
    loop {
        match Discovery::new(watches.collector.world.client.clone()).run().await {
            Ok(discovery) => watches.follow(&discovery),
            Err(error) => tracing::debug!("discovery: {}", chain(&error)),
        }
        let definitions = watches.collector.definitions.notified();
        if timeout(EVERY, definitions).await.is_ok() {
            sleep(SETTLED).await;
        }
    }
}

struct Watches {
    collector: Arc<Collector>,
    running: HashMap<(String, String), (Arc<Kind>, AbortHandle)>,
    tasks: JoinSet<()>,
}

impl Watches {
    fn follow(&mut self, discovery: &Discovery) {
        let mut there = HashSet::new();
        for group in discovery.groups() {
            for (resource, capabilities) in group.recommended_resources() {
                let usable = [verbs::LIST, verbs::WATCH, verbs::DELETE];
                // Events are many, and own nothing and are owned by nobody.
                if resource.plural == "events"
                    || !usable.iter().all(|verb| capabilities.supports_operation(verb))
                {
                    continue;
                }
                let id = (resource.group.clone(), resource.plural.clone());
                there.insert(id.clone());
                let namespaced = capabilities.scope == Scope::Namespaced;
                self.running.entry(id).or_insert_with(|| {
                    let kind = Arc::new(Kind { resource, namespaced });
                    let task = self.tasks.spawn(watch(self.collector.clone(), kind.clone()));
                    (kind, task)
                });
            }
        }
        self.running.retain(|id, (kind, task)| {
            let keep = there.contains(id);
            if !keep {
                task.abort();
                self.collector.forget(kind);
            }
            keep
        });
        self.collector.kinds_are(self.running.values().map(|(kind, _)| kind.clone()).collect());
    }
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
