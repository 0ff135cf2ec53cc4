//! What a run leaves behind that goes not by itself with its namespaces, and its removal.

use futures::{StreamExt, stream};
use http::{Method, Request};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex, sync::PoisonError};

const AT_ONCE: usize = 8;

/// The objects that a run has to remove: those of the cluster, and those that a finalizer holds.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By path. True: the object has to be deleted; false: it goes with its namespace, once its finalizers are off.
    left: Mutex<BTreeMap<String, bool>>,
}

impl Ledger {
    pub(crate) fn remember(&self, path: &str, of_the_cluster: bool, object: &Value) {
        let held = object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
        if of_the_cluster || held {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.insert(path.to_owned(), of_the_cluster);
        }
    }

    /// Removes everything that is left, custom objects before their definitions and namespaces last. An object that is gone
    /// already is no error, and what cannot be removed is told.
    pub(crate) async fn sweep(&self, client: &Client) -> Vec<String> {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        let rank = |path: &str| match path {
            path if path.starts_with("/api/v1/namespaces/") && path.split('/').count() == 5 => 2,
            path if path.contains("/customresourcedefinitions/") => 1,
            _ => 0,
        };
        let mut problems = Vec::new();
        for round in 0..3 {
            let now = left.iter().filter(|(path, _)| rank(path) == round);
            let removals = now.map(|(path, of_the_cluster)| remove(client, path, *of_the_cluster));
            let results: Vec<_> = stream::iter(removals).buffer_unordered(AT_ONCE).collect().await;
            problems.extend(results.into_iter().filter_map(Result::err));
        }
        problems
    }
}

async fn remove(client: &Client, path: &str, of_the_cluster: bool) -> Result<(), String> {
    let bare = json!({"metadata": {"finalizers": null}});
    // A CRD's own finalizer is the server's way to remove its objects.
    if !path.contains("/customresourcedefinitions/") {
        send(client, Method::PATCH, path, bare.to_string()).await?;
    }
    if of_the_cluster {
        send(client, Method::DELETE, path, String::new()).await?;
    }
    Ok(())
}

async fn send(client: &Client, method: Method, path: &str, body: String) -> Result<(), String> {
    let told = format!("{method} {path}");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/merge-patch+json")
        .body(Body::from(body.into_bytes()))
        .map_err(|error| format!("{told}: {error}"))?;
    match client.send(request).await {
        Ok(answer) if answer.status().is_success() || matches!(answer.status().as_u16(), 404 | 409) => Ok(()),
        Ok(answer) => Err(format!("{told}: {}", answer.status())),
        Err(error) => Err(format!("{told}: {error}")),
    }
}
