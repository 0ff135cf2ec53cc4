//! With 1,000 Databases an event of one Secret costs no list, and touches only the Database that names it.

use super::stage::{NAME, NOTICED, SECRET, SOON, create_secret, naming, rotate, settled, without_pods};
use crate::check::{Arena, Failure};
use fault_proxy::Verb;
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use postgres_operator::{api::Database, error::chain};
use serde_json::json;
use std::time::Duration;

/// How many others there are.
const OTHERS: usize = 1000;
/// Somebody else's. It keeps the others while they are being deleted, so that no operator has anything to do for them: a
/// thousand Databases that are up would need a thousand of everything.
const HELD: &str = "course.example.com/held";
/// Requests that are under way at the same time. More would hold up the checks that run beside this one.
const AT_ONCE: usize = 3;
/// Long enough for a first pass over each.
const ALL_SEEN: Duration = Duration::from_secs(90);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    others(arena).await?;
    without_pods(arena, &arena.namespace).await?;
    arena.operator.start().map_err(|error| Failure::new("the operator starts", error))?;
    create_secret(arena, &arena.namespace, SECRET).await?;
    arena.create(NAME, naming(SECRET)).await?;
    settled(arena, &arena.namespace, &[NAME]).await?;
    arena.rests(arena.quiet, ALL_SEEN).await?;
    if arena.passes() < OTHERS {
        let expected = format!("the operator has looked at all {OTHERS} Databases");
        return Err(Failure::new(expected, format!("{} passes", arena.passes())));
    }

    let (passes, requests) = (arena.passes(), arena.proxy.mark());
    rotate(arena, &arena.namespace, SECRET).await?;
    let took = arena.pass_over(passes, (&arena.namespace, NAME), SOON, "a change of its Secret").await?;
    arena.rests(arena.quiet, NOTICED).await?;
    let requests = arena.proxy.requests_since(requests);
    if let Some(list) = requests.iter().find(|request| request.verb == Verb::List) {
        return Err(Failure::new("no list for an event of one Secret", list.to_string()));
    }
    let passes = arena.passes_since(passes);
    let others = passes.iter().filter(|pass| !pass.is_over(&arena.namespace, NAME)).count();
    if others > 0 {
        let seen = format!("{others} passes over others");
        return Err(Failure::new("a pass over the Database that names the Secret, and no other", seen));
    }
    Ok(format!(
        "among {OTHERS} others: {} pass after {:.2} s, {} requests, none of them a list",
        passes.len(),
        took.as_secs_f64(),
        requests.len()
    ))
}

/// Databases that each name a Secret of their own.
async fn others(arena: &Arena) -> Result<(), Failure> {
    let failure = |error: kube::Error| Failure::new(format!("{OTHERS} Databases can be made"), chain(&error));
    let api = arena.api::<Database>();
    stream::iter(0..OTHERS)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |number| held(&api, number))
        .await
        .map_err(failure)?;
    let all = api.delete_collection(&DeleteParams::default(), &ListParams::default()).await;
    all.map(drop).map_err(failure)
}

async fn held(api: &Api<Database>, number: usize) -> Result<(), kube::Error> {
    let name = format!("other-{number:04}");
    let database = json!({
        "apiVersion": "database.example.com/v1", "kind": "Database",
        "metadata": {"name": name, "finalizers": [HELD]},
        "spec": naming(&format!("{name}-login")),
    });
    let database = serde_json::from_value(database).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &database).await.map(drop)
}
