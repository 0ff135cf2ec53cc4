//! The time that is written into objects: it passes as tokio's does, so that a paused clock holds for everything.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use tokio::time::Instant;

/// A clock that was right when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    at: Timestamp,
    then: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { at: Timestamp::now(), then: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.at + self.then.elapsed()
    }

    /// As objects hold it.
    pub(crate) fn time(&self) -> Time {
        Time(self.now())
    }
}
