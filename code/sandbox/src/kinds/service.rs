//! Services, and their addresses.

use super::fill;
use crate::{
    error::{Cause, Failure, Outcome},
    metadata,
    registry::Resource,
    server::Server,
    store::Inner,
};
use serde_json::{Value, json};
use std::{collections::HashSet, net::Ipv4Addr};

/// The addresses that are given out: 10.96.0.0/16, as kind has it.
const FIRST: u32 = u32::from_be_bytes([10, 96, 0, 2]);
const COUNT: u32 = 65_000;

/// The addresses of all Services there are.
fn taken(inner: &Inner, services: &Resource) -> HashSet<String> {
    let all = inner.in_namespace(&services.table, "");
    all.filter_map(|service| service.value(services)["spec"]["clusterIP"].as_str().map(str::to_owned))
        .collect()
}

/// An address that no Service has. It is the Service's own once that is stored.
fn free_address(server: &Server) -> Option<String> {
    let services = server.registry.built_in("services");
    let taken = server.store.inspect(|inner| taken(inner, &services));
    let start = rand::random_range(0..COUNT);
    let mut all = (0..COUNT).map(|at| Ipv4Addr::from(FIRST + (start + at) % COUNT).to_string());
    all.find(|address| !taken.contains(address))
}

/// Refuses a new Service with another one's address.
pub(crate) fn check(inner: &Inner, resource: &Resource, object: &Value) -> Outcome<()> {
    let address = object["spec"]["clusterIP"].as_str().unwrap_or_default();
    if resource.table != "services" || matches!(address, "" | "None") {
        return Ok(());
    }
    if !taken(inner, resource).contains(address) {
        return Ok(());
    }
    let why = format!("failed to allocate IP {address}: provided IP is already allocated");
    let cause = Cause::invalid("spec.clusterIPs", &json!([address]), why);
    Err(Failure::invalid(resource, metadata::text(object, "name"), &[cause]))
}

pub(crate) fn default(object: &mut Value) {
    let spec = &mut object["spec"];
    if spec.is_null() {
        *spec = json!({});
    }
    fill(spec, "type", json!("ClusterIP"));
    fill(spec, "sessionAffinity", json!("None"));
    if spec["type"] != "ExternalName" {
        fill(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        fill(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        fill(port, "targetPort", number);
    }
}

/// Gives the Service its address, and keeps it over updates that do not name it.
pub(crate) fn prepare(server: &Server, object: &mut Value, old: Option<&Value>) {
    let spec = &mut object["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    if let Some(old) = old {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if !old["spec"][field].is_null() {
                fill(spec, field, old["spec"][field].clone());
            }
        }
        return;
    }
    if spec["clusterIP"].as_str().unwrap_or_default().is_empty()
        && let Some(address) = free_address(server)
    {
        spec["clusterIP"] = json!(address);
    }
    let address = spec["clusterIP"].clone();
    fill(spec, "clusterIPs", json!([address]));
    fill(spec, "ipFamilies", json!(["IPv4"]));
    fill(spec, "ipFamilyPolicy", json!("SingleStack"));
    object["status"] = json!({ "loadBalancer": {} });
}

pub(crate) fn validate(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    let ports = spec["ports"].as_array().map_or(&[][..], Vec::as_slice);
    let headless = spec["clusterIP"] == "None";
    if ports.is_empty() && !headless && spec["type"] != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut names = HashSet::new();
    for (at, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{at}]");
        match port["port"].as_i64() {
            Some(number) if (1..=65_535).contains(&number) => {}
            _ => {
                let number = if port["port"].is_null() { json!(0) } else { port["port"].clone() };
                causes.push(Cause::invalid(
                    &format!("{path}.port"),
                    &number,
                    "must be between 1 and 65535, inclusive",
                ));
            }
        }
        let protocol = &port["protocol"];
        if !["TCP", "UDP", "SCTP"].iter().any(|known| protocol == known) {
            let supported = ["SCTP", "TCP", "UDP"].map(str::to_owned);
            causes.push(Cause::unsupported(&format!("{path}.protocol"), protocol, &supported));
        }
        let name = port["name"].as_str().unwrap_or_default();
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(&format!("{path}.name"), ""));
        } else if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(&format!("{path}.name"), &json!(name)));
        }
    }
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !types.iter().any(|known| spec["type"] == *known) {
        causes.push(Cause::unsupported("spec.type", &spec["type"], &types.map(str::to_owned)));
    }
    if let Some(old) = old {
        let (before, after) = (&old["spec"]["clusterIP"], &spec["clusterIP"]);
        if before.is_string() && before != after && spec["type"] != "ExternalName" {
            let list = json!([after]);
            causes.push(Cause::invalid("spec.clusterIPs[0]", &list, "may not change once set"));
        }
    }
    causes
}
