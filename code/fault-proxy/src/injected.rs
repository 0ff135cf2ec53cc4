//! The faults that are in force, and how often each has fired.

use crate::{
    fault::{Action, Fault, Stage, TcpFault},
    request::Request,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// A fault in a proxy. Dropping it changes nothing: a fault is in force until it is lifted.
#[derive(Clone)]
pub struct Injected(pub(crate) Arc<Armed>);

/// A fault did not fire: what was to be shown was not put to the test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not run: the fault never fired: {fault}; {seen} seen")]
pub struct NotFired {
    /// The fault and its aim, in words.
    pub fault: String,
    /// How many requests or events of the aim there were.
    pub seen: usize,
}

impl Injected {
    /// How often it has fired.
    pub fn fired(&self) -> usize {
        self.0.progress.borrow().fired
    }

    /// How many requests of its aim there were, those that passed included. For [`Action::LoseResponse`] and
    /// [`Action::AfterCommit`] these are committed writes.
    pub fn seen(&self) -> usize {
        self.0.progress.borrow().seen
    }

    /// Waits until it has fired; `false` if it has not in this time.
    pub async fn fired_once(&self, within: Duration) -> bool {
        self.fired_times(1, within).await
    }

    /// Waits until it has fired so often; `false` if it has not in this time.
    pub async fn fired_times(&self, times: usize, within: Duration) -> bool {
        let mut progress = self.0.progress.subscribe();
        let fired = progress.wait_for(|progress| progress.fired >= times);
        tokio::time::timeout(within, fired).await.is_ok_and(|fired| fired.is_ok())
    }

    /// An error unless it has fired: a case whose fault did not fire proves nothing, and is neither passed nor failed.
    pub fn must_have_fired(&self) -> Result<(), NotFired> {
        let progress = *self.0.progress.borrow();
        if progress.fired > 0 {
            return Ok(());
        }
        Err(NotFired { fault: self.0.fault.to_string(), seen: progress.seen })
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    seen: usize,
    fired: usize,
    lifted: bool,
}

/// A fault in force.
pub(crate) struct Armed {
    pub(crate) fault: Fault,
    progress: watch::Sender<Progress>,
}

impl Armed {
    /// Counts one that the fault is aimed at, and says whether it hits. Where another fault already has, this one's turn is the
    /// next.
    fn hits(&self, already_hit: bool) -> bool {
        let mut hit = false;
        self.progress.send_modify(|progress| {
            let aim = &self.fault.aim;
            let turn =
                !progress.lifted && (aim.skip..aim.skip.saturating_add(aim.times)).contains(&progress.seen);
            hit = turn && !already_hit;
            progress.seen += usize::from(hit || !turn);
        });
        hit
    }

    /// Says that it has taken effect.
    pub(crate) fn has_fired(&self) {
        self.progress.send_modify(|progress| progress.fired += 1);
    }

    pub(crate) fn is_lifted(&self) -> bool {
        self.progress.borrow().lifted
    }

    /// Waits until the fault is lifted.
    pub(crate) async fn lifted(&self) {
        // The sender is this fault's own, so it outlives the wait.
        let _ = self.progress.subscribe().wait_for(|progress| progress.lifted).await;
    }
}

/// All faults in force, oldest first.
pub(crate) struct Faults {
    armed: Mutex<Vec<Arc<Armed>>>,
    changes: watch::Sender<()>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { armed: Mutex::default(), changes: watch::Sender::new(()) }
    }

    pub(crate) fn inject(&self, fault: Fault) -> Injected {
        let armed = Arc::new(Armed { fault, progress: watch::Sender::new(Progress::default()) });
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).push(armed.clone());
        self.changes.send_replace(());
        Injected(armed)
    }

    pub(crate) fn lift(&self, which: impl Fn(&Arc<Armed>) -> bool) {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).retain(|armed| {
            if which(armed) {
                armed.progress.send_modify(|progress| progress.lifted = true);
            }
            !armed.is_lifted()
        });
        self.changes.send_replace(());
    }

    /// Tells open watches when a fault comes or goes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn aimed(&self, stage: Stage, request: &Request, name: Option<&str>) -> Vec<Arc<Armed>> {
        let armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        armed.iter().filter(|armed| armed.fault.aims_at(stage, request, name)).cloned().collect()
    }

    /// The first fault that hits a request at this point of its course, of those that can.
    pub(crate) fn hit(
        &self,
        stage: Stage,
        request: &Request,
        name: Option<&str>,
        can: impl Fn(&Fault) -> bool,
    ) -> Option<Arc<Armed>> {
        let mut hit = None;
        for armed in self.aimed(stage, request, name) {
            if can(&armed.fault) && armed.hits(hit.is_some()) {
                hit = Some(armed);
            }
        }
        hit
    }

    /// A fault that hits a watch while it is open.
    pub(crate) fn on_watch(&self, request: &Request, counted: &mut Vec<Arc<Armed>>) -> Option<Arc<Armed>> {
        first_new(self.aimed(Stage::Watch, request, request.name.as_deref()), counted)
    }

    /// The fault that refuses connections, if one does.
    pub(crate) fn refusal(&self) -> Option<Arc<Armed>> {
        let armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let refuses =
            |armed: &&Arc<Armed>| matches!(armed.fault.action, Action::Connection(TcpFault::Refuse));
        armed.iter().find(refuses).cloned()
    }

    /// A fault that hits a connection while it is open. One that no request opened is meant by all.
    pub(crate) fn on_connection(
        &self,
        request: Option<&Request>,
        counted: &mut Vec<Arc<Armed>>,
    ) -> Option<Arc<Armed>> {
        let aimed = match request {
            Some(request) => self.aimed(Stage::Tunnel, request, request.name.as_deref()),
            None => self.armed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        first_new(aimed, counted)
    }
}

/// The first that hits of those that have not counted this stream yet.
fn first_new(aimed: Vec<Arc<Armed>>, counted: &mut Vec<Arc<Armed>>) -> Option<Arc<Armed>> {
    let mut hit = None;
    for armed in aimed {
        if counted.iter().any(|known| Arc::ptr_eq(known, &armed)) {
            continue;
        }
        counted.push(armed.clone());
        if armed.hits(hit.is_some()) {
            hit = Some(armed);
        }
    }
    hit
}
