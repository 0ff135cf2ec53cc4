//! A circuit breaker per endpoint: what has failed several times in a row is left alone for a while, and then tried by one
//! caller only.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Failures in a row that open a breaker.
const TOLERATED: u32 = 3;
/// How long it stays open the first time. Each failed probe doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Breakers, one for each key. They use tokio's clock, which a test can stop.
#[derive(Debug)]
pub struct Breakers<K> {
    circuits: Mutex<HashMap<K, Circuit>>,
}

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// Set while it is open; in the past, the next caller is the probe.
    open_until: Option<Instant>,
    /// A probe is under way.
    probing: bool,
}

/// The breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it failed {TOLERATED} times in a row and is left alone for {:.1} s", .0.as_secs_f64())]
pub struct Open(pub Duration);

/// The right to one call. Dropped without a word, because the caller was cancelled for example, it counts as a failure.
pub struct Permit<'a, K: Eq + Hash + Clone> {
    breakers: &'a Breakers<K>,
    key: K,
    told: bool,
}

impl<K> Default for Breakers<K> {
    fn default() -> Self {
        Self { circuits: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Breakers<K> {
    /// Asks for the right to call.
    // ANCHOR: breaker-admit
    pub fn admit(&self, key: &K) -> Result<Permit<'_, K>, Open> {
        let mut circuits = self.lock();
        let circuit = circuits.entry(key.clone()).or_default();
        if let Some(until) = circuit.open_until {
            let left = until.saturating_duration_since(Instant::now());
            if circuit.probing || !left.is_zero() {
                return Err(Open(left));
            }
            circuit.probing = true;
        }
        Ok(Permit { breakers: self, key: key.clone(), told: false })
    }
    // ANCHOR_END: breaker-admit

    /// Forgets an endpoint that is gone.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Number of breakers that let no ordinary call through.
    pub fn open(&self) -> usize {
        let now = Instant::now();
        let is_open =
            |circuit: &&Circuit| circuit.probing || circuit.open_until.is_some_and(|until| until > now);
        self.lock().values().filter(is_open).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Permit<'_, K> {
    /// The endpoint answered. What it answered is another matter.
    pub fn answered(mut self) {
        self.told = true;
        self.breakers.lock().remove(&self.key);
    }
}

// ANCHOR: breaker-drop
impl<K: Eq + Hash + Clone> Drop for Permit<'_, K> {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let mut circuits = self.breakers.lock();
        let circuit = circuits.entry(self.key.clone()).or_default();
        circuit.failures += 1;
        circuit.probing = false;
        if let Some(doublings) = circuit.failures.checked_sub(TOLERATED) {
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
            circuit.open_until = Some(Instant::now() + pause);
        }
    }
}
// ANCHOR_END: breaker-drop

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn fail(breakers: &Breakers<&'static str>, times: u32) {
        (0..times).for_each(|_| drop(breakers.admit(&"orders").unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_only_for_its_own_endpoint() {
        let breakers = Breakers::default();
        fail(&breakers, TOLERATED - 1);
        breakers.admit(&"orders").unwrap().answered();
        fail(&breakers, TOLERATED);
        assert_eq!(breakers.admit(&"orders").err(), Some(Open(FIRST_PAUSE)));
        assert!(breakers.admit(&"other").is_ok());
        assert_eq!(breakers.open(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_pause_is_over_one_caller_tries_and_the_others_wait_for_what_it_finds() {
        let breakers = Breakers::default();
        fail(&breakers, TOLERATED);
        advance(FIRST_PAUSE).await;
        let probe = breakers.admit(&"orders").unwrap();
        assert!(breakers.admit(&"orders").is_err());
        probe.answered();
        assert!(breakers.admit(&"orders").is_ok());
        assert_eq!(breakers.open(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_doubles_the_pause_up_to_the_longest() {
        let breakers = Breakers::default();
        fail(&breakers, TOLERATED);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let Err(Open(pause)) = breakers.admit(&"orders") else { panic!("it should be open") };
            pauses.push(pause.as_secs());
            advance(pause).await;
            fail(&breakers, 1);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_cancelled_does_not_hold_the_probe_for_ever() {
        let breakers = Breakers::default();
        fail(&breakers, TOLERATED);
        advance(FIRST_PAUSE).await;
        let call = async {
            let _permit = breakers.admit(&"orders").unwrap();
            std::future::pending::<()>().await;
        };
        assert!(tokio::time::timeout(Duration::from_secs(5), call).await.is_err());
        advance(LONGEST_PAUSE).await;
        assert!(breakers.admit(&"orders").is_ok());
    }
}
