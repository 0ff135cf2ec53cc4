use super::*;
use kube::core::ObjectMeta;
use kube_cel::{ValidationErrors, Validator};
use serde_json::{Value, json};

fn schema() -> Value {
    let crd = serde_json::to_value(definition()).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

fn database(spec: impl serde::Serialize) -> Value {
    json!({"apiVersion": "database.example.com/v1", "kind": "Database", "metadata": {"name": "orders"}, "spec": spec})
}

/// What the CEL rules say to a change from `before`, or to a new object.
fn complaints(spec: Value, before: Option<Value>) -> Vec<String> {
    let now = database(spec);
    let before = before.map(database);
    messages(Validator::new().validate(&schema(), &now, before.as_ref()))
}

fn messages(result: Result<(), ValidationErrors>) -> Vec<String> {
    result.map_or_else(
        |errors| errors.into_vec().into_iter().map(|error| error.message).collect(),
        |()| Vec::new(),
    )
}

#[test]
fn every_cel_rule_compiles() {
    fn walk(schema: &Value, rules: &mut usize) {
        *rules += schema["x-kubernetes-validations"].as_array().map_or(0, Vec::len);
        schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .for_each(|(_, property)| walk(property, rules));
    }
    let mut rules = 0;
    walk(&schema(), &mut rules);
    assert_eq!(rules, 8, "a rule was added or dropped: test it below");
    assert!(!kube_cel::compile_schema(&schema()).has_errors());
}

#[test]
fn what_a_rule_forbids_is_refused() {
    let before = || json!({"databaseName": "app", "username": "app", "storage": {"size": "2Gi", "storageClass": "fast"}});
    let with = |path: &str, value: Value| {
        let mut spec = before();
        *spec.pointer_mut(path).unwrap() = value;
        spec
    };
    assert_eq!(complaints(before(), None), [""; 0]);
    assert_eq!(complaints(with("/storage/size", json!("3Gi")), Some(before())), [""; 0]);
    assert_eq!(complaints(with("/storage/size", json!("2048Mi")), Some(before())), [""; 0]);
    for (message, spec, before) in [
        ("databaseName is immutable", with("/databaseName", json!("shop")), Some(before())),
        ("username is immutable", with("/username", json!("shop")), Some(before())),
        ("storageClass is immutable", with("/storage/storageClass", json!("slow")), Some(before())),
        ("storageClass is immutable", with("/storage", json!({"size": "2Gi"})), Some(before())),
        ("this database name is taken by PostgreSQL", with("/databaseName", json!("template1")), None),
        (
            "this role name is taken by PostgreSQL or by the operator",
            with("/username", json!("public")),
            None,
        ),
        ("this role name is taken by PostgreSQL or by the operator", with("/username", json!("none")), None),
        (
            "this role name is taken by PostgreSQL or by the operator",
            with("/username", json!("pg_app")),
            None,
        ),
        (
            "this role name is taken by PostgreSQL or by the operator",
            with("/username", json!("streaming_replica")),
            None,
        ),
        (
            "deletionPolicy Snapshot needs spec.backup: the final backup has to go somewhere",
            json!({"deletionPolicy": "Snapshot"}),
            None,
        ),
    ] {
        assert_eq!(complaints(spec, before), [message]);
    }
}

#[test]
fn names_that_no_child_could_carry_are_refused() {
    for (name, message) in [
        ("x".repeat(53), "the name must have at most 52 characters: its pods carry it in a label"),
        ("1st".into(), "the name must be a DNS label that starts with a letter: its Services carry it"),
        ("a.b".into(), "the name must be a DNS label that starts with a letter: its Services carry it"),
    ] {
        let mut object = database(json!({}));
        object["metadata"] =
            serde_json::to_value(ObjectMeta { name: Some(name), ..ObjectMeta::default() }).unwrap();
        let found = Validator::new().validate(&schema(), &object, None);
        assert_eq!(messages(found), [message]);
    }
}

#[test]
fn the_schema_and_the_operator_agree_on_the_longest_name() {
    assert!(yaml().contains(&format!("self.metadata.name.size() <= {}", crate::api::MAX_NAME_LENGTH)));
}

#[test]
fn the_committed_crd_is_the_generated_one() {
    let committed = include_str!("../deploy/crd.yaml");
    assert_eq!(
        committed,
        yaml(),
        "run: cargo run -p postgres-operator -- crdgen > code/postgres-operator/deploy/crd.yaml"
    );
}

/// Found when `kubectl explain database.status` had nothing to say on Kubernetes 1.20.
#[test]
fn no_field_is_nullable() {
    assert!(!yaml().contains("nullable"));
}

/// Found when another field manager could not add a condition beside the operator's: Kubernetes 1.20 gives up on the model
/// of a kind that has int-or-string, and from then on takes every list for a single value.
#[test]
fn no_field_is_int_or_string() {
    assert!(!yaml().contains("int-or-string"));
}
