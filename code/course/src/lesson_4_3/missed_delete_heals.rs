//! A deletion that no watch reported is healed by the next pass that comes without an event.

use super::stage::{NAME, NOTICED, without_pods};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::quiet,
};
use fault_proxy::{Action, Aim, EventType, Fault, Injected, Verb};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::{ResourceExt, api::DeleteParams};
use postgres_operator::error::chain;
use serde_json::json;
use std::time::{Duration, Instant};

/// The list that lacks the StatefulSet takes a moment to come: a watch that ended is not taken up at once.
const LISTED: Duration = Duration::from_secs(3);
/// Intervals until all is well from then on: the pass after the list finds out.
const HEALED: u32 = 2;
const RESOURCE: &str = "statefulsets";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    arena.create(NAME, json!({})).await?;
    let is_made = |set: &StatefulSet| set.name_any() == NAME;
    arena.set(0, NOTICED, "the StatefulSet is made", is_made).await?;
    quiet(arena).await?;
    let set = arena.api::<StatefulSet>().get(NAME).await;
    let set = set.map_err(|error| Failure::new("the StatefulSet is there", chain(&error)))?;

    // The deletion stays in the watch until the watch ends. The list that comes next lacks the StatefulSet, and says nothing.
    let watch = Aim { verb: Some(Verb::Watch), resource: Some(RESOURCE.into()), ..Aim::default() };
    let held = Aim { name: Some(NAME.into()), ..watch.clone() };
    let held = arena.proxy.inject(Fault { aim: held, action: Action::HoldEvents });
    let mark = arena.sets.mark();
    let deleted = Instant::now();
    let gone = arena.api::<StatefulSet>().delete(NAME, &DeleteParams::background()).await;
    gone.map_err(|error| Failure::new("the StatefulSet can be deleted", chain(&error)))?;
    fired(&held).await?;
    let expired = arena.proxy.inject(Fault { aim: watch, action: Action::Gone });
    fired(&expired).await?;
    arena.proxy.lift_all();

    let back = |other: &StatefulSet| other.uid() != set.uid();
    let back = arena.set(mark, LISTED + HEALED * arena.requeue, "the StatefulSet is back", back).await?;
    let told = arena
        .proxy
        .events()
        .iter()
        .any(|event| event.resource == RESOURCE && event.event == EventType::Deleted && event.delivered);
    if told {
        return Err(Failure::new("not run: the deletion is kept from the operator", "it was told"));
    }
    quiet(arena).await?;
    let took = back.at.saturating_duration_since(deleted);
    Ok(format!("back {:.1} s after a deletion that no watch reported", took.as_secs_f64()))
}

async fn fired(fault: &Injected) -> Result<(), Failure> {
    fault.fired_once(NOTICED).await;
    fault.must_have_fired().map_err(|error| Failure::new("the fault fires", error.to_string()))
}
