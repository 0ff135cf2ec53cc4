//! Jobs and CronJobs.

use super::{fill, pod, pod_rules, workload};
use crate::{error::Cause, registry::Resource};
use serde_json::{Value, json};

pub(crate) fn default(resource: &Resource, object: &mut Value) {
    if resource.table == "cronjobs.batch" {
        let spec = &mut object["spec"];
        if spec.is_object() {
            fill(spec, "concurrencyPolicy", json!("Allow"));
            fill(spec, "failedJobsHistoryLimit", json!(1));
            fill(spec, "successfulJobsHistoryLimit", json!(3));
            fill(spec, "suspend", json!(false));
            if spec["jobTemplate"]["spec"].is_object() {
                pod::default(&mut spec["jobTemplate"]["spec"]["template"]["spec"]);
            }
        }
        return;
    }
    let spec = &mut object["spec"];
    if spec.is_object() {
        if spec["completions"].is_null() && spec["parallelism"].is_null() {
            spec["completions"] = json!(1);
        }
        fill(spec, "parallelism", json!(1));
        fill(spec, "backoffLimit", json!(6));
        fill(spec, "completionMode", json!("NonIndexed"));
        fill(spec, "suspend", json!(false));
        fill(spec, "manualSelector", json!(false));
        fill(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
        if spec["completions"].is_null()
            && let Some(map) = spec.as_object_mut()
        {
            map.remove("completions");
        }
        workload::template(spec);
    }
}

/// A new Job's pods are told from others by labels that the server makes.
pub(crate) fn begin(object: &mut Value) {
    if object["spec"]["manualSelector"] == true || !object["spec"]["template"].is_object() {
        return;
    }
    let (uid, name) = (object["metadata"]["uid"].clone(), object["metadata"]["name"].clone());
    let labels = &mut object["spec"]["template"]["metadata"]["labels"];
    if !labels.is_object() {
        *labels = json!({});
    }
    labels["batch.kubernetes.io/controller-uid"] = uid.clone();
    labels["batch.kubernetes.io/job-name"] = name.clone();
    labels["controller-uid"] = uid.clone();
    labels["job-name"] = name;
    object["spec"]["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = pod_rules::spec("spec.template.spec", &spec["template"]["spec"]);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy == "Always" {
        let supported = ["OnFailure", "Never"].map(str::to_owned);
        causes.retain(|cause| !cause.is_about("spec.template.spec.restartPolicy"));
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &supported));
    }
    if let Some(old) = old {
        for field in ["completions", "selector", "template"] {
            if old["spec"][field] != spec[field] {
                causes.push(Cause::invalid(&format!("spec.{field}"), &spec[field], "field is immutable"));
            }
        }
    }
    causes
}
