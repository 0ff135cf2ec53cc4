//! Pods, Services and Jobs.

use super::pod::{create, idle, unscheduled};
use crate::{
    arena::Arena,
    case::{Outcome, cases},
    expect::{absent, holds, present, same},
    resource::{ENDPOINTS, JOBS, NODES, PODS, SERVICES},
};
use serde_json::{Value, json};

cases! { "workloads":
    a_pod_begins_pending within 60,
    a_pod_cannot_change_its_command within 60,
    a_pod_can_change_its_labels within 60,
    a_service_gets_an_address,
    an_address_belongs_to_one_service,
    a_headless_service_gets_none,
    the_address_of_a_service_cannot_change,
    a_pod_runs_and_becomes_ready with Nodes,
    a_deleted_pod_goes with Nodes,
    a_service_finds_its_ready_pods with Nodes,
    a_headless_service_can_list_pods_before_they_are_ready with Controllers,
    a_job_makes_a_pod with Controllers,
}

async fn a_pod_begins_pending(arena: &Arena) -> Outcome {
    let pod = create(arena, unscheduled("a", arena)).await?;
    same("phase", &pod["status"]["phase"], "Pending")?;
    same("qosClass", &pod["status"]["qosClass"], "BestEffort")?;
    absent("nodeName", &pod["spec"]["nodeName"])
}

async fn a_pod_cannot_change_its_command(arena: &Arena) -> Outcome {
    let pod = create(arena, unscheduled("a", arena)).await?;
    let mut containers = pod["spec"]["containers"].clone();
    containers[0]["command"] = json!(["true"]);
    let refusal = arena.at(PODS).merge("a", json!({"spec": {"containers": containers}})).await;
    refusal.refused(422, "Invalid")?.cause(
        "spec",
        "FieldValueForbidden",
        "pod updates may not change fields other than",
    )
}

async fn a_pod_can_change_its_labels(arena: &Arena) -> Outcome {
    create(arena, unscheduled("a", arena)).await?;
    let patched =
        arena.at(PODS).merge("a", json!({"metadata": {"labels": {"role": "primary"}}})).await.is(200)?;
    same("labels", &patched["metadata"]["labels"], json!({"app": "a", "role": "primary"}))
}

fn service(name: &str, more: Value) -> Value {
    let mut spec = json!({"selector": {"app": name}, "ports": [{"port": 80}]});
    crate::endpoint::merge(&mut spec, more);
    json!({"metadata": {"name": name}, "spec": spec})
}

async fn a_service_gets_an_address(arena: &Arena) -> Outcome {
    let made = arena.at(SERVICES).create(service("a", json!({}))).await.is(201)?;
    let address = made["spec"]["clusterIP"].as_str().unwrap_or_default();
    holds(address.parse::<std::net::IpAddr>().is_ok(), || format!("an address, got {address:?}"))?;
    same("type", &made["spec"]["type"], "ClusterIP")?;
    same("sessionAffinity", &made["spec"]["sessionAffinity"], "None")?;
    same("ports", &made["spec"]["ports"], json!([{"port": 80, "protocol": "TCP", "targetPort": 80}]))
}

async fn an_address_belongs_to_one_service(arena: &Arena) -> Outcome {
    let services = arena.at(SERVICES);
    let made = services.create(service("a", json!({}))).await.is(201)?;
    let same_address = |name: &str| service(name, json!({"clusterIP": made["spec"]["clusterIP"]}));
    let refusal = services.create(same_address("b")).await.refused(422, "Invalid")?;
    refusal.says(&["provided IP is already allocated"])?;
    services.delete("a").await.is(200)?;
    // A dry run takes nothing away from others.
    services.with("dryRun", "All").create(same_address("b")).await.is(201)?;
    services.create(same_address("c")).await.is(201).map(drop)
}

async fn a_headless_service_gets_none(arena: &Arena) -> Outcome {
    let made = arena.at(SERVICES).create(service("a", json!({"clusterIP": "None"}))).await.is(201)?;
    same("clusterIP", &made["spec"]["clusterIP"], "None")
}

async fn the_address_of_a_service_cannot_change(arena: &Arena) -> Outcome {
    let services = arena.at(SERVICES);
    services.create(service("a", json!({}))).await.is(201)?;
    let refusal =
        services.merge("a", json!({"spec": {"clusterIP": "None"}})).await.refused(422, "Invalid")?;
    refusal.says(&["spec.clusterIP", "Invalid value"])
}

async fn a_pod_runs_and_becomes_ready(arena: &Arena) -> Outcome {
    create(arena, idle("a", arena)).await?;
    let running = |pod: &Value| condition(pod, "Ready") == "True";
    let pod = arena.until_object(&arena.at(PODS), "a", "to be ready", running).await?;
    same("phase", &pod["status"]["phase"], "Running")?;
    present("podIP", &pod["status"]["podIP"])?;
    for kind in ["PodScheduled", "Initialized", "ContainersReady"] {
        same(kind, &condition(&pod, kind), "True")?;
    }
    same("container", &pod["status"]["containerStatuses"][0]["ready"], true)?;
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    arena.at(NODES).get(node).await.is(200).map(drop)
}

fn condition(pod: &Value, kind: &str) -> Value {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|it| it["type"] == kind).map(|it| it["status"].clone()).unwrap_or_default()
}

async fn a_deleted_pod_goes(arena: &Arena) -> Outcome {
    let pods = arena.at(PODS);
    let mut pod = idle("a", arena);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(1);
    create(arena, pod).await?;
    arena.until_object(&pods, "a", "to be ready", |pod| condition(pod, "Ready") == "True").await?;
    let deleting = pods.delete("a").await.is(200)?;
    same("deletionGracePeriodSeconds", &deleting["metadata"]["deletionGracePeriodSeconds"], 1)?;
    present("deletionTimestamp", &deleting["metadata"]["deletionTimestamp"])?;
    arena.until_gone(&pods, "a").await
}

async fn a_service_finds_its_ready_pods(arena: &Arena) -> Outcome {
    arena.at(SERVICES).create(service("a", json!({}))).await.is(201)?;
    create(arena, idle("a", arena)).await?;
    let found = |endpoints: &Value| endpoints["subsets"][0]["addresses"][0]["targetRef"]["name"] == "a";
    let endpoints = arena.until_object(&arena.at(ENDPOINTS), "a", "to list the pod", found).await?;
    let pod = arena.at(PODS).get("a").await.is(200)?;
    let subset = &endpoints["subsets"][0];
    same("address", &subset["addresses"][0]["ip"], pod["status"]["podIP"].clone())?;
    same("port", &subset["ports"][0]["port"], 80)?;
    arena.at(PODS).delete("a").await.is(200)?;
    let empty = |endpoints: &Value| endpoints["subsets"].is_null();
    arena.until_object(&arena.at(ENDPOINTS), "a", "to be empty", empty).await.map(drop)
}

/// The pod's own status is written here: no node does.
async fn a_headless_service_can_list_pods_before_they_are_ready(arena: &Arena) -> Outcome {
    let early = json!({"clusterIP": "None", "publishNotReadyAddresses": true});
    arena.at(SERVICES).create(service("a", early)).await.is(201)?;
    let mut pod = unscheduled("a", arena);
    // An address without a node is not valid in Endpoints.
    pod["spec"]["nodeName"] = json!("nowhere");
    create(arena, pod).await?;
    let address = json!({"podIP": "10.9.8.7", "podIPs": [{"ip": "10.9.8.7"}]});
    arena.at(PODS).merge("a/status", json!({"status": address})).await.is(200)?;
    let listed = |endpoints: &Value| endpoints["subsets"][0]["addresses"][0]["ip"] == "10.9.8.7";
    arena.until_object(&arena.at(ENDPOINTS), "a", "to list the pod", listed).await.map(drop)
}

async fn a_job_makes_a_pod(arena: &Arena) -> Outcome {
    let container = json!({"name": "main", "image": arena.image});
    let pod = json!({"restartPolicy": "Never", "schedulerName": "nobody", "containers": [container]});
    let job = json!({"metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}});
    let job = arena.at(JOBS).create(job).await.is(201)?;
    same("backoffLimit", &job["spec"]["backoffLimit"], 6)?;
    same("completions", &job["spec"]["completions"], 1)?;
    let pods = arena.at(PODS).with("labelSelector", "job-name=a");
    let pod = arena
        .until("the pod of the job", async || {
            let list = pods.list().await.is(200)?;
            Ok(Some(list["items"][0].clone()).filter(Value::is_object))
        })
        .await?;
    same("owner", &pod["metadata"]["ownerReferences"][0]["uid"], job["metadata"]["uid"].clone())?;
    let active = |job: &Value| job["status"]["active"] == 1;
    arena.until_object(&arena.at(JOBS), "a", "to count its pod", active).await.map(drop)
}
