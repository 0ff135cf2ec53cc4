//! Events while something is down: each leads to a pass, and a breaker lets few of the passes ask.

use crate::check::{Arena, Failure, until};
use std::time::Duration;

/// Tries after which a breaker that opens at the third is open for some seconds.
const OPEN_AFTER: usize = 4;
/// Long enough for so many tries.
const OPENS_WITHIN: Duration = Duration::from_mins(1);
/// Events in a row, each of which leads to a pass.
pub(super) const POKES: usize = 6;
/// Tries meanwhile: all passes are over before a breaker lets a third one ask.
pub(super) const ASKED: usize = 2;

/// Changes a Database again and again once what it waits for has been tried a few times. `tries` counts these.
pub(super) async fn guarded(arena: &Arena, name: &str, tries: impl Fn() -> usize) -> Result<(), Failure> {
    until(OPENS_WITHIN, &format!("{OPEN_AFTER} tries for {name}"), async || {
        let tries = tries();
        if tries >= OPEN_AFTER { Ok(()) } else { Err(format!("{tries} tries")) }
    })
    .await?;
    let before = tries();
    arena.look_again(name, POKES).await?;
    let asked = tries() - before;
    if asked > ASKED {
        let expected = format!(
            "at most {ASKED} tries for {name} while the breaker is open, however many passes there are"
        );
        return Err(Failure::new(expected, format!("{asked} tries in {POKES} passes")));
    }
    Ok(())
}
