//! Connections into pods: the WebSocket handshake, and the raw stream behind it handed to what runs the pods.

use crate::{
    error::{Failure, Outcome},
    http::{Answer, Target, Verb, respond},
    pods::{self, Upgrade},
    server::Server,
    store::Key,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use hyper_util::rt::TokioIo;
use std::sync::Arc;

/// Whether the path is one that only upgraded connections use.
pub(crate) fn is_wanted(target: &Target) -> bool {
    let connects = ["attach", "exec", "portforward"].contains(&target.subresource.as_str());
    target.resource.table == "pods" && connects
}

pub(crate) fn verb(method: &Method) -> Verb {
    if method == Method::POST { Verb::Create } else { Verb::Get }
}

/// Answers the handshake and leaves the connection to the nodes' side.
pub(crate) fn answer(server: &Arc<Server>, target: &Target, head: &mut Parts) -> Outcome<Answer> {
    let key = Key::new(&target.namespace, &target.name);
    let pod = server.store.get(&target.resource.table, &key);
    let pod = pod.ok_or_else(|| Failure::not_found(&target.resource, &target.name))?.value(&target.resource);
    let access = server.options.pods.clone();
    pods::reachable(access.as_deref(), target, &pod)?;
    let Some(access) = access else { return Err(Failure::no_such_path()) };
    let text = |name: header::HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_websocket = text(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let (Some(nonce), true) = (text(header::SEC_WEBSOCKET_KEY), is_websocket) else {
        return Err(Failure::bad_request("Upgrade request required"));
    };
    let parameters = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let protocols = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',');
    let upgrade = Upgrade {
        subresource: target.subresource.clone(),
        pod,
        parameters: parameters.into_owned().collect(),
        protocols: protocols.map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect(),
    };
    let protocol = access.accept(&upgrade).map_err(Failure::bad_request)?;
    let accept = accept_key(nonce);
    let on_upgrade = head.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let on_upgrade = on_upgrade.ok_or_else(|| Failure::bad_request("the connection cannot be upgraded"))?;
    let chosen = protocol.clone();
    tokio::spawn(async move {
        // A client that goes away before the answer has nothing to be served.
        if let Ok(connection) = on_upgrade.await {
            access.serve(upgrade, chosen, Box::new(TokioIo::new(connection))).await;
        }
    });
    let mut answer = http::Response::new(respond::full(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let value = |text: &str| HeaderValue::from_str(text).map_err(Failure::internal);
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, value(&accept)?);
    if !protocol.is_empty() {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(&protocol)?);
    }
    Ok(answer)
}

/// RFC 6455, section 4.2.2: SHA-1 of the client's key and a fixed text.
fn accept_key(nonce: &str) -> String {
    let text = format!("{nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(sha1(text.as_bytes()))
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    use sha1::Digest;
    sha1::Sha1::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_handshake_is_the_one_of_the_rfc() {
        // The example of RFC 6455, section 1.3.
        assert_eq!(super::accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
