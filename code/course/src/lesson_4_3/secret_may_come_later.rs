//! A Database that is made before its Secret becomes Ready when the Secret appears.

use super::stage::{NAME, NOTICED, SECRET, SOON, STARTED, create_secret, misses_its_secret, naming};
use crate::check::{Arena, Failure, gaps, until};
use std::time::{Duration, Instant};

/// Between two tries: longer than [`SOON`], so that the next one after a try comes too late.
const APART: Duration = Duration::from_secs(3);
/// An operator that has not tried again by then does not try at all.
const NO_MORE: Duration = Duration::from_secs(12);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    let _turn = arena.turn().await;
    arena.create(NAME, naming(SECRET)).await?;
    let expected = "Failed=True with the reason SecretMissing";
    arena.database(0, NOTICED, expected, misses_its_secret).await?;
    between_tries(arena).await?;

    let mark = arena.databases.mark();
    let made = Instant::now();
    create_secret(arena, &arena.namespace, SECRET).await?;
    let noticed =
        arena.database(mark, SOON, "no more word of a missing Secret", |db| !misses_its_secret(db)).await?;
    let took = noticed.at.saturating_duration_since(made);
    let ready = arena.database(mark, STARTED, "Ready=True", |db| db.says("Ready")).await?;
    let ready = ready.at.saturating_duration_since(made);
    Ok(format!("noticed after {:.2} s, Ready after {:.0} s", took.as_secs_f64(), ready.as_secs_f64()))
}

/// Waits for a moment right after a try, when the next one is further away than [`SOON`]: then only the event can make the
/// difference. Delays between tries stay the same, or grow.
async fn between_tries(arena: &Arena) -> Result<(), Failure> {
    let (mut seen, mut since) = (arena.passes(), Instant::now());
    until(STARTED, &format!("tries that are {} s apart", APART.as_secs()), async || {
        let times = arena.times_of(NAME, 0);
        if times.len() > seen {
            (seen, since) = (times.len(), Instant::now());
            if gaps(&times).last().is_some_and(|gap| *gap >= APART) {
                return Ok(());
            }
        }
        if since.elapsed() < NO_MORE { Err(format!("{seen} tries so far")) } else { Ok(()) }
    })
    .await
}
