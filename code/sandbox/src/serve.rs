//! The API over TCP.

use crate::server::Server;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
    time::sleep,
};

const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve(server: Arc<Server>, listener: TcpListener) -> io::Result<()> {
    // Dropped with this future: then all connections end.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let stream = match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        let pause = pause_after(error)?;
                        sleep(pause).await;
                        continue;
                    }
                };
                // Answers are small and awaited. A connection that has gone already says so by itself.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(Arc::clone(&server), stream));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// How long to wait after a connection could not be accepted. Only what is wrong with the listener itself is an end: one client's
/// connection, or files that are open elsewhere, must not take the API from all others.
fn pause_after(error: io::Error) -> io::Result<Duration> {
    match error.kind() {
        ErrorKind::InvalidInput => Err(error),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {
            tracing::debug!("cannot accept a connection: {error}");
            Ok(Duration::ZERO)
        }
        // Too many open files, for example: the next try fails at once, as long as nobody closes one.
        _ => {
            tracing::warn!("cannot accept a connection: {error}");
            Ok(PAUSE)
        }
    }
}

/// Answers the requests of one connection.
pub(crate) async fn connection<T>(server: Arc<Server>, stream: T)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let outcome = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = outcome {
        tracing::debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broken_listener_ends_the_api() {
        for (kind, expected) in [
            (ErrorKind::ConnectionAborted, Some(Duration::ZERO)),
            // EMFILE and ENFILE have no kind of their own.
            (ErrorKind::Other, Some(PAUSE)),
            (ErrorKind::InvalidInput, None),
        ] {
            assert_eq!(pause_after(kind.into()).ok(), expected, "{kind}");
        }
    }
}
