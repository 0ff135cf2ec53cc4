//! etcd, an API server and the controllers of StatefulSets and garbage, without nodes.

use crate::process::Process;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    collections::BTreeMap,
    error::Error,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const USERS: [&str; 3] = ["operator", "bench", "controllers"];

pub(crate) struct ControlPlane {
    folder: PathBuf,
    url: String,
    processes: Vec<Process>,
    _etcd_folder: tempfile::TempDir,
}

impl ControlPlane {
    pub(crate) async fn start(folder: &Path, programs: &Path) -> Result<Self, Box<dyn Error>> {
        let path = |name: &str| folder.join(name).display().to_string();
        let (etcd_url, peer_url) =
            (format!("http://127.0.0.1:{}", free_port()?), format!("http://127.0.0.1:{}", free_port()?));
        let port = free_port()?.to_string();
        // In memory: what is measured is CPU, and the disks of two machines cannot be compared.
        let etcd_folder = tempfile::tempdir_in("/dev/shm")?;
        let etcd_data = etcd_folder.path().display().to_string();
        let etcd = Process::start(
            "etcd",
            folder,
            Path::new("etcd"),
            &[
                "--data-dir",
                &etcd_data,
                "--listen-client-urls",
                &etcd_url,
                "--advertise-client-urls",
                &etcd_url,
                "--listen-peer-urls",
                &peer_url,
                "--initial-advertise-peer-urls",
                &peer_url,
                "--initial-cluster",
                &format!("default={peer_url}"),
            ],
            &[],
        )?;
        let key = Command::new("openssl").args(["genrsa", "-out", &path("key"), "2048"]).output()?;
        if !key.status.success() {
            return Err("openssl could not make a key".into());
        }
        let tokens: String =
            USERS.map(|user| format!("{user}-token,{user},{user},\"system:masters\"\n")).concat();
        std::fs::write(folder.join("tokens"), tokens)?;
        let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
                      - {level: Metadata, users: [operator]}\n- {level: None}\n";
        std::fs::write(folder.join("audit.yaml"), policy)?;
        let server = Process::start(
            "apiserver",
            folder,
            &programs.join("kube-apiserver"),
            &[
                "--etcd-servers",
                &etcd_url,
                "--bind-address=127.0.0.1",
                "--secure-port",
                &port,
                "--cert-dir",
                &path("certificates"),
                "--token-auth-file",
                &path("tokens"),
                "--authorization-mode=AlwaysAllow",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file",
                &path("key"),
                "--service-account-signing-key-file",
                &path("key"),
                "--service-cluster-ip-range=10.0.0.0/16",
                "--disable-admission-plugins=ServiceAccount,DefaultStorageClass",
                "--audit-policy-file",
                &path("audit.yaml"),
                "--audit-log-path",
                &path("audit.log"),
            ],
            &[],
        )?;
        let mut plane = Self {
            folder: folder.to_owned(),
            url: format!("https://127.0.0.1:{port}"),
            processes: vec![etcd, server],
            _etcd_folder: etcd_folder,
        };
        plane.wait_until_it_answers().await?;
        let kubeconfig = plane.kubeconfig("controllers")?;
        plane.processes.push(Process::start(
            "controllers",
            folder,
            &programs.join("kube-controller-manager"),
            // Without limits of its own: it is not what is measured.
            &[
                "--kubeconfig",
                &kubeconfig,
                "--controllers=statefulset,garbagecollector",
                "--leader-elect=false",
                "--kube-api-qps=2000",
                "--kube-api-burst=2000",
                "--concurrent-statefulset-syncs=32",
                "--secure-port=0",
                "--port=0",
            ],
            &[],
        )?);
        Ok(plane)
    }

    async fn wait_until_it_answers(&self) -> Result<(), Box<dyn Error>> {
        let client = self.client("bench").await?;
        let deadline = Instant::now() + Duration::from_mins(1);
        while client.apiserver_version().await.is_err() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.join("apiserver.log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                return Err(format!("the API server does not answer:\n{}", last.join("\n")).into());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    pub(crate) fn kubeconfig(&self, user: &str) -> Result<String, std::io::Error> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
             clusters: [{{name: it, cluster: {{server: \"{}\", insecure-skip-tls-verify: true}}}}]\n\
             users: [{{name: it, user: {{token: {user}-token}}}}]\n\
             contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n",
            self.url
        );
        let path = self.folder.join(format!("{user}.kubeconfig"));
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    pub(crate) async fn client(&self, user: &str) -> Result<Client, Box<dyn Error>> {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig(user)?)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }

    /// Waits until a user has asked for a resource.
    pub(crate) async fn wait_for_request(
        &self,
        user: &str,
        resource: &str,
        within: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + within;
        while !self.requests(user).0.keys().any(|what| what.ends_with(resource)) {
            if Instant::now() > deadline {
                return Err(format!("{user} asked for no {resource}").into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What a user has asked for so far, watches aside.
    pub(crate) fn requests(&self, user: &str) -> Requests {
        let mut counts = BTreeMap::new();
        // The file comes with the first entry.
        let log = std::fs::read_to_string(self.folder.join("audit.log")).unwrap_or_default();
        for line in log.lines() {
            let Ok(entry) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let (verb, object) = (entry["verb"].as_str().unwrap_or_default(), &entry["objectRef"]);
            if entry["user"]["username"] != user || verb == "watch" {
                continue;
            }
            let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
            let subresource =
                Some(text("subresource")).filter(|it| !it.is_empty()).map(|it| format!("/{it}"));
            let what = format!("{verb} {}{}", text("resource"), subresource.unwrap_or_default());
            *counts.entry(what).or_default() += 1;
        }
        Requests(counts)
    }
}

/// Counts by verb and resource.
pub(crate) struct Requests(BTreeMap<String, usize>);

impl Requests {
    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }

    pub(crate) fn writes(&self) -> usize {
        let reads = |what: &str| what.starts_with("get ") || what.starts_with("list ");
        self.0.iter().filter(|(what, _)| !reads(what)).map(|(_, count)| count).sum()
    }

    pub(crate) fn by_kind(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(what, count)| (what.as_str(), *count))
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
