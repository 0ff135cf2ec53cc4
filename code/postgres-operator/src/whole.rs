//! Children as a whole: the caches keep only a part of the largest, and that tells whether somebody has to look at the rest.

use crate::{
    api::Database,
    child::Child,
    context::Context,
    error::Error,
    observe::Observed,
    resources::{services, stateful_set},
    watches::strip,
};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Service};
use kube::{Api, Resource};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

/// Notes which of the StatefulSet and the Services are known to be the desired ones. What is not known is read whole, and takes the
/// place of what the cache had.
pub(crate) async fn look_closer(db: &Database, observed: &mut Observed, ctx: &Context) -> Result<(), Error> {
    if let Some(cached) = observed.stateful_set.take() {
        let desired = Child::new(&stateful_set(db, Some(&cached)))?;
        observed.stateful_set = look(cached, &desired, db, &mut observed.hold, ctx).await?;
    }
    for desired in services(db) {
        let desired = Child::new(&desired)?;
        if let Some(cached) = observed.services.remove(&desired.name) {
            let seen: Option<Arc<Service>> = look(cached, &desired, db, &mut observed.hold, ctx).await?;
            observed.services.extend(seen.map(|seen| (desired.name, seen)));
        }
    }
    Ok(())
}

async fn look<K>(
    cached: Arc<K>,
    desired: &Child,
    db: &Database,
    hold: &mut BTreeSet<String>,
    ctx: &Context,
) -> Result<Option<Arc<K>>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    if ctx.settled.knows(db, cached.as_ref(), desired) {
        // A version tells of everything; a generation does not tell of a label that somebody has taken off.
        if cached.meta().generation.is_none() || desired.metadata_holds_in(Some(cached.as_ref())) {
            hold.insert(desired.what());
        }
        return Ok(Some(cached));
    }
    let api: Api<K> = ctx.namespaced(db);
    let read = api.get_opt(&desired.name).await;
    let mut live = read.map_err(|source| Error::Read { what: desired.what(), source })?;
    live.iter_mut().for_each(strip);
    if live.as_ref().is_some_and(|live| ctx.settled.find_out(db, live, desired)) {
        hold.insert(desired.what());
    }
    Ok(live.map(Arc::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fake,
        plan::{Step, plan, tests::settled},
        resources::tests::database,
        settled::prune_service,
    };
    use serde_json::{Value, json};
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_service_is_read_whole_once_in_each_of_its_versions() {
        let db = database();
        let desired = Child::new(&services(&db)[1]).unwrap();
        let at = |version: &str, selector: &str| {
            let mut live = desired.desired.clone();
            live["metadata"]["resourceVersion"] = json!(version);
            live["spec"]["selector"]["added-by-somebody"] = json!(selector);
            live
        };
        let right = |version: &str| {
            let mut live = at(version, "");
            live["spec"]["selector"] = desired.desired["spec"]["selector"].clone();
            live
        };
        let server = Arc::new(Mutex::new(Value::Null));
        let answers = server.clone();
        let (client, log) = fake::client(move |_| Some((200, answers.lock().unwrap().to_string())));
        let ctx = fake::context(client);
        for (situation, live, reads, writes) in [
            ("the operator has just started", right("1"), 1, 0),
            ("nothing has happened since", right("1"), 0, 0),
            ("somebody has added a label of their own", right("2"), 1, 0),
            ("somebody has changed what it selects", at("3", "x"), 1, 1),
            ("it still is not what it should be", at("3", "x"), 1, 1),
            ("it was mended", right("4"), 1, 0),
            ("and nothing has happened since", right("4"), 0, 0),
        ] {
            let mut cached: Service = serde_json::from_value(live.clone()).unwrap();
            prune_service(&mut cached);
            *server.lock().unwrap() = live;
            let mut observed = settled(&db);
            observed.stateful_set = None;
            observed.services = [("orders".to_owned(), Arc::new(cached))].into();
            look_closer(&db, &mut observed, &ctx).await.unwrap();
            assert_eq!(
                log.lines(),
                vec!["GET /api/v1/namespaces/shop/services/orders"; reads],
                "{situation}"
            );
            let steps = plan(&db, &observed).unwrap().steps;
            let of_it = steps.iter().filter(|step| matches!(step, Step::Apply { child, .. } if child.name == "orders" && child.resource.kind == "Service"));
            assert_eq!(of_it.count(), writes, "{situation}");
        }
    }

    #[tokio::test]
    async fn a_service_that_only_the_cache_still_has_is_missing() {
        let db = database();
        let (client, _) = fake::client(|_| Some(fake::refusal(404, "NotFound")));
        let mut observed = settled(&db);
        observed.stateful_set = None;
        observed.services.iter_mut().for_each(|(_, service)| prune_service(Arc::make_mut(service)));
        look_closer(&db, &mut observed, &fake::context(client)).await.unwrap();
        assert!(observed.services.is_empty());
    }
}
