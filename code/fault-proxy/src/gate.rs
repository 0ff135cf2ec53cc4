//! Keeps the requests of a killed operator away from the API server.

use std::sync::{Mutex, PoisonError};

/// Connections are of a time; a kill ends the time of all that are open.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    now: u64,
    /// Kills going on.
    closed: usize,
}

impl Gate {
    /// The time of a connection that opens now.
    pub(crate) fn now(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    /// Whether requests of a connection of that time may pass.
    pub(crate) fn admits(&self, time: u64) -> bool {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.closed == 0 && times.now == time
    }

    /// Lets nothing pass while the kill runs, and nothing of a connection from before it afterwards.
    pub(crate) fn close_during(&self, kill: impl FnOnce()) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).closed += 1;
        let reopened = Reopen(self);
        kill();
        drop(reopened);
    }
}

/// Opens the gate again, also when the kill panics.
struct Reopen<'a>(&'a Gate);

impl Drop for Reopen<'_> {
    fn drop(&mut self) {
        let mut times = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.closed -= 1;
        times.now += 1;
    }
}
