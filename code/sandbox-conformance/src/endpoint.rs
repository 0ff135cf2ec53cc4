//! Requests to one list of objects. They are raw: a typed client would hide half of what a server answers.

use crate::{answer::Answer, case::Failure, ledger::Ledger, resource::Resource, watch::Watch};
use http::{HeaderMap, Method, Request, header};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use std::sync::Arc;
use url::form_urlencoded;

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

/// A list of objects, and how to ask for it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: Client,
    ledger: Arc<Ledger>,
    resource: Resource,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

impl Endpoint {
    pub(crate) fn new(client: Client, ledger: Arc<Ledger>, resource: Resource, path: String) -> Self {
        Self { client, ledger, resource, path, query: Vec::new(), headers: Vec::new() }
    }

    /// The same with a parameter of the query.
    pub(crate) fn with(&self, key: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.query.push((key.into(), value.into()));
        other
    }

    /// The same with a header.
    pub(crate) fn header(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name, value.into()));
        other
    }

    /// The same as seen by another user.
    pub(crate) fn as_user(&self, name: &str) -> Self {
        self.header("impersonate-user", name)
    }

    pub(crate) fn resource(&self) -> &Resource {
        &self.resource
    }

    pub(crate) async fn create(&self, object: Value) -> Answer {
        self.post_to("", object).await
    }

    /// Creates at a subresource: an eviction, for example. An empty name is the list itself.
    pub(crate) async fn post_to(&self, name: &str, object: Value) -> Answer {
        self.send(Method::POST, name, JSON, self.typed(object).to_string()).await
    }

    pub(crate) async fn get(&self, name: &str) -> Answer {
        self.send(Method::GET, name, "", String::new()).await
    }

    pub(crate) async fn list(&self) -> Answer {
        self.get("").await
    }

    pub(crate) async fn replace(&self, name: &str, object: &Value) -> Answer {
        self.send(Method::PUT, name, JSON, self.typed(object.clone()).to_string()).await
    }

    pub(crate) async fn merge(&self, name: &str, patch: Value) -> Answer {
        self.send(Method::PATCH, name, "application/merge-patch+json", patch.to_string()).await
    }

    pub(crate) async fn json_patch(&self, name: &str, patch: Value) -> Answer {
        self.send(Method::PATCH, name, "application/json-patch+json", patch.to_string()).await
    }

    pub(crate) async fn strategic(&self, name: &str, patch: Value) -> Answer {
        self.send(Method::PATCH, name, "application/strategic-merge-patch+json", patch.to_string()).await
    }

    /// Server-side apply by this field manager.
    pub(crate) async fn apply(&self, name: &str, manager: &str, object: Value) -> Answer {
        let text = self.typed(object).to_string();
        self.with("fieldManager", manager).send(Method::PATCH, name, APPLY, text).await
    }

    /// Server-side apply that takes fields of others.
    pub(crate) async fn force(&self, name: &str, manager: &str, object: Value) -> Answer {
        self.with("force", "true").apply(name, manager, object).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Answer {
        self.send(Method::DELETE, name, "", String::new()).await
    }

    pub(crate) async fn delete_with(&self, name: &str, options: Value) -> Answer {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        merge(&mut body, options);
        self.send(Method::DELETE, name, JSON, body.to_string()).await
    }

    /// Opens a watch. Fails if the server does not.
    pub(crate) async fn watch(&self) -> Result<Watch, Failure> {
        let endpoint = self.with("watch", "true");
        let request = endpoint.request(Method::GET, "", "", String::new());
        let told = format!("GET {}", endpoint.uri(""));
        let lost = |error: kube::Error| Failure(format!("{told}: {error}"));
        let response = endpoint.client.send(request.map_err(|error| Failure(error.to_string()))?).await;
        let response = response.map_err(lost)?;
        if response.status() == 200 {
            return Ok(Watch::new(told, response.into_body()));
        }
        let status = response.status();
        Err(Failure(format!("{told}: expected a watch, got {status}")))
    }

    /// Sends any text as any type.
    pub(crate) async fn send(&self, method: Method, name: &str, content_type: &str, text: String) -> Answer {
        let told = format!("{method} {}", self.uri(name));
        let writes = method != Method::GET && method != Method::DELETE;
        let none = |why: String| Answer {
            request: told.clone(),
            status: 0,
            headers: HeaderMap::new(),
            text: why,
            body: Value::Null,
        };
        let request = match self.request(method, name, content_type, text) {
            Ok(request) => request,
            Err(error) => return none(error.to_string()),
        };
        let (parts, body) = match self.client.send(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => return none(error.to_string()),
        };
        let text = match body.collect_bytes().await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return none(error.to_string()),
        };
        let body = serde_json::from_str(&text).unwrap_or_default();
        if writes && parts.status.is_success() {
            self.remember(&body);
        }
        Answer { request: told, status: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    fn request(
        &self,
        method: Method,
        name: &str,
        content_type: &str,
        text: String,
    ) -> Result<Request<Body>, http::Error> {
        let mut request = Request::builder().method(method).uri(self.uri(name));
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(text.into_bytes()))
    }

    fn uri(&self, name: &str) -> String {
        let path = if name.is_empty() { self.path.clone() } else { format!("{}/{name}", self.path) };
        if self.query.is_empty() {
            return path;
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{path}?{query}")
    }

    /// Fills in what kind of object it is, where the case does not say.
    fn typed(&self, mut object: Value) -> Value {
        if let Some(fields) = object.as_object_mut() {
            fields.entry("apiVersion").or_insert_with(|| self.resource.api_version().into());
            fields.entry("kind").or_insert_with(|| self.resource.kind.as_ref().into());
        }
        object
    }

    fn remember(&self, object: &Value) {
        let (name, kind) = (&object["metadata"]["name"], &object["kind"]);
        let dry = self.query.iter().any(|(key, _)| key == "dryRun");
        if let (Some(name), false, true) = (name.as_str(), dry, *kind == *self.resource.kind) {
            self.ledger.remember(&format!("{}/{name}", self.path), !self.resource.namespaced, object);
        }
    }
}

/// An object named `a` with one field beside its metadata.
pub(crate) fn named_a(field: &str, value: Value) -> Value {
    let mut object = json!({"metadata": {"name": "a"}});
    object[field] = value;
    object
}

/// Lays the fields of one object over another.
pub(crate) fn merge(object: &mut Value, over: Value) {
    if let (Some(fields), Value::Object(over)) = (object.as_object_mut(), over) {
        fields.extend(over);
    }
}
