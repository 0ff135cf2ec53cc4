//! The API server behind the proxy.

use crate::{
    answer::{AnswerBody, BoxError},
    change::Before,
    gate::Gate,
    injected::Faults,
    lists::Lists,
    log::Log,
    proxy::Identity,
    sight::Sight,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::{Client, client::Body};
use std::sync::Arc;

/// What all requests of a proxy share.
pub(crate) struct Upstream {
    pub(crate) client: Client,
    pub(crate) identity: Option<Identity>,
    pub(crate) log: Arc<Log>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) sight: Arc<Sight>,
    pub(crate) gate: Gate,
    pub(crate) lists: Lists,
}

impl Upstream {
    /// An object as it is now, asked for with the proxy's own rights.
    pub(crate) async fn object(&self, address: &str) -> Before {
        let Ok(request) = http::Request::get(address).body(Body::empty()) else { return Before::Unknown };
        let Ok(answer) = self.client.send(request).await else { return Before::Unknown };
        if answer.status() == StatusCode::NOT_FOUND {
            return Before::None;
        }
        let complete = answer.status().is_success();
        match answer.into_body().collect().await.map(|body| serde_json::from_slice(&body.to_bytes())) {
            Ok(Ok(object)) if complete => Before::Object(object),
            _ => Before::Unknown,
        }
    }

    /// Passes a request on.
    pub(crate) async fn send(&self, mut head: Parts, body: Bytes) -> Result<Response<AnswerBody>, BoxError> {
        let upgrade = head.headers.contains_key(header::UPGRADE);
        // Of this connection, not of the message.
        for name in [header::HOST, header::TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        if !upgrade {
            head.headers.remove(header::CONNECTION);
            plain_json(&mut head.headers);
        }
        for (name, value) in self.identity.iter().flat_map(Identity::headers) {
            head.headers.append(name, HeaderValue::from_str(value)?);
        }
        let answer = self.client.send(http::Request::from_parts(head, Body::from(body.to_vec()))).await?;
        Ok(answer.map(|body| body.map_err(BoxError::from).boxed_unsync()))
    }
}

/// Asks for answers that the proxy can read: not compressed, and JSON where the operator would have it in another encoding. Clients
/// go by what an answer says that it is.
fn plain_json(headers: &mut HeaderMap) {
    headers.remove(header::ACCEPT_ENCODING);
    let Some(accepted) = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()) else {
        return;
    };
    let binary = |kind: &&str| !kind.contains("protobuf") && !kind.contains("cbor");
    let mut kinds = accepted.split(',').map(str::trim).filter(binary).collect::<Vec<_>>().join(",");
    if kinds.is_empty() {
        kinds = "application/json".into();
    }
    if let Ok(kinds) = HeaderValue::from_str(&kinds) {
        headers.insert(header::ACCEPT, kinds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_asked_for_in_plain_json() {
        for (accepted, expected) in [
            ("application/json", "application/json"),
            ("application/vnd.kubernetes.protobuf", "application/json"),
            ("application/vnd.kubernetes.protobuf,application/json", "application/json"),
            (
                "application/cbor, application/json;as=Table;v=v1;g=meta.k8s.io",
                "application/json;as=Table;v=v1;g=meta.k8s.io",
            ),
            ("*/*", "*/*"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accepted.parse().unwrap());
            headers.insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
            plain_json(&mut headers);
            assert_eq!((headers[header::ACCEPT].to_str().unwrap(), headers.len()), (expected, 1));
        }
    }
}
