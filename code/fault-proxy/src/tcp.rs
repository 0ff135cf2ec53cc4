//! A proxy for connections that are no HTTP: those to PostgreSQL.

use crate::{
    fault::{Action, Aim, Fault, TcpFault},
    flow::{self, End},
    injected::{Faults, Injected},
    proxy::StartError,
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Listens on a port of localhost and passes every connection on. It stops when it is dropped, and so do its connections.
pub struct TcpProxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    server: JoinHandle<()>,
}

impl TcpProxy {
    /// Listens on a free port of localhost; `to` is a host and a port.
    pub fn start(to: impl Into<String>) -> Result<Self, StartError> {
        let socket = bind((Ipv4Addr::LOCALHOST, 0).into()).map_err(StartError::Listen)?;
        let address = socket.local_addr().map_err(StartError::Listen)?;
        let listener = socket.listen(BACKLOG).map_err(StartError::Listen)?;
        let faults = Arc::new(Faults::new());
        let server = Server { address, to: Arc::from(to.into()), faults: faults.clone() };
        Ok(Self { address, faults, server: tokio::spawn(server.run(listener)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a fault in force for every connection, open and to come, and takes back the one before it. It has fired once for
    /// each connection that it came over.
    ///
    /// [`TcpFault::Refuse`] has fired when the port is closed: who is refused by the kernel cannot be seen from here.
    pub fn inject(&self, fault: TcpFault) -> Injected {
        self.lift();
        let aim = Aim { times: usize::MAX, ..Aim::default() };
        self.faults.inject(Fault { aim, action: Action::Connection(fault) })
    }

    /// Takes the fault back: what it held up goes on.
    pub fn lift(&self) {
        self.faults.lift(|_| true);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

const BACKLOG: u32 = 128;

/// A port that is taken and refuses connections until somebody listens on it.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that have ended keep the port busy for a while.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

struct Server {
    address: SocketAddr,
    to: Arc<str>,
    faults: Arc<Faults>,
}

impl Server {
    async fn run(self, mut listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut changes = self.faults.changes();
        loop {
            changes.mark_unchanged();
            if let Some(refusal) = self.faults.refusal() {
                drop(listener);
                let closed = self.closed_port().await;
                refusal.has_fired();
                refusal.lifted().await;
                // Nobody else can have the port.
                listener = match closed.listen(BACKLOG) {
                    Ok(listener) => listener,
                    Err(_) => return,
                };
            }
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = changes.changed() => continue,
            };
            while connections.try_join_next().is_some() {}
            if let Ok((client, _)) = accepted {
                connections.spawn(pass_on(client, self.to.clone(), self.faults.clone()));
            }
        }
    }

    /// The port, with nobody listening. The kernel may take a moment to let go of the listener.
    async fn closed_port(&self) -> TcpSocket {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        loop {
            tick.tick().await;
            if let Ok(socket) = bind(self.address) {
                return socket;
            }
        }
    }
}

async fn pass_on(mut client: TcpStream, to: Arc<str>, faults: Arc<Faults>) {
    let end = match TcpStream::connect(&*to).await {
        Ok(mut server) => flow::carry(&mut client, &mut server, &faults, None).await,
        // The closest thing to a refusal that is left once a connection is open.
        Err(_) => End::Cut,
    };
    if end == End::Cut {
        // Makes the close a reset. Where it cannot be set, a close it is.
        let _ = client.set_zero_linger();
    }
}
