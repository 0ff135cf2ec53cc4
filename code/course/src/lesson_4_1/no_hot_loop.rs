//! In steady state nothing is written, and reconciles stay under the bound.

use super::{NOTICED, reports, started};
use crate::check::{Arena, Failure, Pass};
use fault_proxy::Request;
use jiff::Timestamp;
use std::time::{Duration, Instant};

const QUIET_WITHIN: Duration = Duration::from_secs(15);

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    // Without a turn: this check takes longest, and waits for nobody.
    started(arena).await?;
    arena.database(0, NOTICED, "Ready, Progressing and Failed are reported", reports).await?;
    let mut window = Window::watch(arena).await?;
    if window.opened_too_early() {
        window = Window::watch(arena).await?;
    }
    let Window { requests, passes, .. } = window;
    let (steady, requeue, passes) = (arena.steady, arena.requeue, passes.len());

    let writes: Vec<&Request> = requests.iter().filter(|request| request.verb.writes()).collect();
    if let Some(write) = writes.first() {
        let seen = format!("{} writes, the first: {write}", writes.len());
        return Err(Failure::new(format!("no write in {} s of steady state", steady.as_secs()), seen));
    }
    // One object: one pass an interval, and one at the window's edge.
    let bound = usize::try_from(steady.as_secs() / requeue.as_secs()).unwrap_or(usize::MAX) + 1;
    if !(1..=bound).contains(&passes) {
        let expected = format!(
            "1 to {bound} reconciles in {} s at a requeue interval of {} s",
            steady.as_secs(),
            requeue.as_secs()
        );
        return Err(Failure::new(expected, format!("{passes}")));
    }
    let reads = requests.iter().filter(|request| request.verb != fault_proxy::Verb::Watch).count();
    Ok(format!("in {} s: 0 writes, {passes} reconciles, {reads} reads", steady.as_secs()))
}

/// A time in which nothing was to happen, and what did.
struct Window {
    opened: Timestamp,
    requests: Vec<Request>,
    passes: Vec<Pass>,
}

impl Window {
    async fn watch(arena: &Arena) -> Result<Self, Failure> {
        quiet(arena).await?;
        let (opened, mark, passes) = (Timestamp::now(), arena.proxy.mark(), arena.passes());
        // Time itself is the subject here.
        tokio::time::sleep(arena.steady).await;
        Ok(Self { opened, requests: arena.proxy.requests_since(mark), passes: arena.passes_since(passes) })
    }

    /// Whether a pass was under way when it opened, perhaps one that waited for PostgreSQL, and something was written: the steady state
    /// may have begun later.
    fn opened_too_early(&self) -> bool {
        self.passes.first().is_some_and(|pass| pass.began < self.opened)
            && self.requests.iter().any(|request| request.verb.writes())
    }
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
