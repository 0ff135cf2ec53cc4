//! A child as the API server gets it: JSON, with its own checksum in an annotation.

use crate::{api::parse_quantity, blocked::Blocked, context::Context, error::Error};
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Resource, api::DynamicObject, core::ApiResource};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

const NANO_IN_MILLI: i128 = 1_000_000;

/// Annotation with a checksum of what was applied. It tells what the live object cannot: that a field which is no longer
/// wanted is still there because an earlier version of the operator, or of the spec, wanted it.
pub const APPLIED: &str = "database.example.com/applied";

/// A desired child.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its kind, for the request's address.
    pub resource: ApiResource,
    /// Its name.
    pub name: String,
    /// The whole object to apply.
    pub desired: Value,
}

impl Child {
    /// Turns a typed object into a child.
    pub fn new<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Self, Error> {
        let resource = ApiResource::erase::<K>(&());
        let name = object.meta().name.clone().unwrap_or_default();
        let mut desired = serde_json::to_value(object)
            .map_err(|source| Error::Convert { what: format!("{} {name}", resource.kind), source })?;
        let mut hasher = DefaultHasher::new();
        desired.to_string().hash(&mut hasher);
        desired["metadata"]["annotations"][APPLIED] = format!("{:016x}", hasher.finish()).into();
        desired["apiVersion"] = json!(resource.api_version);
        desired["kind"] = json!(resource.kind);
        Ok(Self { resource, name, desired })
    }

    /// The API to read and write it with.
    pub fn api(&self, ctx: &Context) -> Api<DynamicObject> {
        let namespace = self.desired["metadata"]["namespace"].as_str().unwrap_or_default();
        Api::namespaced_with(ctx.client.clone(), namespace, &self.resource)
    }

    /// Kind and name, for messages.
    pub fn what(&self) -> String {
        format!("{} {}", self.resource.kind, self.name)
    }

    /// Its name belongs to somebody else.
    pub fn name_taken(&self) -> Blocked {
        Blocked::NameTaken { kind: self.resource.kind.clone(), name: self.name.clone() }
    }

    /// Whether a live object already is what is desired. Then applying it would be a request for nothing.
    pub fn holds_in<K: Serialize>(&self, live: Option<&K>) -> bool {
        let Some(Ok(live)) = live.map(serde_json::to_value) else {
            return false;
        };
        holds(&self.desired, &live)
    }
}

impl Child {
    /// A merge patch that takes labels of others out of a Service's selector, if there are any.
    ///
    /// Since Kubernetes 1.21 a selector is one value to server-side apply. Before, apply merges it key by key and leaves a
    /// foreign key in place, which makes the Service select nothing.
    pub fn without_foreign_selector(&self, live: &Service) -> Option<Value> {
        let wanted = self.desired["spec"]["selector"].as_object()?;
        let live = live.spec.as_ref()?.selector.as_ref()?;
        let foreign = live.keys().filter(|key| !wanted.contains_key(*key));
        let nulls: Map<String, Value> = foreign.map(|key| (key.clone(), Value::Null)).collect();
        (!nulls.is_empty()).then(|| json!({"spec": {"selector": nulls}}))
    }
}

/// Whether `live` has everything that `desired` has. Fields that others own, defaults of the API server and items that
/// somebody added to a list with names do not count.
pub fn holds(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            desired.iter().all(|(key, value)| match (key.as_str(), live.get(key)) {
                // A typed object drops its kind on the way back.
                ("apiVersion" | "kind", None) => true,
                ("requests" | "limits", Some(live)) => same_amounts(value, live),
                // One more label in a selector is another set of pods.
                ("selector", Some(live)) => value == live,
                (_, Some(live)) => holds(value, live),
                // An empty list or map is not stored.
                (_, None) => is_empty(value),
            })
        }
        (Value::Array(desired), Value::Array(live)) => match (named(desired), named(live)) {
            (Some(key), Some(_)) => {
                desired.iter().all(|item| live.iter().any(|live| live[key] == item[key] && holds(item, live)))
            }
            _ => {
                desired.len() == live.len()
                    && desired.iter().zip(live).all(|(desired, live)| holds(desired, live))
            }
        },
        _ => desired == live,
    }
}

/// The key by which the API server merges such a list: `name` for containers and volumes, `uid` for owners.
fn named(list: &[Value]) -> Option<&'static str> {
    ["name", "uid"]
        .into_iter()
        .find(|key| !list.is_empty() && list.iter().all(|item| item.get(key).is_some()))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        other => other.is_null(),
    }
}

/// `1024Mi` comes back as `1Gi`, and `100u` as `1m`: the API server keeps no finer steps in a pod.
fn same_amounts(desired: &Value, live: &Value) -> bool {
    let empty = Map::new();
    let live = live.as_object().unwrap_or(&empty);
    let milli = |nano: i128| nano.div_euclid(NANO_IN_MILLI) + i128::from(nano.rem_euclid(NANO_IN_MILLI) != 0);
    let amount = |value: &Value| value.as_str().and_then(|text| parse_quantity(text).ok()).map(milli);
    desired.as_object().is_some_and(|desired| {
        desired.len() == live.len()
            && desired
                .iter()
                .all(|(name, value)| live.get(name).is_some_and(|live| amount(value) == amount(live)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{services, stateful_set, tests::database};

    #[test]
    fn holds_as_a_table() {
        for (desired, live, expected, why) in [
            (json!({"a": 1}), json!({"a": 1, "b": 2}), true, "fields of others do not count"),
            (json!({"a": 1}), json!({"a": 2}), false, "an edited field does"),
            (json!({"a": 1}), json!({}), false, "and a removed one"),
            (json!({"a": {}, "b": []}), json!({}), true, "empty ones are not stored"),
            (json!(["x", "y"]), json!(["x", "y"]), true, "plain lists are compared whole"),
            (json!(["x"]), json!(["x", "y"]), false, "so an added argument shows"),
            (
                json!([{"name": "a", "v": 1}]),
                json!([{"name": "b"}, {"name": "a", "v": 1, "w": 2}]),
                true,
                "lists with names are merged by name",
            ),
            (json!([{"name": "a", "v": 1}]), json!([{"name": "b", "v": 1}]), false, "so another name shows"),
            (
                json!({"requests": {"storage": "1024Mi"}}),
                json!({"requests": {"storage": "1Gi"}}),
                true,
                "amounts are compared by value",
            ),
            (
                json!({"requests": {"cpu": "100u"}}),
                json!({"requests": {"cpu": "1m"}}),
                true,
                "in the steps that the API server keeps",
            ),
            (json!({"limits": {"cpu": "1100u"}}), json!({"limits": {"cpu": "1m"}}), false, "rounded up"),
            (
                json!({"requests": {"cpu": "1"}}),
                json!({"requests": {"cpu": "1", "memory": "1Gi"}}),
                false,
                "and all of them",
            ),
            (json!({"limits": {"cpu": "1"}}), json!({}), false, "a missing limit shows"),
            (
                json!({"selector": {"a": "b"}}),
                json!({"selector": {"a": "b", "c": "d"}}),
                false,
                "selectors are compared whole",
            ),
            (json!({"kind": "Service"}), json!({}), true, "typed objects have lost their kind"),
        ] {
            assert_eq!(holds(&desired, &live), expected, "{why}: {desired} in {live}");
        }
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_changes_the_checksum() {
        let mut db = database();
        db.spec.resources = Some(crate::api::Resources {
            limits: crate::api::Amounts { cpu: Some("1".into()), memory: None },
            ..crate::api::Resources::default()
        });
        let before = Child::new(&stateful_set(&db, None)).unwrap();
        db.spec.resources = None;
        let after = Child::new(&stateful_set(&db, None)).unwrap();
        assert!(!after.holds_in(Some(&before.desired)));
        assert!(after.holds_in(Some(&after.desired)));
    }

    #[test]
    fn a_foreign_label_in_a_selector_is_taken_out() {
        let mut live = services(&database())[1].clone();
        let child = Child::new(&live).unwrap();
        assert_eq!(child.without_foreign_selector(&live), None);
        live.spec.as_mut().unwrap().selector.as_mut().unwrap().insert("somebody".into(), "else".into());
        let patch = json!({"spec": {"selector": {"somebody": null}}});
        assert_eq!(child.without_foreign_selector(&live), Some(patch));
    }

    #[test]
    fn the_same_database_gives_the_same_child() {
        let child = || Child::new(&stateful_set(&database(), None)).unwrap();
        assert_eq!(child(), child());
    }
}
