//! A container's process on this machine.

use super::Machine;
use crate::kubelet::{Ended, Environment, KILLED};
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{
    process::Child,
    sync::{OwnedSemaphorePermit, watch},
    task::JoinHandle,
};

/// How much of a log is told as a container's last words: as the kubelet does.
const LAST_WORDS: u64 = 2048;

/// What to run, and where.
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) hostname: String,
    pub(crate) words: Vec<String>,
    pub(crate) environment: Environment,
    pub(crate) mounts: Vec<[String; 3]>,
    pub(crate) read_only: bool,
    /// An empty folder, to be the root.
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    /// Whether the last of the log is the message of a failure.
    pub(crate) tells_log: bool,
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// A process that runs. It ends when this is dropped.
pub(crate) struct Real {
    pub(crate) id: String,
    machine: Arc<Machine>,
    environment: Environment,
    /// Of the program that made the namespaces; its child is process 1 in them.
    outer: u32,
    ended: watch::Receiver<Option<Ended>>,
    keeper: JoinHandle<()>,
}

impl Real {
    pub(crate) fn start(machine: &Arc<Machine>, command: Command) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("cannot start the container: {error}");
        let log = OpenOptions::new().create(true).append(true).open(&command.log).map_err(told)?;
        let begin = log.metadata().map_err(told)?.len();
        let mut words = machine.new_namespaces();
        let mode = if command.read_only { "ro" } else { "rw" };
        let script = ["sh", "-c", include_str!("container.sh"), "container"].map(str::to_owned);
        words.extend(script.into_iter().chain([
            command.root.display().to_string(),
            command.hostname,
            mode.into(),
        ]));
        words.extend(command.mounts.into_iter().flatten());
        words.push("--".into());
        words.extend(command.words);
        let mut child = prepare(&words, &command.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(told)?)
            .stderr(log)
            .spawn()
            .map_err(told)?;
        let outer = child.id().unwrap_or_default();
        let (sender, ended) = watch::channel(None);
        let (path, tells_log, room) = (command.log.clone(), command.tells_log, command.room);
        let keeper = tokio::spawn(async move {
            let code = child.wait().await.map_or(KILLED, exit_code);
            drop(room);
            let message = (code != 0 && tells_log).then(|| last_words(&path, begin));
            sender.send_replace(Some(Ended { code, message }));
        });
        let (id, environment) = (command.id, command.environment);
        Ok(Self { id, machine: machine.clone(), environment, outer, ended, keeper })
    }

    pub(crate) async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let end = ended.wait_for(Option::is_some).await;
        end.ok().and_then(|end| end.clone()).unwrap_or(Ended { code: KILLED, message: None })
    }

    /// Sends a signal to the container's process 1.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = self.inner().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(process) = process
            && let Err(error) = kill_process(process, signal)
            && error != Errno::SRCH
        {
            tracing::warn!("cannot send {signal:?} to {}: {error}", self.id);
        }
    }

    fn inner(&self) -> Option<u32> {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.outer)).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Starts a further program in the container.
    pub(crate) fn exec(&self, program: &[String], streams: [Stdio; 3]) -> Result<Child, String> {
        let inner = self.inner().ok_or("the container is not running")?;
        let mut words = self.machine.namespaces_of(inner);
        words.extend_from_slice(program);
        let [stdin, stdout, stderr] = streams;
        let mut command = prepare(&words, &self.environment);
        let spawned = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn();
        spawned.map_err(|error| format!("cannot start {:?}: {error}", program.first()))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

fn prepare(words: &[String], environment: &Environment) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(&words[0]);
    command.args(&words[1..]).env_clear().envs(environment).current_dir("/").kill_on_drop(true);
    command
}

/// As a container engine tells it.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(KILLED)
}

fn last_words(log: &Path, begin: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let from = file.metadata()?.len().saturating_sub(LAST_WORDS).max(begin);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
