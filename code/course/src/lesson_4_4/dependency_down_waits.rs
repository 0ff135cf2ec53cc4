//! PostgreSQL or the backup store cannot be reached: phase and condition say so, tries back off with jitter, a breaker bounds
//! them, and recovery is noticed.

use super::{
    NAME, NOTICED, STARTED, denies, is_ready,
    outage::{TELLING, drift_apart, gaps, grow, telling, times, told},
    phase,
    pokes::{ASKED, POKES, guarded},
    store_down,
};
use crate::check::{self, Arena, Failure};
use fault_proxy::{Action, Aim, Fault, Injected, Request};
use futures::try_join;
use kube::ResourceExt;
use postgres_operator::{api::Database, phase::Phase};
use serde_json::json;
use std::time::{Duration, Instant};

/// Databases that wait for a Secret which does not exist. They have no pods, and show the delays between passes. So many that
/// chance does not give all of them nearly the same one.
const WAITING: usize = 10;
/// A Database to which much happens while its server is down. To the other one nothing happens.
const POKED: &str = "poked";
/// Delays that double from one second on reach a telling length after 7 s, and have passed it after 15.
const DOWN: Duration = Duration::from_mins(1);
/// In that time a delay of one second that doubles gives five tries, or six. Twice as many are still no flood.
const TRIES: usize = 12;
/// As long as the longest delay and the longest pause of a breaker so far, one after the other.
pub(super) const RECOVERED: Duration = Duration::from_secs(100);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    let store = arena.case("store", "with the backup store down", store_down::check);
    let (servers, store) = try_join!(server_down(arena), store)?;
    Ok(format!("{servers}; {store}"))
}

async fn server_down(arena: &Arena) -> Result<String, Failure> {
    for name in waiting() {
        let reference = json!({"name": secret(&name), "key": "password"});
        arena.create(&name, json!({"passwordSecretRef": reference})).await?;
    }
    // Without a turn: this check takes longest, and waits for nobody.
    for name in [NAME, POKED] {
        arena.create(name, json!({})).await?;
    }
    for name in [NAME, POKED] {
        ready(arena, 0, name, arena.patience(STARTED), "phase and condition say Ready").await?;
    }
    let mark = arena.proxy.mark();
    let fault = unreachable(arena).await?;
    let tries_for_poked = || tries(&arena.proxy.requests_since(mark), POKED).len();
    try_join!(backed_off(arena), guarded(arena, POKED, tries_for_poked))?;
    bounded(&arena.proxy.requests_since(mark))?;
    harmless(&arena.proxy.requests_since(mark))?;

    let mark = arena.databases.mark();
    arena.proxy.lift(&fault);
    let lifted = Instant::now();
    ready(arena, mark, NAME, RECOVERED, "Ready=True once PostgreSQL is back").await?;
    let seconds = lifted.elapsed().as_secs_f64();
    Ok(format!(
        "delays grow and drift apart, {POKES} events lead to {ASKED} tries at most, Ready {seconds:.0} s after it was back"
    ))
}

fn waiting() -> impl Iterator<Item = String> {
    (0..WAITING).map(|number| format!("waits-{number}"))
}

/// Each waits for a Secret of its own.
fn secret(name: &str) -> String {
    format!("password-of-{name}")
}

async fn ready(
    arena: &Arena,
    mark: usize,
    name: &str,
    within: Duration,
    expected: &str,
) -> Result<(), Failure> {
    let ready = |db: &Database| db.name_any() == name && is_ready(db);
    arena.database_within(mark, within, &format!("{name}: {expected}"), ready).await.map(drop)
}

/// First nobody answers, then every connection is refused. The status says so, and does not call it a failure.
async fn unreachable(arena: &Arena) -> Result<Injected, Failure> {
    let connections = |action| {
        let aim = Aim { resource: Some("pods/portforward".into()), times: usize::MAX, ..Aim::default() };
        arena.proxy.inject(Fault { aim, action })
    };
    let mark = arena.databases.mark();
    let silence = connections(Action::Hang);
    // Together, so that no second try of one is held up while the first of the other is waited for.
    for name in [NAME, POKED] {
        arena.poke(name, "does the server answer?").await?;
    }
    for name in [NAME, POKED] {
        let says_so = |db: &Database| {
            db.name_any() == name && denies(db, "Ready") && phase(db) == Some(Phase::Verifying)
        };
        let expected =
            format!("{name}: Ready=False and the phase Verifying while PostgreSQL does not answer");
        arena.database_within(mark, NOTICED * 2, &expected, says_so).await?;
    }
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

/// When connections to a server were tried.
fn tries(requests: &[Request], name: &str) -> Vec<std::time::SystemTime> {
    times(requests, "pods/portforward", &format!("{name}-0"))
}

/// The connections that were tried.
fn bounded(requests: &[Request]) -> Result<(), Failure> {
    let tries = tries(requests, NAME);
    if (2..=TRIES).contains(&tries.len()) {
        return Ok(());
    }
    let expected = format!("2 to {TRIES} tries to reach PostgreSQL while it is down");
    Err(Failure::new(expected, format!("{}: {}", tries.len(), told(&gaps(&tries)))))
}

/// The passes over what waits: each reads the Secret. Waits until each has waited long enough to tell.
async fn backed_off(arena: &Arena) -> Result<(), Failure> {
    let delays = check::until(DOWN, "a delay that is long enough to tell for each that waits", async || {
        let requests = arena.requests();
        let delays: Vec<_> =
            waiting().map(|name| gaps(&times(&requests, "secrets", &secret(&name)))).collect();
        // On a busy machine the first one may be longer than it was meant to be.
        let tells = |gaps: &Vec<Duration>| grow(gaps).is_ok() && telling(gaps, TELLING).is_some();
        let enough = delays.iter().all(tells) || delays.iter().any(|gaps| gaps.len() > TRIES);
        if enough { Ok(delays) } else { Err(told(&delays[0])) }
    });
    let delays = delays.await?;
    for gaps in &delays {
        if gaps.len() > TRIES {
            let expected = format!("at most {TRIES} passes over what waits");
            return Err(Failure::new(expected, format!("{}: {}", gaps.len(), told(gaps))));
        }
        grow(gaps)?;
    }
    drift_apart(&delays.iter().filter_map(|gaps| telling(gaps, TELLING)).collect::<Vec<_>>())
}

/// Silence is no reason to write anything of the Databases' but their status.
fn harmless(requests: &[Request]) -> Result<(), Failure> {
    let theirs = |request: &&Request| {
        let starts = |name: &String| [NAME, POKED].iter().any(|of| name.starts_with(of));
        request.name.as_ref().is_some_and(starts)
    };
    let told = ["databases/status", "events"];
    let harm = |request: &&Request| request.verb.writes() && !told.contains(&request.resource.as_str());
    match requests.iter().filter(theirs).find(harm) {
        Some(write) => {
            let expected = "no write but of the status while PostgreSQL is down";
            Err(Failure::new(expected, write.to_string()))
        }
        None => Ok(()),
    }
}
