//! The one node, and the storage class of its volumes.

use crate::{
    error::chain,
    kubelet::NODE_ADDRESS,
    world::{NODE, World},
};
use k8s_openapi::{
    api::{
        core::v1::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo},
        storage::v1::StorageClass,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{sleep, timeout};

/// The class that claims get which name none.
const CLASS: &str = "standard";
/// Marks the default class.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const RETRY: Duration = Duration::from_millis(200);
/// How often the node says that it is well.
const HEARTBEAT: Duration = Duration::from_mins(5);

/// Sets up node and class, and keeps the node's conditions fresh. Does not end.
pub(crate) async fn run(world: World) {
    loop {
        let set_up = async {
            set_up(&world).await?;
            report(&world).await
        };
        let pause = match set_up.await {
            Ok(()) => HEARTBEAT,
            Err(error) => {
                tracing::debug!("cannot set up node {NODE}: {}", chain(&error));
                RETRY
            }
        };
        // A node that is deleted comes back, as one does whose kubelet registers itself.
        let _ = timeout(pause, gone(&world)).await;
    }
}

async fn gone(world: &World) {
    world.ready().await;
    while world.nodes.get(&crate::object::Key::new("", NODE)).is_some() {
        sleep(Duration::from_secs(5)).await;
    }
}

async fn set_up(world: &World) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(world.client.clone());
    if nodes.get_opt(NODE).await?.is_none() {
        nodes.create(&PostParams::default(), &node()).await?;
    }
    let classes: Api<StorageClass> = Api::all(world.client.clone());
    if classes.get_opt(CLASS).await?.is_none() {
        classes.create(&PostParams::default(), &class()).await?;
    }
    Ok(())
}

async fn report(world: &World) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(world.client.clone());
    let patch = Patch::Merge(json!({"status": status(world)}));
    nodes.patch_status(NODE, &PatchParams::default(), &patch).await.map(drop)
}

fn node() -> Node {
    let labels = [
        ("kubernetes.io/hostname", NODE),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", architecture()),
        ("node-role.kubernetes.io/control-plane", ""),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Node {
        metadata: ObjectMeta { name: Some(NODE.into()), labels: Some(labels), ..ObjectMeta::default() },
        spec: Some(NodeSpec { provider_id: Some(format!("sandbox://{NODE}")), ..NodeSpec::default() }),
        status: None,
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Generous: the sandbox runs out of nothing before its machine does.
fn capacity() -> BTreeMap<String, Quantity> {
    let amounts = [("cpu", "64"), ("memory", "256Gi"), ("pods", "10000"), ("ephemeral-storage", "1Ti")];
    amounts.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).into()
}

fn status(world: &World) -> NodeStatus {
    let now = world.clock.time();
    let before = world.nodes.get(&crate::object::Key::new("", NODE)).and_then(|node| node.status.clone());
    let condition = |type_: &str, status: &str, reason: &str, message: &str| {
        let before = before.iter().flat_map(|it| it.conditions.iter().flatten());
        let mut before = before.filter(|it| it.type_ == type_ && it.status == status);
        let since = before.find_map(|it| it.last_transition_time.clone());
        NodeCondition {
            type_: type_.into(),
            status: status.into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_heartbeat_time: Some(now.clone()),
            last_transition_time: Some(since.unwrap_or_else(|| now.clone())),
        }
    };
    let address = |type_: &str, address: &str| NodeAddress { type_: type_.into(), address: address.into() };
    NodeStatus {
        capacity: Some(capacity()),
        allocatable: Some(capacity()),
        addresses: Some(vec![address("InternalIP", NODE_ADDRESS), address("Hostname", NODE)]),
        conditions: Some(vec![
            condition(
                "MemoryPressure",
                "False",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available",
            ),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition(
                "PIDPressure",
                "False",
                "KubeletHasSufficientPID",
                "kubelet has sufficient PID available",
            ),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]),
        node_info: Some(NodeSystemInfo {
            architecture: architecture().into(),
            operating_system: std::env::consts::OS.into(),
            kubelet_version: concat!("v", env!("CARGO_PKG_VERSION"), "-sandbox").into(),
            container_runtime_version: concat!("sandbox://", env!("CARGO_PKG_VERSION")).into(),
            os_image: "the sandbox's machine".into(),
            ..NodeSystemInfo::default()
        }),
        ..NodeStatus::default()
    }
}

fn class() -> StorageClass {
    let annotations = [(DEFAULT_CLASS.to_owned(), "true".to_owned())].into();
    StorageClass {
        metadata: ObjectMeta {
            name: Some(CLASS.into()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        provisioner: "sandbox.example.com/folder".into(),
        allow_volume_expansion: Some(true),
        reclaim_policy: Some("Delete".into()),
        volume_binding_mode: Some("WaitForFirstConsumer".into()),
        ..StorageClass::default()
    }
}
