//! Task 6: the delay between two tries. One of these belongs to one object.

use std::time::Duration;

/// The delay after the first failure.
pub const FIRST: Duration = Duration::from_secs(1);
/// No delay is longer.
pub const LONGEST: Duration = Duration::from_secs(30);
/// So much of a delay is left to chance.
pub const JITTER: f64 = 0.2;

/// Counts the failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Task 6: notes a failure and gives the delay until the next try. `random` is a number from 0 to 1.
    ///
    /// - `FIRST`, twice that, four times that, up to `LONGEST`; after a thousand failures too.
    /// - Chance makes it shorter by up to the part `JITTER`.
    pub fn failed(&mut self, random: f64) -> Duration {
        todo!("task 6: note a failure")
    }

    /// Task 6: forgets the failures.
    pub fn succeeded(&mut self) {
        todo!("task 6: forget the failures")
    }
}
