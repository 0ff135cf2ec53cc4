//! The sandbox in this process: an API server, controllers and nodes, on a port of localhost.

use crate::progress;
use postgres_operator::error::chain;
use sandbox::Sandbox;
use sandbox_nodes::{Nodes, Options};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, process::Command, task::JoinSet};

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
        let mut tasks = JoinSet::new();
        let client = sandbox.client();
        tasks.spawn(async move {
            if let Err(error) = sandbox.serve(listener).await {
                eprintln!("error: the sandbox has stopped: {error}");
            }
        });
        tasks.spawn(nodes.run(client));
        Ok(Self { address, _tasks: tasks })
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
        // The terminal's Ctrl-C goes to the operator as well, which stops in its own time.
        let mut operator = Command::new(program)
            .args(arguments)
            .env("KUBECONFIG", &file)
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        let interrupted = async {
            loop {
                let _ = tokio::signal::ctrl_c().await;
            }
        };
        tokio::select! {
            ended = operator.wait() => match ended {
                Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
                Ok(_) => Ok(ExitCode::FAILURE),
                Err(error) => Err(error.to_string()),
            },
            never = interrupted => never,
        }
    }
}

/// Where a kubeconfig goes if nobody says otherwise.
fn default_kubeconfig() -> PathBuf {
    progress::folder().join("sandbox.yaml")
}

/// Serves a sandbox until Ctrl-C.
pub(crate) async fn serve(port: u16, pods: Pods, kubeconfig: Option<PathBuf>) -> Result<ExitCode, String> {
    let here = Here::start(port, pods).await?;
    let file = kubeconfig.unwrap_or_else(default_kubeconfig);
    here.write_kubeconfig(&file)?;
    println!("A sandbox answers on {}, for as long as this runs. In another terminal:", here.url());
    println!("  export KUBECONFIG={}", file.display());
    println!("  kubectl get namespaces");
    tokio::signal::ctrl_c().await.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}
