//! Three ways from the operator to a server.

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A connection to a server.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// The primary of a Database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Primary {
    /// Namespace of the Database.
    pub namespace: String,
    /// Name of the Database, which its read-write Service has too.
    pub service: String,
    /// Name of the pod.
    pub pod: String,
    /// Address of the pod, if it has one.
    pub pod_ip: Option<String>,
    /// Port of the server.
    pub port: u16,
}

/// A way to the primary.
pub trait Reach: Send + Sync {
    /// Opens a connection. An error means that the server was not reached, never that it refused a login.
    fn connect<'a>(&'a self, primary: &'a Primary) -> BoxFuture<'a, io::Result<Box<dyn Connection>>>;
}

/// By the name of the Service: for an operator that runs in the cluster.
pub struct ByService;

impl Reach for ByService {
    fn connect<'a>(&'a self, primary: &'a Primary) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(
            async move { tcp(&format!("{}.{}.svc", primary.service, primary.namespace), primary.port).await },
        )
    }
}

/// By the address of the pod: where the operator is in the pods' network, and DNS is not.
pub struct ByPodIp;

impl Reach for ByPodIp {
    fn connect<'a>(&'a self, primary: &'a Primary) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let address = primary.pod_ip.as_deref().ok_or(io::ErrorKind::AddrNotAvailable)?;
            tcp(address, primary.port).await
        })
    }
}

/// Through the API server, which hands the bytes on to the pod: for an operator on a laptop.
pub struct ByPortForward(pub Client);

impl Reach for ByPortForward {
    fn connect<'a>(&'a self, primary: &'a Primary) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let pods: Api<Pod> = Api::namespaced(self.0.clone(), &primary.namespace);
            let forward = async {
                let mut forwarder =
                    pods.portforward(&primary.pod, &[primary.port]).await.map_err(io::Error::other)?;
                let stream = forwarder.take_stream(primary.port).ok_or(io::ErrorKind::NotConnected)?;
                Ok(Box::new(stream) as Box<dyn Connection>)
            };
            timeout(CONNECT_WITHIN, forward).await.map_err(|_| io::ErrorKind::TimedOut)?
        })
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<Box<dyn Connection>> {
    let stream = timeout(CONNECT_WITHIN, TcpStream::connect((host, port)))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// The ways by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// The name of the Service: in the cluster.
    Service,
    /// Through the API server: from outside.
    PortForward,
    /// The address of the pod.
    PodIp,
}

impl Way {
    /// The way for a process that was given none: the Service in a pod, the API server anywhere else.
    pub fn from_here() -> Self {
        // The kubelet sets it in every container.
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() { Self::Service } else { Self::PortForward }
    }

    /// The way itself.
    pub fn reach(self, client: &Client) -> Box<dyn Reach> {
        match self {
            Self::Service => Box::new(ByService),
            Self::PortForward => Box::new(ByPortForward(client.clone())),
            Self::PodIp => Box::new(ByPodIp),
        }
    }
}
