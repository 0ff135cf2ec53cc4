//! The volume claims of StatefulSets.

use super::stateful_set::running;
use crate::{
    arena::Arena,
    case::{Outcome, cases},
    expect::{holds, present, same, uid},
    resource::{STATEFUL_SETS, VOLUME_CLAIMS},
};
use serde_json::{Value, json};

cases! { "StatefulSet":
    claims_are_made_from_their_templates with Nodes,
    claims_outlive_the_pods with Nodes,
}

fn with_claims(set: &mut Value) {
    set["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }]);
    set["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "data", "mountPath": "/data"}]);
}

async fn claims_are_made_from_their_templates(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, with_claims).await?;
    let claim = arena.at(VOLUME_CLAIMS).get("data-a-0").await.is(200)?;
    same("phase", &claim["status"]["phase"], "Bound")?;
    same("label", &claim["metadata"]["labels"]["app"], "a")?;
    let volumes = pods.get("a-0").await.is(200)?["spec"]["volumes"].clone();
    let mounted =
        volumes.as_array().into_iter().flatten().any(|volume| {
            volume["name"] == "data" && volume["persistentVolumeClaim"]["claimName"] == "data-a-0"
        });
    holds(mounted, || format!("the claim data-a-0 in {volumes}"))
}

async fn claims_outlive_the_pods(arena: &Arena) -> Outcome {
    let pods = running(arena, 1, with_claims).await?;
    let claims = arena.at(VOLUME_CLAIMS);
    let claim = claims.get("data-a-0").await.is(200)?;
    arena.at(STATEFUL_SETS).delete("a").await.is(200)?;
    arena.until_gone(&pods, "a-0").await?;
    let kept = claims.get("data-a-0").await.is(200)?;
    same("uid", &kept["metadata"]["uid"], uid(&claim))?;
    present("phase", &kept["status"]["phase"])
}
