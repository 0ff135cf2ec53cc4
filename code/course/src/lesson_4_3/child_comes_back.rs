//! A child that is deleted or edited is restored within 2 s, whatever its kind.

use super::stage::{NAME, NOTICED, SOON, settled, without_pods};
use crate::check::{Arena, Failure, History, Kind};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Secret, Service, ServiceAccount},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use postgres_operator::{error::chain, resources::INSTANCE};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Between one change and the next, so that each is an event of its own.
const BETWEEN: Duration = Duration::from_millis(300);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    arena.create(NAME, json!({})).await?;
    settled(arena, &arena.namespace, &[NAME]).await?;
    let mut took = Vec::new();

    let accounts = Children::<ServiceAccount>::of(arena);
    took.push(accounts.deleted(NAME).await?);
    let label = json!({"metadata": {"labels": {INSTANCE: "somebody-else"}}});
    let labelled = |account: &ServiceAccount| account.labels().get(INSTANCE).is_some_and(|it| it == NAME);
    took.push(accounts.edited(NAME, label, labelled).await?);

    let services = Children::<Service>::of(arena);
    for name in [NAME, "orders-ro", "orders-pods"] {
        took.push(services.deleted(name).await?);
        let selector = json!({"spec": {"selector": {INSTANCE: "somebody-else"}}});
        took.push(services.edited(name, selector, selects_its_own).await?);
    }

    let sets = Children::<StatefulSet>::of(arena);
    took.push(sets.deleted(NAME).await?);
    let scaled = |set: &StatefulSet| set.spec.as_ref().is_some_and(|spec| spec.replicas == Some(1));
    took.push(sets.edited(NAME, json!({"spec": {"replicas": 0}}), scaled).await?);

    // Passwords are made once and never written again, so there is no edit to restore.
    took.push(Children::<Secret>::of(arena).deleted("orders-credentials").await?);
    let slowest = took.iter().max().copied().unwrap_or_default();
    Ok(format!(
        "{} times, after {:.2} s at most, with nothing but events to go by",
        took.len(),
        slowest.as_secs_f64()
    ))
}

fn selects_its_own(service: &Service) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| selector.get(INSTANCE).is_some_and(|it| it == NAME))
}

/// The children of one kind.
struct Children<'a, K> {
    arena: &'a Arena,
    api: Api<K>,
    history: History<K>,
}

impl<'a, K: Kind> Children<'a, K> {
    fn of(arena: &'a Arena) -> Self {
        Self { arena, api: arena.api(), history: History::follow(arena.client.clone(), &arena.namespace) }
    }

    /// Deletes one and waits until another has its name.
    async fn deleted(&self, name: &str) -> Result<Duration, Failure> {
        let before = self.get(name).await?;
        let started = Instant::now();
        let deleted = self.api.delete(name, &DeleteParams::background()).await;
        deleted
            .map_err(|error| Failure::new(format!("{} can be deleted", what::<K>(name)), chain(&error)))?;
        self.restored(name, "deleted", started, |it| it.uid() != before.uid()).await
    }

    /// Changes one and waits until it is as it was.
    async fn edited(
        &self,
        name: &str,
        patch: Value,
        right: impl Fn(&K) -> bool,
    ) -> Result<Duration, Failure> {
        let started = Instant::now();
        let patched = self.api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        let patched = patched
            .map_err(|error| Failure::new(format!("{} can be edited", what::<K>(name)), chain(&error)))?;
        self.restored(name, "edited", started, |it| version(it) > version(&patched) && right(it)).await
    }

    async fn restored(
        &self,
        name: &str,
        how: &str,
        started: Instant,
        right: impl Fn(&K) -> bool,
    ) -> Result<Duration, Failure> {
        let found = self.history.find(0, SOON, |it| it.name_any() == name && right(it)).await;
        let Some(found) = found else {
            let expected = format!("{} is back {} s after it was {how}", what::<K>(name), SOON.as_secs());
            return Err(Failure::new(expected, "it is not"));
        };
        self.arena.rests(BETWEEN, NOTICED).await?;
        Ok(found.at.saturating_duration_since(started))
    }

    async fn get(&self, name: &str) -> Result<K, Failure> {
        let found = self.api.get(name).await;
        found.map_err(|error| Failure::new(format!("{} is there", what::<K>(name)), chain(&error)))
    }
}

fn what<K: Resource<DynamicType = ()>>(name: &str) -> String {
    format!("{} {name}", K::kind(&()))
}

/// Versions are numbers that grow.
fn version(object: &impl Resource) -> Option<u64> {
    postgres_operator::expectations::version(object.meta())
}
