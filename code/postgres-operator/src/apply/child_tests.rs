use super::*;
use crate::{
    fake,
    resources::{credentials, stateful_set, tests::database},
};
use k8s_openapi::api::core::v1::Secret;

/// Metadata of the servers of a Database, as the API server has them.
fn servers(of: &Database) -> ObjectMeta {
    ObjectMeta { uid: Some("set-1".into()), ..stateful_set(of, None).metadata }
}

fn of_a_previous_life() -> Database {
    let mut db = database();
    db.metadata.uid = Some("uid-0".into());
    db
}

/// An API server that has this under every name, or nothing, and takes every patch.
fn holding(found: Option<ObjectMeta>) -> (kube::Client, fake::Log) {
    fake::client(move |asked| match &found {
        _ if asked.line.starts_with("PATCH") => Some((200, asked.body.to_string())),
        None => Some(fake::refusal(404, "NotFound")),
        Some(found) => Some(fake::metadata(found)),
    })
}

#[tokio::test]
async fn an_unknown_name_is_looked_up_and_only_what_is_ours_is_written() {
    let orphan = ObjectMeta { owner_references: None, ..servers(&database()) };
    for (situation, found, expected) in [
        ("nothing is there", None, Some(Value::Null)),
        ("an earlier pass has made it", Some(servers(&database())), Some(json!("set-1"))),
        ("it is of a previous life", Some(servers(&of_a_previous_life())), None),
        ("it is an orphan, with all of its labels", Some(orphan), None),
    ] {
        let (client, log) = holding(found);
        let db = database();
        let child = Child::new(&stateful_set(&db, None)).unwrap();
        let written = apply_child(&child, None, &db, &fake::context(client)).await.unwrap();
        assert_eq!(matches!(written, Written::Done { .. }), expected.is_some(), "{situation}");
        let patch = log.take().into_iter().find(|asked| asked.line.starts_with("PATCH"));
        let meant = patch.map(|asked| asked.body["metadata"]["uid"].clone());
        assert_eq!(meant, expected, "{situation}: the UID that is meant");
    }
}

#[tokio::test]
async fn what_was_observed_is_meant_by_its_uid_without_another_look() {
    let (client, log) = holding(None);
    let db = database();
    let child = Child::new(&stateful_set(&db, None)).unwrap();
    apply_child(&child, Some("set-1"), &db, &fake::context(client)).await.unwrap();
    let asked = log.take();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["metadata"]["uid"], json!("set-1"));
}

#[tokio::test]
async fn credentials_are_ours_by_their_labels_whichever_life_made_them() {
    let found = credentials(&of_a_previous_life()).metadata;
    let (client, _) = holding(Some(found));
    let ctx = fake::context(client);
    let api: Api<Secret> = ctx.namespaced(&database());
    let existing = existing(&api, "Secret", "orders-credentials", &database()).await.unwrap();
    assert!(matches!(existing, Existing::Ours(_)));
}
