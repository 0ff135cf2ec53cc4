//! StatefulSets, with pods that run.

use super::stateful_set_spec::of_pods;
use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    endpoint::Endpoint,
    expect::{differs, holds, lists, names, present, same, uid},
    resource::{PODS, REVISIONS, STATEFUL_SETS},
};
use serde_json::{Value, json};

cases! { "StatefulSet":
    defaults_are_filled_in,
    pods_are_named_and_labelled with Nodes,
    pods_belong_to_their_set with Nodes,
    pods_come_one_by_one with Nodes,
    parallel_pods_come_at_once with Nodes,
    the_status_counts_the_pods with Nodes,
    the_status_observes_the_generation with Nodes,
    a_deleted_pod_comes_back with Nodes,
    scaling_down_takes_the_last_pod_first with Nodes,
    a_new_template_rolls_from_the_last_pod with Nodes,
    a_partition_keeps_the_first_pods with Nodes,
    on_delete_waits_for_the_pod_to_go with Nodes,
    revisions_are_kept_as_objects with Nodes,
    deleting_the_set_deletes_its_pods with Nodes,
    orphaned_pods_are_adopted_again with Nodes,
    pods_carry_their_index since 28 with Nodes,
}

async fn defaults_are_filled_in(arena: &Arena) -> Outcome {
    let set = arena.at(STATEFUL_SETS).create(of_pods("a", 0, &arena.image)).await.is(201)?;
    let spec = &set["spec"];
    same("podManagementPolicy", &spec["podManagementPolicy"], "OrderedReady")?;
    same("revisionHistoryLimit", &spec["revisionHistoryLimit"], 10)?;
    same(
        "updateStrategy",
        &spec["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
    )?;
    let pod = &spec["template"]["spec"];
    same("restartPolicy", &pod["restartPolicy"], "Always")?;
    same("dnsPolicy", &pod["dnsPolicy"], "ClusterFirst")?;
    same("schedulerName", &pod["schedulerName"], "default-scheduler")?;
    same("terminationMessagePath", &pod["containers"][0]["terminationMessagePath"], "/dev/termination-log")
}

async fn ready(arena: &Arena, count: u32) -> Result<Value, Failure> {
    let ready = |set: &Value| {
        set["status"]["readyReplicas"].as_u64().unwrap_or_default() == u64::from(count)
            && set["status"]["replicas"] == count
            && set["status"]["observedGeneration"] == set["metadata"]["generation"]
    };
    arena.until_object(&arena.at(STATEFUL_SETS), "a", "to be ready", ready).await
}

/// A set named `a` of this size with all its pods ready.
pub(super) async fn running(
    arena: &Arena,
    count: u32,
    change: impl Fn(&mut Value),
) -> Result<Endpoint, Failure> {
    let mut set = of_pods("a", count, &arena.image);
    change(&mut set);
    arena.at(STATEFUL_SETS).create(set).await.is(201)?;
    ready(arena, count).await?;
    Ok(arena.at(PODS).with("labelSelector", "app=a"))
}

fn as_it_is(_: &mut Value) {}

fn at_once(set: &mut Value) {
    set["spec"]["podManagementPolicy"] = json!("Parallel");
}

async fn pods_are_named_and_labelled(arena: &Arena) -> Outcome {
    let pods = running(arena, 2, at_once).await?;
    lists(&pods.list().await.is(200)?, &["a-0", "a-1"])?;
    let pod = pods.get("a-1").await.is(200)?;
    let labels = &pod["metadata"]["labels"];
    same("app", &labels["app"], "a")?;
    same("pod-name", &labels["statefulset.kubernetes.io/pod-name"], "a-1")?;
    let set = arena.at(STATEFUL_SETS).get("a").await.is(200)?;
    same("revision", &labels["controller-revision-hash"], set["status"]["updateRevision"].clone())?;
    same("hostname", &pod["spec"]["hostname"], "a-1")?;
    same("subdomain", &pod["spec"]["subdomain"], "a")
}

/// The label came, on by default, with 1.28: <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-index-label>.
async fn pods_carry_their_index(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, as_it_is).await?;
    let labels = pods.get("a-0").await.is(200)?["metadata"]["labels"].clone();
    same("index", &labels["apps.kubernetes.io/pod-index"], "0")
}

async fn pods_belong_to_their_set(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, as_it_is).await?;
    let set = arena.at(STATEFUL_SETS).get("a").await.is(200)?;
    let owner = pods.get("a-0").await.is(200)?["metadata"]["ownerReferences"].clone();
    let wanted = json!([{
        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "a", "uid": uid(&set),
        "controller": true, "blockOwnerDeletion": true,
    }]);
    same("ownerReferences", &owner, wanted)
}

/// The names of the pods in the order of their creation, and how far the ones before were.
async fn pods_come_one_by_one(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS).with("labelSelector", "app=a");
    let mut watch = pods.watch().await?;
    arena.at(STATEFUL_SETS).create(of_pods("a", 2, &arena.image)).await.is(201)?;
    let mut first_is_ready = false;
    while let Some(event) = watch.next().await? {
        let pod = &event["object"];
        match pod["metadata"]["name"].as_str() {
            Some("a-0") => first_is_ready = is_ready(pod),
            Some("a-1") => return holds(first_is_ready, || "a-0 to be ready before a-1 is made".into()),
            _ => {}
        }
    }
    Err(Failure("the watch ended before a-1 came".into()))
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

async fn parallel_pods_come_at_once(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS).with("labelSelector", "app=a");
    let mut set = of_pods("a", 3, &arena.image);
    at_once(&mut set);
    // With pods that never become ready, ordered ones would stop at the first.
    set["spec"]["template"]["spec"]["schedulerName"] = json!("nobody");
    arena.at(STATEFUL_SETS).create(set).await.is(201)?;
    arena
        .until("three pods", async || {
            let list = pods.list().await.is(200)?;
            Ok((names(&list) == ["a-0", "a-1", "a-2"]).then_some(()))
        })
        .await
}

async fn the_status_counts_the_pods(arena: &Arena) -> Outcome {
    running(arena, 2, at_once).await?;
    let counted =
        |set: &Value| set["status"]["currentReplicas"] == 2 && set["status"]["updatedReplicas"] == 2;
    let set = arena.until_object(&arena.at(STATEFUL_SETS), "a", "to be counted", counted).await?;
    let status = &set["status"];
    present("currentRevision", &status["currentRevision"])?;
    same("updateRevision", &status["updateRevision"], status["currentRevision"].clone())
}

async fn the_status_observes_the_generation(arena: &Arena) -> Outcome {
    running(arena, 1, as_it_is).await?;
    let sets = arena.at(STATEFUL_SETS);
    let changed = sets.merge("a", json!({"spec": {"replicas": 2}})).await.is(200)?;
    same("generation", &changed["metadata"]["generation"], 2)?;
    // At the moment of the change the status still speaks of the generation before.
    same("observedGeneration", &changed["status"]["observedGeneration"], 1)?;
    same("observedGeneration later", &ready(arena, 2).await?["status"]["observedGeneration"], 2)
}

async fn a_deleted_pod_comes_back(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, as_it_is).await?;
    let first = pods.get("a-0").await.is(200)?;
    pods.delete("a-0").await.is(200)?;
    let new = |pod: &Value| uid(pod) != uid(&first) && is_ready(pod);
    arena.until_object(&pods, "a-0", "to come back", new).await.map(drop)
}

async fn scaling_down_takes_the_last_pod_first(arena: &Arena) -> Outcome {
    let pods = running(arena, 3, at_once).await?;
    arena.at(STATEFUL_SETS).merge("a/scale", json!({"spec": {"replicas": 1}})).await.is(200)?;
    ready(arena, 1).await?;
    arena
        .until("the first pod to be the only one", async || {
            let list = pods.list().await.is(200)?;
            Ok((names(&list) == ["a-0"]).then_some(()))
        })
        .await
}

fn annotated() -> Value {
    json!({"spec": {"template": {"metadata": {"annotations": {"changed": "true"}}}}})
}

async fn a_new_template_rolls_from_the_last_pod(arena: &Arena) -> Outcome {
    let pods = running(arena, 2, as_it_is).await?;
    let list = pods.list().await.is(200)?;
    let mut watch = pods.with("resourceVersion", crate::expect::version(&list)).watch().await?;
    let before = arena.at(STATEFUL_SETS).merge("a", annotated()).await.is(200)?;
    let mut gone = Vec::new();
    while gone.len() < 2 {
        let Some(event) = watch.next().await? else { break };
        if event["type"] == "DELETED" {
            gone.push(event["object"]["metadata"]["name"].clone());
        }
    }
    same("order", &gone.into(), json!(["a-1", "a-0"]))?;
    let rolled = |set: &Value| {
        set["status"]["updatedReplicas"] == 2
            && set["status"]["readyReplicas"] == 2
            && set["status"]["currentRevision"] == set["status"]["updateRevision"]
    };
    let set = arena.until_object(&arena.at(STATEFUL_SETS), "a", "to be rolled out", rolled).await?;
    differs("revision", &set["status"]["updateRevision"], &before["status"]["currentRevision"])
}

/// Whether a pod has the new template.
fn is_new(pod: &Value) -> bool {
    pod["metadata"]["annotations"]["changed"] == "true"
}

async fn a_partition_keeps_the_first_pods(arena: &Arena) -> Outcome {
    let partition = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    let pods = running(arena, 2, |set| set["spec"]["updateStrategy"] = partition.clone()).await?;
    arena.at(STATEFUL_SETS).merge("a", annotated()).await.is(200)?;
    arena.until_object(&pods, "a-1", "to be new", |pod| is_new(pod) && is_ready(pod)).await?;
    let first = pods.get("a-0").await.is(200)?;
    holds(!is_new(&first), || "a-0 to keep its template".into())?;
    let counted = |set: &Value| set["status"]["updatedReplicas"] == 1;
    arena.until_object(&arena.at(STATEFUL_SETS), "a", "to count one new pod", counted).await.map(drop)
}

async fn on_delete_waits_for_the_pod_to_go(arena: &Arena) -> Outcome {
    let on_delete = |set: &mut Value| set["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    let pods = running(arena, 1, on_delete).await?;
    let old = pods.get("a-0").await.is(200)?;
    let changed = arena.at(STATEFUL_SETS).merge("a", annotated()).await.is(200)?;
    let seen = |set: &Value| set["status"]["observedGeneration"] == changed["metadata"]["generation"];
    arena.until_object(&arena.at(STATEFUL_SETS), "a", "to have seen the change", seen).await?;
    same("uid", &pods.get("a-0").await.is(200)?["metadata"]["uid"], uid(&old))?;
    pods.delete("a-0").await.is(200)?;
    arena.until_object(&pods, "a-0", "to be new", is_new).await.map(drop)
}

async fn revisions_are_kept_as_objects(arena: &Arena) -> Outcome {
    running(arena, 0, as_it_is).await?;
    arena.at(STATEFUL_SETS).merge("a", annotated()).await.is(200)?;
    let revisions = arena.at(REVISIONS).with("labelSelector", "app=a");
    let list = arena
        .until("two revisions", async || {
            let list = revisions.list().await.is(200)?;
            Ok((names(&list).len() == 2).then_some(list))
        })
        .await?;
    let mut numbers: Vec<_> =
        list["items"].as_array().into_iter().flatten().map(|it| it["revision"].as_u64()).collect();
    numbers.sort_unstable();
    holds(numbers == [Some(1), Some(2)], || format!("revisions 1 and 2, got {numbers:?}"))?;
    same("owner", &list["items"][0]["metadata"]["ownerReferences"][0]["name"], "a")
}

async fn deleting_the_set_deletes_its_pods(arena: &Arena) -> Outcome {
    let pods = running(arena, 2, at_once).await?;
    let options = json!({"propagationPolicy": "Foreground"});
    arena.at(STATEFUL_SETS).delete_with("a", options).await.is(200)?;
    arena.until_gone(&arena.at(STATEFUL_SETS), "a").await?;
    lists(&pods.list().await.is(200)?, &[])
}

async fn orphaned_pods_are_adopted_again(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, as_it_is).await?;
    let sets = arena.at(STATEFUL_SETS);
    let first = pods.get("a-0").await.is(200)?;
    sets.delete_with("a", json!({"propagationPolicy": "Orphan"})).await.is(200)?;
    arena.until_gone(&sets, "a").await?;
    let orphan = pods.get("a-0").await.is(200)?;
    same("ownerReferences", &orphan["metadata"]["ownerReferences"], Value::Null)?;
    let set = sets.create(of_pods("a", 1, &arena.image)).await.is(201)?;
    let adopted = |pod: &Value| pod["metadata"]["ownerReferences"][0]["uid"] == uid(&set);
    let pod = arena.until_object(&pods, "a-0", "to be adopted", adopted).await?;
    same("uid", &pod["metadata"]["uid"], uid(&first))
}
