//! StatefulSets.

use super::{claim, fill, workload};
use crate::error::Cause;
use serde_json::{Value, json};

pub(crate) fn default(object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    fill(spec, "podManagementPolicy", json!("OrderedReady"));
    fill(spec, "replicas", json!(1));
    fill(spec, "revisionHistoryLimit", json!(10));
    fill(spec, "updateStrategy", json!({}));
    fill(&mut spec["updateStrategy"], "type", json!("RollingUpdate"));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["updateStrategy"], "rollingUpdate", json!({}));
        fill(&mut spec["updateStrategy"]["rollingUpdate"], "partition", json!(0));
    }
    fill(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
    fill(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", json!("Retain"));
    fill(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", json!("Retain"));
    workload::template(spec);
    for template in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        fill(template, "apiVersion", json!("v1"));
        fill(template, "kind", json!("PersistentVolumeClaim"));
        claim::default(template);
        fill(template, "status", json!({}));
        fill(&mut template["status"], "phase", json!("Pending"));
    }
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = workload::selector_and_template(spec, false);
    if spec["replicas"].as_i64().is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.replicas", &spec["replicas"], why));
    }
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy.is_string() && policy != "Always" {
        let supported = ["Always".to_owned()];
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &supported));
    }
    if let Some(old) = old {
        causes.extend(unchanged(&old["spec"], spec));
    }
    causes
}

/// Most of a StatefulSet's spec stays as it is.
fn unchanged(old: &Value, new: &Value) -> Option<Cause> {
    let fixed = |spec: &Value| {
        let mut map = spec.as_object().cloned().unwrap_or_default();
        for field in [
            "minReadySeconds",
            "ordinals",
            "persistentVolumeClaimRetentionPolicy",
            "replicas",
            "revisionHistoryLimit",
            "template",
            "updateStrategy",
        ] {
            map.remove(field);
        }
        map
    };
    (fixed(old) != fixed(new)).then(|| {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                   'minReadySeconds' are forbidden";
        Cause::forbidden("spec", why)
    })
}
