//! One container's place in a pod: what it is to be, what became of it so far, and its process.

use super::process::{Ended, Process};
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus,
};
use sandbox::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A container's place in its pod.
pub(crate) struct Slot {
    pub(crate) spec: Container,
    clock: Clock,
    status: Mutex<ContainerStatus>,
    process: Mutex<Option<Process>>,
    changed: Arc<Notify>,
}

impl Slot {
    pub(crate) fn new(spec: Container, waiting: &str, clock: Clock, changed: Arc<Notify>) -> Self {
        let status = ContainerStatus {
            name: spec.name.clone(),
            image: spec.image.clone().unwrap_or_default(),
            state: Some(waiting_state(waiting, None)),
            started: Some(false),
            ..ContainerStatus::default()
        };
        Self { spec, clock, status: Mutex::new(status), process: Mutex::default(), changed }
    }

    pub(crate) fn image(&self) -> &str {
        self.spec.image.as_deref().unwrap_or_default()
    }

    pub(crate) fn status(&self) -> ContainerStatus {
        lock(&self.status).clone()
    }

    pub(crate) fn process(&self) -> Option<Process> {
        lock(&self.process).clone()
    }

    pub(crate) fn waits(&self, reason: &str, message: Option<String>) {
        self.change(|status| {
            keep_last(status);
            status.state = Some(waiting_state(reason, message));
            status.ready = false;
            status.started = Some(false);
        });
    }

    pub(crate) fn runs(&self, process: Process) {
        let since = self.clock.time();
        self.change(|status| {
            keep_last(status);
            let running = ContainerStateRunning { started_at: Some(since) };
            status.state = Some(ContainerState { running: Some(running), ..ContainerState::default() });
            status.container_id = Some(format!("sandbox://{}", process.id()));
            status.image_id = status.image.clone();
        });
        *lock(&self.process) = Some(process);
    }

    pub(crate) fn is_ready(&self, ready: bool) {
        self.change(|status| status.ready = ready);
    }

    pub(crate) fn has_started(&self) {
        self.change(|status| status.started = Some(true));
    }

    pub(crate) fn has_ended(&self, ended: &Ended) {
        lock(&self.process).take();
        let now = self.clock.time();
        self.change(|status| {
            let running = status.state.as_ref().and_then(|state| state.running.as_ref());
            let terminated = ContainerStateTerminated {
                exit_code: ended.code,
                reason: Some(if ended.code == 0 { "Completed" } else { "Error" }.into()),
                message: ended.message.clone(),
                started_at: running.and_then(|it| it.started_at.clone()),
                finished_at: Some(now),
                container_id: status.container_id.clone(),
                ..ContainerStateTerminated::default()
            };
            status.state = Some(ContainerState { terminated: Some(terminated), ..ContainerState::default() });
            status.ready = false;
            status.started = Some(false);
        });
    }

    pub(crate) fn is_restarted(&self) {
        self.change(|status| status.restart_count += 1);
    }

    /// An init container that ended well is ready, for ever.
    pub(crate) fn is_done(&self) {
        self.change(|status| status.ready = true);
    }

    fn change(&self, change: impl FnOnce(&mut ContainerStatus)) {
        let mut status = lock(&self.status);
        let before = status.clone();
        change(&mut status);
        if *status != before {
            self.changed.notify_one();
        }
    }
}

/// How the container ended the last time stays to be seen while it waits and runs again.
fn keep_last(status: &mut ContainerStatus) {
    if status.state.as_ref().is_some_and(|state| state.terminated.is_some()) {
        status.last_state = status.state.take();
    }
}

fn waiting_state(reason: &str, message: Option<String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.into()), message };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
