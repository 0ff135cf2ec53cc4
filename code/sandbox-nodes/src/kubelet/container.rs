//! The life of one container: image, environment, start, probes, end, and again after a pause.

use super::{
    backoff::{Backoff, in_go},
    env::environment,
    image,
    process::{Ended, Process},
    slot::Slot,
    worker::Worker,
};
use crate::events::News;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a container that lacks a Secret is tried again. The kubelet takes longer; nobody waits for it here.
const CONFIG_RETRY: Duration = Duration::from_secs(1);
/// A container that ran so long starts over with the shortest pause.
const FORGIVEN_AFTER: Duration = Duration::from_mins(10);

impl Worker {
    /// Runs a container until it has ended for good, if its pod's policy knows such an end.
    pub(crate) async fn run_container(&self, slot: &Slot, init: bool) -> Ended {
        let mut backoff = Backoff::default();
        let mut failures = 0;
        loop {
            self.pull(slot).await;
            let process = self.start(slot, init).await;
            let since = Instant::now();
            let ended = self.watch(slot, &process, init).await;
            slot.has_ended(&ended);
            if !self.restarts(init, ended.code) {
                return ended;
            }
            if since.elapsed() > FORGIVEN_AFTER {
                (backoff, failures) = (Backoff::default(), 0);
            }
            failures += 1;
            // The first restart is at once.
            if failures > 1 {
                self.pause_after_crash(slot, backoff.pause()).await;
            }
            slot.is_restarted();
        }
    }

    fn restarts(&self, init: bool, code: i32) -> bool {
        match self.restart_policy() {
            "Never" => false,
            "OnFailure" => code != 0,
            _ => !init || code != 0,
        }
    }

    async fn pause_after_crash(&self, slot: &Slot, pause: Duration) {
        let (pod, name) = (self.pod_label(), &slot.spec.name);
        let message = format!("back-off {} restarting failed container={name} pod={pod}", in_go(pause));
        slot.waits("CrashLoopBackOff", Some(message));
        let text = format!("Back-off restarting failed container {name} in pod {pod}");
        self.tell(slot, News::warning("BackOff", text)).await;
        sleep(pause).await;
    }

    async fn pull(&self, slot: &Slot) {
        let image = slot.image();
        let mut backoff = Backoff::default();
        while !image::is_there(image) {
            let failure = image::pull_failure(image);
            self.tell(slot, News::normal("Pulling", format!("Pulling image \"{image}\""))).await;
            self.tell(slot, News::warning("Failed", format!("Failed to pull image \"{image}\": {failure}")))
                .await;
            self.tell(slot, News::warning("Failed", "Error: ErrImagePull")).await;
            slot.waits("ErrImagePull", Some(failure));
            // The kubelet's next look at the pod finds that it is too early to try again.
            let pause = backoff.pause();
            let looked = Duration::from_secs(1);
            sleep(looked).await;
            let text = format!("Back-off pulling image \"{image}\"");
            self.tell(slot, News::normal("BackOff", text.clone())).await;
            self.tell(slot, News::warning("Failed", "Error: ImagePullBackOff")).await;
            slot.waits("ImagePullBackOff", Some(text));
            sleep(pause.saturating_sub(looked)).await;
        }
        let text = format!("Container image \"{image}\" already present on machine");
        self.tell(slot, News::normal("Pulled", text)).await;
        if let Some(machine) = &self.world.machine {
            let text =
                format!("the tag of image \"{image}\" is ignored: {} of this machine runs", machine.version);
            self.events.tell(&*self.pod(), News::normal("ImageTagIgnored", text)).await;
        }
    }

    async fn start(&self, slot: &Slot, init: bool) -> Process {
        let name = &slot.spec.name;
        loop {
            let environment =
                environment(&self.world.client, &self.pod(), Some(self.address()), &slot.spec).await;
            let (reason, complaint) = match environment {
                Err(complaint) => ("CreateContainerConfigError", complaint),
                Ok(environment) => match self.start_process(slot, init, environment).await {
                    Ok(process) => {
                        self.tell(slot, News::normal("Created", format!("Created container: {name}"))).await;
                        slot.runs(process.clone());
                        self.tell(slot, News::normal("Started", format!("Started container {name}"))).await;
                        return process;
                    }
                    Err(complaint) => ("RunContainerError", complaint),
                },
            };
            self.tell(slot, News::warning("Failed", format!("Error: {complaint}"))).await;
            slot.waits(reason, Some(complaint));
            sleep(CONFIG_RETRY).await;
        }
    }

    /// Waits for a container's end and looks after its probes meanwhile.
    async fn watch(&self, slot: &Slot, process: &Process, init: bool) -> Ended {
        let probes = async {
            if init {
                std::future::pending::<()>().await;
            }
            self.probe(slot, process).await;
        };
        tokio::select! {
            biased;
            ended = process.ended() => ended,
            // Its startup probe has failed too often, or its liveness probe.
            () = probes => {
                let text = format!("Container {} failed its probes, will be restarted", slot.spec.name);
                self.tell(slot, News::normal("Killing", text)).await;
                self.stop_process(slot, process).await
            }
        }
    }
}
