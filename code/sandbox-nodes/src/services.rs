//! Services: the addresses of the pods that they select, as Endpoints and as an EndpointSlice.

use crate::{
    error::{During, Error, gone_is_fine, there_is_fine},
    labels::matches,
    object::{Key, is_controlled_by, is_going, owned_by},
    queue::{self, Again},
    world::World,
};
use k8s_openapi::{
    api::{
        core::v1::{
            EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service,
            ServicePort,
        },
        discovery::v1::{Endpoint, EndpointConditions, EndpointPort as SlicePort, EndpointSlice},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: (&str, &str) =
    ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");

/// The queue of Services, and the way into it.
pub(crate) type Keys = (mpsc::UnboundedSender<Key>, mpsc::UnboundedReceiver<Key>);

pub(crate) fn listen(world: &World) -> Keys {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.services.tell(sender.clone(), |service| Some(Key::of(service)));
    // Endpoints may come before their Service. Only those that are taken away are news.
    let to = sender.clone();
    world.endpoints.on_change(move |change| {
        if let (Some(old), None) = (&change.old, &change.new) {
            let _ = to.send(Key::of(&**old));
        }
    });
    let services = world.services.clone();
    world.slices.tell(sender.clone(), move |slice| {
        let key = Key::new(slice.namespace().unwrap_or_default(), slice.labels().get(SERVICE_NAME)?);
        services.get(&key).map(|_| key)
    });
    let (services, to) = (world.services.clone(), sender.clone());
    world.pods.on_change(move |change| {
        let Some(pod) = change.versions().next() else { return };
        for service in services.in_namespace(&pod.namespace().unwrap_or_default()) {
            if change.versions().any(|pod| selects(&service, pod)) {
                let _ = to.send(Key::of(&*service));
            }
        }
    });
    (sender, receiver)
}

pub(crate) async fn run(world: World, (sender, receiver): Keys) {
    world.ready().await;
    // A Service may have gone while nobody watched, and its Endpoints have no owner that would take them along.
    for left in world.endpoints.all() {
        let _ = sender.send(Key::of(&*left));
    }
    queue::work("Service", receiver, |key| reconcile(world.clone(), key)).await;
}

fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.clone());
    // Without a selector, somebody else keeps the endpoints.
    selector.is_some_and(|labels| {
        let selector = LabelSelector { match_labels: Some(labels), ..LabelSelector::default() };
        matches(&selector, pod.labels())
    })
}

async fn reconcile(world: World, key: Key) -> Result<Again, Error> {
    let endpoints: Api<Endpoints> = Api::namespaced(world.client.clone(), &key.namespace);
    let Some(service) = world.services.get(&key) else {
        if world.endpoints.get(&key).is_some() {
            let deleted = gone_is_fine(endpoints.delete(&key.name, &DeleteParams::default()).await);
            deleted.during(|| format!("delete Endpoints {key}"))?;
        }
        return Ok(None);
    };
    let selected = service.spec.as_ref().is_some_and(|spec| spec.selector.is_some());
    if !selected || is_going(&*service) {
        return Ok(None);
    }
    let mut pods = world.pods.in_namespace(&key.namespace);
    pods.retain(|pod| selects(&service, pod));
    let there = world.endpoints.get(&key);
    keep(&endpoints, there.as_deref(), wanted_endpoints(&service, &pods)).await?;

    let slices: Api<EndpointSlice> = Api::namespaced(world.client.clone(), &key.namespace);
    let mut there = world.slices.in_namespace(&key.namespace).into_iter();
    let there = there.find(|slice| is_controlled_by(&slice.metadata, &*service));
    keep(&slices, there.as_deref(), wanted_slice(&service, &pods)).await?;
    Ok(None)
}

/// Makes it, or replaces what differs.
async fn keep<K>(api: &Api<K>, there: Option<&K>, mut wanted: K) -> Result<(), Error>
where
    K: Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::Serialize
        + serde::de::DeserializeOwned
        + PartialEq,
{
    let name = wanted.name_any();
    let what = || format!("keep {} {name}", K::kind(&()));
    let Some(there) = there else {
        return there_is_fine(api.create(&PostParams::default(), &wanted).await).during(what);
    };
    let (labels, owners) = (wanted.labels().clone(), wanted.owner_references().to_vec());
    *wanted.meta_mut() = there.meta().clone();
    wanted.labels_mut().extend(labels);
    if !owners.is_empty() {
        wanted.meta_mut().owner_references = Some(owners);
    }
    if wanted == *there {
        return Ok(());
    }
    wanted.meta_mut().managed_fields = None;
    api.replace(&name, &PostParams::default(), &wanted).await.map(drop).during(what)
}

/// A pod as an endpoint: its address, and whether clients may be sent there.
struct Member<'a> {
    pod: &'a Pod,
    address: String,
    ready: bool,
    serving: bool,
}

fn members<'a>(service: &Service, pods: &'a [Arc<Pod>]) -> Vec<Member<'a>> {
    let publish_all = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    let member = |pod: &'a Arc<Pod>| {
        let status = pod.status.as_ref()?;
        let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let address = status.pod_ip.clone().filter(|_| !ended)?;
        let serving = status.conditions.iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
        let ready = publish_all || (serving && !is_going(&**pod));
        Some(Member { pod, address, ready, serving: serving || publish_all })
    };
    pods.iter().filter_map(member).collect()
}

/// Addresses and host names of the pods that a Service leads to. No Endpoints hold them when pods are real: the API refuses
/// addresses of the loopback range there.
pub(crate) fn published(service: &Service, pods: &[Arc<Pod>]) -> Vec<(String, Option<String>)> {
    let chosen: Vec<_> = pods.iter().filter(|pod| selects(service, pod)).cloned().collect();
    let ready = members(service, &chosen).into_iter().filter(|it| it.ready);
    ready.map(|it| (it.address, hostname(service, it.pod))).collect()
}

fn target_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.flat_map(|it| it.ports.iter().flatten());
            ports.find(|it| it.name.as_ref() == Some(name)).map(|it| it.container_port)
        }
    }
}

fn ports<'a>(service: &'a Service, pods: &'a [Arc<Pod>]) -> impl Iterator<Item = (&'a ServicePort, i32)> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    // The pods of one Service agree on the ports of one name, or the first one's holds.
    ports.filter_map(|port| {
        let of_pods = pods.iter().find_map(|pod| target_port(port, pod));
        Some((port, of_pods.or_else(|| target_port(port, &Pod::default()))?))
    })
}

fn wanted_endpoints(service: &Service, pods: &[Arc<Pod>]) -> Endpoints {
    let members = members(service, pods);
    let of = |ready: bool| {
        let chosen = members.iter().filter(|it| it.ready == ready && (ready || !is_going(it.pod)));
        let addresses: Vec<_> = chosen
            .map(|it| EndpointAddress {
                ip: it.address.clone(),
                hostname: hostname(service, it.pod),
                node_name: it.pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
                target_ref: Some(reference(it.pod)),
            })
            .collect();
        (!addresses.is_empty()).then_some(addresses)
    };
    let (addresses, not_ready_addresses) = (of(true), of(false));
    let ports: Vec<_> = ports(service, pods)
        .map(|(port, number)| EndpointPort {
            name: port.name.clone(),
            port: number,
            protocol: port.protocol.clone(),
            app_protocol: port.app_protocol.clone(),
        })
        .collect();
    let some = addresses.is_some() || not_ready_addresses.is_some();
    let subset =
        EndpointSubset { addresses, not_ready_addresses, ports: (!ports.is_empty()).then_some(ports) };
    Endpoints {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            labels: service.metadata.labels.clone(),
            ..ObjectMeta::default()
        },
        subsets: some.then(|| vec![subset]),
    }
}

fn wanted_slice(service: &Service, pods: &[Arc<Pod>]) -> EndpointSlice {
    let endpoint = |it: Member| Endpoint {
        addresses: vec![it.address],
        conditions: Some(EndpointConditions {
            ready: Some(it.ready),
            serving: Some(it.serving),
            terminating: Some(is_going(it.pod)),
        }),
        hostname: hostname(service, it.pod),
        node_name: it.pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        target_ref: Some(reference(it.pod)),
        ..Endpoint::default()
    };
    let port = |(port, number): (&ServicePort, i32)| SlicePort {
        name: port.name.clone(),
        port: Some(number),
        protocol: port.protocol.clone(),
        app_protocol: port.app_protocol.clone(),
    };
    let name = service.name_any();
    let labels =
        [(SERVICE_NAME, name.as_str()), MANAGED_BY].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut all: BTreeMap<_, _> = service.labels().clone();
    all.extend(labels);
    EndpointSlice {
        metadata: ObjectMeta {
            name: Some(format!("{name}-sandbox")),
            labels: Some(all),
            owner_references: owned_by(service),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".into(),
        endpoints: members(service, pods).into_iter().map(endpoint).collect(),
        ports: Some(ports(service, pods).map(port).collect()),
    }
}

/// The name that a headless Service gives the pod.
fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    spec.hostname.clone().filter(|_| spec.subdomain.as_ref() == service.metadata.name.as_ref())
}

fn reference(pod: &Pod) -> ObjectReference {
    let of = pod.object_ref(&());
    ObjectReference {
        kind: of.kind,
        name: of.name,
        namespace: of.namespace,
        uid: of.uid,
        ..ObjectReference::default()
    }
}
