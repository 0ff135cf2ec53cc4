//! Controllers and simulated pods on a sandbox without sockets, under a clock that jumps.

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::StatefulSet,
        batch::v1::Job,
        core::v1::{ConfigMap, Endpoints, Node, PersistentVolumeClaim, Pod, Service},
        discovery::v1::EndpointSlice,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use sandbox::Sandbox;
use sandbox_nodes::{Crash, EXIT_CODE, KILL, Options, Pods, run};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt::Debug, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

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
        let options = Options { pods: Pods::Simulated { ready_after: Duration::from_secs(2) } };
        let ours = client.clone();
        let nodes = tokio::spawn(async move { run(ours, options).await.unwrap() });
        Self { client, nodes }
    }

    fn api<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), "default")
    }

    async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + serde::Serialize,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap()
    }

    async fn patch<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Waits until the objects of a kind, by name, are as they should be.
    async fn wait<K>(&self, what: &str, holds: impl Fn(&[K]) -> bool) -> Vec<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let objects = self.api::<K>().list(&ListParams::default()).await.unwrap().items;
            if holds(&objects) {
                return objects;
            }
            assert!(Instant::now() < deadline, "{what}: {objects:#?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn web(replicas: i32, image: &str) -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    })
}

fn ready(pods: &[Pod]) -> usize {
    let is_ready = |pod: &&Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True")
    };
    pods.iter().filter(is_ready).count()
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_comes_up_in_order_keeps_its_claims_and_rolls_from_above() {
    let stage = Stage::set();
    let start = Instant::now();
    stage.create::<StatefulSet>(web(3, "postgres:16")).await;
    let pods = stage.wait::<Pod>("three pods ready", |pods| ready(pods) == 3).await;
    // Each waits for the one before it.
    assert!(start.elapsed() >= Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(pods.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["web-0", "web-1", "web-2"]);
    let claims = stage.wait::<PersistentVolumeClaim>("bound", |claims| claims.len() == 3).await;
    assert!(claims.iter().all(|it| it.status.as_ref().unwrap().phase.as_deref() == Some("Bound")));

    stage.patch::<StatefulSet>("web", json!({"spec": {"replicas": 2}})).await;
    stage.wait::<Pod>("two pods", |pods| pods.len() == 2).await;
    assert_eq!(stage.wait::<PersistentVolumeClaim>("kept", |it| !it.is_empty()).await.len(), 3);

    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "postgres:17"}]}}}});
    let changed = stage.patch::<StatefulSet>("web", image).await;
    let sets = stage
        .wait::<StatefulSet>("rolled", |sets| {
            let status = sets[0].status.clone().unwrap_or_default();
            status.observed_generation == changed.metadata.generation
                && status.updated_replicas == Some(2)
                && status.current_revision == status.update_revision
        })
        .await;
    assert_eq!(sets[0].status.as_ref().unwrap().ready_replicas, Some(2));
    let pods = stage.wait::<Pod>("pods", |pods| ready(pods) == 2).await;
    let made = |pod: &Pod| pod.metadata.creation_timestamp.clone();
    assert!(made(&pods[1]) <= made(&pods[0]), "the highest ordinal is replaced first");
}

#[tokio::test(start_paused = true)]
async fn deletion_takes_dependents_along_or_leaves_them() {
    let stage = Stage::set();
    for (policy, left) in
        [(DeleteParams::background(), 0), (DeleteParams::foreground(), 0), (DeleteParams::orphan(), 2)]
    {
        stage.create::<StatefulSet>(web(2, "postgres:17")).await;
        stage.wait::<Pod>("two pods ready", |pods| ready(pods) == 2).await;
        stage.api::<StatefulSet>().delete("web", &policy).await.unwrap();
        stage.wait::<StatefulSet>("no set", <[_]>::is_empty).await;
        let pods = stage.wait::<Pod>("pods", |pods| pods.len() == left).await;
        assert!(pods.iter().all(|pod| pod.owner_references().is_empty()));
    }
    // A set that comes back adopts what it left.
    let uids = |pods: &[Pod]| pods.iter().filter_map(ResourceExt::uid).collect::<Vec<_>>();
    let before = uids(&stage.wait::<Pod>("pods", |pods| pods.len() == 2).await);
    stage.create::<StatefulSet>(web(2, "postgres:17")).await;
    let adopted = |pods: &[Pod]| pods.iter().all(|pod| pod.owner_references().len() == 1);
    assert_eq!(uids(&stage.wait::<Pod>("adopted", adopted).await), before);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_not_there_or_is_another_one_holds_nothing() {
    let stage = Stage::set();
    let owner: ConfigMap = stage.create(json!({"metadata": {"name": "owner"}})).await;
    let dependent = |name: &str, uid: &str| {
        let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid});
        json!({"metadata": {"name": name, "ownerReferences": [owner]}})
    };
    stage.create::<ConfigMap>(dependent("kept", &owner.uid().unwrap())).await;
    stage.create::<ConfigMap>(dependent("goes", "another-uid")).await;
    let names = |objects: &[ConfigMap]| objects.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
    stage.wait::<ConfigMap>("the stray goes", |it| !names(it).contains(&"goes".to_owned())).await;
    assert!(names(&stage.wait::<ConfigMap>("kept", |it| !it.is_empty()).await).contains(&"kept".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_pod_from_running_is_told() {
    let stage = Stage::set();
    let pod = |name: &str, container: Value| json!({"metadata": {"name": name}, "spec": {"containers": [container]}});
    let secret = json!({"secretKeyRef": {"name": "absent", "key": "password"}});
    let env = json!([{"name": "PASSWORD", "valueFrom": secret}]);
    stage.create::<Pod>(pod("image", json!({"name": "c", "image": "localhost/no-such-image:1"}))).await;
    stage.create::<Pod>(pod("secret", json!({"name": "c", "image": "postgres", "env": env}))).await;
    let waits = |pods: &[Pod], name: &str, reason: &str| {
        let pod = pods.iter().find(|pod| pod.name_any() == name).and_then(|pod| pod.status.as_ref());
        let waiting =
            pod.and_then(|it| it.container_statuses.as_ref()?.first()?.state.as_ref()?.waiting.as_ref());
        waiting.and_then(|it| it.reason.as_deref()) == Some(reason)
    };
    stage.wait::<Pod>("ErrImagePull", |pods| waits(pods, "image", "ErrImagePull")).await;
    stage.wait::<Pod>("ImagePullBackOff", |pods| waits(pods, "image", "ImagePullBackOff")).await;
    stage.wait::<Pod>("no Secret", |pods| waits(pods, "secret", "CreateContainerConfigError")).await;
    let secret = json!({"metadata": {"name": "absent"}, "stringData": {"password": "x"}});
    stage.create::<k8s_openapi::api::core::v1::Secret>(secret).await;
    stage.wait::<Pod>("the Secret is there", |pods| ready(pods) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_container_is_restarted() {
    let stage = Stage::set();
    let pod =
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "postgres"}]}});
    stage.create::<Pod>(pod).await;
    stage.wait::<Pod>("ready", |pods| ready(pods) == 1).await;
    stage.patch::<Pod>("p", json!({"metadata": {"annotations": {KILL: "1"}}})).await;
    let restarts =
        |pods: &[Pod]| pods[0].status.clone().unwrap().container_statuses.unwrap()[0].restart_count;
    stage.wait::<Pod>("not ready", |pods| restarts(pods) == 1 && ready(pods) == 0).await;
    stage.wait::<Pod>("ready again", |pods| ready(pods) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_complete_or_reach_their_limit() {
    let stage = Stage::set();
    let job = |name: &str, code: &str| {
        json!({"metadata": {"name": name}, "spec": {"completions": 2, "parallelism": 1, "backoffLimit": 1, "template": {
            "metadata": {"annotations": {EXIT_CODE: code}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "postgres"}]},
        }}})
    };
    stage.create::<Job>(job("good", "0")).await;
    stage.create::<Job>(job("bad", "3")).await;
    let has = |jobs: &[Job], name: &str, type_: &str| {
        let job = jobs.iter().find(|job| job.name_any() == name).and_then(|job| job.status.as_ref());
        job.is_some_and(|it| {
            it.conditions.iter().flatten().any(|it| it.type_ == type_ && it.status == "True")
        })
    };
    let jobs =
        stage.wait::<Job>("ended", |jobs| has(jobs, "good", "Complete") && has(jobs, "bad", "Failed")).await;
    let status = |name: &str| jobs.iter().find(|job| job.name_any() == name).unwrap().status.clone().unwrap();
    assert_eq!((status("good").succeeded, status("bad").failed), (Some(2), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_service_leads_to_ready_pods() {
    let stage = Stage::set();
    let service =
        json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    stage.create::<Service>(service).await;
    stage.create::<StatefulSet>(web(1, "postgres:17")).await;
    let leads = |slices: &[EndpointSlice]| {
        let endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
        endpoints.filter(|it| it.conditions.as_ref().and_then(|it| it.ready) == Some(true)).count()
    };
    stage.wait::<EndpointSlice>("not ready yet", |slices| slices.len() == 1 && leads(slices) == 0).await;
    stage.wait::<EndpointSlice>("ready", |slices| leads(slices) == 1).await;
    stage.api::<Pod>().delete("web-0", &DeleteParams::default()).await.unwrap();
    stage.wait::<EndpointSlice>("gone", |slices| leads(slices) == 0).await;
    stage.wait::<EndpointSlice>("back", |slices| leads(slices) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn endpoints_may_come_before_their_service_and_go_with_it() {
    let stage = Stage::set();
    let addresses = json!([{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]);
    stage.create::<Endpoints>(json!({"metadata": {"name": "far"}, "subsets": addresses})).await;
    sleep(Duration::from_secs(10)).await;
    stage.wait::<Endpoints>("kept", |it| it.len() == 1).await;
    // Without a selector: the addresses are somebody else's to keep.
    stage.create::<Service>(json!({"metadata": {"name": "far"}, "spec": {"ports": [{"port": 80}]}})).await;
    sleep(Duration::from_secs(10)).await;
    let kept = stage.wait::<Endpoints>("kept", |it| it.len() == 1).await;
    assert!(kept[0].subsets.is_some());
    stage.api::<Service>().delete("far", &DeleteParams::default()).await.unwrap();
    stage.wait::<Endpoints>("gone", <[_]>::is_empty).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_bound_as_soon_as_a_node_takes_it() {
    let stage = Stage::set();
    let nodes: Api<Node> = Api::all(stage.client.clone());
    let cordon = async |cordoned: bool| {
        let patch = Patch::Merge(json!({"spec": {"unschedulable": cordoned}}));
        while nodes.patch("sandbox", &PatchParams::default(), &patch).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    cordon(true).await;
    let pod =
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "postgres"}]}});
    stage.create::<Pod>(pod).await;
    let refused = |pods: &[Pod]| pods[0].status.iter().flat_map(|it| &it.conditions).flatten().count() > 0;
    stage.wait::<Pod>("refused", refused).await;
    cordon(false).await;
    let start = Instant::now();
    stage.wait::<Pod>("bound", |pods| pods[0].spec.as_ref().unwrap().node_name.is_some()).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
