//! Starting and stopping a container: pretended, or as a process of this machine.

use super::{
    env::{Environment, expand},
    probe,
    process::{Ended, Process},
    slot::Slot,
    worker::{EXIT_CODE, Worker},
};
use crate::{
    events::News,
    postgres::{Command, Machine, Real, mounts},
};
use kube::ResourceExt;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const ENTRY_POINT: &str = "/usr/local/bin/docker-entrypoint.sh";

impl Worker {
    pub(crate) async fn start_process(
        &self,
        slot: &Slot,
        init: bool,
        environment: Environment,
    ) -> Result<Process, String> {
        let count = slot.status().restart_count;
        let id = format!("{}-{}-{count}", self.pod().uid().unwrap_or_default(), slot.spec.name);
        match self.world.machine.clone() {
            Some(machine) => {
                let command = self.command(&machine, id, slot, init, environment).await?;
                Ok(Process::Real(Arc::new(Real::start(&machine, command)?)))
            }
            None => Ok(Process::simulate(id, self.simulated_end(init))),
        }
    }

    fn simulated_end(&self, init: bool) -> Option<(Duration, i32)> {
        if init {
            return Some((Duration::ZERO, 0));
        }
        let code = self.pod().annotations().get(EXIT_CODE).and_then(|it| it.parse().ok()).unwrap_or(0);
        (self.restart_policy() != "Always").then(|| (self.ready_after(), code))
    }

    async fn command(
        &self,
        machine: &Arc<Machine>,
        id: String,
        slot: &Slot,
        init: bool,
        given: Environment,
    ) -> Result<Command, String> {
        let pod = self.pod();
        let permit = if init { None } else { machine.room() };
        if !init && permit.is_none() {
            return Err(format!("the sandbox runs {} servers already, which is its limit", machine.limit));
        }
        let folder = machine.pod(&pod.uid().unwrap_or_default());
        let root = folder.join("roots").join(&slot.spec.name);
        machine.make_folder(&folder).map_err(|error| error.to_string())?;
        machine.make_folder(&folder.join("roots")).map_err(|error| error.to_string())?;
        machine.make_folder(&root).map_err(|error| error.to_string())?;
        let hostname =
            pod.spec.as_ref().and_then(|spec| spec.hostname.clone()).unwrap_or_else(|| pod.name_any());
        let mut environment = self.image_environment(machine, &hostname);
        environment.extend(given);
        let expanded = |words: &Option<Vec<String>>| -> Vec<String> {
            words.iter().flatten().map(|word| expand(word, &environment)).collect()
        };
        let (mut words, args) = (expanded(&slot.spec.command), expanded(&slot.spec.args));
        if words.is_empty() {
            words.push(ENTRY_POINT.into());
            words.extend(args.is_empty().then(|| "postgres".to_owned()));
        }
        words.extend(args);
        let context = slot.spec.security_context.as_ref();
        Ok(Command {
            id,
            hostname,
            words,
            mounts: mounts(&self.world, machine, &pod, &slot.spec).await?,
            environment,
            read_only: context.and_then(|it| it.read_only_root_filesystem) == Some(true),
            root,
            log: machine.log(&pod.uid().unwrap_or_default(), &slot.spec.name),
            tells_log: slot.spec.termination_message_policy.as_deref() == Some("FallbackToLogsOnError"),
            room: permit,
        })
    }

    /// What the image and the node put into the environment before the pod does.
    fn image_environment(&self, machine: &Machine, hostname: &str) -> Environment {
        let programs = machine.programs.display().to_string();
        let path = format!("/usr/local/bin:{programs}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin");
        let variables = [
            ("PATH", path.as_str()),
            ("HOSTNAME", hostname),
            ("HOME", "/var/lib/postgresql"),
            ("LANG", "C.UTF-8"),
            ("PGDATA", "/var/lib/postgresql/data"),
            ("SANDBOX_BIN", &programs),
            ("SANDBOX_ADDRESS", &self.place.address),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Ends a container: its hook, its signal, and force after the grace period.
    pub(crate) async fn stop_process(&self, slot: &Slot, process: &Process) -> Ended {
        let softly = async {
            self.pre_stop(slot, process).await;
            process.terminate();
            process.ended().await
        };
        if let Ok(ended) = timeout(self.grace(), softly).await {
            return ended;
        }
        process.kill();
        process.ended().await
    }

    async fn pre_stop(&self, slot: &Slot, process: &Process) {
        let hook =
            slot.spec.lifecycle.as_ref().and_then(|it| it.pre_stop.as_ref()?.exec.as_ref()?.command.as_ref());
        let Some(command) = hook else { return };
        if let Err(why) = probe::run(process, command).await {
            self.tell(slot, News::warning("FailedPreStopHook", format!("PreStopHook failed: {why}"))).await;
        }
    }
}
