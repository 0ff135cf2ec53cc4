//! The operator under check: a process of its own, behind the proxy.

use super::{Failure, log::Log};
use rustix::process::{Pid, Signal};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{process::Command, sync::watch, task::JoinHandle, time::timeout};

/// Longer than the longest step of an operator of the course.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// An operator's process, which a check can end and start again. It is killed when this is dropped.
pub(crate) struct Operator {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Mutex<BTreeMap<&'static str, Option<String>>>,
    log: Log,
    running: Arc<Mutex<Option<Running>>>,
    /// Why it ended, if nobody asked for it.
    failed: watch::Sender<Option<String>>,
}

struct Running {
    pid: Pid,
    /// Whether somebody asked for its end.
    asked: Arc<AtomicBool>,
    ended: watch::Receiver<bool>,
    /// Owns the process.
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Operator {
    /// An operator that does not run yet, with the environment that every operator of the course understands.
    pub(super) fn new(
        program: &Path,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
        log: PathBuf,
    ) -> Result<Self, String> {
        let log = Log::create(log)?;
        let (failed, _) = watch::channel(None);
        let running = Arc::default();
        let environment = environment.into_iter().map(|(key, value)| (key, Some(value)));
        let environment = Mutex::new(environment.collect());
        Ok(Self { program: program.to_owned(), arguments, environment, log, running, failed })
    }

    /// Gives it another environment from its next start on; with `None`, the variable is not set.
    pub(crate) fn set(&self, key: &'static str, value: Option<String>) {
        lock(&self.environment).insert(key, value);
    }

    /// Starts it; its log goes on in the same file, and takes what it prints besides.
    pub(crate) fn start(&self) -> Result<(), String> {
        let (out, errors) = (self.log.end()?, self.log.end()?);
        let mut command = Command::new(&self.program);
        for (key, value) in lock(&self.environment).iter() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        let mut child = command
            .args(&self.arguments)
            .env("LOG_FORMAT", "json")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", self.program.display()))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let pid = pid.ok_or_else(|| format!("{} ended at once", self.program.display()))?;
        let (end, ended) = watch::channel(false);
        let asked = Arc::<AtomicBool>::default();
        let (expected, failed) = (asked.clone(), self.failed.clone());
        let task = tokio::spawn(async move {
            let how = match child.wait().await {
                Ok(status) => format!("it ended with {status}"),
                Err(error) => format!("it cannot be waited for: {error}"),
            };
            if !expected.load(Ordering::SeqCst) {
                failed.send_replace(Some(how));
            }
            end.send_replace(true);
        });
        *lock(&self.running) = Some(Running { pid, asked, ended, task });
        Ok(())
    }

    /// Kills it at once, as a node that loses its power would.
    pub(crate) fn kill(&self) {
        signal(&self.running, Signal::KILL);
    }

    /// A function that kills whatever process runs when it is called.
    pub(crate) fn killer(&self) -> Arc<dyn Fn() + Send + Sync> {
        let running = self.running.clone();
        Arc::new(move || signal(&running, Signal::KILL))
    }

    /// Asks it to stop, as Kubernetes does, and waits for its end.
    pub(crate) async fn stop(&self) -> Result<(), Failure> {
        signal(&self.running, Signal::TERM);
        if self.ended(STOPS_WITHIN).await {
            return Ok(());
        }
        self.kill();
        let expected = format!("the operator stops within {} s of SIGTERM", STOPS_WITHIN.as_secs());
        Err(Failure::new(expected, "it goes on"))
    }

    /// Waits for the end of the process; false if it still runs at the end of the time.
    pub(crate) async fn ended(&self, within: Duration) -> bool {
        let Some(mut ended) = lock(&self.running).as_ref().map(|running| running.ended.clone()) else {
            return true;
        };
        timeout(within, ended.wait_for(|ended| *ended)).await.is_ok()
    }

    /// Waits for an end that nobody asked for, and describes it.
    pub(crate) async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        match failed.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }

    /// What it has written.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signal(running: &Mutex<Option<Running>>, signal: Signal) {
    if let Some(running) = lock(running).as_ref().filter(|running| !*running.ended.borrow()) {
        running.asked.store(true, Ordering::SeqCst);
        // It may have ended by itself in the meantime.
        let _ = rustix::process::kill_process(running.pid, signal);
    }
}
