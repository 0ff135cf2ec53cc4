//! Garbage collection where one API group serves kinds at different versions, under a clock that jumps.

use k8s_openapi::{
    api::core::v1::ConfigMap, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use sandbox::Sandbox;
use sandbox_nodes::{Crash, Options, run};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Far below the time after which the collector looks for kinds by itself.
const SOON: Duration = Duration::from_secs(3);

struct Stage {
    client: Client,
    nodes: JoinHandle<Crash>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.nodes.abort();
    }
}

impl Stage {
    fn set() -> Self {
        let client = Sandbox::default().client();
        let ours = client.clone();
        let nodes = tokio::spawn(async move { run(ours, Options::default()).await.unwrap() });
        Self { client, nodes }
    }

    async fn define(&self, kind: &str, versions: &[(&str, bool)]) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let definition = serde_json::from_value(definition(kind, versions)).unwrap();
        api.create(&PostParams::default(), &definition).await.unwrap();
    }

    async fn redefine(&self, kind: &str, versions: &[(&str, bool)]) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let spec = json!({"spec": definition(kind, versions)["spec"]});
        let name = format!("{}s.example.com", kind.to_lowercase());
        api.patch(&name, &PatchParams::default(), &Patch::Merge(spec)).await.unwrap();
    }

    fn at(&self, kind: &str, version: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", version, kind));
        Api::default_namespaced_with(self.client.clone(), &resource)
    }

    /// Makes an owner, once its kind is served.
    async fn owner(&self, kind: &str, version: &str) -> DynamicObject {
        let owners = self.at(kind, version);
        let owner = json!({"apiVersion": format!("example.com/{version}"), "kind": kind, "metadata": {"name": "owner"}});
        let owner: DynamicObject = serde_json::from_value(owner).unwrap();
        let deadline = Instant::now() + SOON;
        loop {
            match owners.create(&PostParams::default(), &owner).await {
                Ok(owner) => return owner,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn maps(&self) -> Api<ConfigMap> {
        Api::default_namespaced(self.client.clone())
    }

    async fn dependent(&self, name: &str, owner: &DynamicObject) {
        let types = owner.types.clone().unwrap();
        let reference = json!({
            "apiVersion": types.api_version, "kind": types.kind, "name": owner.name_any(), "uid": owner.uid(),
        });
        let map = json!({"metadata": {"name": name, "ownerReferences": [reference]}});
        self.maps().create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    }

    async fn is_gone_soon(&self, dependent: &str) {
        let deadline = Instant::now() + SOON;
        while self.maps().get_opt(dependent).await.unwrap().is_some() {
            assert!(Instant::now() < deadline, "{dependent} does not go");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Versions by name, and whether they are served; the first is stored.
fn definition(kind: &str, versions: &[(&str, bool)]) -> Value {
    let singular = kind.to_lowercase();
    let versions = versions.iter().enumerate().map(|(at, (name, served))| {
        let schema = json!({"openAPIV3Schema": {"type": "object"}});
        json!({"name": name, "served": served, "storage": at == 0, "schema": schema})
    });
    json!({
        "metadata": {"name": format!("{singular}s.example.com")},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "versions": versions.collect::<Vec<_>>(),
            "names": {"plural": format!("{singular}s"), "singular": singular, "kind": kind},
        },
    })
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_owner_is_seen_though_its_group_prefers_a_version_that_its_kind_lacks() {
    let stage = Stage::set();
    stage.define("Old", &[("v1", true)]).await;
    stage.define("New", &[("v2", true), ("v1", true)]).await;
    let owner = stage.owner("Old", "v1").await;
    stage.dependent("dependent", &owner).await;
    sleep(SOON).await;
    stage.at("Old", "v1").delete("owner", &DeleteParams::background()).await.unwrap();
    stage.is_gone_soon("dependent").await;
}

#[tokio::test(start_paused = true)]
async fn a_dependent_of_a_kind_that_is_new_is_looked_at_once_the_kind_is_known() {
    let stage = Stage::set();
    // The collector has taken in what kinds there are, and takes its time until it looks again.
    sleep(Duration::from_secs(1)).await;
    stage.define("Old", &[("v1", true)]).await;
    let owner = stage.owner("Old", "v1").await;
    stage.dependent("dependent", &owner).await;
    stage.at("Old", "v1").delete("owner", &DeleteParams::background()).await.unwrap();
    stage.is_gone_soon("dependent").await;
}

#[tokio::test(start_paused = true)]
async fn dependents_outlive_the_version_of_their_owner_and_go_with_the_owner() {
    let stage = Stage::set();
    stage.define("Moving", &[("v1", true)]).await;
    let owner = stage.owner("Moving", "v1").await;
    stage.dependent("early", &owner).await;
    sleep(SOON).await;
    stage.redefine("Moving", &[("v2", true), ("v1", false)]).await;
    // Judged at once, and again when the collector has learnt of the new version.
    stage.dependent("late", &owner).await;
    sleep(Duration::from_mins(2)).await;
    for dependent in ["early", "late"] {
        assert!(
            stage.maps().get_opt(dependent).await.unwrap().is_some(),
            "{dependent} went before its owner"
        );
    }
    stage.at("Moving", "v2").delete("owner", &DeleteParams::background()).await.unwrap();
    stage.is_gone_soon("early").await;
    stage.is_gone_soon("late").await;
}
