//! PostgreSQL cannot be reached: phase and condition say so, tries back off with jitter, the breaker bounds them, and recovery is
//! noticed.

use super::{
    NAME, NOTICED, create_ready, denies, is_ready,
    outage::{drift_apart, gaps, grow, times, told},
    phase,
};
use crate::check::{Arena, Failure, POKE};
use fault_proxy::{Action, Aim, Fault, Injected, Request};
use kube::ResourceExt;
use postgres_operator::{api::Database, phase::Phase};
use serde_json::json;
use std::time::{Duration, Instant};

/// Databases that wait for a Secret which does not exist. They have no pods, and show the delays between passes.
const WAITING: [&str; 5] = ["waits-a", "waits-b", "waits-c", "waits-d", "waits-e"];
/// Each waits for a Secret of its own.
const SECRET: &str = "password-of-";
/// How long PostgreSQL is down. Long enough for delays to reach their longest.
const DOWN: Duration = Duration::from_secs(40);
/// In that time a delay of one second that doubles gives six tries. Twice as many are still no flood.
const TRIES: usize = 12;
/// Events in a row, each of which leads to a pass.
const POKES: usize = 12;
/// As long as the longest delay and the longest pause of a breaker so far, one after the other.
const RECOVERED: Duration = Duration::from_secs(100);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    for name in WAITING {
        let reference = json!({"name": format!("{SECRET}{name}"), "key": "password"});
        arena.create(name, json!({"passwordSecretRef": reference})).await?;
    }
    create_ready(arena, json!({})).await?;
    let down = Instant::now();
    let mark = arena.proxy.mark();
    let fault = unreachable(arena).await?;
    // Time itself is the subject here.
    tokio::time::sleep(DOWN.saturating_sub(down.elapsed())).await;
    bounded(&arena.proxy.requests_since(mark))?;
    backed_off(arena)?;
    guarded(arena).await?;
    harmless(&arena.proxy.requests_since(mark))?;

    let mark = arena.databases.mark();
    arena.proxy.lift(&fault);
    let lifted = Instant::now();
    arena
        .database(mark, RECOVERED, "Ready=True once PostgreSQL is back", |db| {
            db.name_any() == NAME && is_ready(db)
        })
        .await?;
    let seconds = lifted.elapsed().as_secs_f64();
    Ok(format!(
        "delays grow and drift apart, {POKES} events lead to 2 tries at most, Ready {seconds:.0} s after it was back"
    ))
}

/// First nobody answers, then every connection is refused. The status says so, and does not call it a failure.
async fn unreachable(arena: &Arena) -> Result<Injected, Failure> {
    let connections = |action| {
        let aim = Aim { resource: Some("pods/portforward".into()), times: usize::MAX, ..Aim::default() };
        arena.proxy.inject(Fault { aim, action })
    };
    let mark = arena.databases.mark();
    let silence = connections(Action::Hang);
    let says_so =
        |db: &Database| db.name_any() == NAME && denies(db, "Ready") && phase(db) == Some(Phase::Verifying);
    let expected = "Ready=False and the phase Verifying while PostgreSQL does not answer";
    arena.database(mark, NOTICED * 2, expected, says_so).await?;
    fired(&silence)?;
    let refused = connections(Action::Answer(500));
    arena.proxy.lift(&silence);
    Ok(refused)
}

fn fired(fault: &Injected) -> Result<(), Failure> {
    fault
        .must_have_fired()
        .map_err(|error| Failure::new("the operator tries to reach PostgreSQL", error.to_string()))
}

/// The connections that were tried.
fn bounded(requests: &[Request]) -> Result<(), Failure> {
    let tries = times(requests, "pods/portforward", "orders-0");
    let expected = format!("2 to {TRIES} tries to reach PostgreSQL in {} s", DOWN.as_secs());
    if (2..=TRIES).contains(&tries.len()) {
        Ok(())
    } else {
        Err(Failure::new(expected, format!("{}: {}", tries.len(), told(&gaps(&tries)))))
    }
}

/// The passes over what waits: each reads the Secret.
fn backed_off(arena: &Arena) -> Result<(), Failure> {
    let requests = arena.requests();
    let delays = WAITING.map(|name| gaps(&times(&requests, "secrets", &format!("{SECRET}{name}"))));
    for gaps in &delays {
        if gaps.len() > TRIES {
            let expected = format!("at most {TRIES} passes over what waits");
            return Err(Failure::new(expected, format!("{}: {}", gaps.len(), told(gaps))));
        }
        grow(gaps)?;
    }
    drift_apart(&delays)
}

/// Each event leads to a pass, and the breaker lets few of them ask.
async fn guarded(arena: &Arena) -> Result<(), Failure> {
    let (mark, passes) = (arena.proxy.mark(), arena.passes());
    let mut tick = tokio::time::interval(Duration::from_millis(400));
    for poke in 0..POKES {
        tick.tick().await;
        arena.poke(NAME, &poke.to_string()).await?;
    }
    tick.tick().await;
    let passes = arena.passes() - passes;
    if passes < POKES / 2 {
        return Err(Failure::new(format!("a pass for a change of {POKE}"), format!("{passes} for {POKES}")));
    }
    let asked = times(&arena.proxy.requests_since(mark), "pods/portforward", "orders-0").len();
    if asked > 2 {
        let expected = "at most 2 tries while the breaker is open, however many passes there are";
        return Err(Failure::new(expected, format!("{asked} tries in {passes} passes")));
    }
    Ok(())
}

/// Silence is no reason to write anything of the Database's but its status.
fn harmless(requests: &[Request]) -> Result<(), Failure> {
    let its_own = |request: &&Request| request.name.as_ref().is_some_and(|name| name.starts_with(NAME));
    let told = ["databases/status", "events"];
    let harm = |request: &&Request| request.verb.writes() && !told.contains(&request.resource.as_str());
    match requests.iter().filter(its_own).find(harm) {
        Some(write) => {
            let expected = "no write but of the status while PostgreSQL is down";
            Err(Failure::new(expected, write.to_string()))
        }
        None => Ok(()),
    }
}
