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

// ANCHOR: solution-backoff
impl Backoff {
    /// Task 6: notes a failure and gives the delay until the next try. `random` is a number from 0 to 1.
    pub fn failed(&mut self, random: f64) -> Duration {
        let delay = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay.mul_f64(1.0 - JITTER * random)
    }

    /// Task 6: forgets the failures.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}
// ANCHOR_END: solution-backoff

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::default();
        let delays: Vec<u64> = (0..7).map(|_| backoff.failed(0.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        backoff.succeeded();
        assert_eq!(backoff.failed(0.0), FIRST);
    }

    #[test]
    fn chance_shortens_a_delay_and_never_lengthens_it() {
        for (random, expected) in [(0.0, 1000), (0.5, 900), (1.0, 800)] {
            assert_eq!(Backoff::default().failed(random).as_millis(), expected);
        }
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::default();
        assert_eq!((0..1000).map(|_| backoff.failed(0.0)).max(), Some(LONGEST));
    }
}
