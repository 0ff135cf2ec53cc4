//! For tests: an API server of canned answers that remembers what it was asked, and a context that speaks to it.

use crate::{
    api::Database,
    context::Context,
    external::{backups::Backups, reach::Way},
    options::RunOptions,
    resources::tests::database,
    telemetry::{LogFormat, LogOptions},
    watches::{Caches, Filled, Stores},
};
use futures::FutureExt;
use http_body_util::BodyExt;
use hyper::{Request, Response};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Client, client::Body, runtime::reflector};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::unbounded_channel;
use tracing_subscriber::fmt::MakeWriter;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Verb and path, as in `GET /api/v1/namespaces/shop/secrets/orders`.
    pub(crate) line: String,
    /// The body, null if there is none.
    pub(crate) body: Value,
}

/// All requests so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The same by verb and path.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.take().into_iter().map(|asked| asked.line).collect()
    }
}

/// What a request gets: a status with a body, or nothing for ever.
pub(crate) type Answer = Option<(u16, String)>;

/// A client of a server that answers each request by a function.
pub(crate) fn client(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Client, Log) {
    let log = Log::default();
    let (seen, answer) = (log.clone(), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect().await?.to_bytes();
            let asked = Asked {
                line: format!("{} {}", head.method, head.uri),
                body: serde_json::from_slice(&bytes).unwrap_or_default(),
            };
            seen.0.lock().unwrap().push(asked.clone());
            match answer(&asked) {
                Some((status, text)) => {
                    let answer = Response::builder().status(status).body(Body::from(text.into_bytes()));
                    Ok::<_, kube::Error>(answer.unwrap())
                }
                None => std::future::pending().await,
            }
        }
    });
    (Client::new(service, "default"), log)
}

/// The answer to who asks for an object's metadata alone.
pub(crate) fn metadata(of: &ObjectMeta) -> (u16, String) {
    let (kind, version) = ("PartialObjectMetadata", "meta.k8s.io/v1");
    (200, json!({"kind": kind, "apiVersion": version, "metadata": of}).to_string())
}

/// What the API server says when it refuses.
pub(crate) fn refusal(code: u16, reason: &str) -> (u16, String) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason,
    });
    (code, status.to_string())
}

/// A context whose caches are empty, and filled.
pub(crate) fn context(client: Client) -> Context {
    with_caches(client, |_| async { Ok(()) }.boxed())
}

/// A context whose caches are never filled.
pub(crate) fn without_caches(client: Client) -> Context {
    with_caches(client, |_| std::future::pending().boxed())
}

fn with_caches(client: Client, filled: Filled) -> Context {
    let stores = Stores {
        stateful_sets: reflector::store().0,
        services: reflector::store().0,
        service_accounts: reflector::store().0,
        secrets: reflector::store().0,
        pods: reflector::store().0,
    };
    let (ended, _) = unbounded_channel();
    Context::new(client, Caches::new(stores, filled), Backups::new(ended), &options())
}

fn options() -> RunOptions {
    RunOptions {
        namespace: None,
        context: None,
        requeue: 300,
        concurrency: 8,
        reach: Some(Way::PodIp),
        file_backups: None,
        leader_election: None,
        listen: None,
        log: LogOptions { log_format: LogFormat::Human, log_level: "off".parse().unwrap() },
    }
}

/// A Database that is being deleted, with some finalizers.
pub(crate) fn going(finalizers: &[&str]) -> Database {
    let mut db = database();
    db.metadata.finalizers = Some(finalizers.iter().map(|it| (*it).to_owned()).collect());
    db.metadata.deletion_timestamp = Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
    db
}

/// A log that a test can read.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
