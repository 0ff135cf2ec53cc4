//! The patches that say what to change, not how the object is to be: JSON patch, merge patch, strategic merge patch.

mod strategic;

use crate::{
    error::{Failure, Outcome},
    http::Input,
    registry::Resource,
};
use json_patch::PatchOperation;
use serde_json::Value;

/// A patch as it was sent.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(json_patch::Patch),
    Merge(Value),
    Strategic(Value),
    /// Server-side apply: a configuration, not a change.
    Apply(Value),
}

impl Patch {
    pub(crate) fn read(resource: &Resource, input: &Input) -> Outcome<Self> {
        let merge = || input.json().map_err(|_| Failure::plain("Invalid JSON Patch"));
        match input.media_type.as_str() {
            "application/json-patch+json" => {
                let patch = serde_json::from_slice(&input.bytes).map(Self::Json);
                patch.map_err(|_| not_a_json_patch(input))
            }
            "application/merge-patch+json" => merge().map(Self::Merge),
            "application/strategic-merge-patch+json" if !resource.is_custom() => merge().map(Self::Strategic),
            "application/apply-patch+yaml" => {
                let config = input.yaml().map_err(|error| Failure::bad_request(error.message))?;
                Ok(Self::Apply(config))
            }
            _ => Err(Failure::unsupported_media(format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, {}application/apply-patch+yaml",
                if resource.is_custom() { "" } else { "application/strategic-merge-patch+json, " }
            ))),
        }
    }

    /// The patched object.
    pub(crate) fn apply_to(&self, resource: &Resource, live: &Value) -> Outcome<Value> {
        let mut patched = live.clone();
        match self {
            Self::Json(steps) => {
                for step in &steps.0 {
                    if !is_test_for_nothing(step, &patched) {
                        let done = json_patch::patch(&mut patched, std::slice::from_ref(step));
                        done.map_err(|_| Failure::patch_rejected())?;
                    }
                }
            }
            Self::Merge(patch) => json_patch::merge(&mut patched, patch),
            Self::Strategic(patch) => strategic::merge(&resource.node(), &mut patched, patch)?,
            Self::Apply(_) => {}
        }
        if !patched.is_object() {
            let why = "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type \
                       struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
                       \"json:\\\"kind,omitempty\\\"\" }";
            return Err(Failure::invalid_patch(&patched, why));
        }
        if patched["kind"] != live["kind"] || patched["apiVersion"] != live["apiVersion"] {
            let text = |field: &str| patched[field].as_str().unwrap_or_default().to_owned();
            let why = format!(
                "no kind {:?} is registered for version {:?} in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
                text("kind"),
                text("apiVersion")
            );
            return Err(Failure::invalid_patch(&patched, &why));
        }
        Ok(patched)
    }
}

/// Whether a step tests for null where an object has no such key. RFC 6902 wants the key to be there. Kubernetes does not, and
/// clients make sure in this way that nobody has come first.
fn is_test_for_nothing(step: &PatchOperation, value: &Value) -> bool {
    let PatchOperation::Test(test) = step else { return false };
    let Some((parent, key)) = test.path.split_back() else { return false };
    let fields = value.pointer(parent.as_str()).and_then(Value::as_object);
    test.value.is_null() && fields.is_some_and(|fields| !fields.contains_key(&*key.decoded()))
}

fn not_a_json_patch(input: &Input) -> Failure {
    let why = match input.json() {
        Ok(Value::Object(_)) => {
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned()
        }
        Ok(Value::Array(_)) => return Failure::patch_rejected(),
        Ok(_) => "json: cannot unmarshal value into Go value of type jsonpatch.Patch".to_owned(),
        Err(why) => why,
    };
    Failure::bad_request(why)
}
