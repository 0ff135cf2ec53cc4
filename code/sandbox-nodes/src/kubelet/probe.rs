//! Probes: a container starts, is ready, and is alive, if its probes say so.

use super::{process::Process, slot::Slot, worker::Worker};
use crate::events::News;
use futures::future::join;
use k8s_openapi::{api::core::v1::Probe, apimachinery::pkg::util::intstr::IntOrString};
use std::{process::Stdio, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};

/// How soon a container that has not answered yet is asked again. A kubelet waits for a period, of which a server that is up
/// after a tenth of a second would waste most.
const EAGER: Duration = Duration::from_millis(100);

/// A probe's numbers, with the defaults of the API, and how far it has come.
struct Pace {
    period: Duration,
    timeout: Duration,
    failures: i32,
    successes: i32,
    next: Instant,
    answered: bool,
}

impl Pace {
    fn of(probe: &Probe) -> Self {
        let seconds = |value: Option<i32>, default: u64| {
            Duration::from_secs(value.and_then(|it| it.try_into().ok()).unwrap_or(default))
        };
        Self {
            period: seconds(probe.period_seconds, 10).max(Duration::from_secs(1)),
            timeout: seconds(probe.timeout_seconds, 1).max(Duration::from_secs(1)),
            failures: probe.failure_threshold.unwrap_or(3).max(1),
            successes: probe.success_threshold.unwrap_or(1).max(1),
            next: Instant::now() + seconds(probe.initial_delay_seconds, 0),
            answered: false,
        }
    }

    /// Waits for the probe's next period and tries it. Until there was an answer it is tried again and again for that period, and
    /// all that fails in it is one failure.
    async fn turn<F>(&mut self, attempt: impl Fn(Duration) -> F) -> Result<(), String>
    where
        F: Future<Output = Result<(), String>>,
    {
        sleep_until(self.next).await;
        self.next += self.period;
        loop {
            let result = attempt(self.timeout).await;
            self.answered |= result.is_ok();
            let now = Instant::now();
            if self.answered || now + EAGER >= self.next {
                // A try that took long does not make the next ones hurry.
                self.next = self.next.max(now);
                return result;
            }
            sleep(EAGER).await;
        }
    }
}

impl Worker {
    /// Looks after a container. Ends when it is to be restarted.
    pub(crate) async fn probe(&self, slot: &Slot, process: &Process) {
        if let Process::Simulated(_) = process {
            sleep(self.ready_after()).await;
            slot.has_started();
            slot.is_ready(true);
            return std::future::pending().await;
        }
        if let Some(probe) = &slot.spec.startup_probe
            && !self.starts(slot, process, probe).await
        {
            return;
        }
        slot.has_started();
        let ready = async {
            match &slot.spec.readiness_probe {
                Some(probe) => self.keep_ready(slot, process, probe).await,
                None => slot.is_ready(true),
            }
            std::future::pending::<()>().await;
        };
        let alive = async {
            match &slot.spec.liveness_probe {
                Some(probe) => self.while_alive(slot, process, probe).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = alive => {}
            _ = join(ready, std::future::pending::<()>()) => {}
        }
    }

    async fn starts(&self, slot: &Slot, process: &Process, probe: &Probe) -> bool {
        let mut pace = Pace::of(probe);
        for _ in 0..pace.failures {
            match pace.turn(|within| self.try_probe(process, probe, within)).await {
                Ok(()) => return true,
                Err(why) => self.complain(slot, "Startup", &why).await,
            }
        }
        false
    }

    async fn keep_ready(&self, slot: &Slot, process: &Process, probe: &Probe) {
        let mut pace = Pace::of(probe);
        let (mut failures, mut successes) = (0, 0);
        loop {
            match pace.turn(|within| self.try_probe(process, probe, within)).await {
                Ok(()) => {
                    (failures, successes) = (0, successes + 1);
                    if successes >= pace.successes {
                        slot.is_ready(true);
                    }
                }
                Err(why) => {
                    (failures, successes) = (failures + 1, 0);
                    self.complain(slot, "Readiness", &why).await;
                    if failures >= pace.failures {
                        slot.is_ready(false);
                    }
                }
            }
        }
    }

    async fn while_alive(&self, slot: &Slot, process: &Process, probe: &Probe) {
        let mut pace = Pace::of(probe);
        let mut failures = 0;
        while failures < pace.failures {
            match pace.turn(|within| self.try_probe(process, probe, within)).await {
                Ok(()) => failures = 0,
                Err(why) => {
                    failures += 1;
                    self.complain(slot, "Liveness", &why).await;
                }
            }
        }
    }

    async fn complain(&self, slot: &Slot, which: &str, why: &str) {
        self.tell(slot, News::warning("Unhealthy", format!("{which} probe failed: {why}"))).await;
    }

    async fn try_probe(&self, process: &Process, probe: &Probe, within: Duration) -> Result<(), String> {
        let tried = async {
            if let Some(command) = probe.exec.as_ref().and_then(|exec| exec.command.as_ref()) {
                return run(process, command).await;
            }
            // What answers to HTTP is not among the images: whether the port is open is all that can be asked.
            let tcp = probe.tcp_socket.as_ref().map(|it| &it.port);
            match tcp.or_else(|| probe.http_get.as_ref().map(|it| &it.port)) {
                Some(IntOrString::Int(port)) => {
                    let address = format!("{}:{port}", self.place.address);
                    TcpStream::connect(&address)
                        .await
                        .map(drop)
                        .map_err(|error| format!("{address}: {error}"))
                }
                _ => Err("the sandbox does not know this kind of probe".into()),
            }
        };
        timeout(within, tried)
            .await
            .unwrap_or_else(|_| Err(format!("timed out after {} s", within.as_secs())))
    }
}

/// Runs a program in a container, and takes its exit status for the answer.
pub(crate) async fn run(process: &Process, command: &[String]) -> Result<(), String> {
    let Process::Real(real) = process else { return Ok(()) };
    let child = real.exec(command, [Stdio::null(), Stdio::piped(), Stdio::piped()])?;
    let output = child.wait_with_output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&said).trim().chars().take(512).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn a_container_is_asked_often_until_it_answers_and_once_a_period_from_then_on() {
        let probe = Probe { period_seconds: Some(5), ..Probe::default() };
        let (mut pace, start, tries) = (Pace::of(&probe), Instant::now(), Cell::new(0));
        let mut turns = Vec::new();
        // Up after 7.3 seconds, for 10 more.
        for _ in 0..5 {
            let result = pace.turn(|_| async {
                tries.set(tries.get() + 1);
                let since = start.elapsed().as_millis();
                if (7_300..17_300).contains(&since) { Ok(()) } else { Err(String::new()) }
            });
            let is_up = result.await.is_ok();
            turns.push((is_up, start.elapsed().as_millis() / 100, tries.take()));
        }
        assert_eq!(turns, [(false, 49, 50), (true, 73, 24), (true, 100, 1), (true, 150, 1), (false, 200, 1)]);
    }
}
