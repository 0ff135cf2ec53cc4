//! Waiting for what no watch tells.

use super::Failure;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// Looks again and again, until there is a value; what a look finds instead is told at the deadline.
pub(crate) async fn until<T>(
    within: Duration,
    expected: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + within;
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tick.tick().await;
        match look().await {
            Ok(value) => return Ok(value),
            Err(seen) if Instant::now() > deadline => {
                return Err(Failure::new(format!("{expected} within {} s", within.as_secs()), seen));
            }
            Err(_) => {}
        }
    }
}
