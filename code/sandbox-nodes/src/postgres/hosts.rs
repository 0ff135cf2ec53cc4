//! Names of Services and pods, as a file of hosts for each namespace.
//!
//! There is no address of a Service that something would listen on: its name leads to the pods themselves.

use super::Machine;
use crate::{services::published, world::World};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Says when a name may have changed.
pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let senders = [sender.clone(), sender.clone(), sender];
    let [of_services, of_pods, of_namespaces] = senders;
    world.services.on_change(move |_| {
        let _ = of_services.send(());
    });
    world.pods.on_change(move |_| {
        let _ = of_pods.send(());
    });
    world.namespaces.on_change(move |_| {
        let _ = of_namespaces.send(());
    });
    receiver
}

/// Keeps the files. Does not end.
pub(crate) async fn keep_hosts(
    world: World,
    machine: Arc<Machine>,
    mut changes: mpsc::UnboundedReceiver<()>,
) {
    let mut written = None;
    while changes.recv().await.is_some() {
        while changes.try_recv().is_ok() {}
        // Most changes of pods are of their status, and mean nothing to names.
        let now = Names::of(&world);
        if written.as_ref() == Some(&now) {
            continue;
        }
        let machine = machine.clone();
        let done = spawn_blocking(move || now.write(&machine).then_some(now)).await;
        written = done.ok().flatten();
    }
}

/// All that stands in the files.
#[derive(PartialEq)]
struct Names {
    namespaces: Vec<String>,
    services: Vec<Published>,
}

/// A Service, and the addresses and host names that it leads to.
#[derive(PartialEq)]
struct Published {
    namespace: String,
    name: String,
    pods: Vec<(String, Option<String>)>,
}

impl Names {
    fn of(world: &World) -> Self {
        let namespaces = world.namespaces.all().iter().map(|namespace| namespace.name_any()).collect();
        let services = world.services.all().into_iter().map(|service| {
            let pods = world.pods.in_namespace(&service.namespace().unwrap_or_default());
            Published::of(&service, &pods)
        });
        Self { namespaces, services: services.collect() }
    }

    /// Writes the files that have changed, and returns whether all are as they should be.
    fn write(&self, machine: &Machine) -> bool {
        let mut good = true;
        for namespace in &self.namespaces {
            if let Err(error) = write(&machine.hosts(namespace), &self.text(namespace)) {
                tracing::warn!("cannot write the hosts of namespace {namespace}: {error}");
                good = false;
            }
        }
        good
    }

    fn text(&self, namespace: &str) -> String {
        let names = self.services.iter().flat_map(|service| service.seen_from(namespace));
        names.fold("127.0.0.1 localhost\n".to_owned(), |mut text, (name, address)| {
            let _ = writeln!(text, "{address} {name}");
            text
        })
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    // In place: containers have this very file mounted. The end is cut last, so that no reader finds it empty.
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

impl Published {
    fn of(service: &Service, pods: &[Arc<Pod>]) -> Self {
        Self {
            namespace: service.namespace().unwrap_or_default(),
            name: service.name_any(),
            pods: published(service, pods),
        }
    }

    /// The names that it gives: in short for its own namespace, in full for all.
    fn seen_from(&self, namespace: &str) -> BTreeSet<(String, String)> {
        let (own, its) = (&self.name, &self.namespace);
        let mut names = BTreeSet::new();
        for (address, hostname) in &self.pods {
            let pod = hostname.as_ref().map(|pod| format!("{pod}.{own}"));
            for name in pod.into_iter().chain([own.clone()]) {
                let full = ["", ".svc", ".svc.cluster.local"].map(|rest| format!("{name}.{its}{rest}"));
                let short = (its == namespace).then_some(name);
                names.extend(full.into_iter().chain(short).map(|name| (name, address.clone())));
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_as_a_table() {
        let service =
            json!({"metadata": {"name": "db-pods", "namespace": "a"}, "spec": {"selector": {"app": "db"}}});
        let service: Service = serde_json::from_value(service).unwrap();
        let pod = |name: &str, app: &str, address: &str, ready: &str| {
            let pod = json!({
                "metadata": {"name": name, "namespace": "a", "labels": {"app": app}},
                "spec": {"containers": [], "hostname": name, "subdomain": "db-pods"},
                "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]},
            });
            Arc::new(serde_json::from_value(pod).unwrap())
        };
        let pods = [
            pod("db-0", "db", "127.1.1.1", "True"),
            pod("db-1", "db", "127.1.1.2", "False"),
            pod("web-0", "web", "127.1.1.3", "True"),
        ];
        for (namespace, name, expected) in [
            ("a", "db-0.db-pods", true),
            ("a", "db-pods", true),
            ("b", "db-pods", false),
            ("b", "db-0.db-pods.a", true),
            ("b", "db-pods.a.svc.cluster.local", true),
        ] {
            let found = Published::of(&service, &pods).seen_from(namespace);
            assert_eq!(
                found.contains(&(name.to_owned(), "127.1.1.1".to_owned())),
                expected,
                "{namespace} {name}"
            );
            assert!(found.iter().all(|(_, address)| address == "127.1.1.1"));
        }
    }
}
