//! The sandbox in this process: an API server, controllers and nodes, on a port of localhost.

use crate::progress;
use postgres_operator::error::chain;
use rustix::process::{Pid, Signal, kill_process};
use sandbox::Sandbox;
use sandbox_nodes::{Nodes, Options};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    process::Command,
    signal::unix::{self, SignalKind},
    sync::watch,
    task::JoinSet,
};

/// How long after its start a simulated container is ready.
const READY_AFTER: Duration = Duration::from_millis(300);

/// What pods are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pods {
    /// They say that they are ready, and nothing runs in them
    Simulated,
    /// PostgreSQL servers of this machine
    #[default]
    Postgres,
}

impl From<Pods> for sandbox_nodes::Pods {
    fn from(pods: Pods) -> Self {
        match pods {
            Pods::Simulated => Self::Simulated { ready_after: READY_AFTER },
            Pods::Postgres => Self::postgres(),
        }
    }
}

/// A running sandbox. It stops when this is dropped.
pub(crate) struct Here {
    address: std::net::SocketAddr,
    stopped: watch::Receiver<bool>,
    _tasks: JoinSet<()>,
}

impl Here {
    /// Starts one on a port; 0 is any free one. Users named by impersonation may do what their roles grant, as in a cluster.
    pub(crate) async fn start(port: u16, pods: Pods) -> Result<Self, String> {
        let nodes = Nodes::new(Options { pods: pods.into() }).map_err(|error| chain(&error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener =
            listener.map_err(|error| format!("the sandbox cannot listen on port {port}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let access = Some(Arc::new(nodes.access()) as Arc<dyn sandbox::PodAccess>);
        let sandbox =
            Sandbox::new(sandbox::Options { rbac: true, pods: access, ..sandbox::Options::default() });
        let client = sandbox.client();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let why = tokio::select! {
                served = sandbox.serve(listener) => served.map_or_else(|error| chain(&error), |()| "it serves no more".into()),
                crash = nodes.run(client) => chain(&crash),
            };
            eprintln!("error: the sandbox has stopped: {why}");
            stop.send_replace(true);
        });
        Ok(Self { address, stopped, _tasks: tasks })
    }

    /// Waits for an end that nobody asked for. Why it came has been printed by then.
    async fn stopped(&self) {
        // An error says that its sender is gone without a word: it has crashed, too.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> http::Uri {
        format!("http://{}", self.address).parse().unwrap_or_default()
    }

    /// Writes a kubeconfig that leads to it.
    fn write_kubeconfig(&self, file: &Path) -> Result<(), String> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let text = sandbox::kubeconfig(self.address).to_string();
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text));
        written.map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    /// Runs an operator on it until either ends.
    pub(crate) async fn run(
        &self,
        program: &Path,
        arguments: impl Iterator<Item = String>,
    ) -> Result<ExitCode, String> {
        let file = default_kubeconfig();
        self.write_kubeconfig(&file)?;
        eprintln!("In another terminal: export KUBECONFIG={}", file.display());
        let mut signals = Signals::listen()?;
        let mut operator = Command::new(program)
            .args(arguments)
            .env("KUBECONFIG", &file)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        loop {
            tokio::select! {
                ended = operator.wait() => return match ended {
                    Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
                    Ok(_) => Ok(ExitCode::FAILURE),
                    Err(error) => Err(error.to_string()),
                },
                () = self.stopped() => return Ok(ExitCode::FAILURE),
                // The operator stops in its own time. The terminal's Ctrl-C has gone to it as well, another signal may not have.
                signal = signals.next() => if signal != SignalKind::interrupt() {
                    let id = operator.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
                    if let Some(id) = id {
                        // It may have ended in the meantime.
                        let _ = kill_process(id, Signal::TERM);
                    }
                }
            }
        }
    }
}

/// The signals that ask for an end: Ctrl-C, a plain `kill`, and the end of the terminal. While there is one of these, none of them
/// ends the process by itself, with all that it would leave behind.
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self, String> {
        let to = |kind| unix::signal(kind).map_err(|error| format!("cannot listen to signals: {error}"));
        Ok(Self {
            interrupt: to(SignalKind::interrupt())?,
            terminate: to(SignalKind::terminate())?,
            hangup: to(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        }
    }
}

/// Where a kubeconfig goes if nobody says otherwise.
fn default_kubeconfig() -> PathBuf {
    progress::folder().join("sandbox.yaml")
}

/// Serves a sandbox until Ctrl-C, SIGTERM or the end of the terminal.
pub(crate) async fn serve(port: u16, pods: Pods, kubeconfig: Option<PathBuf>) -> Result<ExitCode, String> {
    let mut signals = Signals::listen()?;
    let here = Here::start(port, pods).await?;
    let file = kubeconfig.unwrap_or_else(default_kubeconfig);
    here.write_kubeconfig(&file)?;
    println!("A sandbox answers on {}, for as long as this runs. In another terminal:", here.url());
    println!("  export KUBECONFIG={}", file.display());
    println!("  kubectl get namespaces");
    tokio::select! {
        () = here.stopped() => Ok(ExitCode::FAILURE),
        _ = signals.next() => Ok(ExitCode::SUCCESS),
    }
}
