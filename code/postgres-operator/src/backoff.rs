//! Delays between tries, per object: each failure in a row doubles the delay, a success forgets them.

use crate::api::Database;
use kube::runtime::reflector::ObjectRef;
use rand::RngExt;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// After a failure.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// After a pass on an object that has changed since: the watch has most likely caught up by then.
const FIRST_STALE: Duration = Duration::from_millis(200);
const LONGEST_STALE: Duration = Duration::from_secs(5);

/// Counts the failures in a row of each object, by namespace and name.
#[derive(Debug)]
pub struct Backoff {
    failures: Mutex<HashMap<ObjectRef<Database>, u32>>,
    first: Duration,
    longest: Duration,
}

impl Default for Backoff {
    /// For failures: 1 s, 2 s, 4 s … 30 s.
    fn default() -> Self {
        Self { failures: Mutex::default(), first: FIRST, longest: LONGEST }
    }
}

impl Backoff {
    /// For passes that found their object changed: 0.2 s, 0.4 s … 5 s.
    pub fn stale() -> Self {
        Self { failures: Mutex::default(), first: FIRST_STALE, longest: LONGEST_STALE }
    }

    /// Notes a failure and returns how long to wait: twice as long as the last time, and shortened by up to a fifth at random, so
    /// that objects which failed together do not come back together.
    // ANCHOR: backoff
    pub fn next(&self, db: &Database) -> Duration {
        let mut failures = self.lock();
        let count = failures.entry(ObjectRef::from_obj(db)).or_default();
        let delay = delay(self.first, self.longest, *count);
        *count += 1;
        delay.mul_f64(rand::rng().random_range(0.8..=1.0))
    }
    // ANCHOR_END: backoff

    /// Forgets an object's failures, after a success or when the object is gone.
    pub fn clear(&self, db: &ObjectRef<Database>) {
        self.lock().remove(db);
    }

    /// Number of objects that have failed since their last success.
    pub fn retrying(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<Database>, u32>> {
        // A count is right after any panic: there is nothing to repair.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn delay(first: Duration, longest: Duration, failures: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::database;

    #[test]
    fn delays_double_up_to_the_longest() {
        let seconds = |failures| delay(FIRST, LONGEST, failures).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 500].map(seconds), [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn what_has_only_changed_is_looked_at_again_sooner() {
        let millis = |failures| delay(FIRST_STALE, LONGEST_STALE, failures).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 5, 500].map(millis), [200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn a_success_starts_over_and_objects_do_not_share() {
        let backoff = Backoff::default();
        let (one, mut two) = (database(), database());
        two.metadata.name = Some("two".into());
        for _ in 0..4 {
            backoff.next(&one);
        }
        assert!(backoff.next(&one) > Duration::from_secs(12));
        assert!(backoff.next(&two) <= FIRST);
        assert_eq!(backoff.retrying(), 2);
        backoff.clear(&ObjectRef::from_obj(&one));
        assert_eq!(backoff.retrying(), 1);
        assert!(backoff.next(&one) <= FIRST);
    }

    #[test]
    fn the_jitter_shortens_by_a_fifth_at_most() {
        let backoff = Backoff::default();
        for _ in 0..200 {
            backoff.clear(&ObjectRef::from_obj(&database()));
            let delay = backoff.next(&database());
            assert!((FIRST.mul_f64(0.8)..=FIRST).contains(&delay), "{delay:?}");
        }
    }
}
