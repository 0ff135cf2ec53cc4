//! The time that is written into objects: it passes as tokio's does, so that a paused clock holds for everything.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::time::Instant;

/// A clock that was right when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    at: Timestamp,
    then: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { at: Timestamp::now(), then: Instant::now() }
    }
}

impl Clock {
    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.at + self.then.elapsed()
    }

    /// As objects of client libraries hold it.
    pub fn time(&self) -> Time {
        Time(self.now())
    }

    /// As the API writes it.
    pub(crate) fn stamp(&self) -> String {
        stamp(self.now())
    }
}

/// A time as the API writes it.
pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
