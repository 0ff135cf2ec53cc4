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

impl Breaker {
    /// Task 7: whether a call may be made now. The first one after the pause is the probe.
    pub fn admit(&mut self, now: Instant) -> bool {
        todo!("task 7: admit a call")
    }

    /// Task 7: a call got an answer.
    pub fn answered(&mut self) {
        todo!("task 7: note an answer")
    }

    /// Task 7: a call got none.
    ///
    /// - The failure number `TOLERATED` in a row opens it for `FIRST_PAUSE`.
    /// - A probe that fails opens it again, for twice as long as before, up to `LONGEST_PAUSE`.
    pub fn failed(&mut self, now: Instant) {
        todo!("task 7: note a failure")
    }
}
