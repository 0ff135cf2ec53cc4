//! Given: what the operator remembers between passes. It may be lost at any time: what it holds makes tries fewer, and
//! decides nothing.

use crate::{
    backoff::{Backoff, FIRST},
    breaker::Breaker,
};
use kube::ResourceExt;
use postgres_operator::{api::Database, lab::done_or};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// By the UID of the Database.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<String, Kept>>);

#[derive(Default)]
struct Kept {
    backoff: Backoff,
    breaker: Breaker,
}

impl Memory {
    /// Notes that a pass ended without getting there. Returns when to look again.
    pub fn failed(&self, db: &Database) -> Duration {
        self.of(db, |kept| done_or(|_| FIRST, || kept.backoff.failed(rand::random())))
    }

    /// Notes that a pass got there.
    pub fn succeeded(&self, db: &Database) {
        // Until task 6 is done there is nothing to forget.
        self.of(db, |kept| done_or(drop, || kept.backoff.succeeded()));
    }

    /// Asks the breaker for one try; none while it is open.
    pub fn attempt(&self, db: &Database) -> Option<Attempt<'_>> {
        // Until task 7 is done every try passes.
        let admitted = self.of(db, |kept| done_or(|_| true, || kept.breaker.admit(Instant::now())));
        admitted.then(|| Attempt { memory: self, uid: uid(db), answered: false })
    }

    /// Forgets a Database that goes.
    pub fn forget(&self, db: &Database) {
        self.lock().remove(&uid(db));
    }

    fn of<T>(&self, db: &Database, use_: impl FnOnce(&mut Kept) -> T) -> T {
        use_(self.lock().entry(uid(db)).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        // A count is right after any panic: there is nothing to repair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn uid(db: &Database) -> String {
    db.uid().unwrap_or_default()
}

/// One try. Dropped without a word, because its pass was given up for example, it counts as a failure: a probe that never ends
/// would keep the breaker half open for ever.
pub struct Attempt<'a> {
    memory: &'a Memory,
    uid: String,
    answered: bool,
}

impl Attempt<'_> {
    /// The server answered. What it answered is another matter.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut memory = self.memory.lock();
        let breaker = &mut memory.entry(std::mem::take(&mut self.uid)).or_default().breaker;
        // Until task 7 is done there is nothing to note.
        done_or(drop, || if self.answered { breaker.answered() } else { breaker.failed(Instant::now()) });
    }
}
