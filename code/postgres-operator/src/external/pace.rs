//! A rate limit: a bucket of tokens that refills evenly. Bursts up to its size pass at once; the rest waits its turn.

use std::time::Duration;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// A rate limit for everyone who shares it. It uses tokio's clock, which a test can stop.
pub struct Pace {
    /// Time between two tokens.
    every: Duration,
    /// How far ahead of the even pace a burst may run.
    burst: Duration,
    /// When the next token would be due at the even pace.
    due: Mutex<Instant>,
}

impl Pace {
    /// So many in a second, and up to `burst` at once after a rest.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let every = Duration::from_secs(1) / per_second.max(1);
        Self { every, burst: every * burst.max(1), due: Mutex::new(Instant::now()) }
    }

    /// Waits for a token. Callers are served in the order in which they came.
    pub async fn token(&self) {
        let mut due = self.due.lock().await;
        let now = Instant::now();
        let next = (*due).max(now) + self.every;
        // The lock is held while waiting: that is what keeps the order. A caller that is cancelled takes no token.
        sleep_until((next - self.burst).max(now)).await;
        *due = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_even_pace() {
        let (pace, started) = (Pace::new(10, 3), Instant::now());
        let mut at = Vec::new();
        for _ in 0..6 {
            pace.token().await;
            at.push(started.elapsed().as_millis());
        }
        assert_eq!(at, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_does_not_save_up_more_than_a_burst() {
        let pace = Pace::new(10, 3);
        advance(Duration::from_mins(1)).await;
        let started = Instant::now();
        for _ in 0..4 {
            pace.token().await;
        }
        assert_eq!(started.elapsed().as_millis(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_takes_no_token() {
        let (pace, started) = (Pace::new(1, 1), Instant::now());
        pace.token().await;
        let impatient = tokio::time::timeout(Duration::from_millis(100), pace.token()).await;
        assert!(impatient.is_err());
        pace.token().await;
        assert_eq!(started.elapsed().as_secs(), 1);
    }
}
