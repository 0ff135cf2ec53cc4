//! The proxy itself.

use crate::{
    exchange,
    fault::Fault,
    gate::Gate,
    injected::{Faults, Injected},
    lists::Lists,
    log::{Log, WatchEvent},
    request::Request,
    sight::Sight,
    upstream::Upstream,
};
use http::HeaderName;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kube::Client;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// On whose behalf requests are sent on: the API server then grants what that user may do, and no more.
#[derive(Clone, Debug)]
pub struct Identity {
    /// User, for example `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
}

impl Identity {
    /// The identity of a service account.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let groups = ["system:authenticated", "system:serviceaccounts"].map(str::to_owned).into_iter();
        Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: groups.chain([format!("system:serviceaccounts:{namespace}")]).collect(),
        }
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, &String)> {
        let groups = self.groups.iter().map(|group| (HeaderName::from_static("impersonate-group"), group));
        [(HeaderName::from_static("impersonate-user"), &self.user)].into_iter().chain(groups)
    }
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port could be had.
    #[error("cannot listen on localhost")]
    Listen(#[source] std::io::Error),
    /// The kubeconfig cannot be written.
    #[error("cannot write a kubeconfig")]
    Kubeconfig(#[source] std::io::Error),
}

/// A running proxy. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    log: Arc<Log>,
    faults: Arc<Faults>,
    sight: Arc<Sight>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of localhost and passes everything on to the client's API server.
    ///
    /// The client should not retry by itself (`Config::default_retry` off): a retry would be a request that the log lacks.
    pub async fn start(client: Client, identity: Option<Identity>) -> Result<Self, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let (log, faults, sight) = (Arc::new(Log::new()), Arc::new(Faults::new()), Arc::<Sight>::default());
        let upstream = Arc::new(Upstream {
            client,
            identity,
            log: log.clone(),
            faults: faults.clone(),
            sight: sight.clone(),
            gate: Gate::default(),
            lists: Lists::default(),
        });
        let server = tokio::spawn(listen(listener, upstream));
        Ok(Self { address, log, faults, sight, server })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a kubeconfig that leads to it.
    pub fn write_kubeconfig(&self, path: &Path, namespace: &str) -> Result<(), StartError> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: proxy\n\
             clusters: [{{name: proxy, cluster: {{server: \"{}\"}}}}]\nusers: [{{name: proxy, user: {{}}}}]\n\
             contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy, namespace: {namespace}}}}}]\n",
            self.url()
        );
        std::fs::write(path, text).map_err(StartError::Kubeconfig)
    }

    /// From now on, lists and watches of a resource in every namespace show what a label selector selects, and nothing else: so
    /// an operator that works in the whole cluster can be tried in one that it shares.
    pub fn narrow(&self, resource: &str, selector: &str) {
        self.sight.narrow(resource, selector);
    }

    /// Puts a fault in force. Of several that are aimed at the same request the oldest has the first turn.
    pub fn inject(&self, fault: Fault) -> Injected {
        self.faults.inject(fault)
    }

    /// Takes a fault back: what it held up goes on, and it does not fire again.
    pub fn lift(&self, injected: &Injected) {
        self.faults.lift(|armed| Arc::ptr_eq(armed, &injected.0));
    }

    /// Takes all faults back.
    pub fn lift_all(&self) {
        self.faults.lift(|_| true);
    }

    /// The requests so far, in the order in which they were answered. The latest 20,000 are kept.
    pub fn requests(&self) -> Vec<Request> {
        self.requests_since(0)
    }

    /// How many requests there have been so far: a mark for [`Self::requests_since`].
    pub fn mark(&self) -> usize {
        self.log.requests.mark()
    }

    /// The requests that came after a mark, also when older ones had to be forgotten meanwhile.
    pub fn requests_since(&self, mark: usize) -> Vec<Request> {
        self.log.requests.since(mark)
    }

    /// The events that the operator's watches were given so far, and those that a fault left out. The latest 20,000 are kept;
    /// bookmarks are left out.
    pub fn events(&self) -> Vec<WatchEvent> {
        self.log.events.since(0)
    }
}

async fn listen(listener: TcpListener, upstream: Arc<Upstream>) {
    // Connections end with the operator's process; when the proxy goes, so do they.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (upstream, time) = (upstream.clone(), upstream.gate.now());
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let service = service_fn(|request| exchange::serve(request, upstream.clone(), time));
            // The operator was killed, or closed its side, or a fault did: nothing to do about any of them.
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _ = connection.with_upgrades().await;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}
