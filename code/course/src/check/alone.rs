//! Makes sure that no other operator works in the cluster: its passes would mix with those of the one under check, and a broken
//! operator could pass with its help.

use super::namespaces::make_namespace;
use crate::cluster::Cluster;
use futures::{StreamExt, pin_mut};
use kube::{
    Api, ResourceExt,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};
use postgres_operator::{api::Database, error::chain};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// An operator that runs notices a new Database much sooner.
const NOTICED: Duration = Duration::from_millis(1500);

/// Makes a Database in a namespace in which no operator of this run works, and sees whether anybody takes it up.
pub(super) async fn alone(cluster: &Cluster, run: &str) -> Result<(), String> {
    let namespace = format!("course-{run}-nobody");
    make_namespace(&cluster.client, &namespace, run).await.map_err(|error| chain(&error))?;
    let api: Api<Database> = Api::namespaced(cluster.client.clone(), &namespace);
    let nobodys = json!({
        "apiVersion": "database.example.com/v1", "kind": "Database",
        "metadata": {"name": "nobody"}, "spec": {"image": "localhost/course/nobody-runs-this:1"},
    });
    let nobodys = serde_json::from_value(nobodys).map_err(|error| error.to_string())?;
    api.create(&PostParams::default(), &nobodys).await.map_err(|error| chain(&error))?;
    let versions = watcher(api, watcher::Config::default()).default_backoff().applied_objects();
    pin_mut!(versions);
    let touched = async {
        while let Some(version) = versions.next().await {
            if version.is_ok_and(|db| db.status.is_some() || !db.finalizers().is_empty()) {
                return;
            }
        }
    };
    match timeout(NOTICED, touched).await {
        Err(_) => Ok(()),
        Ok(()) => Err(format!(
            "another operator works in {cluster}: it took up a Database in namespace {namespace}. Stop it first, \
             `cargo course run` in another terminal perhaps; its work would mix with that of the operator under check"
        )),
    }
}
