//! A restart in steady state writes nothing, in whichever order the operator gets to know what there is.

use super::stage::{NAME, NOTICED, SECRET, SOON, STARTED, naming};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::quiet,
};
use fault_proxy::{Action, Aim, Fault, Injected, Verb};
use serde_json::json;
use std::time::Duration;

/// Databases whose Secret is missing: something to look at, and nothing to write.
const WAITING: [&str; 2] = ["billing", "stock"];
/// What the operator keeps in stores beside the Databases.
const STORES: [&str; 5] = ["statefulsets", "services", "serviceaccounts", "secrets", "pods"];
/// The operator asks for one object of each kind before it starts to watch, to find out whether it may.
const ASKED_BEFORE: usize = 1;
/// Time for a pass that does not wait to go wrong.
const EACH: Duration = Duration::from_millis(500);
/// Intervals: a pass without an event is in them.
const AFTERWARDS: u32 = 2;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    for name in WAITING {
        arena.create(name, naming(SECRET)).await?;
    }
    running(arena).await?;
    quiet(arena).await?;
    arena.operator.stop().await?;

    let faults = STORES.map(|resource| {
        let aim = Aim {
            verb: Some(Verb::List),
            resource: Some(resource.into()),
            skip: ASKED_BEFORE,
            times: usize::MAX,
            ..Aim::default()
        };
        (resource, arena.proxy.inject(Fault { aim, action: Action::Hang }))
    });
    let (requests, passes) = (arena.proxy.mark(), arena.passes());
    arena.operator.start().map_err(|error| Failure::new("the operator starts again", error))?;
    for (resource, fault) in &faults {
        held_up(resource, fault).await?;
    }
    for (resource, fault) in &faults {
        // Time itself is the subject here: nothing has to happen while a list is on its way.
        tokio::time::sleep(EACH).await;
        silent(arena, requests, &format!("before the list of {resource} has come"))?;
        arena.proxy.lift(fault);
    }
    for name in [NAME].iter().chain(&WAITING) {
        arena.pass_over(passes, (&arena.namespace, name), SOON, "the last list").await?;
    }
    tokio::time::sleep(AFTERWARDS * arena.requeue).await;
    silent(arena, requests, "after a restart")?;
    let passes = arena.passes() - passes;
    Ok(format!("0 writes, {passes} passes, the lists of {} kinds one by one", STORES.len()))
}

async fn running(arena: &Arena) -> Result<(), Failure> {
    // Without a turn: this check takes longest, and waits for nobody.
    arena.create(NAME, json!({})).await?;
    arena.database(0, STARTED, "Ready=True", |db| db.says("Ready")).await.map(drop)
}

async fn held_up(resource: &str, fault: &Injected) -> Result<(), Failure> {
    fault.fired_once(NOTICED).await;
    fault.must_have_fired().map_err(|error| {
        Failure::new(format!("the operator lists {resource} when it starts"), error.to_string())
    })
}

fn silent(arena: &Arena, mark: usize, when: &str) -> Result<(), Failure> {
    let requests = arena.proxy.requests_since(mark);
    let writes: Vec<_> = requests.iter().filter(|request| request.verb.writes()).collect();
    let Some(first) = writes.first() else { return Ok(()) };
    Err(Failure::new(format!("no write {when}"), format!("{} writes, the first: {first}", writes.len())))
}
