//! What a node does for the API server: logs, commands in containers, connections to their ports.

use crate::error::{Failure, Outcome};
use crate::http::{Answer, Query, Target, respond};
use futures::future::BoxFuture;
use hyper::body::Bytes;
use serde_json::Value;
use std::fmt::Debug;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What is done in a pod over an upgraded connection.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// `exec`, `attach` or `portforward`.
    pub subresource: String,
    /// The pod, as the API server has it.
    pub pod: Value,
    /// The parameters of the request, in their order: `command`, `container`, `stdin`, `ports`…
    pub parameters: Vec<(String, String)>,
    /// The WebSocket protocols that the client offers, the best first.
    pub protocols: Vec<String>,
}

/// What runs the pods.
pub trait PodAccess: Debug + Send + Sync {
    /// The log of a container.
    fn log(&self, pod: &Value, container: Option<&str>) -> BoxFuture<'static, Result<Bytes, String>>;

    /// The WebSocket protocol to go on with, or why not. Nothing has been sent yet.
    fn accept(&self, upgrade: &Upgrade) -> Result<String, String>;

    /// Serves the raw connection after its WebSocket handshake, until it ends.
    fn serve(&self, upgrade: Upgrade, protocol: String, connection: Box<dyn Io>) -> BoxFuture<'static, ()>;
}

/// Answers `pods/log`.
pub(crate) async fn log(
    access: Option<&dyn PodAccess>,
    target: &Target,
    pod: &Value,
    query: &Query,
) -> Outcome<Answer> {
    let access = reachable(access, target, pod)?;
    match access.log(pod, query.get("container")).await {
        Ok(bytes) => Ok(respond::bytes(200, "text/plain", bytes)),
        Err(why) => Err(Failure::bad_request(why)),
    }
}

/// The nodes' side, if the pod is on one.
pub(crate) fn reachable<'a>(
    access: Option<&'a dyn PodAccess>,
    target: &Target,
    pod: &Value,
) -> Outcome<&'a dyn PodAccess> {
    let name = &target.name;
    match access {
        Some(access) if pod["spec"]["nodeName"].is_string() => Ok(access),
        _ => Err(Failure::bad_request(format!("pod {name} does not have a host assigned"))),
    }
}
