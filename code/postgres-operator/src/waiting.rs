//! The length of the controller's queue. kube keeps the queue to itself, so it is counted at both ends: what a watch reports goes in,
//! what a pass takes up comes out.

use crate::{
    api::Database,
    watches::{Events, More},
};
use futures::{StreamExt, TryStreamExt};
use kube::{Resource, runtime::reflector::ObjectRef};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Databases with news that no pass has begun to look at. News of the same Database counts once, as in the queue. Passes that are
/// due because of the time are not among them. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<Mutex<HashSet<ObjectRef<Database>>>>);

impl Waiting {
    /// The events as they are, each noted for the Databases that it concerns.
    pub fn note<K: 'static, I>(
        &self,
        events: Events<K>,
        concerns: impl Fn(&K) -> I + Send + 'static,
    ) -> Events<K>
    where
        I: IntoIterator<Item = ObjectRef<Database>>,
    {
        let waiting = self.clone();
        events.inspect_ok(move |object| waiting.lock().extend(concerns(object))).boxed()
    }

    /// As [`Self::note`], for Databases that want a pass without an event.
    pub fn note_more(&self, more: More) -> More {
        let waiting = self.clone();
        more.inspect(move |db| {
            waiting.lock().insert(db.clone());
        })
        .boxed()
    }

    /// A pass looks at it now, or it is found gone.
    pub fn taken_up(&self, db: &ObjectRef<Database>) {
        self.lock().remove(db);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ObjectRef<Database>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Databases that own an object, as the controller's own mapper finds them.
pub fn owners<K: Resource<DynamicType = ()>>(object: &K) -> Vec<ObjectRef<Database>> {
    let namespace = object.meta().namespace.as_deref();
    let owners = object.meta().owner_references.iter().flatten();
    owners.filter_map(|owner| ObjectRef::from_owner_ref(namespace, owner, ())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{resources::tests::database, run::found_gone};
    use futures::stream;
    use k8s_openapi::api::core::v1::Service;
    use kube::{
        ResourceExt,
        runtime::{
            Controller,
            controller::{self, Action},
            reflector,
            watcher::Event,
        },
    };
    use std::{convert::Infallible, time::Duration};
    use tokio::{sync::Semaphore, time::timeout};

    fn named(name: &str) -> Database {
        let mut db = database();
        db.metadata.name = Some(name.into());
        db
    }

    fn service_of(db: &Database) -> Service {
        let mut service = Service::default();
        service.metadata.name = db.metadata.name.clone();
        service.metadata.namespace = db.namespace();
        service.metadata.owner_references = db.controller_owner_ref(&()).map(|owner| vec![owner]);
        service
    }

    #[tokio::test(start_paused = true)]
    async fn it_counts_what_the_controller_has_not_taken_up() {
        let (store, mut writer) = reflector::store::<Database>();
        writer.apply_watcher_event(&Event::Init);
        let databases = ["one", "two", "three"].map(named);
        for db in &databases {
            writer.apply_watcher_event(&Event::InitApply(db.clone()));
        }
        writer.apply_watcher_event(&Event::InitDone);
        let waiting = Waiting::default();
        let children = [&databases[0], &databases[0], &named("gone")].map(service_of);
        let events = stream::iter(databases.clone().map(Ok)).chain(stream::pending()).boxed();
        let children = stream::iter(children.map(Ok)).chain(stream::pending()).boxed();
        let permits = Arc::new(Semaphore::new(0));
        let (passes, lost) = (waiting.clone(), waiting.clone());
        let run = Controller::for_stream(waiting.note(events, |db| [ObjectRef::from_obj(db)]), store)
            .owns_stream(waiting.note(children, owners))
            .with_config(controller::Config::default().concurrency(1))
            .run(
                move |db, permits: Arc<Semaphore>| {
                    passes.taken_up(&ObjectRef::from_obj(&db));
                    async move {
                        permits.acquire().await.unwrap().forget();
                        Ok::<_, Infallible>(Action::await_change())
                    }
                },
                |_, _, _| Action::await_change(),
                permits.clone(),
            )
            .for_each(move |result| {
                if let Err(controller::Error::ObjectNotFound(gone)) = result {
                    lost.taken_up(&found_gone(&gone));
                }
                std::future::ready(())
            });
        let counted = waiting.clone();
        let watch = async move {
            let mut counts = Vec::new();
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(5)).await;
                counts.push(counted.count());
                permits.add_permits(1);
            }
            counts
        };
        let counts = tokio::select! {
            () = run => panic!("the controller ended"),
            counts = timeout(Duration::from_mins(1), watch) => counts.unwrap(),
        };
        // One is under way; two are in the queue, however often they are named; the one that is gone has left it.
        assert_eq!(counts, [2, 1, 0, 0]);
    }
}
