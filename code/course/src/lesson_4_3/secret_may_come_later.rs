//! A Database that is made before its Secret becomes Ready when the Secret appears.

use super::stage::{NAME, NOTICED, SECRET, SOON, STARTED, create_secret, misses_its_secret, naming};
use crate::check::{Arena, Failure, gaps, until};
use fault_proxy::Verb;
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

    let (mark, asked) = (arena.databases.mark(), arena.proxy.mark());
    let made = Instant::now();
    create_secret(arena, &arena.namespace, SECRET).await?;
    // Between two tries it asks for nothing: the first request is the pass that the Secret leads to. When that pass ends, and says
    // something new, is another matter on a busy machine.
    until(SOON, "a pass over the Database, once its Secret is there", || async {
        let requests = arena.proxy.requests_since(asked);
        let any = requests.iter().any(|request| request.verb != Verb::Watch);
        any.then_some(()).ok_or_else(|| "no request of the operator's".to_owned())
    })
    .await?;
    let took = made.elapsed();
    let expected = "no more word of a missing Secret";
    arena.database(mark, NOTICED, expected, |db| !misses_its_secret(db)).await?;
    let ready = arena.database(mark, STARTED, "Ready=True", |db| db.says("Ready")).await?;
    let ready = ready.at.saturating_duration_since(made);
    Ok(format!("noticed after {:.2} s, Ready after {:.0} s", took.as_secs_f64(), ready.as_secs_f64()))
}

/// Waits for a moment right after a try, when the next one is further away than [`SOON`]: then only the event can make the
/// difference. Delays between tries stay the same, or grow.
async fn between_tries(arena: &Arena) -> Result<(), Failure> {
    let (mut seen, mut since) = (arena.passes(), Instant::now());
    until(arena.patience(STARTED), &format!("tries that are {} s apart", APART.as_secs()), async || {
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
