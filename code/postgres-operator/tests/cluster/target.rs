//! Where the tests run.

use kube::{Client, Config};
use sandbox::Sandbox;
use sandbox_nodes::{Nodes, Options, Pods};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread::{self, JoinHandle},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot};

/// A cluster.
pub(crate) enum Target {
    /// The kind cluster of the current context.
    Kind,
    /// A sandbox, shared by the tests that run at the same time.
    Sandbox(Arc<Running>),
}

impl Target {
    /// What the variable `ON` names. Refuses every cluster that is not kind's: tests make and remove things as they like.
    pub(crate) fn named() -> Self {
        match std::env::var("ON").as_deref() {
            Err(_) | Ok("sandbox") => Self::Sandbox(Running::shared()),
            Ok("kind") => {
                let context = Command::new("kubectl").args(["config", "current-context"]).output().unwrap();
                assert!(
                    context.stdout.starts_with(b"kind-"),
                    "the current context is not a kind cluster's: {context:?}"
                );
                Self::Kind
            }
            Ok(other) => panic!("ON should be sandbox or kind, and is {other}"),
        }
    }

    pub(crate) async fn client(&self) -> Client {
        postgres_operator::install_crypto();
        match self {
            Self::Kind => Client::try_default().await.unwrap(),
            Self::Sandbox(running) => {
                Client::try_from(Config::new(format!("http://{}", running.address).parse().unwrap())).unwrap()
            }
        }
    }

    /// A program that finds the cluster by itself.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Self::Sandbox(running) = self {
            command.env("KUBECONFIG", running.folder.path().join("kubeconfig"));
        }
        command
    }

    /// How an operator on this machine reaches a pod, as its option says it.
    pub(crate) fn reach(&self) -> &'static str {
        match self {
            Self::Kind => "port-forward",
            Self::Sandbox(_) => "pod-ip",
        }
    }
}

/// A sandbox whose pods are PostgreSQL servers of this machine. They stop with it, when it is dropped.
pub(crate) struct Running {
    address: SocketAddr,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The sandbox of the tests that run now, or a new one.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = sandbox::kubeconfig(address).to_string();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
        let nodes = Nodes::new(Options { pods: Pods::postgres() }).unwrap();
        let (stop, stopped) = oneshot::channel();
        // On a runtime of its own: a test's ends with the test.
        let thread = thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                let pods = Some(Arc::new(nodes.access()) as Arc<dyn sandbox::PodAccess>);
                let sandbox = Sandbox::new(sandbox::Options { pods, ..sandbox::Options::default() });
                let client = sandbox.client();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = sandbox.serve(listener) => panic!("the sandbox serves no more: {served:?}"),
                    crash = nodes.run(client) => panic!("{crash:?}"),
                    _ = stopped => {}
                }
            });
        });
        Self { address, folder, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it had to say, it has printed.
            let _ = thread.join();
        }
    }
}
