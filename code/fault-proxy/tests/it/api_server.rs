//! As much of an API server as these tests need: objects by address, versions, and watches.

use futures::stream;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle};

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) struct ApiServer {
    address: SocketAddr,
    store: Arc<Store>,
    server: JoinHandle<()>,
}

struct Store {
    objects: Mutex<(u64, BTreeMap<String, Value>)>,
    events: broadcast::Sender<Value>,
}

impl ApiServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Arc::new(Store { objects: Mutex::default(), events: broadcast::Sender::new(1000) });
        let shared = store.clone();
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let store = shared.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| answer(request, store.clone()));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = connection.with_upgrades().await;
                });
            }
        });
        Self { address, store, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Names of the objects that it holds.
    pub(crate) fn names(&self) -> Vec<String> {
        let objects = self.store.objects.lock().unwrap();
        objects.1.keys().filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect()
    }

    /// Watches that are open.
    pub(crate) fn watches(&self) -> usize {
        self.store.events.receiver_count()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut request: Request<Incoming>, store: Arc<Store>) -> Result<Response<Body>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    if request.headers().contains_key(header::UPGRADE) {
        return Ok(echo(hyper::upgrade::on(&mut request)));
    }
    let sent =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
    if watches {
        return Ok(Response::new(watch(&store)));
    }
    let (status, body) = store.act(&method, path, sent);
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = status;
    Ok(response)
}

/// A tunnel that says everything back.
fn echo(upgrade: OnUpgrade) -> Response<Body> {
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let (mut reads, mut writes) = tokio::io::split(TokioIo::new(upgraded));
        let _ = tokio::io::copy(&mut reads, &mut writes).await;
    });
    let switch = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let switch = switch.header(header::CONNECTION, "upgrade").header(header::UPGRADE, "echo");
    switch.body(Full::default().boxed_unsync()).unwrap()
}

fn watch(store: &Store) -> Body {
    let events = stream::unfold(store.events.subscribe(), |mut events| async move {
        let line = format!("{}\n", events.recv().await.ok()?);
        // In two pieces: an event need not come in one.
        let (start, end) = line.split_at(line.len() / 2);
        Some((stream::iter([start.to_owned(), end.to_owned()]), events))
    });
    let frames = stream::StreamExt::flatten(events);
    let frames = stream::StreamExt::map(frames, |piece| Ok(Frame::data(Bytes::from(piece))));
    StreamBody::new(frames).boxed_unsync()
}

impl Store {
    fn act(&self, method: &Method, path: String, sent: Value) -> (StatusCode, Value) {
        let (version, objects) = &mut *self.objects.lock().unwrap();
        let missing = (StatusCode::NOT_FOUND, status("Failure", "NotFound", 404));
        let is_list = path.ends_with('s');
        match *method {
            Method::GET if is_list => {
                let items: Vec<&Value> = objects.values().collect();
                let metadata = json!({"resourceVersion": version.to_string()});
                (
                    StatusCode::OK,
                    json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}),
                )
            }
            Method::GET => objects.get(&path).cloned().map_or(missing, |object| (StatusCode::OK, object)),
            Method::DELETE => match objects.remove(&path) {
                Some(mut gone) => {
                    *version += 1;
                    gone["metadata"]["resourceVersion"] = json!(version.to_string());
                    self.tell("DELETED", &gone);
                    (StatusCode::OK, status("Success", "", 200))
                }
                None => missing,
            },
            _ => {
                let name = sent["metadata"]["name"].as_str().unwrap_or_default();
                let path = if is_list { format!("{path}/{name}") } else { path };
                let before = objects.get(&path).cloned();
                if is_list && before.is_some() {
                    return (StatusCode::CONFLICT, status("Failure", "AlreadyExists", 409));
                }
                let mut after =
                    before.clone().unwrap_or_else(|| json!({"kind": "ConfigMap", "metadata": {}}));
                merge(&mut after, sent);
                if before.as_ref() != Some(&after) {
                    *version += 1;
                    after["metadata"]["resourceVersion"] = json!(version.to_string());
                    self.tell(if before.is_some() { "MODIFIED" } else { "ADDED" }, &after);
                }
                objects.insert(path, after.clone());
                (StatusCode::OK, after)
            }
        }
    }

    fn tell(&self, event: &str, object: &Value) {
        // Nobody may be watching.
        let _ = self.events.send(json!({"type": event, "object": object}));
    }
}

fn status(outcome: &str, reason: &str, code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": outcome, "reason": reason, "message": reason, "code": code})
}

/// A JSON merge patch: <https://datatracker.ietf.org/doc/html/rfc7386>.
fn merge(target: &mut Value, patch: Value) {
    match patch {
        Value::Object(fields) => {
            if !target.is_object() {
                *target = json!({});
            }
            for (name, value) in fields {
                merge(&mut target[name], value);
            }
        }
        other => *target = other,
    }
}
