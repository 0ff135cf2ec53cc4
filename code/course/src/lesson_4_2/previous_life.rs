//! A Database is made anew under its old name, and the operator starts from a list that is older than that: the API server that
//! it asks has fallen behind. It sees the first life being deleted, and must not clean up in the second.

use super::{
    CLEANED_UP, NOTICED,
    life::{delete, gone, identity, made, nothing_kept},
};
use crate::check::{Arena, Failure, until};
use fault_proxy::{Action, Aim, Fault, Injected, Request, Verb};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::ResourceExt;
use postgres_operator::{api::Database, error::chain};

/// For what the check measured.
pub(super) const FINALIZER_WRITES: &str = "a second life was safe from the first one's deletion";

const REBORN: &str = "reborn";
/// Passes over the older object before the operator is shown the newer one.
const PASSES: usize = 3;

pub(super) async fn check(arena: &Arena) -> Result<(), Failure> {
    remember_the_deletion(arena).await?;
    made(arena, REBORN, nothing_kept(arena)).await?;
    let before = identities(arena).await?;
    arena.operator.stop().await?;

    let older = inject(arena, of(Verb::List), Action::OlderList);
    let held = inject(arena, of(Verb::Watch), Action::HoldEvents);
    let (mark, passes) = (arena.proxy.mark(), arena.passes());
    start(arena)?;
    until(arena.patience(NOTICED), "passes over the older object", async || {
        let now = arena.passes() - passes;
        if now >= PASSES { Ok(()) } else { Err(format!("{now} passes")) }
    })
    .await?;
    older
        .must_have_fired()
        .map_err(|error| Failure::new("the operator starts from an older list", error.to_string()))?;
    let written: Vec<Request> =
        arena.proxy.requests_since(mark).into_iter().filter(|it| it.change.is_some()).collect();
    arena.proxy.lift(&older);
    arena.proxy.lift(&held);
    if let Some(first) = written.first() {
        let expected = "nothing is changed in a Database's second life by the deletion of its first";
        return Err(Failure::new(expected, format!("{} writes, the first: {first}", written.len())));
    }
    arena.look_again(REBORN, PASSES).await?;
    let after = identities(arena).await?;
    if before == after { Ok(()) } else { Err(Failure::new(format!("{before:?}"), format!("{after:?}"))) }
}

/// Has the operator list a Database that is being deleted and still has its finalizer, and lets it go then.
async fn remember_the_deletion(arena: &Arena) -> Result<(), Failure> {
    made(arena, REBORN, nothing_kept(arena)).await?;
    // Whatever its verb: a finalizer can be taken off by a patch, and by an update.
    let refused = inject(arena, Aim { writes: true, ..Aim::default() }, Action::Answer(500));
    delete(arena, REBORN).await?;
    if !refused.fired_once(CLEANED_UP).await {
        return Err(Failure::new("the cleanup ends with a write to the Database", "it never comes"));
    }
    arena.operator.stop().await?;
    let mark = arena.proxy.mark();
    start(arena)?;
    until(arena.patience(NOTICED), "the operator lists its Databases at its start", async || {
        let lists = |it: &Request| it.verb == Verb::List && it.resource == "databases";
        let listed = arena.proxy.requests_since(mark).iter().any(lists);
        listed.then_some(()).ok_or_else(|| "no list".into())
    })
    .await?;
    arena.proxy.lift(&refused);
    gone(arena, REBORN, CLEANED_UP).await
}

fn of(verb: Verb) -> Aim {
    Aim { verb: Some(verb), ..Aim::default() }
}

/// A fault at the Databases themselves, their status aside, until it is lifted.
fn inject(arena: &Arena, aim: Aim, action: Action) -> Injected {
    let aim = Aim { resource: Some("databases".into()), times: usize::MAX, ..aim };
    arena.proxy.inject(Fault { aim, action })
}

fn start(arena: &Arena) -> Result<(), Failure> {
    arena.operator.start().map_err(|error| Failure::new("the operator starts again", error))
}

/// What the second life has.
async fn identities(arena: &Arena) -> Result<Vec<String>, Failure> {
    let live = arena.api::<Database>().get(REBORN).await;
    let live = live.map_err(|error| Failure::new(format!("Database {REBORN} is there"), chain(&error)))?;
    Ok(vec![
        live.uid().unwrap_or_default(),
        identity::<StatefulSet>(arena, REBORN).await?,
        identity::<PersistentVolumeClaim>(arena, &format!("data-{REBORN}-0")).await?,
        identity::<Secret>(arena, &format!("{REBORN}-credentials")).await?,
    ])
}
