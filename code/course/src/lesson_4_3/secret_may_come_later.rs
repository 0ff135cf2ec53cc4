//! A Database that is made before its Secret becomes Ready when the Secret appears.

use super::stage::{NAME, NOTICED, SECRET, SOON, STARTED, create_secret, misses_its_secret, naming};
use crate::check::{Arena, Failure};
use std::time::{Duration, Instant};

/// An operator that tries again after growing delays is between two tries then, and the next is further away than [`SOON`]: only
/// the event can make the difference.
const BETWEEN_TRIES: Duration = Duration::from_secs(9);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    arena.create(NAME, naming(SECRET)).await?;
    let expected = "Failed=True with the reason SecretMissing";
    arena.database(0, NOTICED, expected, misses_its_secret).await?;
    arena.rests(BETWEEN_TRIES, STARTED).await?;

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
