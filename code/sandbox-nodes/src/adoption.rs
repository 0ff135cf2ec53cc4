//! Adoption: what matches a selector and belongs to nobody gets a controller; what no longer matches is released.

use crate::{
    error::{During, Error},
    labels::matches,
    object::{controller, is_controlled_by, is_going, owned_by},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// What adoption changes about the owners of an object; none if nothing.
fn owners<O: Resource<DynamicType = ()>>(
    owner: &O,
    selector: Option<&LabelSelector>,
    object: &impl ResourceExt,
) -> Option<Vec<OwnerReference>> {
    let matching = selector.is_some_and(|selector| matches(selector, object.labels()));
    let mut owners = object.owner_references().to_vec();
    if is_controlled_by(object.meta(), owner) {
        owners.retain(|it| Some(&it.uid) != owner.meta().uid.as_ref());
        return (!matching).then_some(owners);
    }
    // Who is on its way out itself takes nobody in.
    let free = controller(object.meta()).is_none() && !is_going(object) && !is_going(owner);
    owners.extend(owned_by(owner)?);
    (matching && free).then_some(owners)
}

/// Adopts or releases an object. The watch tells of the change.
pub(crate) async fn adopt<O, K>(
    api: &Api<K>,
    owner: &O,
    selector: Option<&LabelSelector>,
    object: &K,
) -> Result<(), Error>
where
    O: Resource<DynamicType = ()>,
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let Some(owners) = owners(owner, selector, object) else { return Ok(()) };
    let name = object.name_any();
    // With the UID, a namesake that was made in the meantime is a conflict and stays as it is.
    let patch = json!({"metadata": {
        "uid": object.uid(), "resourceVersion": object.resource_version(), "ownerReferences": owners,
    }});
    let patched = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map(drop).during(|| format!("change the controller of {} {name}", K::kind(&())))
}
