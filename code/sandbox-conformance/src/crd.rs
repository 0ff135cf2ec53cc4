//! Custom resources that cases define for themselves.

use crate::{
    arena::Arena,
    case::Failure,
    endpoint::{Endpoint, merge},
    resource::{DEFINITIONS, Resource},
};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A definition in the making.
pub(crate) struct Definition {
    version: Value,
    schema: Value,
    namespaced: bool,
}

impl Definition {
    /// A kind whose objects have a spec of this schema.
    pub(crate) fn of(spec: Value) -> Self {
        let mut schema = json!({"type": "object", "properties": {}});
        schema["properties"]["spec"] = spec;
        Self::with_schema(schema)
    }

    /// A kind of this schema.
    pub(crate) fn with_schema(schema: Value) -> Self {
        let version = json!({"name": "v1", "served": true, "storage": true});
        Self { version, schema, namespaced: true }
    }

    /// A kind with the status subresource, whose status has this schema.
    pub(crate) fn status(mut self, status: Value) -> Self {
        self.schema["properties"]["status"] = status;
        self.version["subresources"]["status"] = json!({});
        self
    }

    /// Further fields of the only version: printer columns, for example.
    pub(crate) fn version(mut self, fields: Value) -> Self {
        merge(&mut self.version, fields);
        self
    }

    pub(crate) fn of_the_cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    /// The definition under a name of its own in the run's group, and the resource that it makes.
    pub(crate) fn build(mut self, arena: &Arena) -> (Value, Resource) {
        let unique = arena.unique("w").replace("conformance", "").replace('-', "");
        let plural = format!("{unique}s");
        let kind = format!("Kind{unique}");
        let scope = if self.namespaced { "Namespaced" } else { "Cluster" };
        self.version["schema"]["openAPIV3Schema"] = self.schema;
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{}", arena.group)},
            "spec": {
                "group": arena.group,
                "scope": scope,
                "names": {"plural": plural, "singular": unique, "kind": kind},
                "versions": [self.version],
            },
        });
        let resource = Resource {
            group: Cow::Owned(arena.group.clone()),
            version: "v1",
            kind: Cow::Owned(kind),
            plural: Cow::Owned(plural),
            namespaced: self.namespaced,
        };
        (definition, resource)
    }

    /// Installs the definition and waits until its objects are served.
    pub(crate) async fn install(self, arena: &Arena) -> Result<Endpoint, Failure> {
        let (definition, resource) = self.build(arena);
        let (definitions, objects) = (arena.at(DEFINITIONS), arena.at(resource));
        definitions.create(definition).await.ok()?;
        let established = |definition: &Value| {
            let conditions = definition["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|it| it["type"] == "Established" && it["status"] == "True")
        };
        arena.until_object(&definitions, &definition_of(&objects), "to be established", established).await?;
        arena
            .until("the new kind to be served", async || {
                Ok((objects.list().await.status == 200).then_some(()))
            })
            .await?;
        Ok(objects)
    }
}

/// The name of the definition behind an endpoint.
pub(crate) fn definition_of(objects: &Endpoint) -> String {
    let resource = objects.resource();
    format!("{}.{}", resource.plural, resource.group)
}

/// A kind with a size in its spec, a phase in its status and both subresources.
pub(crate) async fn widgets(arena: &Arena) -> Result<Endpoint, Failure> {
    let spec = json!({"type": "object", "properties": {
        "size": {"type": "integer"}, "replicas": {"type": "integer"}, "color": {"type": "string"},
    }});
    let status = json!({"type": "object", "properties": {
        "phase": {"type": "string"}, "replicas": {"type": "integer"}, "selector": {"type": "string"},
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {"type": "object", "required": ["type"], "properties": {
                "type": {"type": "string"}, "status": {"type": "string"},
            }},
        },
    }});
    let scale = json!({
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    });
    Definition::of(spec)
        .status(status)
        .version(json!({"subresources": {"status": {}, "scale": scale}}))
        .install(arena)
        .await
}
