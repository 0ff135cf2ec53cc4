//! Children as a whole: the caches keep a part, and a word that tells whether somebody has to look at the rest.

use crate::{
    api::Database,
    child::Child,
    context::Context,
    error::Error,
    kept::{InParts, Kept},
    observe::Observed,
    resources::{service_account, services, stateful_set},
    watches::strip,
};
use futures::{future::try_join_all, try_join};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Service, ServiceAccount},
};
use kube::ResourceExt;
use serde::de::DeserializeOwned;
use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

/// The children of one Database of which the caches keep a part.
#[derive(Default)]
pub(crate) struct Parts {
    /// Its servers.
    pub(crate) stateful_set: Option<Arc<Kept<StatefulSet>>>,
    /// Their identity.
    pub(crate) service_account: Option<Arc<Kept<ServiceAccount>>>,
    /// Its Services.
    pub(crate) services: Vec<Arc<Kept<Service>>>,
}

/// Notes which of them are known to be the desired ones. What is not known is read whole, and takes the place of the part: after a
/// start of the operator that is each of them once.
pub(crate) async fn look_closer(
    db: &Database,
    parts: &Parts,
    observed: &mut Observed,
    ctx: &Context,
) -> Result<(), Error> {
    let running = observed.stateful_set.clone();
    let services = services(db);
    let of_services = services.iter().map(|desired| {
        let kept = parts.services.iter().find(|kept| kept.name_any() == desired.name_any());
        look(kept, || desired.clone(), db, ctx)
    });
    let (of_set, of_account, of_services) = try_join!(
        look(parts.stateful_set.as_ref(), || stateful_set(db, running.as_deref()), db, ctx),
        look(parts.service_account.as_ref(), || service_account(db), db, ctx),
        try_join_all(of_services),
    )?;
    if let Whole::Read(read) = of_set.note(&db.name_any(), &mut observed.hold) {
        observed.stateful_set = read;
    }
    if let Whole::Read(read) = of_account.note(&db.name_any(), &mut observed.hold) {
        observed.service_account = read;
    }
    for (desired, seen) in services.iter().zip(of_services) {
        let name = desired.name_any();
        if let Whole::Read(read) = seen.note(&name, &mut observed.hold) {
            observed.services.remove(&name);
            observed.services.extend(read.map(|read| (name, read)));
        }
    }
    Ok(())
}

/// What is known of a child.
struct Seen<K> {
    /// Whether it is the desired one.
    holds: bool,
    whole: Whole<K>,
}

/// A whole object, if it had to be read.
enum Whole<K> {
    /// The part is enough.
    NotRead,
    /// As it is; `None` if only the cache still has it.
    Read(Option<Arc<K>>),
}

impl<K: InParts> Seen<K> {
    /// Notes whether it holds, and hands on the rest.
    fn note(self, name: &str, hold: &mut BTreeSet<String>) -> Whole<K> {
        hold.extend(self.holds.then(|| format!("{} {name}", K::kind(&()))));
        self.whole
    }
}

async fn look<K>(
    kept: Option<&Arc<Kept<K>>>,
    desired: impl FnOnce() -> K,
    db: &Database,
    ctx: &Context,
) -> Result<Seen<K>, Error>
where
    K: InParts + Clone + Debug + DeserializeOwned,
{
    let Some(kept) = kept else {
        return Ok(Seen { holds: false, whole: Whole::NotRead });
    };
    if ctx.settled.knows(db, kept) {
        return Ok(Seen { holds: true, whole: Whole::NotRead });
    }
    let mut live: Option<K> = ctx.read(db, &kept.name_any()).await?;
    live.iter_mut().for_each(strip);
    let desired = Child::new(&desired())?;
    let holds = live.as_ref().is_some_and(|live| ctx.settled.find_out(db, live, &desired));
    Ok(Seen { holds, whole: Whole::Read(live.map(Arc::new)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fake,
        plan::{Step, plan, tests::settled},
        resources::tests::database,
    };
    use serde_json::{Value, json};
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_service_is_read_whole_when_it_has_changed() {
        let db = database();
        let desired = Child::new(&services(&db)[1]).unwrap();
        let right = |version: &str| {
            let mut live = desired.desired.clone();
            live["metadata"]["resourceVersion"] = json!(version);
            live
        };
        let with = |version: &str, path: &str| {
            let mut live = right(version);
            live.pointer_mut(path).unwrap()["added-by-somebody"] = json!("x");
            live
        };
        let server = Arc::new(Mutex::new(Value::Null));
        let answers = server.clone();
        let (client, log) = fake::client(move |_| Some((200, answers.lock().unwrap().to_string())));
        let ctx = fake::context(client);
        for (situation, live, reads, writes) in [
            ("the operator has just started", right("1"), 1, 0),
            ("nothing has happened since", right("1"), 0, 0),
            ("a version without a change", right("2"), 0, 0),
            ("somebody has added a label of their own", with("3", "/metadata/labels"), 1, 0),
            ("which is there to stay", with("3", "/metadata/labels"), 0, 0),
            ("somebody has changed what it selects", with("4", "/spec/selector"), 1, 1),
            ("it still is not what it should be", with("4", "/spec/selector"), 1, 1),
            ("it was mended", right("5"), 1, 0),
            ("and nothing has happened since", right("5"), 0, 0),
        ] {
            let kept: Kept<Service> = serde_json::from_value(live.clone()).unwrap();
            *server.lock().unwrap() = live;
            let mut observed = settled(&db);
            observed.services = [("orders".to_owned(), Arc::new(kept.object()))].into();
            let parts = Parts { services: vec![Arc::new(kept)], ..Parts::default() };
            look_closer(&db, &parts, &mut observed, &ctx).await.unwrap();
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
        let services =
            observed.services.values().map(|service| Arc::new(Kept::from(Service::clone(service))));
        let parts = Parts { services: services.collect(), ..Parts::default() };
        look_closer(&db, &parts, &mut observed, &fake::context(client)).await.unwrap();
        assert!(observed.services.is_empty());
    }
}
