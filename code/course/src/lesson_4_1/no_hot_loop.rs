//! In steady state nothing is written, and reconciles stay under the bound.

use super::{NOTICED, reports, running};
use crate::check::{Arena, Failure};
use fault_proxy::Request;
use std::time::{Duration, Instant};

const QUIET_WITHIN: Duration = Duration::from_secs(15);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena).await?;
    arena.database(0, NOTICED, "Ready, Progressing and Failed are reported", reports).await?;
    quiet(arena).await?;

    let (mark, passes) = (arena.proxy.mark(), arena.passes());
    let (window, requeue) = (arena.steady, arena.requeue);
    // Time itself is the subject here.
    tokio::time::sleep(window).await;
    let requests = arena.proxy.requests_since(mark);
    let passes = arena.passes() - passes;

    let writes: Vec<&Request> = requests.iter().filter(|request| request.verb.writes()).collect();
    if let Some(write) = writes.first() {
        let seen = format!("{} writes, the first: {write}", writes.len());
        return Err(Failure::new(format!("no write in {} s of steady state", window.as_secs()), seen));
    }
    // One object: one pass an interval, and one at the window's edge.
    let bound = usize::try_from(window.as_secs() / requeue.as_secs()).unwrap_or(usize::MAX) + 1;
    if !(1..=bound).contains(&passes) {
        let expected = format!(
            "1 to {bound} reconciles in {} s at a requeue interval of {} s",
            window.as_secs(),
            requeue.as_secs()
        );
        return Err(Failure::new(expected, format!("{passes}")));
    }
    let reads = requests.iter().filter(|request| request.verb != fault_proxy::Verb::Watch).count();
    Ok(format!("in {} s: 0 writes, {passes} reconciles, {reads} reads", window.as_secs()))
}

/// Waits until the operator has stopped writing.
pub(crate) async fn quiet(arena: &Arena) -> Result<(), Failure> {
    quiet_for(arena, arena.quiet).await
}

/// Waits until it has written nothing for so long.
pub(crate) async fn quiet_for(arena: &Arena, quiet: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + QUIET_WITHIN;
    let writes =
        |from| arena.proxy.requests_since(from).iter().filter(|request| request.verb.writes()).count();
    let (mut seen, mut since, mut mark) = (0, Instant::now(), arena.proxy.mark());
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while since.elapsed() < quiet {
        tick.tick().await;
        // A request that comes between the two is seen twice, and none is missed.
        let next = arena.proxy.mark();
        let new = writes(mark);
        mark = next;
        if new > 0 {
            (seen, since) = (seen + new, Instant::now());
        }
        if Instant::now() > deadline {
            let expected =
                format!("{:.1} s without a write within {} s", quiet.as_secs_f64(), QUIET_WITHIN.as_secs());
            return Err(Failure::new(expected, format!("{seen} writes meanwhile, and more every moment")));
        }
    }
    Ok(())
}
