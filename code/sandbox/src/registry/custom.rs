//! Custom resources: from a definition that was written to resources that are served.

use super::{Body, Resource, Scale};
use crate::{
    clock::Clock,
    metadata,
    schema::custom::Custom,
    server::Server,
    store::{Inner, Key},
    verbs::delete,
};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

/// Keeps a definition until the objects of its kind are gone.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What follows a write to a definition: the versions of its newest state are served, and its status says so.
pub(crate) fn definition_written(server: &Arc<Server>, name: &str) {
    let resource = server.registry.built_in(DEFINITIONS);
    let _one_at_a_time = server.registry.updating();
    let key = Key::new("", name);
    // Whoever has removed it in the meantime has seen to the rest.
    let Some(object) = server.store.get(DEFINITIONS, &key) else { return };
    let mut definition = object.value(&resource);
    if metadata::is_deleting(&definition) {
        if metadata::finalizers(&definition).iter().any(|finalizer| finalizer == CLEANUP) {
            tokio::spawn(clean_up(Arc::downgrade(server), name.to_owned()));
        }
        return;
    }
    let taken = taken_name(server, &definition);
    if taken.is_none() {
        let used = server.store.inspect(|inner| inner.in_namespace(name, "").next().is_some());
        server.registry.replace(name, resources(&definition, used));
    }
    let before = definition.clone();
    establish(&server.clock, &mut definition, taken.as_deref());
    if definition != before {
        let nothing = |_: &Inner| Ok::<(), ()>(());
        // If another write came first, that one does this too.
        let _ = server.store.put(DEFINITIONS, &key, Some(object.revision), &definition, nothing);
    }
}

/// What follows the end of a definition: nothing of it is served, unless there is a new one of its name.
pub(crate) fn definition_removed(server: &Server, name: &str) {
    let _one_at_a_time = server.registry.updating();
    if server.store.get(DEFINITIONS, &Key::new("", name)).is_none() {
        server.registry.replace(name, Vec::new());
    }
}

/// The kind of this definition, if another one of its group has it.
fn taken_name(server: &Server, definition: &Value) -> Option<String> {
    let (group, kind) = (&definition["spec"]["group"], &definition["spec"]["names"]["kind"]);
    let all = server.registry.all();
    let mut others = all.values().filter(|other| other.table != metadata::text(definition, "name"));
    others.find(|other| other.group == *group && other.kind == *kind).map(|other| other.kind.clone())
}

fn establish(clock: &Clock, definition: &mut Value, taken: Option<&str>) {
    let mut finalizers = metadata::finalizers(definition);
    if !finalizers.iter().any(|finalizer| finalizer == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
        metadata::set(definition, "finalizers", Some(json!(finalizers)));
    }
    let versions = definition["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let stored = versions.iter().find(|version| version["storage"] == true);
    let stored = stored.map_or(Value::Null, |version| version["name"].clone());
    let names = definition["spec"]["names"].clone();
    let status = &mut definition["status"];
    if !status.is_object() {
        *status = json!({});
    }
    status["acceptedNames"] = names;
    let mut all = status["storedVersions"].as_array().cloned().unwrap_or_default();
    if !all.contains(&stored) {
        all.push(stored);
    }
    status["storedVersions"] = Value::Array(all);
    if !status["conditions"].is_array() {
        let now = clock.stamp();
        let truth = if taken.is_some() { "False" } else { "True" };
        let condition = |kind: &str, reason: &str, message: &str| json!({ "type": kind, "status": truth, "reason": reason, "message": message, "lastTransitionTime": now });
        let conflict = taken.map(|kind| format!("{kind:?} is already in use"));
        status["conditions"] = match conflict {
            Some(conflict) => json!([
                condition("NamesAccepted", "KindConflict", &conflict),
                condition("Established", "NotAccepted", "not all names are accepted"),
            ]),
            None => json!([
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ]),
        };
    }
}

/// The versions of a definition that are served.
fn resources(definition: &Value, reshapes: bool) -> Vec<Resource> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let path = |value: &Value| -> Option<Vec<String>> {
        let path = value.as_str()?.trim_start_matches('.');
        Some(path.split('.').map(str::to_owned).collect())
    };
    let versions = spec["versions"].as_array().into_iter().flatten();
    versions
        .filter(|version| version["served"] == true)
        .map(|version| {
            let (group, kind, name) =
                (text(&spec["group"]), text(&spec["names"]["kind"]), text(&version["name"]));
            let scale = &version["subresources"]["scale"];
            let deprecated = (version["deprecated"] == true).then(|| {
                let warning = version["deprecationWarning"].as_str().map(str::to_owned);
                warning.unwrap_or_else(|| format!("{group}/{name} {kind} is deprecated"))
            });
            Resource {
                version: name,
                list_kind: text(&spec["names"]["listKind"]),
                plural: text(&spec["names"]["plural"]),
                singular: text(&spec["names"]["singular"]),
                short_names: texts(&spec["names"]["shortNames"]),
                categories: texts(&spec["names"]["categories"]),
                namespaced: spec["scope"] == "Namespaced",
                status: version["subresources"].get("status").is_some(),
                scale: scale.is_object().then(|| Scale {
                    spec_replicas: path(&scale["specReplicasPath"]).unwrap_or_default(),
                    status_replicas: path(&scale["statusReplicasPath"]).unwrap_or_default(),
                    selector: path(&scale["labelSelectorPath"]),
                }),
                table: text(&definition["metadata"]["name"]),
                body: Body::Custom(Arc::new(Custom::new(version, deprecated, reshapes))),
                group,
                kind,
            }
        })
        .collect()
}

/// Deletes the objects of a definition that is going, waits for their finalizers, and lets the definition go.
async fn clean_up(server: Weak<Server>, name: String) {
    let Some(mut news) = server.upgrade().map(|server| server.store.subscribe_to_all()) else { return };
    loop {
        let Some(strong) = server.upgrade() else { return };
        news.mark_unchanged();
        if sweep(&strong, &name) {
            return;
        }
        drop(strong);
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// Returns whether the definition is gone, or at least not waiting for this any more.
fn sweep(server: &Arc<Server>, name: &str) -> bool {
    if let Some(resource) = server.registry.by_name(name) {
        let objects: Vec<_> = server.store.inspect(|inner| inner.in_namespace(&resource.table, "").collect());
        for object in &objects {
            if !object.is_deleting() {
                // It may be gone or changed by now; the next sweep sees that.
                let _ = delete::remove_plainly(server, &resource, &object.key);
            }
        }
        if server.store.inspect(|inner| inner.in_namespace(&resource.table, "").next().is_some()) {
            return false;
        }
    }
    let definitions = server.registry.built_in(DEFINITIONS);
    let key = Key::new("", name);
    let Some(object) = server.store.get(DEFINITIONS, &key) else { return true };
    let mut definition = object.value(&definitions);
    let mut finalizers = metadata::finalizers(&definition);
    finalizers.retain(|finalizer| finalizer != CLEANUP);
    if finalizers.is_empty() {
        let gone = server.store.remove(DEFINITIONS, &key, object.revision);
        definition_removed(server, name);
        return gone.is_some();
    }
    metadata::set(&mut definition, "finalizers", Some(json!(finalizers)));
    let nothing = |_: &Inner| Ok::<(), ()>(());
    server.store.put(DEFINITIONS, &key, Some(object.revision), &definition, nothing).is_ok()
}
