//! Three Services: `<name>` for writers, `<name>-ro` for readers, `<name>-pods` for the servers themselves.

use super::{PORT, labels, owned};
use crate::api::Database;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use kube::ResourceExt;
use std::collections::BTreeMap;

/// Label that the operator puts on the pods of standbys. The primary needs none: it is always ordinal 0, which the
/// StatefulSet controller's own label names.
pub const ROLE_LABEL: &str = "database.example.com/role";
/// Value of [`ROLE_LABEL`] on a standby.
pub const STANDBY: &str = "standby";

/// Host and port of the primary for clients in the cluster.
pub fn endpoint(db: &Database) -> String {
    format!("{}.{}.svc:{PORT}", db.name_any(), db.namespace().unwrap_or_default())
}

/// The Services, in the order in which they are applied.
pub fn services(db: &Database) -> [Service; 3] {
    let name = db.name_any();
    let pods = labels(db);
    let with = |key: &str, value: String| {
        let mut selector = pods.clone();
        selector.insert(key.to_owned(), value);
        selector
    };
    let primary = with("statefulset.kubernetes.io/pod-name", format!("{name}-0"));
    let standbys = with(ROLE_LABEL, STANDBY.to_owned());
    let mut headless = service(db, format!("{name}-pods"), pods);
    if let Some(spec) = &mut headless.spec {
        spec.cluster_ip = Some("None".into());
        // A standby looks up the primary before either is ready.
        spec.publish_not_ready_addresses = Some(true);
    }
    [headless, service(db, name.clone(), primary), service(db, format!("{name}-ro"), standbys)]
}

fn service(db: &Database, name: String, selector: BTreeMap<String, String>) -> Service {
    // The protocol is part of the list's key: API servers before Kubernetes 1.21 refuse to apply a port without one.
    let port = ServicePort {
        name: Some("postgres".into()),
        port: PORT,
        protocol: Some("TCP".into()),
        ..ServicePort::default()
    };
    Service {
        metadata: owned(db, name),
        spec: Some(ServiceSpec {
            selector: Some(selector),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
