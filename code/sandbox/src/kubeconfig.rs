//! How clients find a sandbox.

use serde_json::{Value, json};
use std::net::SocketAddr;

/// The context's name in the kubeconfig.
pub const CONTEXT: &str = "course-sandbox";

/// The kubeconfig of a sandbox at `address`, as JSON, which is YAML too.
pub fn kubeconfig(address: SocketAddr) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{ "name": CONTEXT, "cluster": { "server": format!("http://{address}") } }],
        "users": [{ "name": CONTEXT, "user": {} }],
        "contexts": [{ "name": CONTEXT, "context": { "cluster": CONTEXT, "user": CONTEXT, "namespace": "default" } }],
    })
}
