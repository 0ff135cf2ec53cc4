//! `/healthz`, `/readyz` and `/metrics`, for the kubelet and for Prometheus.

use crate::{context::Context, metrics::Counts};
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at the same time. More are for nobody who has business here.
const CONNECTIONS: usize = 16;
const ACCEPT_AGAIN: Duration = Duration::from_millis(500);
/// A client that sends no request for so long is sent away.
const HEADER_WITHIN: Duration = Duration::from_secs(5);

/// Listens, and answers until it is dropped.
pub async fn serve(address: SocketAddr, context: Arc<Context>) -> io::Result<impl Future<Output = ()>> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving /healthz, /readyz and /metrics");
    Ok(async move {
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = free.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // No file descriptor is free, most likely: asking again at once would not free one.
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let context = context.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let response = answer(&request, &context);
                    async { Ok::<_, Infallible>(response) }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN).keep_alive(false);
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
                drop(permit);
            });
        }
    })
}

fn answer(request: &Request<Incoming>, context: &Context) -> Response<Full<Bytes>> {
    match request.uri().path() {
        // One thread does everything: that it answers at all is the proof that it is alive.
        "/healthz" => text(StatusCode::OK, "ok\n".into()),
        // A candidate that waits for the lead is ready to take over.
        "/readyz" if context.is_ready() => text(StatusCode::OK, "ok\n".into()),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "the watch caches are not filled\n".into()),
        "/metrics" => {
            let mut response = text(StatusCode::OK, context.metrics.text(&Counts::now(context)));
            let type_ = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(type_));
            response
        }
        _ => text(StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics\n".into()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}
