//! A child as the API server has it.

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::StatefulSet,
        core::v1::{Service, ServiceAccount},
    },
};
use kube::api::ObjectMeta;
use std::sync::Arc;

/// One of the kinds that the operator applies.
#[derive(Clone, Debug)]
pub enum Live {
    /// The pods' identity.
    ServiceAccount(Arc<ServiceAccount>),
    /// One of the Services.
    Service(Arc<Service>),
    /// The servers.
    StatefulSet(Arc<StatefulSet>),
}

impl Live {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ServiceAccount(_) => ServiceAccount::KIND,
            Self::Service(_) => Service::KIND,
            Self::StatefulSet(_) => StatefulSet::KIND,
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::ServiceAccount(live) => &live.metadata,
            Self::Service(live) => &live.metadata,
            Self::StatefulSet(live) => &live.metadata,
        }
    }
}
