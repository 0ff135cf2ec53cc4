//! What happened to one resource's objects, in order, as far back as the compaction window reaches: so many events, and so many
//! bytes of them.

use super::object::Object;
use std::{collections::VecDeque, sync::Arc};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) change: Change,
    /// As it is after the change; of a deleted one, its last state with the deletion's version.
    pub(crate) object: Arc<Object>,
    pub(crate) previous: Option<Arc<Object>>,
}

#[derive(Debug)]
pub(super) struct Log {
    events: VecDeque<Event>,
    /// Of the events' objects. What was before an event is mostly another event's object, and not counted twice.
    bytes: usize,
    /// The newest version whose event is gone. A reader needs everything after its own version.
    compacted: u64,
    /// The newest event that was dropped: who has seen it has missed nothing, wherever the compaction stands.
    lost: u64,
}

/// Large objects that change often would otherwise fill the memory.
const MOST_BYTES: usize = 32 << 20;
/// A cluster has a past when its first client comes: versions below this are gone.
pub(super) const START: u64 = 100;

impl Default for Log {
    fn default() -> Self {
        Self { events: VecDeque::new(), bytes: 0, compacted: START, lost: 0 }
    }
}

impl Log {
    pub(super) fn push(&mut self, event: Event, window: usize) {
        self.bytes += event.object.size();
        self.events.push_back(event);
        while self.events.len() > window || self.bytes > MOST_BYTES {
            let Some(old) = self.events.pop_front() else { break };
            self.compacted = self.compacted.max(old.revision);
            self.drop(&old);
        }
    }

    fn drop(&mut self, old: &Event) {
        self.bytes = self.bytes.saturating_sub(old.object.size());
        self.lost = old.revision;
    }

    /// Forgets everything up to `revision`.
    pub(super) fn compact(&mut self, revision: u64) {
        while let Some(old) = self.events.pop_front_if(|event| event.revision <= revision) {
            self.drop(&old);
        }
        self.compacted = self.compacted.max(revision);
    }

    /// The events after `revision`, or the version up to which they are gone.
    pub(super) fn since(&self, revision: u64) -> Result<impl DoubleEndedIterator<Item = &Event>, u64> {
        if revision < self.compacted {
            return Err(self.compacted);
        }
        Ok(self.after(revision))
    }

    /// The events after `revision` for a reader that has followed until there, or `None` if it missed some.
    pub(super) fn unseen(&self, revision: u64) -> Option<impl Iterator<Item = &Event>> {
        (revision >= self.lost).then(|| self.after(revision))
    }

    fn after(&self, revision: u64) -> impl DoubleEndedIterator<Item = &Event> {
        let start = self.events.partition_point(|event| event.revision <= revision);
        self.events.range(start..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Key;
    use serde_json::json;

    fn event(revision: u64) -> Event {
        let object = Arc::new(Object::new(Key::new("", "a"), revision, &json!({})));
        Event { revision, change: Change::Modified, object, previous: None }
    }

    #[test]
    fn a_reader_behind_the_window_is_told_so() {
        let mut log = Log::default();
        (101..=105).for_each(|revision| log.push(event(revision), 3));
        let revisions = |since| log.since(since).map(|events| events.map(|e| e.revision).collect::<Vec<_>>());
        assert_eq!(revisions(101), Err(102));
        assert_eq!(revisions(102), Ok(vec![103, 104, 105]));
        assert_eq!(revisions(104), Ok(vec![105]));
        assert_eq!(revisions(109), Ok(vec![]));
    }

    #[test]
    fn large_objects_make_the_window_smaller() {
        let mut log = Log::default();
        for revision in 101..=110 {
            let text = "x".repeat(MOST_BYTES / 4);
            let object = Arc::new(Object::new(Key::new("", "a"), revision, &json!({ "text": text })));
            log.push(Event { revision, change: Change::Modified, object, previous: None }, 100);
        }
        assert_eq!(log.since(106).map(Iterator::count), Err(107));
        assert_eq!(log.since(107).map(Iterator::count), Ok(3));
        log.compact(110);
        assert_eq!(log.bytes, 0);
    }

    #[test]
    fn compaction_takes_the_events_up_to_its_version() {
        let mut log = Log::default();
        (101..=105).for_each(|revision| log.push(event(revision), 10));
        log.compact(104);
        assert_eq!(log.since(103).map(Iterator::count), Err(104));
        assert_eq!(log.since(104).map(Iterator::count), Ok(1));
    }
}
