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
use futures::future::try_join_all;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Service};
use kube::{Api, Resource};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, sync::Arc};

/// Notes which of the StatefulSet and the Services are known to be the desired ones. What is not known is read whole, and takes the
/// place of what the cache had: after a start of the operator that is each of them once.
pub(crate) async fn look_closer(db: &Database, observed: &mut Observed, ctx: &Context) -> Result<(), Error> {
    if let Some(cached) = observed.stateful_set.take() {
        let desired = Child::new(&stateful_set(db, Some(&cached)))?;
        let seen = look(cached, &desired, db, ctx).await?;
        observed.hold.extend(seen.holds.then(|| desired.what()));
        observed.stateful_set = seen.child;
    }
    let services = services(db).map(|desired| Child::new(&desired));
    let services = services.into_iter().collect::<Result<Vec<_>, _>>()?;
    let there =
        services.iter().filter_map(|desired| Some((desired, observed.services.remove(&desired.name)?)));
    let looks = there.map(|(desired, cached)| async move {
        look::<Service>(cached, desired, db, ctx).await.map(|seen| (desired, seen))
    });
    for (desired, seen) in try_join_all(looks).await? {
        observed.hold.extend(seen.holds.then(|| desired.what()));
        observed.services.extend(seen.child.map(|child| (desired.name.clone(), child)));
    }
    Ok(())
}

/// A child as far as it has to be known, and whether it is known to be the desired one.
struct Seen<K> {
    child: Option<Arc<K>>,
    holds: bool,
}

async fn look<K>(cached: Arc<K>, desired: &Child, db: &Database, ctx: &Context) -> Result<Seen<K>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    if ctx.settled.knows(db, cached.as_ref(), desired) {
        return Ok(Seen { child: Some(cached), holds: true });
    }
    let api: Api<K> = ctx.namespaced(db);
    let read = api.get_opt(&desired.name).await;
    let mut live = read.map_err(|source| Error::Read { what: desired.what(), source })?;
    live.iter_mut().for_each(strip);
    let holds = live.as_ref().is_some_and(|live| ctx.settled.find_out(db, live, desired));
    Ok(Seen { child: live.map(Arc::new), holds })
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
