//! The kubelet's pauses: 10 s, doubled each time, five minutes at most.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_mins(5);

/// Pauses of one container.
#[derive(Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(2_u32.saturating_pow(self.0)).min(LONGEST);
        self.0 += 1;
        pause
    }
}

/// As Go prints it.
pub(crate) fn in_go(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}
