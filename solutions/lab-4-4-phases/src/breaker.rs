//! Task 7: the breaker. One of these belongs to one server.

use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub const TOLERATED: u32 = 3;
/// How long it stays open the first time.
pub const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// No pause is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whether a call is worth its time. It has no clock of its own: whoever asks says what time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// Calls pass.
    Closed {
        /// Those in a row that failed.
        failures: u32,
    },
    /// Calls are not worth it.
    Open {
        /// The next one after this time is the probe.
        until: Instant,
        /// How long it is open.
        pause: Duration,
    },
    /// A probe is under way, and nothing else passes.
    HalfOpen {
        /// How long it was open before.
        pause: Duration,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

// ANCHOR: solution-breaker
impl Breaker {
    /// Task 7: whether a call may be made now.
    pub fn admit(&mut self, now: Instant) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { until, pause } if until <= now => {
                *self = Self::HalfOpen { pause };
                true
            }
            Self::Open { .. } | Self::HalfOpen { .. } => false,
        }
    }

    /// Task 7: a call got an answer.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// Task 7: a call got none.
    pub fn failed(&mut self, now: Instant) {
        let open = |pause| Self::Open { until: now + pause, pause };
        *self = match *self {
            Self::Closed { failures } if failures + 1 < TOLERATED => Self::Closed { failures: failures + 1 },
            Self::Closed { .. } => open(FIRST_PAUSE),
            Self::HalfOpen { pause } => open((pause * 2).min(LONGEST_PAUSE)),
            // It began before the breaker opened, and says nothing new.
            Self::Open { .. } => *self,
        };
    }
}
// ANCHOR_END: solution-breaker

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker that has just opened, and when it did.
    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..TOLERATED {
            assert!(breaker.admit(now));
            breaker.failed(now);
        }
        (breaker, now)
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let (mut breaker, now) = opened();
        assert!(!breaker.admit(now));
        let mut other = Breaker::Closed { failures: TOLERATED - 1 };
        other.answered();
        other.failed(now);
        assert!(other.admit(now), "an answer in between starts the count over");
    }

    #[test]
    fn after_the_pause_one_probe_passes_and_decides() {
        let (mut breaker, now) = opened();
        let later = now + FIRST_PAUSE;
        assert!(breaker.admit(later));
        assert!(!breaker.admit(later), "one at a time");
        breaker.answered();
        assert!(breaker.admit(later));
    }

    #[test]
    fn each_failed_probe_doubles_the_pause_up_to_the_longest() {
        let (mut breaker, mut now) = opened();
        let mut pauses = Vec::new();
        while pauses.len() < 7 {
            let Breaker::Open { until, pause } = breaker else { panic!("{breaker:?}") };
            pauses.push(pause.as_secs());
            now = now.max(until);
            assert!(breaker.admit(now));
            breaker.failed(now);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    }
}
