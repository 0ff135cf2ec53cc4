//! What every controller needs to know of an object: its name, and who controls it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use std::fmt;

/// Namespace and name. The namespace is empty for what has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(object: &impl ResourceExt) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

/// The owner that controls an object, of which there is at most one.
pub(crate) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether an object is controlled by this very owner: a namesake that was made later has another UID.
pub(crate) fn is_controlled_by(metadata: &ObjectMeta, owner: &impl ResourceExt) -> bool {
    controller(metadata).is_some_and(|it| Some(&it.uid) == owner.meta().uid.as_ref())
}

/// The key of the controlling owner if it is of this kind.
pub(crate) fn controller_key<O: Resource<DynamicType = ()>>(metadata: &ObjectMeta) -> Option<Key> {
    let owner = controller(metadata).filter(|it| it.kind == O::kind(&()))?;
    Some(Key::new(metadata.namespace.clone().unwrap_or_default(), &owner.name))
}

/// The reference with which a controller marks what it makes.
pub(crate) fn owned_by<O: Resource<DynamicType = ()>>(owner: &O) -> Option<Vec<OwnerReference>> {
    owner.controller_owner_ref(&()).map(|mut reference| {
        reference.block_owner_deletion = Some(true);
        vec![reference]
    })
}

/// Whether somebody has asked for its deletion.
pub(crate) fn is_going(object: &impl ResourceExt) -> bool {
    object.meta().deletion_timestamp.is_some()
}
