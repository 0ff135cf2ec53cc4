//! A client without sockets: requests go to the server as they are. Only connections into pods need a stream, and get one in
//! memory.

use crate::{
    http::{Answer, respond},
    serve,
    server::Server,
};
use http::{Request, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use kube::{Client, client::Body};
use std::{convert::Infallible, error::Error, sync::Arc};
use tower::service_fn;

type AnyError = Box<dyn Error + Send + Sync>;

pub(crate) fn client(server: Arc<Server>) -> Client {
    let service = service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            if request.headers().contains_key(header::UPGRADE) {
                over_a_stream(server, request).await
            } else {
                Ok(server.answer(request).await)
            }
        }
    });
    Client::new(service, "default")
}

/// Sends the request through a connection in memory, which can then be upgraded.
async fn over_a_stream(server: Arc<Server>, request: Request<Body>) -> Result<Answer, AnyError> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(serve::connection(server, far));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!("a connection in memory ended: {error}");
        }
    });
    let answer = sender.send_request(request).await?;
    let (head, body) = answer.into_parts();
    let bytes = if head.status == http::StatusCode::SWITCHING_PROTOCOLS {
        hyper::body::Bytes::new()
    } else {
        body.collect().await?.to_bytes()
    };
    let body = respond::full(bytes).map_err(|never: Infallible| match never {}).boxed_unsync();
    Ok(http::Response::from_parts(head, body))
}
