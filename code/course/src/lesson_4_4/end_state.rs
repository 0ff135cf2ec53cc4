//! The state at the end of a way: children, status and catalog, as text by path, so that two ends can be compared.

use super::NAME;
use crate::check::{Arena, Failure};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount},
};
use kube::{Resource, ResourceExt, api::ListParams};
use postgres_operator::{api::Database, error::chain};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

/// Roles and databases, with what tells one from another of the same name.
const CATALOG: &str = "SELECT 'role', rolname, rolcanlogin, rolsuper, rolreplication FROM pg_roles WHERE rolname !~ '^pg_' \
    UNION ALL SELECT 'database', datname, datallowconn, datistemplate, pg_get_userbyid(datdba) = 'app' FROM pg_database ORDER BY 1, 2";

/// What differs from life to life by its nature, whatever happens in it.
const ITS_OWN: [&str; 8] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "generation",
    "lastTransitionTime",
    "selfLink",
    "collisionCount",
];

/// Values by path: `Service orders/spec/type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndState(BTreeMap<String, String>);

/// UID and version of every object.
pub(super) type Versions = BTreeMap<String, String>;

impl EndState {
    /// What there is now.
    pub(super) async fn of(arena: &Arena) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for (what, object) in objects(arena).await? {
            let object = without_its_own(object);
            flatten(what, &object, &mut values);
        }
        for row in arena.sql(NAME, CATALOG).await?.lines() {
            values.insert(format!("catalog/{row}"), String::new());
        }
        let own = |value: String| value.replace(&arena.namespace, "NAMESPACE");
        Ok(Self(values.into_iter().map(|(path, value)| (path, own(value))).collect()))
    }

    /// The paths that tell two undisturbed lives apart: passwords, addresses, names of volumes. They prove nothing.
    pub(super) fn chance(&self, other: &Self) -> BTreeSet<String> {
        let paths = self.0.keys().chain(other.0.keys());
        paths.filter(|path| self.0.get(*path) != other.0.get(*path)).cloned().collect()
    }

    /// Where another end differs from this one, in words.
    pub(super) fn differences(&self, other: &Self, chance: &BTreeSet<String>) -> Vec<String> {
        let value =
            |state: &Self, path: &str| state.0.get(path).map_or("nothing".into(), |it| format!("{it:?}"));
        let differs = self.chance(other);
        let told = |path: &String| format!("{path}: {} and not {}", value(other, path), value(self, path));
        differs.difference(chance).map(told).collect()
    }
}

/// UIDs and versions of all objects but the Database, whose annotations a check changes, and its own status.
pub(super) async fn versions(arena: &Arena) -> Result<Versions, Failure> {
    let all = objects(arena).await?.into_iter();
    Ok(all
        .map(|(what, object)| {
            let meta = &object["metadata"];
            let version = if what.starts_with("Database") {
                format!("{} {} {}", meta["uid"], meta["generation"], object["status"])
            } else {
                format!("{} {}", meta["uid"], meta["resourceVersion"])
            };
            (what, version)
        })
        .collect())
}

async fn objects(arena: &Arena) -> Result<Vec<(String, Value)>, Failure> {
    let mut all = list::<Database>(arena).await?;
    all.append(&mut list::<StatefulSet>(arena).await?);
    all.append(&mut list::<Service>(arena).await?);
    all.append(&mut list::<ServiceAccount>(arena).await?);
    all.append(&mut list::<Secret>(arena).await?);
    all.append(&mut list::<PersistentVolumeClaim>(arena).await?);
    // Of pods it counts that they are there. The rest is the kubelet's.
    let pods = list::<Pod>(arena).await?;
    all.extend(pods.into_iter().map(|(what, _)| (what, Value::Null)));
    Ok(all)
}

async fn list<K>(arena: &Arena) -> Result<Vec<(String, Value)>, Failure>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + Debug,
{
    let failed =
        |why: String| Failure::new(format!("the objects of kind {} can be listed", K::kind(&())), why);
    let list = arena.api::<K>().list(&ListParams::default()).await.map_err(|error| failed(chain(&error)))?;
    let named = list.items.into_iter().map(|object| {
        let what = format!("{} {}", K::kind(&()), object.name_any());
        serde_json::to_value(object).map(|object| (what, object)).map_err(|error| failed(error.to_string()))
    });
    let all: Result<Vec<_>, Failure> = named.collect();
    Ok(all?.into_iter().filter(|(what, object)| !is_the_namespaces(what, object)).collect())
}

/// What every namespace has, and tokens that the cluster makes for service accounts.
fn is_the_namespaces(what: &str, object: &Value) -> bool {
    what == "ServiceAccount default" || object["type"] == "kubernetes.io/service-account-token"
}

fn without_its_own(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|key, _| !ITS_OWN.contains(&key.as_str()));
            map.values_mut().for_each(|value| *value = without_its_own(value.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| *value = without_its_own(value.take())),
        _ => {}
    }
    value
}

fn flatten(path: String, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(format!("{path}/{key}"), value, into));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| flatten(format!("{path}/{at}"), value, into));
        }
        Value::String(text) => drop(into.insert(path, text.clone())),
        other => drop(into.insert(path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(object: &Value) -> EndState {
        let mut values = BTreeMap::new();
        flatten("Service orders".into(), &without_its_own(object.clone()), &mut values);
        EndState(values)
    }

    #[test]
    fn what_two_undisturbed_lives_have_in_common_is_what_counts() {
        let one = state(
            &json!({"metadata": {"uid": "1", "name": "orders"}, "spec": {"ip": "10.0.0.1", "type": "a"}}),
        );
        let two = state(
            &json!({"metadata": {"uid": "2", "name": "orders"}, "spec": {"ip": "10.0.0.2", "type": "a"}}),
        );
        let chance = one.chance(&two);
        assert_eq!(chance, BTreeSet::from(["Service orders/spec/ip".to_owned()]));
        assert!(one.differences(&two, &chance).is_empty());
        let odd = state(
            &json!({"metadata": {"name": "orders"}, "spec": {"ip": "10.0.0.3", "type": "b", "more": 1}}),
        );
        let expected = [
            "Service orders/spec/more: \"1\" and not nothing",
            "Service orders/spec/type: \"b\" and not \"a\"",
        ];
        assert_eq!(one.differences(&odd, &chance), expected);
    }
}
