//! What becomes of volumes whose claims go, under a clock that jumps.

use k8s_openapi::api::{
    core::v1::{PersistentVolume, PersistentVolumeClaim},
    storage::v1::StorageClass,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use sandbox::Sandbox;
use sandbox_nodes::{Options, run};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Waits until the volume of a class is in a phase, or gone.
async fn wait(client: &Client, class: &str, phase: Option<&str>) {
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let all = volumes.list(&ListParams::default()).await.unwrap().items;
        let mut own =
            all.iter().filter(|it| it.spec.as_ref().unwrap().storage_class_name.as_deref() == Some(class));
        let found = own.next().map(|it| it.status.as_ref().and_then(|status| status.phase.as_deref()));
        if found == phase.map(Some) {
            return;
        }
        assert!(Instant::now() < deadline, "{class}: {found:?}, not {phase:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_goes_with_its_claim_or_stays_as_its_class_says() {
    let client = Sandbox::default().client();
    let nodes = tokio::spawn(run(client.clone(), Options::default()));
    let classes: Api<StorageClass> = Api::all(client.clone());
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client.clone());
    for (policy, class) in [("Delete", "short"), ("Retain", "long")] {
        let made = json!({"metadata": {"name": class}, "provisioner": "p", "reclaimPolicy": policy});
        classes.create(&PostParams::default(), &serde_json::from_value(made).unwrap()).await.unwrap();
        let claim = json!({"metadata": {"name": class}, "spec": {
            "storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }});
        claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
        wait(&client, class, Some("Bound")).await;
        claims.delete(class, &DeleteParams::default()).await.unwrap();
    }
    wait(&client, "short", None).await;
    wait(&client, "long", Some("Released")).await;
    nodes.abort();
}
