//! A container that runs: pretended, or a real process.

use crate::postgres::Real;
use rustix::process::Signal;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    /// Exit status, or 128 and the signal.
    pub(crate) code: i32,
    /// What it said last, if that is to be told.
    pub(crate) message: Option<String>,
}

/// What ended a container by force.
pub(crate) const KILLED: i32 = 137;

/// A container that runs.
#[derive(Clone)]
pub(crate) enum Process {
    Simulated(Arc<Simulated>),
    Real(Arc<Real>),
}

/// A container that does nothing.
pub(crate) struct Simulated {
    id: String,
    ended: watch::Sender<Option<Ended>>,
}

impl Process {
    /// Starts a container that does nothing; one that is to end does so after a time, with a status.
    pub(crate) fn simulate(id: String, ends: Option<(Duration, i32)>) -> Self {
        let process = Arc::new(Simulated { id, ended: watch::Sender::new(None) });
        if let Some((after, code)) = ends {
            let later = Arc::downgrade(&process);
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                if let Some(process) = later.upgrade() {
                    process.end(code);
                }
            });
        }
        Self::Simulated(process)
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Simulated(it) => &it.id,
            Self::Real(it) => &it.id,
        }
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> Ended {
        match self {
            Self::Simulated(it) => {
                let mut ended = it.ended.subscribe();
                let end = ended.wait_for(Option::is_some).await;
                end.ok().and_then(|end| end.clone()).unwrap_or(Ended { code: KILLED, message: None })
            }
            Self::Real(it) => it.ended().await,
        }
    }

    /// Asks it to end, with the signal that the official image of PostgreSQL names: a fast shutdown.
    pub(crate) fn terminate(&self) {
        match self {
            Self::Simulated(it) => it.end(0),
            Self::Real(it) => it.signal(Signal::INT),
        }
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        match self {
            Self::Simulated(it) => it.end(KILLED),
            Self::Real(it) => it.signal(Signal::KILL),
        }
    }
}

impl Simulated {
    fn end(&self, code: i32) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(Ended { code, message: None });
            first
        });
    }
}
