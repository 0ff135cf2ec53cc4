//! The backup store is down while Databases are deleted whose earlier backups have to go with them: the status says so, tries back
//! off with jitter, a breaker bounds what the store is asked, and its return is noticed.

use super::{
    NOTICED, denies,
    dependency_down_waits::RECOVERED,
    outage::{delays, drift_apart, grow_by, telling, told},
    phase,
    pokes::guarded,
    store::Store,
};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::is,
    lesson_4_2::{delete, gone_within, made},
};
use futures::{future::try_join_all, try_join};
use kube::ResourceExt;
use postgres_operator::{api::Database, phase::Phase};
use std::time::{Duration, Instant};

/// Databases that are deleted at the same time. Their servers never start: what takes long is in the store alone.
const DELETED: usize = 8;
/// One more, to which much happens meanwhile.
const POKED: &str = "poked";
/// With delays that double from one second on, the third is longer than `TELLING`, and so much longer than the first.
const GROWTH: f64 = 2.0;
const TELLING: Duration = Duration::from_secs(3);
/// More passes over one Database in that time hammer on a store that is down.
const MOST: usize = 12;
/// Long enough for so many delays.
const DOWN: Duration = Duration::from_mins(1);

pub(super) async fn check(stage: &Arena) -> Result<String, Failure> {
    let store = Store::open().await?;
    let names: Vec<String> = (0..DELETED).map(|number| format!("deleted-{number}")).collect();
    let all = names.iter().map(String::as_str).chain([POKED]);
    try_join_all(all.map(async |name| made(stage, name, store.spec(stage, name).await?).await)).await?;
    let delays = try_join_all(names.iter().map(|name| waits(stage, name)));
    let poked = async {
        delete(stage, POKED).await?;
        guarded(stage, POKED, || store.asked(POKED)).await
    };
    let (delays, ()) = try_join!(delays, poked)?;
    drift_apart(&delays)?;

    store.comes_up();
    let back = Instant::now();
    try_join_all(names.iter().map(|name| gone_within(stage, name, RECOVERED))).await?;
    let seconds = back.elapsed().as_secs_f64();
    Ok(format!(
        "so with a store for {DELETED} deletions, which end {seconds:.0} s after it was back at the latest"
    ))
}

/// Deletes a Database, which cannot go yet and says so. Returns the first delay between tries that is long enough to tell.
async fn waits(stage: &Arena, name: &str) -> Result<Duration, Failure> {
    let mark = stage.databases.mark();
    delete(stage, name).await?;
    let says_so = |db: &Database| {
        let blocked = is(db, "Failed", "True") && denies(db, "Ready");
        db.name_any() == name && phase(db) == Some(Phase::Deleting) && blocked
    };
    let expected = format!("{name}: the phase Deleting, Ready=False and Failed=True while the store is down");
    stage.database_within(mark, NOTICED * 2, &expected, says_so).await?;
    // The pass that has just told so, or tells so right now, is the first try.
    let first = stage.times_of(name, 0).len().saturating_sub(1);
    let expected = format!("delays between tries of {name} that grow");
    let tries = || stage.times_of(name, 0).split_off(first);
    let enough = |delays: &[Duration]| grow_by(GROWTH, delays).is_ok() && telling(delays, TELLING).is_some();
    let (_, delays) = delays(DOWN, &expected, MOST, tries, enough).await?;
    grow_by(GROWTH, &delays)?;
    telling(&delays, TELLING).ok_or_else(|| {
        let expected = format!("delays between tries of {name} that reach {} s", TELLING.as_secs());
        Failure::new(expected, told(&delays))
    })
}
