//! What the proxy has seen: requests and the events of watches, the latest of each.

use crate::{fault::EventType, request::Request};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// So many requests and so many events are kept.
pub(crate) const KEPT: usize = 20_000;

/// An event in a watch of the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchEvent {
    /// When the operator was given it, or it was left out.
    pub at: SystemTime,
    /// What it says.
    pub event: EventType,
    /// The watch's resource.
    pub resource: String,
    /// Namespace of the object, if it has one.
    pub namespace: Option<String>,
    /// The object.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Whether the operator was given it; `false` for one that a fault left out.
    pub delivered: bool,
}

/// The latest of what has come, each with a number that stays its own.
pub(crate) struct Latest<T>(Mutex<Kept<T>>);

struct Kept<T> {
    forgotten: usize,
    entries: VecDeque<T>,
}

impl<T: Clone> Latest<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Kept { forgotten: 0, entries: VecDeque::new() }))
    }

    pub(crate) fn push(&self, entry: T) -> usize {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.entries.len() == KEPT {
            kept.entries.pop_front();
            kept.forgotten += 1;
        }
        kept.entries.push_back(entry);
        kept.forgotten + kept.entries.len() - 1
    }

    pub(crate) fn replace(&self, number: usize, entry: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = number.checked_sub(kept.forgotten);
        if let Some(place) = index.and_then(|index| kept.entries.get_mut(index)) {
            *place = entry;
        }
    }

    pub(crate) fn since(&self, mark: usize) -> Vec<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.iter().skip(mark.saturating_sub(kept.forgotten)).cloned().collect()
    }

    /// How many have come so far.
    pub(crate) fn mark(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forgotten + kept.entries.len()
    }
}

impl<T> std::fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Latest")
    }
}

/// Everything that the proxy writes down.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) requests: Latest<Request>,
    pub(crate) events: Latest<WatchEvent>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { requests: Latest::new(), events: Latest::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_a_mark_still_finds_its_place() {
        let latest = Latest::new();
        let first = latest.push(0);
        for entry in 1..KEPT {
            latest.push(entry);
        }
        let mark = latest.mark();
        for entry in KEPT..KEPT + 10 {
            latest.push(entry);
        }
        assert_eq!(latest.since(mark), (KEPT..KEPT + 10).collect::<Vec<_>>());
        assert_eq!((latest.since(0).len(), latest.since(0)[0]), (KEPT, 10));
        latest.replace(first, 7);
        latest.replace(mark, 7);
        assert_eq!((latest.since(0)[0], latest.since(mark)[0]), (10, 7), "what is forgotten stays so");
    }
}
