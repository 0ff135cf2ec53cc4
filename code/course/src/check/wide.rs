//! A second namespace, and an operator that watches all of them.

use super::{
    Arena, Failure,
    namespaces::{ACCOUNT, grant_everywhere, make_namespace},
};
use kube::{Api, api::PostParams};
use postgres_operator::{api::Database, error::chain};
use serde_json::{Value, json};

/// Label of the Databases of an arena, by its namespace.
const ARENA: &str = "course.example.com/arena";

impl Arena {
    /// Starts the operator for every namespace, as it is deployed without `--namespace`. The Databases of others, whose operators
    /// run at the same time, are out of its sight. Returns the name of a second namespace.
    pub(crate) async fn widen(&self) -> Result<String, Failure> {
        let failure =
            |error: kube::Error| Failure::new("a second namespace and rights in all of them", chain(&error));
        let elsewhere = format!("{}-2", self.namespace);
        make_namespace(&self.client, &elsewhere, &self.setup.run).await.map_err(failure)?;
        grant_everywhere(&self.client, &self.namespace, ACCOUNT, &self.setup.run).await.map_err(failure)?;
        self.proxy.narrow("databases", &format!("{ARENA}={}", self.namespace));
        self.operator.set("WATCH_NAMESPACE", None);
        self.operator.start().map_err(|error| Failure::new("the operator starts", error))?;
        Ok(elsewhere)
    }

    /// Creates a Database in any namespace of the arena.
    pub(crate) async fn create_in(&self, namespace: &str, name: &str, spec: Value) -> Result<(), Failure> {
        let failure = |error| Failure::new(format!("Database {name} can be created"), error);
        let database = json!({
            "apiVersion": "database.example.com/v1", "kind": "Database",
            "metadata": {"name": name, "namespace": namespace, "labels": {(ARENA): self.namespace}},
            "spec": spec,
        });
        let database: Database =
            serde_json::from_value(database).map_err(|error| failure(error.to_string()))?;
        let api = Api::namespaced(self.client.clone(), namespace);
        api.create(&PostParams::default(), &database).await.map(drop).map_err(|error| failure(chain(&error)))
    }
}
