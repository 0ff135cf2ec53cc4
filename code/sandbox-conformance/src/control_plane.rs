//! A real API server of this machine, without nodes: etcd, kube-apiserver and kube-controller-manager as processes.

use crate::{
    case::Needs,
    process::Process,
    target::{Target, Unusable, client},
};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    io,
    net::TcpListener,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// A file or a process of the control plane cannot be made, or does not come up.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A process cannot be started, or a file not be written.
    #[error("the control plane cannot be started")]
    Start(#[from] io::Error),
    /// The server does not answer; the end of its log.
    #[error("kube-apiserver does not answer within {seconds} s:\n{log}")]
    Silent {
        /// How long it was waited for.
        seconds: u64,
        /// The last lines that it logged.
        log: String,
    },
    /// There is no client for it.
    #[error(transparent)]
    Client(#[from] Unusable),
}

/// etcd, an API server and the controllers. All end when this is dropped.
pub struct ControlPlane {
    /// The server, with controllers and without nodes.
    pub target: Target,
    /// From the start of the first process until the server's first answer.
    pub started_in: Duration,
    server: u32,
    etcd: u32,
    _processes: Vec<Process>,
    _folder: tempfile::TempDir,
}

impl ControlPlane {
    /// Starts them from a folder that holds kube-apiserver and kube-controller-manager; etcd and openssl are the machine's own.
    pub async fn start(programs: &Path) -> Result<Self, Broken> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("tokens"), "conformance-token,conformance,conformance,\"system:masters\"\n")?;
        let key = Command::new("openssl").args(["genrsa", "-out", &path("key"), "2048"]).output()?;
        if !key.status.success() {
            return Err(io::Error::other("openssl could not make a key").into());
        }
        let started = Instant::now();
        let (etcd, etcd_url) = etcd(folder.path())?;
        let port = free_port()?;
        let server = api_server(folder.path(), programs, &etcd_url, port)?;
        let kubeconfig = kubeconfig(folder.path(), port)?;
        let client = connect(&kubeconfig).await?;
        wait_until_it_answers(&client, folder.path()).await?;
        let started_in = started.elapsed();
        let controllers = Process::start(
            "controllers",
            folder.path(),
            &programs.join("kube-controller-manager"),
            &[
                "--kubeconfig",
                &kubeconfig,
                "--leader-elect=false",
                "--secure-port=0",
                "--root-ca-file",
                &path("certificates/apiserver.crt"),
                "--service-account-private-key-file",
                &path("key"),
                "--kube-api-qps=1000",
                "--kube-api-burst=1000",
            ],
        )?;
        Ok(Self {
            target: Target::new("control plane", client, Needs::Controllers),
            started_in,
            server: server.id(),
            etcd: etcd.id(),
            // Dropped in this order: who asks first, who answers last.
            _processes: vec![controllers, server, etcd],
            _folder: folder,
        })
    }

    /// Process ids of the API server and of etcd.
    pub fn processes(&self) -> [u32; 2] {
        [self.server, self.etcd]
    }
}

fn etcd(folder: &Path) -> Result<(Process, String), io::Error> {
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let peer = format!("http://127.0.0.1:{}", free_port()?);
    let data = folder.join("etcd").display().to_string();
    let cluster = format!("default={peer}");
    let arguments = [
        "--data-dir",
        &data,
        "--listen-client-urls",
        &url,
        "--advertise-client-urls",
        &url,
        "--listen-peer-urls",
        &peer,
        "--initial-advertise-peer-urls",
        &peer,
        "--initial-cluster",
        &cluster,
        "--unsafe-no-fsync",
    ];
    let process = Process::start("etcd", folder, Path::new("etcd"), &arguments)?;
    Ok((process, url))
}

fn api_server(folder: &Path, programs: &Path, etcd: &str, port: u16) -> Result<Process, io::Error> {
    let path = |name: &str| folder.join(name).display().to_string();
    Process::start(
        "apiserver",
        folder,
        &programs.join("kube-apiserver"),
        &[
            "--etcd-servers",
            etcd,
            "--bind-address=127.0.0.1",
            "--secure-port",
            &port.to_string(),
            "--cert-dir",
            &path("certificates"),
            "--token-auth-file",
            &path("tokens"),
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file",
            &path("key"),
            "--service-account-signing-key-file",
            &path("key"),
            "--service-cluster-ip-range=10.0.0.0/16",
        ],
    )
}

fn kubeconfig(folder: &Path, port: u16) -> Result<String, io::Error> {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
         clusters: [{{name: it, cluster: {{server: \"https://127.0.0.1:{port}\", insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: it, user: {{token: conformance-token}}}}]\n\
         contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n"
    );
    let path = folder.join("kubeconfig");
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

async fn connect(kubeconfig: &str) -> Result<Client, Broken> {
    let unusable = |error| Broken::Start(io::Error::other(error));
    let file = Kubeconfig::read_from(kubeconfig).map_err(unusable)?;
    let config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(unusable)?;
    Ok(client(config)?)
}

/// Ready is more than an answer: before, the namespace `default` and the roles are still to come.
async fn wait_until_it_answers(client: &Client, folder: &Path) -> Result<(), Broken> {
    const WITHIN: Duration = Duration::from_mins(1);
    let deadline = Instant::now() + WITHIN;
    loop {
        let request = http::Request::get("/readyz").body(Vec::new()).map_err(io::Error::other)?;
        if client.request_text(request).await.is_ok() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let log = std::fs::read_to_string(folder.join("apiserver.log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(5).collect();
            return Err(Broken::Silent { seconds: WITHIN.as_secs(), log: last.join("\n") });
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
