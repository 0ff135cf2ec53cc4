use super::*;
use crate::{
    api::DeletionPolicy,
    cleanup::{GIVE_UP, is_given_up},
    fake::{self, Log, going},
    finalizer::FINALIZER,
    resources::tests::database,
};
use serde_json::json;

/// A context whose API server has this Database, and agrees to every write.
fn with(live: &Database) -> (Context, Log) {
    let live = serde_json::to_string(live).unwrap();
    let (client, log) = fake::client(move |_| Some((200, live.clone())));
    (fake::without_caches(client), log)
}

#[tokio::test]
async fn without_the_finalizer_nothing_is_asked_and_nothing_written() {
    let (ctx, log) = with(&going(&["another/one"]));
    let action = clean_up(Arc::new(going(&["another/one"])), &ctx).await.unwrap();
    assert_ne!(action, Action::await_change());
    assert_eq!(log.lines(), [""; 0]);
}

#[tokio::test]
async fn a_cleanup_does_not_wait_for_the_caches() {
    let (ctx, log) = with(&going(&[FINALIZER]));
    clean_up(Arc::new(going(&[FINALIZER])), &ctx).await.unwrap();
    let path = "/apis/database.example.com/v1/namespaces/shop/databases/orders";
    assert_eq!(log.lines(), [format!("GET {path}"), format!("PATCH {path}?")]);
}

#[tokio::test]
async fn only_the_object_that_the_cache_showed_is_cleaned_up() {
    let changed = |change: fn(&mut Database)| {
        let mut live = going(&[FINALIZER]);
        change(&mut live);
        live
    };
    for (situation, live) in [
        ("another one has the name", changed(|db| db.metadata.uid = Some("uid-2".into()))),
        ("it is not being deleted", changed(|db| db.metadata.deletion_timestamp = None)),
        ("our part is done", changed(|db| db.metadata.finalizers = None)),
    ] {
        let (ctx, log) = with(&live);
        let ended = clean_up(Arc::new(going(&[FINALIZER])), &ctx).await;
        assert!(matches!(ended, Err(Error::Stale { .. })), "{situation}: {ended:?}");
        assert_eq!(log.take().len(), 1, "{situation}: one read, and no write");
    }
    for (code, reason, is_stale) in [(404, "NotFound", true), (500, "InternalError", false)] {
        let (client, _) = fake::client(move |_| Some(fake::refusal(code, reason)));
        let ended = clean_up(Arc::new(going(&[FINALIZER])), &fake::without_caches(client)).await;
        assert_eq!(matches!(ended, Err(Error::Stale { .. })), is_stale, "{ended:?}");
    }
}

#[test]
fn a_backup_is_given_up_by_one_value_only() {
    for (value, expected) in [("true", true), ("True", false), ("yes", false), ("", false), ("false", false)]
    {
        let mut db = database();
        db.metadata.annotations = serde_json::from_value(json!({GIVE_UP: value})).unwrap();
        assert_eq!(is_given_up(&db), expected, "{value}");
    }
    assert!(!is_given_up(&database()));
    assert_eq!(database().spec.deletion_policy, DeletionPolicy::Retain, "the default keeps everything");
}
