//! Keys that wait to be worked on: each once, never two at a time for one key, again with growing pauses after a failure.

use crate::{
    error::{Error, chain},
    object::Key,
};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 32;

/// When a key is to be looked at again though nothing happens to it.
pub(crate) type Again = Option<Duration>;

/// Works off the keys that come. Does not end while there is a sender.
pub(crate) async fn work<F>(
    name: &'static str,
    mut keys: mpsc::UnboundedReceiver<Key>,
    mut reconcile: impl FnMut(Key) -> F,
) where
    F: Future<Output = Result<Again, Error>>,
{
    let mut queue = Queue::default();
    let mut running = FuturesUnordered::new();
    loop {
        let next = queue.next_due();
        tokio::select! {
            key = keys.recv() => match key {
                Some(key) => queue.add(key, Instant::now()),
                None => return,
            },
            Some((key, result)) = running.next() => queue.done(name, key, &result),
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() && running.len() < AT_ONCE => {}
        }
        while running.len() < AT_ONCE {
            let Some(key) = queue.take(Instant::now()) else { break };
            let pass = reconcile(key.clone());
            running.push(async move { (key, pass.await) });
        }
    }
}

#[derive(Default)]
struct Queue {
    due: BTreeSet<(Instant, Key)>,
    at: HashMap<Key, Instant>,
    running: HashSet<Key>,
    /// Keys that came while they were worked on.
    missed: HashSet<Key>,
    failures: HashMap<Key, u32>,
}

impl Queue {
    fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Puts a key in, or forward.
    fn add(&mut self, key: Key, at: Instant) {
        if self.running.contains(&key) {
            self.missed.insert(key);
            return;
        }
        if let Some(&planned) = self.at.get(&key) {
            if planned <= at {
                return;
            }
            self.due.remove(&(planned, key.clone()));
        }
        self.at.insert(key.clone(), at);
        self.due.insert((at, key));
    }

    fn take(&mut self, now: Instant) -> Option<Key> {
        if self.next_due()? > now {
            return None;
        }
        let (_, key) = self.due.pop_first()?;
        self.at.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    fn done(&mut self, name: &str, key: Key, result: &Result<Again, Error>) {
        self.running.remove(&key);
        let again = match result {
            Ok(again) => {
                self.failures.remove(&key);
                *again
            }
            Err(error) => {
                let failures = self.failures.entry(key.clone()).or_default();
                let pause = FIRST_PAUSE * 2_u32.saturating_pow((*failures).min(16));
                *failures += 1;
                if error.is_race() {
                    tracing::debug!("{name} {key}: {}", chain(error));
                } else {
                    tracing::warn!("{name} {key}: {}", chain(error));
                }
                Some(pause.min(LONGEST_PAUSE))
            }
        };
        let now = Instant::now();
        if self.missed.remove(&key) {
            // What came in the meantime is news, but not a way around the pause after a failure.
            let at = if result.is_err() { now + again.unwrap_or_default() } else { now };
            self.add(key, at);
        } else if let Some(pause) = again {
            self.add(key, now + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, rc::Rc};

    #[tokio::test(start_paused = true)]
    async fn a_key_is_worked_on_once_for_many_calls_and_again_when_it_asks() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let start = Instant::now();
        for _ in 0..3 {
            sender.send(Key::new("", "a")).unwrap();
        }
        let passes = seen.clone();
        let work = work("test", receiver, move |_| {
            let passes = passes.clone();
            async move {
                passes.borrow_mut().push(start.elapsed().as_secs());
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok((passes.borrow().len() < 3).then_some(Duration::from_secs(10)))
            }
        });
        let _ = tokio::time::timeout(Duration::from_secs(100), work).await;
        drop(sender);
        // The calls two and three came during the first pass, and are one.
        assert_eq!(*seen.borrow(), [0, 1, 12]);
    }
}
